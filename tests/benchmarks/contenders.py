# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The measured commands: the modules of this collection, and other ways to push."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import shutil
import socket
import subprocess
import time
import typing as t
import urllib.error
import urllib.request
from dataclasses import dataclass, replace
from pathlib import Path

from .ecr_answers import PART_SIZE, REGION
from .layouts import ImageLayout
from .measure import DIRECT, Link, Run, RunOnce, timed
from .served import REPOSITORY, TAG
from .sink import Sink

_CLIENTS = Path(__file__).parent / "clients"
AWS_CLI, SKOPEO, DOCKER_REGISTRY = PEERS = ("aws-cli", "skopeo", "docker-registry")
CRANE = "crane"
_SECRET = "n0t-a-secret-but-for-benchmarks"
_REPOSITORY = "bench"


class MissingPeerError(Exception):
    """A program to compare with is not installed."""


@dataclass(frozen=True)
class Copier:
    """A program that pushes an image over the registry protocol; ``name`` is what the report calls it."""

    name: str
    program: Path

    def command(self, source: Path, target: str) -> str:
        """Return the command that pushes a layout, or what docker save writes, to a registry on this host."""
        if self.name.startswith(CRANE):
            return f"{self.program} push --insecure {source} {target}"
        image = f"{'docker-archive' if source.suffix == '.tar' else 'oci'}:{source}"
        return f"{self.program} --insecure-policy copy --quiet --dest-tls-verify=false {image} docker://{target}"


def version_of(program: str | Path) -> str:
    """Return the version that a program prints."""
    flags = "version" if Path(program).name == CRANE else "--version"
    said = subprocess.run([program, flags], check=True, capture_output=True, text=True).stdout
    found = re.search(r"\d+(\.\d+)+", said)
    return found[0] if found else "of unknown version"


@dataclass(frozen=True)
class Tools:
    """Where the programs are.

    :param clients: the ``bin`` of an environment with Ansible, boto3 and this collection
    :param aws: the AWS CLI
    :param without: the PEERS that do not run
    :param system: where the system has the skopeo that the bounds are about
    :raises MissingPeerError: one that runs is not installed
    """

    clients: Path
    aws: Path = Path("aws")
    without: t.Collection[str] = ()
    system: Path = Path("/usr/bin")

    def __post_init__(self) -> None:
        for peer in PEERS:
            if self.has(peer) and not shutil.which(self.program(peer)):
                raise MissingPeerError(f"{peer} is not installed. Install it, or run with --without {peer}")

    def has(self, peer: str) -> bool:
        """Return whether a peer runs."""
        return peer not in self.without

    def program(self, peer: str) -> str | Path:
        """Return the program of a peer."""
        if peer == SKOPEO and (self.system / SKOPEO).exists():
            return self.system / SKOPEO
        return self.aws if peer == AWS_CLI else peer

    @functools.cached_property
    def skopeo(self) -> Copier | None:
        """The skopeo of the system, None if it does not run."""
        return Copier(SKOPEO, Path(self.program(SKOPEO))) if self.has(SKOPEO) else None

    @functools.cached_property
    def others(self) -> list[Copier]:
        """Every other skopeo and crane on the PATH, by name and version."""
        if not self.has(SKOPEO):
            return []
        found: dict[str, Copier] = {}
        for directory in map(Path, os.get_exec_path()):
            for name in (SKOPEO, CRANE):
                program = directory / name
                if os.access(program, os.X_OK) and program.resolve() != Path(self.program(SKOPEO)).resolve():
                    copier = Copier(f"{name} {version_of(program)}", program)
                    found.setdefault(copier.name, copier)
        return list(found.values())

    @property
    def copiers(self) -> list[Copier]:
        """All that push over the registry protocol, the skopeo of the system first."""
        return [*([self.skopeo] if self.skopeo else []), *self.others]


