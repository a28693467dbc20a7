# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test every supported ansible-core with the oldest and the newest versions around it, and write README's table.

A row has two environments: of the control node, where the unit tests run, and of the host that the modules run on,
which has boto3 and nothing else. The molecule scenarios run from the first to the second, without molecule itself,
because that does not support every ansible-core. Of the unit tests, a row runs those of UNIT_TESTS: what imports what,
and every module in process. They need the newest boto3 on each row, because they read the model of ECR in it; the
scenarios use the boto3 of the row.

Pythons come from the path, and from beside the shims of pyenv. The outcome of a row is kept until the row runs again.
The table is written when every row has one. Exit status 1 means that a row failed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
import typing as t
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from string import Template

import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
WORK = CHECKOUT / ".work" / "matrix"
SCENARIOS = CHECKOUT / "extensions" / "molecule"
README = CHECKOUT / "README.md"
BEGIN, END = "<!-- make matrix writes this table -->\n", "<!-- end of the table -->\n"

Range = tuple[tuple[int, int], tuple[int, int]]
# The Pythons of the control node and of hosts that each ansible-core supports. The tests need 3.11, the modules 3.9.
PYTHONS: dict[str, tuple[Range, Range]] = {
    "2.17": (((3, 11), (3, 12)), ((3, 9), (3, 12))),
    "2.18": (((3, 11), (3, 13)), ((3, 9), (3, 13))),
    "2.19": (((3, 11), (3, 13)), ((3, 9), (3, 13))),
    "2.20": (((3, 12), (3, 14)), ((3, 9), (3, 14))),
    "2.21": (((3, 12), (3, 14)), ((3, 9), (3, 14))),
}
ENDS = ("oldest", "newest")
# The package of PyPI with the oldest and the newest amazon.aws, and the oldest and the newest boto3. Galaxy has the
# oldest amazon.aws that is promised, PyPI its first release in a package `ansible`.
AWS = {"oldest": "ansible==12.0.0a5", "newest": "ansible"}
BOTO3 = {"oldest": ("boto3==1.34.0", "botocore==1.34.0"), "newest": ("boto3", "botocore")}
# The scenarios use modules of both.
COLLECTIONS = ("ansible_collections/amazon/aws/", "ansible_collections/community/aws/")
TEST_PACKAGES = (
    "boto3",
    "moto[server]>=5.2.5",
    "antsibull-docs",
    "boto3-stubs[ecr]",
    "hypothesis",
    "pytest>=9.2",
    "pytest-xdist",
    "backports.zstd; python_version < '3.14'",
)
UNIT_TESTS = (
    "tests/unit/test_imports.py",
    "tests/unit/test_permissions.py",
    "tests/unit/plugins/module_utils/_ansible",
    "tests/unit/plugins/modules/ecr_complete_layer_upload",
    "tests/unit/plugins/modules/test_contract.py",
    "tests/unit/plugins/modules/test_credentials.py",
    "tests/unit/plugins/modules/test_mistakes.py",
    "tests/unit/plugins/modules/test_over_http.py",
)
# The Python of the host that is reached over ssh: every user can run it, which is not true of those of pyenv.
SYSTEM_PYTHON = Path("/usr/bin/python3")
# The scenario that needs an SSH server.
REMOTE = "remote"
# The step of the unit tests. The others are scenarios.
UNIT = "unit"


@dataclass(frozen=True)
class Row:
    """One combination of versions; ``end`` is that of the versions around ansible-core."""

    core: str
    end: str
    python: Path
    host_python: Path

    @property
    def directory(self) -> Path:
        """Where its environments and its outcome are."""
        return WORK / f"{self.core}-{self.end}"

    @property
    def controller(self) -> Path:
        """The environment of the control node."""
        return self.directory / "controller"

    @property
    def host(self) -> Path:
        """The environment of the host."""
        return self.directory / "host"

    @property
    def remote(self) -> Path:
        """The environment of the host that is reached over ssh."""
        return self.directory / "remote"

    @property
    def outcome(self) -> Path:
        """The file with its outcome."""
        return self.directory / "outcome.json"

    def has_run(self, steps: t.Collection[str]) -> bool:
        """Return whether the outcome of all of these steps is known."""
        return self.outcome.exists() and set(steps) <= set(
            json.loads(self.outcome.read_text(encoding="utf-8"))["steps"]
        )


