# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a command with an interpreter for modules that has imported boto3.

Usage: ``warm_python.py DIRECTORY COMMAND [ARGUMENT...]``

The command finds the path of the interpreter in ``WARM_PYTHON``; the directory is a cache. The interpreter runs a
program on standard input, which is how Ansible runs a module with pipelining, in a process that is forked from one with
boto3 in memory. With arguments it is the usual interpreter. The tests start hundreds of modules, and each would spend
four fifths of its time on importing boto3 and on compiling the sources in Ansible's archive. Nothing of Ansible and of
the collections is in memory.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import json
import marshal
import os
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
import types
import typing as t
import zipimport
from pathlib import Path

CLIENT = """#!{python} -IS
import json, os, socket, sys
if len(sys.argv) > 1:
    os.execv({python!r}, [{python!r}, *sys.argv[1:]])
with socket.socket(socket.AF_UNIX) as server:
    server.connect({address!r})
    caller = {{"directory": os.getcwd(), "environment": dict(os.environ)}}
    socket.send_fds(server, [json.dumps(caller).encode()], [0, 1, 2])
    server.shutdown(socket.SHUT_WR)
    # A process that was killed sends none.
    sys.exit(int(server.recv(8) or 137))
"""


def main() -> int:
    """Serve while the command runs, and return its exit status."""
    compiled = Path(sys.argv[1]).resolve() / f"compiled-{sys.implementation.cache_tag}"
    compiled.mkdir(parents=True, exist_ok=True)
    # The address of a socket has at most 107 characters.
    with tempfile.TemporaryDirectory() as short:
        client, address = Path(short, "python"), f"{short}/warm"
        server = started(address, compiled)
        client.write_text(CLIENT.format(python=sys.executable, address=address), encoding="utf-8")
        client.chmod(0o755)
        try:
            return subprocess.call(sys.argv[2:], env={**os.environ, "WARM_PYTHON": str(client)})
        finally:
            os.kill(server, signal.SIGKILL)
            os.waitpid(server, 0)


def started(address: str, compiled: Path) -> int:
    """Start to serve in a process of its own, and return its number."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen(100)
        server = os.fork()
        if server == 0:
            try:
                serve(listening, compiled)
            except BaseException:
                traceback.print_exc()
            os._exit(1)
        return server


def serve(listening: socket.socket, compiled: Path) -> None:
    """Run the program of each client in a process of its own."""
    import boto3

    # Imports what boto3 imports late.
    boto3.client("ecr", region_name="eu-central-1", aws_access_key_id="none", aws_secret_access_key="none")
    boto3.DEFAULT_SESSION = None
    keep_compiled(compiled)
    gc.collect()
    gc.freeze()
    # The command decides what an interrupt means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        client, _address = listening.accept()
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        with client:
            if os.fork() == 0:
                listening.close()
                signal.signal(signal.SIGINT, signal.default_int_handler)
                status = run(client)
                with contextlib.suppress(BrokenPipeError):
                    client.sendall(b"%d" % status)
                os._exit(0)


def keep_compiled(directory: Path) -> None:
    """Let zipimport keep what it compiles, by the source and its path in the archive."""
    # zipimport has no public place for this.
    private: t.Any = zipimport
    compile_source: t.Callable[[str, bytes], types.CodeType] = private._compile_source

    def compiled(path: str, source: bytes) -> types.CodeType:
        within = path.rpartition(".zip")[2].encode()
        kept = directory / hashlib.sha256(within + b"\0" + source).hexdigest()
        if kept.exists():
            return t.cast("types.CodeType", marshal.loads(kept.read_bytes()))
        code = compile_source(path, source)
        # Other processes read either all of it or nothing.
        partial = kept.with_suffix(f".{os.getpid()}")
        partial.write_bytes(marshal.dumps(code))
        partial.replace(kept)
        return code

    private._compile_source = compiled


def run(client: socket.socket) -> int:
    """Run a client's program in its surroundings, and return the exit status."""
    sent, descriptors, _flags, _address = socket.recv_fds(client, 1 << 16, 3)
    while more := client.recv(1 << 16):
        sent += more
    caller = json.loads(sent)
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(caller["directory"])
    os.environ.clear()
    os.environ.update(caller["environment"])
    sys.argv[:] = [""]
    # In place of the directory of this file, the current one.
    sys.path[0] = ""
    program = types.ModuleType("__main__")
    sys.modules["__main__"] = program
    try:
        exec(compile(sys.stdin.read(), "<stdin>", "exec"), program.__dict__)
    except SystemExit as end:
        if not isinstance(end.code, str):
            return flushed(end.code or 0)
        print(end.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    else:
        return flushed(0)
    return flushed(1)


def flushed(status: int) -> int:
    """Write what Python would write when it ends, and return the status."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
    return status


if __name__ == "__main__":
    sys.exit(main())
