# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run ``ansible-test sanity`` on a copy of the checkout. Fail also if it skipped files or tests.

ansible-test needs a real directory ``ansible_collections/layerkit/ecr`` and amazon.aws in the same tree. It passes if
it finds no files, and only warns about skipped tests; both are failures here. One skip is allowed: a Python version,
other than the one in use, that is not installed.

With ``--sample``, one in eight Python files of the tests is tested, chosen by ``--seed``, and everything else. pylint
takes three times as long for the tests as for the plugins.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import random
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
# Short, because ansible-test creates virtual environments below it and the length of a script's first line is limited.
HOME = CHECKOUT / ".work" / "home"
OUR_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
NOT_COPIED = (".git", ".venv", ".work", ".ansible", ".*_cache", ".hypothesis", "__pycache__", "output")


def make_copy() -> None:
    """Copy the checkout to the path that ansible-test expects, as a separate git repository.

    In the checkout's repository, git ignores every file of the copy, and ansible-test would test none.
    """
    shutil.rmtree(WORK, ignore_errors=True)
    shutil.copytree(CHECKOUT, COPY, ignore=shutil.ignore_patterns(*NOT_COPIED))
    subprocess.run(["git", "init", "--quiet", str(COPY)], check=True)
    amazon = COPY.parents[1] / "amazon"
    amazon.mkdir()
    (amazon / "aws").symlink_to(next(iter(ansible_collections.amazon.aws.__path__)))


def make_home() -> None:
    """Create the home directory of the run, with the user's pip settings and cache, and the replacement of get-pip."""
    for name in (".config/pip", ".cache/pip"):
        if (Path.home() / name).is_dir():
            link(HOME / name, Path.home() / name)
    pip = importlib.util.find_spec("pip")
    if pip and pip.submodule_search_locations:
        link(HOME / "pip" / OUR_PYTHON / "pip", Path(pip.submodule_search_locations[0]))
    requirements = Path(next(iter(ansible_test_package.__path__)), "_internal", "python_requirements.py")
    wanted = re.search(r"\bpip='([0-9.]+)'", requirements.read_text(encoding="utf-8"))
    if wanted is None:
        sys.exit(f"Cannot read the pip version that ansible-test needs from {requirements}")
    name = f"get_pip_{wanted[1].replace('.', '_')}.py"
    link(HOME / ".ansible" / "test" / "cache" / name, Path(__file__).resolve().with_name("get_pip.py"))


def link(path: Path, target: Path) -> None:
    """Make ``path`` a symbolic link to ``target``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def search_path() -> str:
    """Return a PATH without the shims of version managers, which ansible-test cannot use.

    Instead of pyenv's shims it has the oldest Python that runs the modules (``tests/config.yml``).
    """
    found = [Path(sys.executable).parent]
    for name in os.environ.get("PATH", os.defpath).split(os.pathsep):
        directory = Path(name)
        found += sorted(directory.parent.glob("versions/3.9.*/bin")) if directory.name == "shims" else [directory]
    return os.pathsep.join(str(directory) for directory in found)


class Run(t.NamedTuple):
    """The exit status and the output of a command."""

    status: int
    output: str


def ansible_test(*arguments: str, shown: bool = True) -> Run:
    """Run ansible-test in the copy; print its output if ``shown``."""
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
    """Return the files that the run did not find and the tests that it skipped, one sentence each."""
    sources = sorted(path.relative_to(COPY).as_posix() for path in (COPY / "plugins").rglob("*.py"))
    unseen = [f"ansible-test does not see {path}" for path in sources if path not in listed.split()]
    if not any(path.startswith("plugins/modules/") for path in sources):
        unseen.append("there is no module to test")
    other_python = re.compile(
        rf'"(compile|import)" on Python (?!{re.escape(OUR_PYTHON)} )[0-9.]+ because it could not be found'
    )
    reasons = sorted(set(re.findall(r"WARNING: (Skipping .*|Required program .*)", output)))
    skipped = [reason for reason in reasons if not other_python.search(reason)]
    must_run = ("compile", "import", "pylint", "shellcheck", "validate-modules")
    not_run = [f"{test} did not run" for test in must_run if f'Running sanity test "{test}"' not in output]
    return unseen + skipped + not_run


def not_in_sample(seed: int) -> list[str]:
    """Return the arguments that leave out seven of eight Python files of the tests."""
    files = sorted(path.relative_to(COPY).as_posix() for path in (COPY / "tests").rglob("*.py"))
    print(f"A sample of the tests' files, by --sample --seed {seed}", flush=True)
    left_out = random.Random(seed).sample(files, len(files) * 7 // 8)
    return [argument for file in left_out for argument in ("--exclude", file)]


def main() -> int:
    """Return 0 if everything was tested and passed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", action="store_true", help="test an eighth of the Python files of the tests")
    parser.add_argument("--seed", type=int, default=random.randrange(10_000), help="what chooses the sample")
    arguments = parser.parse_args()
    make_copy()
    make_home()
    listed = ansible_test("env", "--list-files", shown=False).output
    run = ansible_test("sanity", "--color", "no", *(not_in_sample(arguments.seed) if arguments.sample else []))
    left_out = omissions(run.output, listed)
    for sentence in left_out:
        print(f"FAILED: {sentence}")
    return run.status or int(bool(left_out))


if __name__ == "__main__":
    sys.exit(main())