@dataclass
class Outcome:
    """What became of a row: the versions that were installed, and whether each step passed."""

    versions: list[str]
    steps: dict[str, bool]

    @property
    def has_failed(self) -> bool:
        """Whether a step failed."""
        return not all(self.steps.values())

    def cells(self) -> list[str]:
        """Return the cells of its row in the table."""
        core, controller, host, aws, boto3 = self.versions
        failed = [name for name, passed in self.steps.items() if not passed]
        of_scenarios = [name for name in failed if name != UNIT]
        return [
            core,
            f"Python {controller}",
            f"Python {host}",
            aws,
            boto3,
            "failed" if UNIT in failed else "passed",
            f"failed: {', '.join(of_scenarios)}" if of_scenarios else "passed",
        ]


def installed_pythons() -> dict[tuple[int, int], Path]:
    """Return an interpreter of each minor version."""
    directories = [Path(name) for name in os.environ.get("PATH", os.defpath).split(os.pathsep)]
    found: dict[tuple[int, int], Path] = {}
    for directory in directories:
        if directory.name == "shims":
            directories += sorted(directory.parent.glob("versions/3.*/bin"))
            continue
        for python in directory.glob("python3.*"):
            if (match := re.fullmatch(r"python3\.(\d+)", python.name)) and CHECKOUT not in python.parents:
                found.setdefault((3, int(match[1])), python.resolve())
    return found


def rows(pythons: t.Mapping[tuple[int, int], Path]) -> list[Row]:
    """Return the oldest and the newest row of each ansible-core that a Python at hand can run."""
    found = []
    for core, ranges in PYTHONS.items():
        controller, host = ([found for found in sorted(pythons) if low <= found <= high] for low, high in ranges)
        if controller and host:
            found += [
                Row(core, end, pythons[controller[at]], pythons[host[at]])
                for end, at in zip(ENDS, (0, -1), strict=True)
            ]
    return found


def not_at_hand(pythons: t.Container[tuple[int, int]], tested: t.Container[str]) -> list[str]:
    """Say what was not tested, because it is not installed."""
    notes = [
        f"ansible-core {core} was not tested: no Python that it supports is installed."
        for core in PYTHONS
        if core not in tested
    ]
    bounds = {version for ranges in PYTHONS.values() for bound in ranges for version in bound}
    if missing := [f"{major}.{minor}" for major, minor in sorted(bounds) if (major, minor) not in pythons]:
        notes.append(f"Python {', '.join(missing)} was not at hand; the next one was used instead.")
    if not sshd():
        notes.append("No SSH server was at hand, so nothing was run over ssh.")
    return notes


