# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run ``ansible-test sanity`` on a copy of the checkout, and fail also when it tested less than it should have.

ansible-test wants a real directory ``ansible_collections/layerkit/ecr`` with amazon.aws beside it. It passes when it
saw no files, and only warns of tests that it skipped; both are failures here. The one skip allowed is a Python version,
other than the one in use, that this machine does not have.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

import ansible_collections.amazon.aws
import ansible_test as ansible_test_package

CHECKOUT = Path(__file__).resolve().parents[2]
WORK = CHECKOUT / ".work" / "sanity"
COPY = WORK / "ansible_collections" / "layerkit" / "ecr"
# Kept short: ansible-test puts virtual environments below it, whose scripts name their interpreter in their first line.
HOME = CHECKOUT / ".work" / "home"
NOT_COPIED = (".git", ".venv", ".work", ".ansible", ".*_cache", ".hypothesis", "__pycache__", "output")

GET_PIP = """
import pathlib
import subprocess
import sys

subprocess.run([sys.executable, "-m", "ensurepip"], check=True, stdout=subprocess.DEVNULL)
pathlib.Path(sys.prefix, "pip.conf").write_text("[global]\\nquiet = 2\\n")
"""
"""Takes the place of get-pip.py, which ansible-test would download: Python brings a pip of its own."""


def make_copy() -> None:
    """Copy the checkout to where ansible-test expects a collection, as a git repository of its own.

    Inside the checkout, git would say that every file of the copy is ignored, and ansible-test would test none.
    """
    shutil.rmtree(WORK, ignore_errors=True)
    shutil.copytree(CHECKOUT, COPY, ignore=shutil.ignore_patterns(*NOT_COPIED))
    subprocess.run(["git", "init", "--quiet", str(COPY)], check=True)
    amazon = COPY.parents[1] / "amazon"
    amazon.mkdir()
    (amazon / "aws").symlink_to(next(iter(ansible_collections.amazon.aws.__path__)))


def make_home() -> None:
    """Make the home directory of the run, with the user's pip settings and cache and the script that makes pip."""
    cache = HOME / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for name in (".config/pip", ".cache/pip"):
        link = HOME / name
        link.parent.mkdir(exist_ok=True)
        if (Path.home() / name).is_dir() and not link.exists():
            link.symlink_to(Path.home() / name)
    requirements = Path(next(iter(ansible_test_package.__path__)), "_internal", "python_requirements.py")
    pip = re.search(r"\bpip='([0-9.]+)'", requirements.read_text(encoding="utf-8"))
    if pip is None:
        sys.exit(f"{requirements} does not tell which pip ansible-test asks for")
    (cache / f"get_pip_{pip[1].replace('.', '_')}.py").write_text(GET_PIP.lstrip(), encoding="utf-8")


def search_path() -> str:
    """Return a PATH without version managers' shims, which ansible-test cannot use, but with what pyenv's stand for."""
    found = [Path(sys.executable).parent]
    for name in os.environ.get("PATH", os.defpath).split(os.pathsep):
        directory = Path(name)
        found += sorted(directory.parent.glob("versions/*/bin")) if directory.name == "shims" else [directory]
    return os.pathsep.join(str(directory) for directory in found)


class Run(t.NamedTuple):
    """How a command ended, and what it printed."""

    status: int
    output: str


def ansible_test(*arguments: str, shown: bool = True) -> Run:
    """Run ansible-test in the copy, and pass its output on if it is to be shown."""
    run = subprocess.Popen(
        [str(Path(sys.executable).with_name("ansible-test")), *arguments],
        cwd=COPY,
        env={**os.environ, "HOME": str(HOME), "PATH": search_path()},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines = []
    for line in t.cast("t.IO[str]", run.stdout):
        if shown:
            print(line, end="", flush=True)
        lines.append(line)
    return Run(run.wait(), "".join(lines))


def omissions(output: str, listed: str) -> list[str]:
    """Return what the run left out, one sentence each: files that it did not see, and tests that it skipped."""
    sources = sorted(path.relative_to(COPY).as_posix() for path in (COPY / "plugins").rglob("*.py"))
    unseen = [f"ansible-test does not see {path}" for path in sources if path not in listed.split()]
    if not any(path.startswith("plugins/modules/") for path in sources):
        unseen.append("there is no module to test")
    ours = f"{sys.version_info.major}.{sys.version_info.minor}"
    other_python = re.compile(
        rf'"(compile|import)" on Python (?!{re.escape(ours)} )[0-9.]+ because it could not be found'
    )
    reasons = sorted(set(re.findall(r"WARNING: (Skipping .*|Required program .*)", output)))
    skipped = [reason for reason in reasons if not other_python.search(reason)]
    must_run = ("compile", "import", "pylint", "shellcheck", "validate-modules")
    not_run = [f"{test} did not run" for test in must_run if f'Running sanity test "{test}"' not in output]
    return unseen + skipped + not_run


def main() -> int:
    """Return 0 when everything was tested and passed."""
    make_copy()
    make_home()
    listed = ansible_test("env", "--list-files", shown=False).output
    run = ansible_test("sanity", "--color", "no")
    left_out = omissions(run.output, listed)
    for sentence in left_out:
        print(f"FAILED: {sentence}")
    return run.status or int(bool(left_out))


if __name__ == "__main__":
    sys.exit(main())
