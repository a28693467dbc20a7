# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The policies of guide_permissions.rst: each task runs on a server that denies every other action.

The rows of modules that do not exist are not run.
"""

from __future__ import annotations

import base64
import importlib
import json
import re
import typing as t
from dataclasses import dataclass
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import LayoutWriter
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import (
    ModuleFailedError,
    run_module,
    warnings_of,
)
from ansible_collections.layerkit.ecr.tests.unit.support.pushing import ABSENT, digest_of, index_manifest, upload

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.server import StrictECR
    from mypy_boto3_ecr import ECRClient

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/docsite/rst/guide_permissions.rst").read_text(encoding="utf-8")
LAYER = b"the bytes of a layer"
DIGEST = digest_of(LAYER)

pytestmark = pytest.mark.usefixtures("delays")


@dataclass(frozen=True)
class Row:
    """What the guide says of one task; actions without their prefix."""

    task: str
    required: tuple[str, ...]
    optional: tuple[str, ...]
    policy: dict[str, t.Any]

    def __str__(self) -> str:
        return self.task

    @property
    def module(self) -> str:
        return self.task.partition(",")[0]

    @property
    def is_there(self) -> bool:
        return (ROOT / "plugins/modules" / f"{self.module}.py").exists()


def actions_in(cell: str) -> tuple[str, ...]:
    return tuple(re.findall(r"``ecr:(\w+)``", cell))


def policies() -> dict[str, dict[str, t.Any]]:
    found = re.findall(
        r"^``([^`]+)``\n~+\n(.*?)^\.\. code-block:: json\n\n((?: {4}[^\n]*\n)+)", GUIDE, re.DOTALL | re.MULTILINE
    )
    return {task: json.loads(code) for task, _text, code in found}


def rows() -> list[Row]:
    table = re.findall(
        r"^    \* - ``([^`]+)``\n      - (.*?)\n      - (.*?)(?=\n    \* - |\n\n)", GUIDE, re.DOTALL | re.MULTILINE
    )
    return [Row(task, actions_in(first), actions_in(second), policies()[task]) for task, first, second in table]


ROWS = rows()


class Site:
    """A repository with an image, one without, and the files to push."""

    def __init__(self, server: StrictECR, ecr: ECRClient, repository: str, connection: dict[str, t.Any], path: Path):
        self.control, self.ecr, self.repository, self.path = server.control, ecr, repository, path
        self.connection = {**connection, "aws_config": {"read_timeout": 30}}
        self.layer = path / "layer.tar.gz"
        self.layer.write_bytes(LAYER)
        layout = LayoutWriter(path / "layout")
        self.src = str(layout.finish(layout.image(LAYER)))

    def run(
        self, module: str, check: bool = False, repository: str | None = None, **options: t.Any
    ) -> dict[str, t.Any]:
        task = {"repository_name": repository or self.repository, **options}
        found = importlib.import_module(f"ansible_collections.layerkit.ecr.plugins.modules.{module}")
        return run_module(found, check=check, connection=self.connection, **task)

    def push(self) -> None:
        self.run("ecr_image", src=self.src, tags=["1"])

    def open_upload(self) -> str:
        return str(self.ecr.initiate_layer_upload(repositoryName=self.repository)["uploadId"])

    def other_repository(self) -> str:
        name = f"{self.repository}-source"
        if name not in [found["repositoryName"] for found in self.ecr.describe_repositories()["repositories"]]:
            self.ecr.create_repository(repositoryName=name)
            self.run("ecr_image", repository=name, src=self.src, tags=["1"])
        return name


@pytest.fixture
def site(strict_ecr: StrictECR, ecr: ECRClient, repository: str, connection: dict[str, t.Any], tmp_path: Path) -> Site:
    strict_ecr.control.rules(repository).min_part_bytes = 1
    return Site(strict_ecr, ecr, repository, connection, tmp_path)


Task = t.Callable[[], dict[str, t.Any]]


def push(site: Site) -> Task:
    return lambda: site.run("ecr_image", src=site.src, tags=["1"])


def remove(site: Site) -> Task:
    site.push()
    site.control.seed_image(site.repository, index_manifest(ABSENT), "index")
    return lambda: site.run("ecr_image", state="absent", tags=["1"])


def look_up(site: Site) -> Task:
    site.push()
    return lambda: site.run("ecr_image_info", tags=["1"], referrers=True)


def list_all(site: Site) -> Task:
    site.push()
    return lambda: site.run("ecr_image_info")


def copy(site: Site) -> Task:
    source = {"repository_name": site.other_repository(), "tag": "1"}
    return lambda: site.run("ecr_image_copy", source=source)


def download(site: Site) -> Task:
    site.push()
    return lambda: site.run("ecr_image_download", tag="1", dest=str(site.path / "download"))


def push_layer(site: Site) -> Task:
    return lambda: site.run("ecr_layer", src=str(site.layer))


def look_up_layer(site: Site) -> Task:
    return lambda: site.run("ecr_layer_info", layer_digests=[DIGEST])


def initiate(site: Site) -> Task:
    return lambda: site.run("ecr_initiate_layer_upload")


def send_part(site: Site) -> Task:
    part: dict[str, t.Any] = {
        "part_first_byte": 0,
        "part_last_byte": len(LAYER) - 1,
        "layer_part_blob": base64.b64encode(LAYER).decode(),
    }
    upload_id = site.open_upload()
    return lambda: site.run("ecr_upload_layer_part", upload_id=upload_id, **part)


def complete(site: Site) -> Task:
    upload_id = upload(site.ecr, site.repository, LAYER)
    return lambda: site.run("ecr_complete_layer_upload", upload_id=upload_id, layer_digests=[DIGEST])


TASKS: dict[str, t.Callable[[Site], Task]] = {
    "ecr_image": push,
    "ecr_image, state: absent": remove,
    "ecr_image_info": look_up,
    "ecr_image_info, all images": list_all,
    "ecr_image_copy, source": copy,
    "ecr_image_copy, target": copy,
    "ecr_image_download": download,
    "ecr_layer": push_layer,
    "ecr_layer_info": look_up_layer,
    "ecr_initiate_layer_upload": initiate,
    "ecr_upload_layer_part": send_part,
    "ecr_complete_layer_upload": complete,
}
RUN = [row for row in ROWS if row.is_there]


def allow(site: Site, row: Row, actions: set[str]) -> None:
    """Deny everything but these actions on the repository of the row."""
    repository = site.other_repository() if row.task.endswith("source") else site.repository
    # An operation without an action of its own.
    operations = {"ListImageReferrers"} if "BatchGetImage" in actions else set()
    site.control.allow(repository, actions | operations)


def denials(result: dict[str, t.Any]) -> list[str]:
    return [warning for warning in warnings_of(result) if "Missing permission" in warning]


@pytest.mark.parametrize("row", RUN, ids=str)
def test_policy_is_enough(site: Site, row: Row) -> None:
    run = TASKS[row.task](site)
    (statement,) = row.policy["Statement"]
    allow(site, row, {action.removeprefix("ecr:") for action in statement["Action"]})
    assert denials(run()) == []


@pytest.mark.parametrize("row", RUN, ids=str)
def test_required_actions_are_enough(site: Site, row: Row) -> None:
    run = TASKS[row.task](site)
    allow(site, row, set(row.required))
    run()


@pytest.mark.parametrize(("row", "action"), [(row, action) for row in RUN for action in row.required], ids=str)
def test_each_required_action_is_required(site: Site, row: Row, action: str) -> None:
    run = TASKS[row.task](site)
    allow(site, row, {*row.required, *row.optional} - {action})
    with pytest.raises(ModuleFailedError) as failed:
        run()
    assert failed.value.result["error"]["code"] == "AccessDeniedException"
    assert f"ecr:{action}" in failed.value.msg


@pytest.mark.parametrize(
    "row", [row for row in RUN if "BatchCheckLayerAvailability" in row.optional or "absent" in row.task], ids=str
)
def test_optional_action_is_used_in_check_mode(site: Site, row: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    run = TASKS[row.task](site)
    real_run = site.run
    monkeypatch.setattr(site, "run", lambda module, **options: real_run(module, check=True, **options))
    site.control.calls.clear(site.repository)
    run()
    assert set(row.optional) & set(site.control.calls.counts(site.repository))


def test_policies_have_the_actions_of_the_table() -> None:
    assert {row.task for row in ROWS} == set(TASKS) == set(policies())
    for row in ROWS:
        (statement,) = row.policy["Statement"]
        assert statement["Action"] == [f"ecr:{action}" for action in (*row.required, *row.optional)]
        assert (statement["Effect"], statement["Resource"].partition("/")[0]) == (
            "Allow",
            "arn:aws:ecr:eu-west-1:123456789012:repository",
        )


def test_every_module_has_a_policy(ecr: ECRClient) -> None:
    assert {path.stem for path in (ROOT / "plugins/modules").glob("*.py")} <= {row.module for row in ROWS}
    named = {action for row in ROWS for action in (*row.required, *row.optional)}
    assert named <= set(ecr.meta.service_model.operation_names)