class Contenders:
    """Creates the runs; each pushes to a new sink, which has no layers yet.

    :param work: a directory for what the commands leave behind
    """

    def __init__(self, tools: Tools, work: Path) -> None:
        self._tools = tools
        self._work = work
        self._log = work / "log"
        self._environment = {
            "PATH": f"{tools.clients}:{os.environ['PATH']}",
            "HOME": str(work),
            "LANG": "C.UTF-8",
            "NO_PROXY": "127.0.0.1",
            "ANSIBLE_HOME": str(work / "ansible"),
            "ANSIBLE_REMOTE_TMP": str(work / "ansible" / "remote"),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
            "AWS_ACCESS_KEY_ID": "AKIABENCHMARKS",
            "AWS_SECRET_ACCESS_KEY": _SECRET,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def run(self, *command: str | Path, **environment: str) -> Run:
        """Run a command in the environment that all commands share."""
        return timed(command, {**self._environment, **environment}, self._log)

    def ad_hoc(self, module: str, arguments: str = "", **environment: str) -> Run:
        """Run a module with ``ansible localhost``."""
        command: list[str | Path] = [self._tools.clients / "ansible", "localhost", "-m", module, "-a", arguments]
        return self.run(*command, **environment)

    def program(self, name: str, *arguments: str | Path) -> Run:
        """Run one of the programs in ``clients/``."""
        return self.run(self._tools.clients / "python", _CLIENTS / name, *arguments)

    def ping(self) -> RunOnce:
        """Return ``ansible -m ping``, the shortest task."""
        return lambda: self.ad_hoc("ping")

    def ecs_ecr(self) -> RunOnce:
        """Return a task of ``community.aws.ecs_ecr``."""
        return DIRECT.to_sink(lambda sink: self.ad_hoc("community.aws.ecs_ecr", f"name={_REPOSITORY} {_to(sink)}"))

    def complete_layer_upload(self) -> RunOnce:
        """Return a task that makes one API call."""
        arguments = "upload_id=5e9ba2c1-1a3d-4b36-8c2e-5a4d5c1bb9d7 layer_digests=sha256:" + "0" * 64
        module = "layerkit.ecr.ecr_complete_layer_upload"
        return DIRECT.to_sink(
            lambda sink: self.ad_hoc(module, f"repository_name={_REPOSITORY} {arguments} {_to(sink)}")
        )

    def upload_path(self, layer: Path, link: Link = DIRECT) -> RunOnce:
        """Return the collection's upload of one layer, without Ansible."""
        return link.to_sink(lambda sink: self.program("upload_path.py", sink.url, _REPOSITORY, layer))

    def boto3_push(self, *paths: Path, threads: int = 1, link: Link = DIRECT) -> RunOnce:
        """Return a script that calls ``upload_layer_part`` for layer files or a layout."""
        return link.to_sink(lambda sink: self.program("boto3_push.py", sink.url, _REPOSITORY, str(threads), *paths))

    def bare_client(self) -> RunOnce:
        """Return a boto3 client that makes one call."""
        return DIRECT.to_sink(lambda sink: self.program("bare_client.py", sink.url, _REPOSITORY))

    def ecr_image(self, layout: ImageLayout, parallel: int = 8, link: Link = DIRECT) -> RunOnce:
        """Return the push of an image by ``ecr_image``, ad hoc."""
        return link.to_sink(lambda sink: self.push_image(sink, layout.path, f"parallel={parallel}"))

    def ecr_image_of(self, archive: Path) -> RunOnce:
        """Return the push of a docker archive by ``ecr_image``, ad hoc, which prints the bytes that were sent."""
        return DIRECT.to_sink(lambda sink: _with_bytes(sink, self.push_image(sink, archive)))

    def copy_of(self, copier: Copier, archive: Path, by_ansible: bool = False) -> RunOnce:
        """Return the push of a docker archive by a program such as skopeo, which prints the bytes that were sent."""
        return DIRECT.to_sink(lambda sink: _with_bytes(sink, self._copy(copier, archive, sink.address, by_ansible)))

    def push_image(self, sink: Sink, source: Path, options: str = "", **environment: str) -> Run:
        """Push to a sink that may already have layers."""
        arguments = f"repository_name={_REPOSITORY} src={source} tags=v1 {options} {_to(sink)}"
        return self.ad_hoc("layerkit.ecr.ecr_image", arguments, **environment)

    def download(self, layout: ImageLayout, link: Link = DIRECT) -> RunOnce:
        """Return the download of an image by ``ecr_image_download``, ad hoc."""
        return link.to_sink(self._download, layout.path)

    def pull(self, copier: Copier, layout: ImageLayout, link: Link = DIRECT) -> RunOnce:
        """Return the download of an image by a task of ``command`` that runs skopeo."""

        def run(sink: Sink) -> Run:
            source = f"docker://{sink.address}/{REPOSITORY}:{TAG}"
            flags = "--insecure-policy copy --quiet --src-tls-verify=false"
            return self.ad_hoc("command", f"{copier.program} {flags} {source} oci:{self._new_dest()}:{TAG}")

        return link.to_sink(run, layout.path)

    def across(self, layout: ImageLayout, link: Link = DIRECT) -> RunOnce:
        """Return the copy of an image to another repository by ``ecr_image_copy``, ad hoc."""
        return link.to_sink(self._across, layout.path)

    def download_process(self, layout: ImageLayout) -> RunOnce:
        """Return a download by ``ecr_image_download``, with the peak memory of the module's process."""
        return DIRECT.to_sink(lambda sink: self._with_peak(functools.partial(self._download, sink)), layout.path)

    def across_process(self, layout: ImageLayout) -> RunOnce:
        """Return a copy by ``ecr_image_copy``, with the peak memory of the module's process."""
        return DIRECT.to_sink(lambda sink: self._with_peak(functools.partial(self._across, sink)), layout.path)

    def _download(self, sink: Sink, **environment: str) -> Run:
        arguments = f"repository_name={REPOSITORY} tag={TAG} dest={self._new_dest()} {_to(sink)}"
        return self.ad_hoc("layerkit.ecr.ecr_image_download", arguments, **environment)

    def _across(self, sink: Sink, **environment: str) -> Run:
        connection = dict(option.split("=", 1) for option in _to(sink).split())
        source = {"repository_name": REPOSITORY, "tag": TAG}
        arguments = json.dumps({"repository_name": _REPOSITORY, "source": source, **connection})
        return self.ad_hoc("layerkit.ecr.ecr_image_copy", arguments, **environment)

    def _new_dest(self) -> Path:
        dest = self._work / "downloaded"
        shutil.rmtree(dest, ignore_errors=True)
        return dest

    def module_process(self, source: Path, parallel: int = 8, options: str = "") -> RunOnce:
        """Return the push of any source by ``ecr_image``, with the peak memory of the module's process."""
        options = f"parallel={parallel} {options}"

        def run(sink: Sink) -> Run:
            return self._with_peak(functools.partial(self.push_image, sink, source, options))

        return DIRECT.to_sink(run)

    def copy(self, copier: Copier, layout: ImageLayout, link: Link = DIRECT, by_ansible: bool = False) -> RunOnce:
        """Return the push of an image to the sink by a program such as skopeo."""
        return link.to_sink(lambda sink: self._copy(copier, layout.path, sink.address, by_ansible))

    def copy_to_registry(self, copier: Copier, layout: ImageLayout, by_ansible: bool = False) -> RunOnce:
        """Return the push of an image to Debian's docker-registry."""

        def run() -> Run:
            with self._docker_registry() as address:
                return self._copy(copier, layout.path, address, by_ansible)

        return run

    def aws_cli(self, layout: ImageLayout) -> RunOnce:
        """Return the push of an image by the AWS CLI, part by part."""
        parts = self._parts_of(layout)
        path = f"{self._tools.aws.parent}:{self._environment['PATH']}"
        command = [_CLIENTS / "aws_cli_push.sh"]
        return DIRECT.to_sink(lambda sink: self.run(*command, sink.url, _REPOSITORY, layout.manifest, parts, PATH=path))

    def _copy(self, copier: Copier, source: Path, address: str, by_ansible: bool) -> Run:
        command = copier.command(source, f"{address}/{_REPOSITORY}:v1")
        return self.ad_hoc("command", command) if by_ansible else self.run(*command.split())

    def _with_peak(self, run_module: t.Callable[..., Run]) -> Run:
        """Run a module of images, and return the peak memory of its process as what it printed."""
        peaks = self._work / "peaks"
        peaks.unlink(missing_ok=True)
        run = run_module(PYTHONPATH=str(_CLIENTS / "peak_hook"), BENCH_PEAKS=str(peaks))
        lines = [line.split(" ", 1) for line in peaks.read_text().splitlines()]
        (peak,) = [int(peak) for peak, program in lines if "AnsiballZ_ecr_image" in program]
        return replace(run, printed={"peak_kib": peak})

    def _parts_of(self, layout: ImageLayout) -> Path:
        """Split the blobs into files of one part each, for ``fileb://``."""
        parts = self._work / f"{layout.path.name}-parts"
        for blob in layout.blobs:
            (parts / blob.name).mkdir(parents=True, exist_ok=True)
            with blob.open("rb") as content:
                for number, part in enumerate(iter(lambda: content.read(PART_SIZE), b"")):
                    (parts / blob.name / f"{number:04}").write_bytes(part)
        return parts

    @contextlib.contextmanager
    def _docker_registry(self) -> t.Iterator[str]:
        """Run docker-registry with an empty store."""
        store = self._work / "docker-registry"
        shutil.rmtree(store, ignore_errors=True)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            address = f"127.0.0.1:{probe.getsockname()[1]}"
        config = self._work / "docker-registry.yml"
        config.write_text(
            "version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\n"
            f"storage: {{filesystem: {{rootdirectory: {store}}}}}\nhttp: {{addr: '{address}'}}\n"
        )
        command = [DOCKER_REGISTRY, "serve", str(config)]
        with (self._work / "docker-registry.log").open("w") as log, subprocess.Popen(command, stderr=log) as process:
            try:
                _wait_for(f"http://{address}/v2/")
                yield address
            finally:
                process.terminate()


def _to(sink: Sink) -> str:
    return f"endpoint_url={sink.url} region={REGION} access_key=AKIABENCHMARKS secret_key={_SECRET}"


def _with_bytes(sink: Sink, run: Run) -> Run:
    tally = sink.tally()
    return replace(run, requests=dict(tally.requests), printed={"body_bytes": tally.body_bytes})


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            urllib.request.urlopen(url).close()
        except urllib.error.URLError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
