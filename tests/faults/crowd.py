# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many at once: ten processes push and copy overlapping images to one repository, as ten hosts of an inventory do."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import typing as t
import uuid

from ansible_collections.layerkit.ecr.tests.faults.content import Content, Contents, View, check_image
from ansible_collections.layerkit.ecr.tests.faults.matrix import Bench
from ansible_collections.layerkit.ecr.tests.faults.processes import Run
from ansible_collections.layerkit.ecr.tests.faults.scenarios import (
    ACCESS_KEY,
    PART,
    SECRET_KEY,
    SOURCE_REGION,
    layout_of,
)
from ansible_collections.layerkit.ecr.tests.strict_ecr.fixtures import REGION
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import config_of, write_directory
from ansible_collections.layerkit.ecr.tests.unit.support.stored_images import store_image

PROCESSES = 10
# How often they are the hosts of a playbook, which takes longer.
PLAYED = 2
_SHARED = (b"a layer of all images " * 2_000, b"another layer of all images " * 1_000)
# Every third process has the same image.
_IMAGES = 3
_CHANGING = ("InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload", "PutImage")


def image(number: int) -> Contents:
    """Return an image that shares layers with the others."""
    layers = (*_SHARED, b"the layer of image %d alone " % number * 500)
    return {"": Content(config_of(layers), layers)}


class Crowd:
    """A repository, and the tasks that push and copy into it at the same time."""

    def __init__(self, bench: Bench, mutability: t.Literal["MUTABLE", "IMMUTABLE"]) -> None:
        self._bench = bench
        self._place = bench.place
        self.repository = f"faults/{uuid.uuid4().hex[:12]}"
        self._directory = self._place.directory / self.repository.rpartition("/")[2]
        self._directory.mkdir()
        for name, region in ((self.repository, REGION), (self._source, SOURCE_REGION)):
            self._place.client(region).create_repository(repositoryName=name, imageTagMutability=mutability)
        for number in range(_IMAGES):
            layout = layout_of(image(number))
            write_directory(self._directory / str(number), layout.complete())
            store_image(self._place.client(SOURCE_REGION), self._source, layout, layout.entries[0], f"v{number}")

    @property
    def _source(self) -> str:
        return f"{self.repository}-source"

    def run(self) -> None:
        """Run the tasks in processes, and check what they leave; then run them again, which changes nothing."""
        rules = self._place.server.control.rules(self.repository)
        rules.min_part_bytes, rules.part_size = 1, PART
        self._run_twice(self._in_processes)

    def play(self) -> None:
        """Run the tasks in a playbook for hosts of an inventory, with the same checks, and parts of the usual size."""
        self._run_twice(self._in_playbook)

    def _run_twice(self, run: t.Callable[[], list[bool]]) -> None:
        """Run the tasks twice; ``run`` returns whether each of them changed something."""
        run()
        self._check()
        calls = self._place.server.control.calls
        sent = calls.bytes_received(self.repository), self._changes()
        assert run() == [False] * PROCESSES
        assert (calls.bytes_received(self.repository), self._changes()) == sent, "a second round sends something"
        self._check()

    def _in_processes(self) -> list[bool]:
        ends = self._bench.processes.run_all([self._run_of(number, part_size=PART) for number in range(PROCESSES)])
        for end in ends:
            assert end.result, f"it ended without a result: {end.crash}"
            assert not end.failed, end.message
        return [bool(end.result["changed"]) for end in ends]

    def _in_playbook(self) -> list[bool]:
        runs = [self._run_of(number) for number in range(PROCESSES)]
        hosts = {f"host-{number}": {"module": run.module, "options": run.options} for number, run in enumerate(runs)}
        variables = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        inventory = self._directory / "inventory.json"
        inventory.write_text(json.dumps({"all": {"hosts": hosts, "vars": variables}}), encoding="utf-8")
        play = {
            "hosts": "all",
            "gather_facts": False,
            # No host waits for another one.
            "strategy": "free",
            "tasks": [
                # The options of the first host name those that all tasks of the module have.
                {
                    f"layerkit.ecr.{run.module}": {name: f"{{{{ options.{name} }}}}" for name in run.options},
                    "when": f"module == '{run.module}'",
                }
                for run in runs[:2]
            ],
        }
        playbook = self._directory / "playbook.json"
        playbook.write_text(json.dumps([play]), encoding="utf-8")
        played = subprocess.run(
            ["ansible-playbook", "--inventory", inventory, "--forks", str(PROCESSES), playbook],
            check=False,
            env={**os.environ, "ANSIBLE_HOME": str(self._directory / "ansible"), "ANSIBLE_NOCOLOR": "true"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert played.returncode == 0, played.stdout
        changed = re.findall(r"^host-\d+ +: ok=1 +changed=(\d) ", played.stdout, re.MULTILINE)
        return [count != "0" for count in changed]

    def _changes(self) -> int:
        """Return how many calls changed something in the repository."""
        counts = self._place.server.control.calls.counts(self.repository)
        return sum(counts.get(operation, 0) for operation in _CHANGING)

    def _run_of(self, number: int, **more: t.Any) -> Run:
        wanted = number % _IMAGES
        options = {
            "endpoint_url": self._place.server.url,
            "region": REGION,
            "access_key": ACCESS_KEY,
            "secret_key": SECRET_KEY,
            "repository_name": self.repository,
            "tags": [f"host-{number}", f"image-{wanted}"],
            "state_dir": str(self._directory / "state"),
            **more,
        }
        if number % 2:
            source = {"repository_name": self._source, "region": SOURCE_REGION, "tag": f"v{wanted}"}
            return Run("ecr_image_copy", {**options, "source": source})
        return Run("ecr_image", {**options, "src": str(self._directory / str(wanted))})

    def _check(self) -> None:
        view = View(self._place.client(), self._place.server.control, self.repository)
        tags = view.tags()
        for number in range(PROCESSES):
            wanted = number % _IMAGES
            for name in (f"host-{number}", f"image-{wanted}"):
                check_image(image(wanted), view.read(tags[name]), view.read)
        view.check_layers()
        state = self._directory / "state"
        assert not state.exists() or list(state.iterdir()) == []
