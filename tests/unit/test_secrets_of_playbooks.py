# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Planted secrets in playbooks with -vvvv: the output, the log, temporary files and what ps shows.

Some ways to give credentials make ansible-core and amazon.aws show them. docs/threat_model.md lists them.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import typing as t
from dataclasses import dataclass
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.tests.unit.support import canaries
from ansible_collections.layerkit.ecr.tests.unit.support.canaries import ACCESS_KEY, shown, shown_in_files
from ansible_collections.layerkit.ecr.tests.unit.support.every_module import TASKS, Site
from ansible_collections.layerkit.ecr.tests.unit.support.process_watch import ProcessWatch

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.server import StrictECR
    from mypy_boto3_ecr import ECRClient

KEYS = {
    "access_key": canaries.ACCESS_KEY,
    "secret_key": canaries.SECRET_KEY,
    "session_token": canaries.SESSION_TOKEN,
}
VARIABLES = {
    "AWS_ACCESS_KEY_ID": canaries.ACCESS_KEY,
    "AWS_SECRET_ACCESS_KEY": canaries.SECRET_KEY,
    "AWS_SESSION_TOKEN": canaries.SESSION_TOKEN,
}
ALL = set(canaries.CREDENTIALS)


@dataclass(frozen=True)
class Seen:
    """The secrets that each place shows."""

    output: set[str]
    log: set[str]
    arguments: set[str]
    environments: set[str]
    files: set[str]


class NotingSite(Site):
    """Runs modules, or only notes which module with which options."""

    noted: list[tuple[str, dict[str, t.Any]]] | None = None

    def run(
        self, module: str, check: bool = False, repository: str | None = None, **options: t.Any
    ) -> dict[str, t.Any]:
        if self.noted is None:
            return super().run(module, check, repository, **options)
        self.noted.append((module, {"repository_name": repository or self.repository, **options}))
        return {}


class Playbooks:
    """Runs the tasks of every module that succeed, each also on a repository that does not exist."""

    def __init__(self, server: StrictECR, client: ECRClient, connection: dict[str, t.Any], path: Path) -> None:
        self._server, self._client, self._path = server, client, path
        self._connection = connection
        self._endpoint = {"endpoint_url": server.url, "region": client.meta.region_name}

    def action(self, task: str) -> tuple[str, dict[str, t.Any]]:
        """Prepare a task, and return its module and its options."""
        name = f"secrets/{self._path.name[-20:].strip('_-.')}-{sorted(TASKS).index(task)}"
        self._client.create_repository(repositoryName=name)
        directory = self._path / name
        directory.mkdir(parents=True)
        site = NotingSite(self._server, self._client, name, self._connection, directory, canaries.CONTENT)
        run = TASKS[task](site)
        site.noted = []
        run()
        return site.noted[0]

    def run(
        self, tasks: t.Iterable[str], defaults: dict[str, str], settings: dict[str, str], play: dict[str, t.Any]
    ) -> Seen:
        """Run tasks, and return what is seen."""
        steps = []
        for module, options in map(self.action, tasks):
            failing = {**options, "repository_name": "not/there"}
            steps += [
                {f"layerkit.ecr.{module}": options},
                {f"layerkit.ecr.{module}": failing, "register": "failed", "failed_when": "failed is not failed"},
            ]
        whole = {
            "hosts": "localhost",
            "gather_facts": False,
            "module_defaults": {"group/layerkit.ecr.aws": {**self._endpoint, **defaults}},
            "tasks": steps,
            **play,
        }
        playbook = self._path / "playbook.json"
        playbook.write_text(json.dumps([whole]), encoding="utf-8")
        temporary = self._path / "temporary"
        temporary.mkdir()
        names = ("ANSIBLE_HOME", "ANSIBLE_LOCAL_TEMP", "ANSIBLE_REMOTE_TEMP", "TMPDIR")
        environment = {
            **os.environ,
            **dict.fromkeys(names, str(temporary)),
            "ANSIBLE_LOG_PATH": str(self._path / "log"),
            "ANSIBLE_PIPELINING": "true",
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            **settings,
        }
        with ProcessWatch() as watch:
            ended = subprocess.run(
                ["ansible-playbook", "-i", "localhost,", "-c", "local", "-vvvv", "--diff", str(playbook)],
                check=False,
                env={**environment, **watch.environment},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
        assert ended.returncode == 0, ended.stdout.decode()
        assert b"EXEC" in ended.stdout
        return Seen(
            shown(ended.stdout),
            shown((self._path / "log").read_bytes()),
            shown(b"\n".join(watch.arguments)),
            shown(b"\n".join(watch.environments)),
            {secret for secrets in shown_in_files(temporary).values() for secret in secrets},
        )


@pytest.fixture
def playbooks(strict_ecr: StrictECR, ecr: ECRClient, connection: dict[str, t.Any], tmp_path: Path) -> Playbooks:
    return Playbooks(strict_ecr, ecr, connection, tmp_path)


def test_nothing_shows_a_secret_of_a_profile(playbooks: Playbooks, tmp_path: Path) -> None:
    """One of the modules, another one each time; the next test runs them all."""
    chosen = random.choice(sorted(TASKS))
    seen = playbooks.run([chosen], {}, canaries.profile(tmp_path), {})
    assert seen == Seen(set(), set(), set(), set(), set()), chosen


@pytest.mark.table
def test_nothing_shows_a_secret_of_a_profile_whatever_the_module(playbooks: Playbooks, tmp_path: Path) -> None:
    seen = playbooks.run(TASKS, {}, canaries.profile(tmp_path), {})
    assert seen == Seen(set(), set(), set(), set(), set())


@pytest.mark.table
def test_options_show_the_access_key_alone(playbooks: Playbooks) -> None:
    """It is no secret to amazon.aws, and so it is among the arguments of the module."""
    seen = playbooks.run(TASKS, KEYS, {}, {})
    assert seen == Seen({ACCESS_KEY}, {ACCESS_KEY}, set(), set(), set())


@pytest.mark.table
def test_variables_of_ansible_playbook_are_in_the_environment_of_processes(playbooks: Playbooks) -> None:
    """Only the owner of a process and root can read its environment."""
    seen = playbooks.run(["ecr_layer"], {}, VARIABLES, {})
    assert seen == Seen({ACCESS_KEY}, {ACCESS_KEY}, set(), ALL, set())


@pytest.mark.table
def test_environment_of_a_task_is_shown_by_ansible(playbooks: Playbooks) -> None:
    seen = playbooks.run(["ecr_layer"], {}, {}, {"environment": VARIABLES})
    assert seen == Seen(ALL, ALL, ALL, ALL, set())