def sshd() -> str | None:
    """Return the path of the SSH server."""
    return shutil.which("sshd", path=os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin")))


def run(log: t.IO[str], *command: str | Path, **settings: str) -> bool:
    """Run a command, write what it prints to the log, and return whether it succeeded."""
    log.write(f"\n==> {' '.join(map(str, command))}\n")
    log.flush()
    environment = {**os.environ, **settings}
    ended = subprocess.run(
        command, check=False, cwd=CHECKOUT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
    )
    return ended.returncode == 0


def output(*command: str | Path) -> str:
    """Return what a command prints."""
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def interpreter(environment: Path) -> Path:
    """Return the interpreter of an environment."""
    return environment / "bin" / "python"


def environment(path: Path, python: Path, packages: t.Sequence[str]) -> Path:
    """Create an environment with packages and return its interpreter."""
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([uv, "venv", "--quiet", "--clear", "--python", python, path], check=True)
    subprocess.run([uv, "pip", "install", "--quiet", "--python", interpreter(path), *packages], check=True)
    return interpreter(path)


def wheel_of(package: str) -> Path:
    """Download a package, unless it is there, and return its wheel."""
    directory = WORK / "wheels" / re.sub(r"\W", "-", package)
    if not list(directory.glob("*.whl")):
        download = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", directory)
        subprocess.run([*download, "--only-binary=:all:", "--python-version=3.14", package], check=True)
    (wheel,) = directory.glob("*.whl")
    return wheel


def add_collections(package: str, site_packages: Path) -> str:
    """Put amazon.aws from a package of PyPI and the checkout into an environment. Return the version of amazon.aws."""
    with zipfile.ZipFile(wheel_of(package)) as archive:
        archive.extractall(site_packages, [name for name in archive.namelist() if name.startswith(COLLECTIONS)])
    manifest = site_packages / COLLECTIONS[0] / "MANIFEST.json"
    (site_packages / "ansible_collections" / "layerkit").mkdir()
    (site_packages / "ansible_collections" / "layerkit" / "ecr").symlink_to(CHECKOUT)
    return str(json.loads(manifest.read_text(encoding="utf-8"))["collection_info"]["version"])


def version(python: Path, package: str) -> str:
    """Return the version of a package in an environment."""
    return output(python, "-c", f"import importlib.metadata as m; print(m.version({package!r}))")


def python_version(python: Path) -> str:
    """Return the version of an interpreter."""
    return output(python, "-c", "import platform; print(platform.python_version())")


def make_environments(row: Row) -> list[str]:
    """Create the environments of a row, and return the versions of the table."""
    controller = environment(row.controller, row.python, [f"ansible-core=={row.core}.*", *TEST_PACKAGES])
    site_packages = Path(output(controller, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"))
    aws = add_collections(AWS[row.end], site_packages)
    on_host = [*BOTO3[row.end], "packaging"]
    host = environment(row.host, row.host_python, on_host)
    environment(row.remote, SYSTEM_PYTHON if SYSTEM_PYTHON.exists() else row.host_python, on_host)
    versions = [version(controller, "ansible-core"), python_version(controller), python_version(host)]
    return [*versions, aws, version(host, "boto3")]


class RowRun:
    """The steps of a row."""

    def __init__(self, row: Row, log: t.IO[str]) -> None:
        self.row = row
        self._log = log
        self._controller = interpreter(row.controller)

    @property
    def _path(self) -> str:
        return f"{self._controller.parent}{os.pathsep}{os.environ['PATH']}"

    def steps(self, wanted: t.Container[str]) -> t.Iterator[tuple[str, bool]]:
        """Run steps, and yield whether each of them passed. The scenarios share a strict server."""
        if UNIT in wanted:
            yield UNIT, self._unit_tests()
        work = self.row.directory / "registry"
        server = CHECKOUT / "tests" / "tools" / "ecr_server.py"
        run(self._log, self._controller, server, "stop", work)
        started = run(self._log, self._controller, server, "start", "strict", work)
        settings = self._settings(work)
        try:
            for name in scenarios():
                if name in wanted:
                    yield name, started and self._scenario(name, settings)
        finally:
            run(self._log, self._controller, server, "stop", work)

    def _unit_tests(self) -> bool:
        arguments = ["--numprocesses=2", "--dist=worksteal", "-q", *UNIT_TESTS]
        return run(self._log, self._controller, "-m", "pytest", *arguments, PATH=self._path)

    def _settings(self, work: Path) -> dict[str, str]:
        """Write the inventory, and return the environment variables of the playbooks."""
        config = yaml.safe_load((SCENARIOS / "config.yml").read_text(encoding="utf-8"))
        variables = config["provisioner"]["inventory"]["host_vars"]
        variables["localhost"].update(
            ansible_python_interpreter=str(interpreter(self.row.host)),
            remote_python=str(interpreter(self.row.remote)),
            registry_directory=str(work),
        )
        inventory = self.row.directory / "inventory.yml"
        inventory.write_text(yaml.safe_dump({"all": {"hosts": variables}}), encoding="utf-8")
        defaults = {
            f"ANSIBLE_{name.upper()}": str(value) for name, value in config["ansible"]["cfg"]["defaults"].items()
        }
        environment = {
            name: Template(value).substitute(MOLECULE_PROJECT_DIRECTORY=CHECKOUT)
            for name, value in config["ansible"]["env"].items()
        }
        return {
            **environment,
            **defaults,
            "PATH": self._path,
            "LAYERKIT_BACKEND": "strict",
            "MOLECULE_PROJECT_DIRECTORY": str(CHECKOUT),
            "MOLECULE_INVENTORY_FILE": str(inventory),
            "ANSIBLE_HOME": str(self.row.directory / "ansible"),
            # Those of amazon.aws depend on the version of ansible-core.
            "ANSIBLE_DEPRECATION_WARNINGS": "false",
        }

    def _scenario(self, name: str, settings: t.Mapping[str, str]) -> bool:
        """Run the playbooks of a scenario as molecule would."""
        directory = SCENARIOS / name
        names = {"MOLECULE_SCENARIO_NAME": name, "MOLECULE_SCENARIO_DIRECTORY": str(directory)}
        inventory = settings["MOLECULE_INVENTORY_FILE"]
        return all(
            run(self._log, "ansible-playbook", "--inventory", inventory, directory / playbook, **settings, **names)
            for playbook in ("converge.yml", "verify.yml")
        )


def scenarios() -> list[str]:
    """Return the names of the scenarios that can be run here."""
    names = [path.parent.name for path in sorted(SCENARIOS.glob("*/converge.yml"))]
    return [name for name in names if name != REMOTE or sshd()]


def test(row: Row, wanted: t.Container[str], again: bool) -> Outcome:
    """Run steps of a row. Its outcome is kept, and completed by steps that run again in the same environments."""
    print(f"==> ansible-core {row.core} and the {row.end} versions around it", flush=True)
    if again and row.outcome.exists():
        outcome = Outcome(**json.loads(row.outcome.read_text(encoding="utf-8")))
    else:
        row.outcome.unlink(missing_ok=True)
        outcome = Outcome(make_environments(row), {})
    print(f"    {', '.join(outcome.versions)}", flush=True)
    log = row.directory / "log.txt"
    begun = time.monotonic()
    with log.open("w", encoding="utf-8") as file:
        for name, passed in RowRun(row, file).steps(wanted):
            outcome.steps[name] = passed
            row.outcome.write_text(json.dumps(asdict(outcome)), encoding="utf-8")
            print(f"    {name} {'passed' if passed else 'FAILED'}, {time.monotonic() - begun:.0f} s", flush=True)
            begun = time.monotonic()
    if outcome.has_failed:
        print(f"    See {log.relative_to(CHECKOUT)}", flush=True)
    return outcome


def table(outcomes: t.Sequence[Outcome], notes: t.Sequence[str]) -> str:
    """Return the table of versions, as Markdown."""
    lines = [
        "| ansible-core | Control node | Host | amazon.aws | boto3 | Unit tests | Scenarios |",
        "|---|---|---|---|---|---|---|",
        *(f"| {' | '.join(row.cells())} |" for row in outcomes),
    ]
    return "\n".join([*lines, "", *notes]).rstrip() + "\n"


def main() -> None:
    """Read the command line, test, and write the table if all rows have the outcome of all steps."""
    steps = [UNIT, *scenarios()]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--core", action="append", choices=list(PYTHONS), help="test this ansible-core only")
    parser.add_argument("--end", action="append", choices=ENDS, help="test this end of the versions around it only")
    parser.add_argument(
        "--step", action="append", choices=steps, help="run this step again, in the environments there are"
    )
    arguments = parser.parse_args()
    pythons = installed_pythons()
    all_rows = rows(pythons)
    wanted = [row for row in all_rows if row.core in (arguments.core or PYTHONS) and row.end in (arguments.end or ENDS)]
    outcomes = [test(row, arguments.step or steps, again=bool(arguments.step)) for row in wanted]
    if all(row.has_run(steps) for row in all_rows):
        write_table(all_rows, not_at_hand(pythons, [row.core for row in all_rows]))
    sys.exit(any(outcome.has_failed for outcome in outcomes) or not outcomes)


def write_table(tested: t.Sequence[Row], notes: t.Sequence[str]) -> None:
    """Write the table of all rows to README."""
    outcomes = [Outcome(**json.loads(row.outcome.read_text(encoding="utf-8"))) for row in tested]
    written = table(outcomes, notes)
    print(written)
    before, rest = README.read_text(encoding="utf-8").split(BEGIN)
    README.write_text(f"{before}{BEGIN}{written}{END}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
