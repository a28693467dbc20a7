# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Planted secrets, which nothing that a module writes may show: docs/threat_model.md.

Here each module runs in this process. The playbook of test_secrets_of_playbooks.py shows the rest.
"""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.tests.strict_ecr.faults import DOWNLOAD, Fault
from ansible_collections.layerkit.ecr.tests.unit.support import canaries
from ansible_collections.layerkit.ecr.tests.unit.support.canaries import shown, shown_in_files
from ansible_collections.layerkit.ecr.tests.unit.support.every_module import TASKS, Site
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import ModuleFailedError

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.faults import Kind
    from ansible_collections.layerkit.ecr.tests.strict_ecr.server import StrictECR
    from mypy_boto3_ecr import ECRClient

pytestmark = pytest.mark.usefixtures("delays", "temporary")

# An operation that each task needs.
NEEDED = {
    "ecr_image": "UploadLayerPart",
    "ecr_image, state: absent": "BatchDeleteImage",
    "ecr_image_info": "BatchGetImage",
    "ecr_image_info, all images": "DescribeImages",
    "ecr_image_copy, source": "GetDownloadUrlForLayer",
    "ecr_image_copy, target": "PutImage",
    "ecr_image_download": "GetDownloadUrlForLayer",
    "ecr_layer": "CompleteLayerUpload",
    "ecr_layer_info": "BatchCheckLayerAvailability",
    "ecr_initiate_layer_upload": "InitiateLayerUpload",
    "ecr_upload_layer_part": "UploadLayerPart",
    "ecr_complete_layer_upload": "CompleteLayerUpload",
}
FAULTS: list[Kind] = ["access_denied", "expired_token", "bare_500", "drop_before"]
DOWNLOAD_FAULTS: list[Kind] = ["expire_url", "drop_before", "cut_body"]


@pytest.fixture
def site(
    strict_ecr: StrictECR,
    ecr: ECRClient,
    repository: str,
    connection: dict[str, t.Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Site:
    """Tasks whose credentials come from a profile, and whose temporary files are in a directory of their own."""
    for name, value in canaries.profile(tmp_path).items():
        monkeypatch.setenv(name, value)
    unnamed = {key: value for key, value in connection.items() if key not in ("access_key", "secret_key")}
    return Site(strict_ecr, ecr, repository, unnamed, tmp_path, canaries.CONTENT)


def failure_of(run: t.Callable[[], dict[str, t.Any]]) -> str:
    """Return the result of a task that fails, as the module prints it."""
    with pytest.raises(ModuleFailedError) as failed:
        run()
    return json.dumps(failed.value.result)


@pytest.mark.parametrize("task", TASKS)
def test_result_of_a_task_that_succeeds(site: Site, task: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run = TASKS[task](site)
    real_run = site.run
    options: dict[str, t.Any] = {"debug_botocore_endpoint_logs": True}
    if task in ("ecr_image", "ecr_layer", "ecr_image_copy, target"):
        options["state_dir"] = str(site.path / "temporary/state")
    for check in (True, False):
        monkeypatch.setattr(
            site, "run", lambda module, check=check, **given: real_run(module, check=check, **given, **options)
        )
        assert shown(json.dumps(run())) == set()
    assert shown_in_files(site.path / "temporary") == {}


@pytest.mark.parametrize("task", TASKS)
def test_result_of_a_task_that_fails(site: Site, task: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run = TASKS[task](site)
    real_run = site.run
    state = str(site.path / "temporary/state")
    if task in ("ecr_image", "ecr_layer"):
        monkeypatch.setattr(site, "run", lambda module, **given: real_run(module, **given, state_dir=state))
    repositories = [site.repository, *([site.other_repository()] if task.endswith("source") else [])]
    for kind in FAULTS:
        for name in repositories:
            site.control.faults.add(Fault(kind, NEEDED[task], repository=name, times=99))
        assert shown(failure_of(run)) == set()
        for name in repositories:
            site.control.faults.clear(name)
    assert shown_in_files(site.path / "temporary") == {}


@pytest.mark.parametrize("kind", DOWNLOAD_FAULTS)
@pytest.mark.parametrize("task", ["ecr_image_copy, source", "ecr_image_download"])
def test_result_of_a_download_that_fails(site: Site, task: str, kind: Kind) -> None:
    run = TASKS[task](site)
    source = site.other_repository() if task.endswith("source") else site.repository
    site.control.faults.add(Fault(kind, DOWNLOAD, repository=source, times=99))
    assert shown(failure_of(run)) == set()
    # What arrived of the layer is kept beside the target for the next run, and no secret with it.
    assert shown_in_files(site.path / "temporary") == {}
    assert shown_in_files(site.path, content=b"").keys() == {"canary-credentials"}


@pytest.mark.parametrize("module", ["ecr_image", "ecr_upload_layer_part", "ecr_complete_layer_upload"])
def test_input_that_is_refused_is_not_quoted(site: Site, module: str) -> None:
    """A file that is no image, and JSON that ends too early, have the bytes of a layer in them."""
    upload = site.open_upload()
    text = canaries.CONTENT.decode()
    refused: dict[str, dict[str, t.Any]] = {
        "ecr_image": {"src": str(site.layer), "tags": ["1"]},
        "ecr_upload_layer_part": {"upload_id": upload, "cli_input_json": f'{{"layerPartBlob": "{text}'},
        "ecr_complete_layer_upload": {"upload_id": upload, "layer_digests": [text]},
    }
    written = failure_of(lambda: site.run(module, **refused[module]))
    result = {key: value for key, value in json.loads(written).items() if key != "invocation"}
    expected = {"content"} if module == "ecr_complete_layer_upload" else set()
    # What the user wrote in place of a digest is quoted, shortened.
    assert shown(json.dumps(result)) <= expected


def test_every_module_is_tried() -> None:
    modules = (Path(__file__).parents[2] / "plugins/modules").glob("*.py")
    assert {path.stem for path in modules} == {task.partition(",")[0] for task in TASKS}
    assert set(NEEDED) == set(TASKS)
