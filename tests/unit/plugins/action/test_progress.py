# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ansible-playbook with tasks whose progress is worth a line: what the user sees, and that nothing else changes."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import typing as t
import uuid
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from ansible_collections.layerkit.ecr.tests.strict_ecr.faults import Fault
from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import LayoutWriter

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.server import StrictECR
    from mypy_boto3_ecr import ECRClient

MIB = 1024 * 1024
# The answer to the first part comes after so many seconds, so a line is shown before.
SLOW = 5.0
# A connection that Ansible does not know as that of this host.
ELSEWHERE = """
from ansible.plugins.connection.local import Connection as Local
DOCUMENTATION = "name: elsewhere\\nshort_description: this host\\ndescription: [this host]\\nauthor: [nobody]"
class Connection(Local):
    transport = "elsewhere"
"""
LINE = re.compile(
    r"(\[\w+\] )?ecr_(layer|image) [\w/]+: [012] of (1 layer|2 layers), [\d.]+ of [\d.]+ [KM]iB"
    r"(, [\d.]+ [KM]iB/s(, \d+ s left)?)?(, 1 retry)?"
)


class Playbook:
    """Runs plays against the strict server, whose repositories answer the first part of a layer late."""

    def __init__(self, client: ECRClient, server: StrictECR, directory: Path) -> None:
        self._client = client
        self._server = server
        self._directory = directory
        (directory / "layer").write_bytes(os.urandom(MIB))
        (directory / "elsewhere.py").write_text(ELSEWHERE, encoding="utf-8")
        self.credentials = {"access_key": "AKIAPROGRESSTESTS", "secret_key": "a-secret-of-the-tests-of-progress"}
        self.region = client.meta.region_name
        self.defaults = {"endpoint_url": server.url, **self.credentials}

    def repository(self, seconds: float = SLOW, **fault: t.Any) -> str:
        name = f"progress/{uuid.uuid4().hex[:12]}"
        self._client.create_repository(repositoryName=name)
        faults = self._server.control.faults
        if fault:
            faults.add(Fault(**fault, repository=name))
        if seconds:
            faults.add(Fault("delay", "UploadLayerPart", repository=name, seconds=seconds))
        return name

    def layers(self, name: str) -> int:
        return len(self._server.control.layers(name))

    def start(
        self,
        hosts: dict[str, dict[str, t.Any]],
        play: dict[str, t.Any],
        stderr: int = subprocess.PIPE,
        **environment: str,
    ) -> subprocess.Popen[str]:
        """Start a play; its hosts are given with their variables."""
        path = self._directory / uuid.uuid4().hex
        play = {
            "gather_facts": False,
            "module_defaults": {"group/layerkit.ecr.aws": self.defaults},
            "hosts": "all",
            **play,
        }
        hosts = {host: {"ansible_connection": "local", **variables} for host, variables in hosts.items()}
        path.with_suffix(".inventory.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts}}), encoding="utf-8")
        path.with_suffix(".yml").write_text(yaml.safe_dump([play]), encoding="utf-8")
        settings = {
            "ANSIBLE_HOME": str(self._directory / "ansible"),
            "ANSIBLE_CONNECTION_PLUGINS": str(self._directory),
            "ANSIBLE_PYTHON_INTERPRETER": os.environ.get("WARM_PYTHON", sys.executable),
            "ANSIBLE_PIPELINING": "true",
            "ANSIBLE_FORKS": "20",
            # Those of amazon.aws depend on the version of ansible-core.
            "ANSIBLE_DEPRECATION_WARNINGS": "false",
        }
        inherited = {name: value for name, value in os.environ.items() if name != "ANSIBLE_ECR_PROGRESS"}
        return subprocess.Popen(
            ["ansible-playbook", "-i", f"{path}.inventory.yml", f"{path}.yml"],
            cwd=self._directory,
            env={**inherited, **settings, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )

    def push(self) -> dict[str, t.Any]:
        """Return a play that pushes an image."""
        layout = LayoutWriter(self._directory / uuid.uuid4().hex)
        layout.finish(layout.image(os.urandom(MIB)))
        task = {
            "repository_name": self.repository(),
            "src": str(layout.path),
            "tags": ["1"],
            "region": self.region,
            "parallel": 1,
        }
        return {"tasks": [{"layerkit.ecr.ecr_image": task}]}


@pytest.fixture(scope="module")
def playbook(ecr: ECRClient, strict_ecr: StrictECR, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Playbook]:
    yield Playbook(ecr, strict_ecr, tmp_path_factory.mktemp("playbook"))
    strict_ecr.control.faults.clear()


@dataclass(frozen=True)
class Run:
    """A run of all cases, each on a host of its own, at once."""

    repositories: dict[str, list[str]]
    results: dict[str, dict[str, t.Any]]
    lines: list[str]

    def lines_of(self, case: str) -> list[str]:
        return [line for line in self.lines if any(f" {name}:" in line for name in self.repositories[case])]


# The variables of the host of each case. Some of them are keywords of its task.
CASES: dict[str, dict[str, t.Any]] = {
    "plain": {},
    "becoming": {"ansible_become": True, "ansible_become_method": "su"},
    "elsewhere": {"ansible_connection": "elsewhere"},
    "delegating": {"ansible_connection": "elsewhere", "delegate": "plain"},
    "hidden": {},
    "background": {"background": 60},
    "checking": {"checking": True},
    "stopped": {"limit": 4},
    "again": {},
    "twice": {},
    "failing": {},
}


@pytest.fixture(scope="module")
def run(playbook: Playbook) -> Run:
    """Run every case under the JSON callback."""
    repositories = {case: [playbook.repository()] for case in CASES}
    repositories["again"] = [playbook.repository(kind="access_denied", operation="CompleteLayerUpload")]
    repositories["twice"] = [playbook.repository(), playbook.repository()]
    repositories["failing"] = [playbook.repository(kind="kms", operation="CompleteLayerUpload")]
    hosts = {case: {**variables, "repositories": repositories[case]} for case, variables in CASES.items()}
    task = {
        "layerkit.ecr.ecr_layer": {"repository_name": "{{ item }}", "src": "layer"},
        "loop": "{{ repositories }}",
        "register": "pushed",
        "until": "pushed is not failed or inventory_hostname != 'again'",
        "retries": 3,
        "delay": 0,
        "ignore_errors": True,
        "environment": {"AWS_REGION": playbook.region},
        "async": "{{ background | default(0) }}",
        "poll": 1,
        "timeout": "{{ limit | default(0) }}",
        "check_mode": "{{ checking | default(false) }}",
        "delegate_to": "{{ delegate | default(omit) }}",
    }
    # A template of no_log would hide failures of ansible-core 2.21, whatever its value.
    tasks = [
        {**task, "when": "inventory_hostname != 'hidden'"},
        {**task, "when": "inventory_hostname == 'hidden'", "no_log": True},
    ]
    process = playbook.start(hosts, {"tasks": tasks}, ANSIBLE_STDOUT_CALLBACK="ansible.posix.json")
    output, errors = process.communicate()
    assert process.returncode == 0, output + errors
    (play,) = json.loads(output)["plays"]
    shown, hidden = (task["hosts"] for task in play["tasks"])
    return Run(repositories, {**shown, "hidden": hidden["hidden"]}, errors.splitlines())


@pytest.mark.parametrize("case", ["plain", "becoming", "delegating", "again", "twice", "failing"])
def test_lines_name_host_module_and_repository(run: Run, case: str) -> None:
    lines = run.lines_of(case)
    assert lines
    for line in lines:
        assert line.startswith(f"[{case}] ecr_layer {run.repositories[case][0].partition('/')[0]}/")


def test_every_item_of_a_loop_has_lines(run: Run) -> None:
    for name in run.repositories["twice"]:
        assert [line for line in run.lines if f" {name}: 0 of 1 layer, 1.0 of 1.0 MiB" in line]


@pytest.mark.parametrize("case", ["elsewhere", "hidden", "background", "checking"])
def test_tasks_without_progress_are_silent(run: Run, case: str) -> None:
    assert run.lines_of(case) == []


def test_standard_error_has_nothing_but_progress(run: Run, playbook: Playbook) -> None:
    for line in run.lines:
        assert LINE.fullmatch(line), line
        assert not any(secret in line for secret in playbook.defaults.values())


@pytest.mark.parametrize("case", sorted(CASES.keys() - {"failing", "stopped", "checking"}))
def test_layers_arrive(run: Run, playbook: Playbook, case: str) -> None:
    assert run.results[case]["changed"] is True
    assert [playbook.layers(name) for name in run.repositories[case]] == [1] * len(run.repositories[case])


def test_check_mode_sends_nothing(run: Run, playbook: Playbook) -> None:
    assert run.results["checking"]["changed"] is True
    assert playbook.layers(run.repositories["checking"][0]) == 0


def test_timeout_ends_the_task(run: Run) -> None:
    (result,) = run.results["stopped"]["results"]
    assert run.results["stopped"]["failed"] is True
    # Both are words of ansible-core.
    assert re.search(r"imed out after 4 second|expected time frame \(4\)", result["msg"])


def test_attempts_of_until_are_counted(run: Run) -> None:
    (result,) = run.results["again"]["results"]
    assert (result["attempts"], result["changed"]) == (2, True)


def test_failure_is_that_of_the_module(run: Run) -> None:
    (result,) = run.results["failing"]["results"]
    assert run.results["failing"]["failed"] is True
    assert (result["error"]["code"], result["bytes_sent"]) == ("KmsException", MIB)


def test_no_log_hides_the_result(run: Run) -> None:
    assert run.repositories["hidden"][0] not in json.dumps(run.results["hidden"])
    assert "censored" in json.dumps(run.results["hidden"])


def test_no_pipe_is_left_in_the_options_of_a_task(run: Run) -> None:
    assert "PROGRESS_PIPE" not in json.dumps(run.results)


class Terminal:
    """A terminal of so many columns that a process writes to."""

    def __init__(self, columns: int) -> None:
        self._reading, self.writing = pty.openpty()
        fcntl.ioctl(self.writing, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def written(self) -> str:
        """Return all that was written; the process has ended."""
        # What the kernel holds of a terminal can be read while it is open.
        os.set_blocking(self._reading, False)
        written = b""
        with contextlib.suppress(BlockingIOError):
            while True:
                written += os.read(self._reading, 65536)
        os.close(self._reading)
        os.close(self.writing)
        return written.decode()


@dataclass(frozen=True)
class Shown:
    """What a run wrote."""

    output: str
    errors: str


@pytest.fixture(scope="module")
def shown(playbook: Playbook) -> dict[str, Shown]:
    """Push one layer by one host, at once in each of several surroundings."""
    runner = {"AWX_ISOLATED_DATA_DIR": "/runner/artifacts/1"}
    surroundings: dict[str, dict[str, str]] = {
        "log": {"TERM": "xterm"},
        "off": {"ANSIBLE_ECR_PROGRESS": "0"},
        "awx": runner,
        "awx, on": {**runner, "ANSIBLE_ECR_PROGRESS": "1"},
        "terminal": {"TERM": "xterm"},
        "narrow terminal": {"TERM": "xterm"},
        "dumb terminal": {"TERM": "dumb"},
    }
    terminals = {name: Terminal(30 if "narrow" in name else 100) for name in surroundings if "terminal" in name}
    processes = {}
    for name, environment in surroundings.items():
        stderr = terminals[name].writing if name in terminals else subprocess.PIPE
        processes[name] = playbook.start({"localhost": {}}, playbook.push(), stderr, **environment)
    outcomes = {}
    for name, process in processes.items():
        output, errors = process.communicate()
        assert process.returncode == 0, output
        outcomes[name] = Shown(output, terminals[name].written() if name in terminals else errors)
    return outcomes


@pytest.mark.parametrize("where", ["log", "awx, on", "dumb terminal"])
def test_lines_follow_one_another(shown: dict[str, Shown], where: str) -> None:
    lines = shown[where].errors.splitlines()
    assert len(lines) >= 1
    for line in lines:
        assert LINE.fullmatch(line), line
        assert line.startswith("ecr_image progress/")


@pytest.mark.parametrize("where", ["off", "awx"])
def test_progress_can_be_turned_off(shown: dict[str, Shown], where: str) -> None:
    assert shown[where].errors == ""


def test_line_is_redrawn_on_a_terminal_and_removed_in_the_end(shown: dict[str, Shown]) -> None:
    written = shown["terminal"].errors
    assert "\n" not in written
    *lines, last = re.findall(r"\r([^\r]*)\x1b\[K\r", written)
    assert last == ""
    assert lines
    assert all(LINE.fullmatch(line) for line in lines)


def test_redrawn_line_fits_into_the_terminal(shown: dict[str, Shown]) -> None:
    lines = re.findall(r"\r([^\r]*)\x1b\[K\r", shown["narrow terminal"].errors)
    assert len(lines[0]) == 29


def test_standard_output_is_the_same_with_and_without(shown: dict[str, Shown]) -> None:
    outputs = {run.output for run in shown.values()}
    assert len(outputs) == 1
    assert "changed: [localhost]" in outputs.pop()
