# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task did, in one sentence: in check mode what it would do, and once more what there is nothing of."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.plugins.modules import (
    ecr_complete_layer_upload,
    ecr_image,
    ecr_image_copy,
    ecr_image_download,
    ecr_image_info,
    ecr_initiate_layer_upload,
    ecr_layer,
    ecr_layer_info,
    ecr_upload_layer_part,
)
from ansible_collections.layerkit.ecr.tests.strict_ecr.faults import Fault
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import digest_of
from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import LayoutWriter
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import ModuleFailedError, run_module
from ansible_collections.layerkit.ecr.tests.unit.support.stored_images import store_image

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.server import StrictECR
    from mypy_boto3_ecr import ECRClient

pytestmark = pytest.mark.usefixtures("delays")


def short(digest: str) -> str:
    return f"{digest[:19]}…"


class Task:
    """A module on one repository."""

    def __init__(self, connection: dict[str, t.Any], repository: str) -> None:
        self.connection = connection
        self.repository = repository

    def run(self, module: t.Any, check: bool = False, **options: t.Any) -> dict[str, t.Any]:
        options = {"repository_name": self.repository, **options}
        return run_module(module, check=check, connection=self.connection, **options)

    def says(self, module: t.Any, **options: t.Any) -> list[str]:
        """Return what the module says in check mode, in a run, and in the second run."""
        runs = [self.run(module, check, **options) for check in (True, False, False)]
        return [result["msg"] for result in runs]


@pytest.fixture
def task(connection: dict[str, t.Any], repository: str) -> Task:
    return Task(connection, repository)


@pytest.fixture
def layout(tmp_path: Path) -> LayoutWriter:
    return LayoutWriter(tmp_path / "layout")


class TestImages:
    def test_push(self, task: Task, layout: LayoutWriter) -> None:
        image = layout.image(b"one" * 10, b"two" * 1000)
        src = str(layout.finish(image))
        what = f"{task.repository}:1.4.3, latest -> {short(image['digest'])}"
        size = f"{(30 + 3000 + config_size(layout, image)) / 1024:.1f} KiB"
        assert task.says(ecr_image, src=src, tags=["1.4.3", "latest"]) == [
            f"{what}, 3 layers would be sent ({size}), 0 there",
            f"{what}, 3 layers sent ({size}), 0 there",
            f"{what}, nothing to send, 3 layers there",
        ]
        assert task.run(ecr_image, check=True, src=src, tags=["2"])["msg"] == (
            f"{task.repository}:2 -> {short(image['digest'])}, no layers would be sent, 3 there"
        )
        assert task.run(ecr_image, src=src)["msg"] == (
            f"{task.repository}@{short(image['digest'])}, nothing to send, 3 layers there"
        )

    def test_copy(self, task: Task, layout: LayoutWriter, ecr: ECRClient) -> None:
        image = layout.image(b"one" * 10)
        source = f"{task.repository}-source"
        ecr.create_repository(repositoryName=source)
        store_image(ecr, source, layout, image, "1")
        what = f"{task.repository}:1 -> {short(image['digest'])}"
        size = f"{30 + config_size(layout, image)} B"
        assert task.says(ecr_image_copy, source={"repository_name": source, "tag": "1"}) == [
            f"{what}, 2 layers would be sent ({size}), 0 there",
            f"{what}, 2 layers sent ({size}), 0 there",
            f"{what}, nothing to send, 2 layers there",
        ]

    def test_download(self, task: Task, layout: LayoutWriter, ecr: ECRClient, tmp_path: Path) -> None:
        image = layout.image(b"one" * 10)
        store_image(ecr, task.repository, layout, image, "1")
        dest = str(tmp_path / "there")
        what = f"{task.repository}:1 ({short(image['digest'])}) -> {dest}"
        size = f"{30 + config_size(layout, image)} B"
        assert task.says(ecr_image_download, tag="1", dest=dest) == [
            f"{what}, 2 layers would be fetched ({size}), 0 there",
            f"{what}, 2 layers fetched ({size}), 0 there",
            f"{what}, nothing to fetch, 2 layers there",
        ]

    def test_removal(self, task: Task, layout: LayoutWriter, ecr: ECRClient) -> None:
        image = layout.image(b"one" * 10)
        store_image(ecr, task.repository, layout, image, "1")
        assert task.says(ecr_image, state="absent", tags=["1", "2"]) == [
            f"{task.repository}: tag 1 and image {short(image['digest'])} would be removed",
            f"{task.repository}: tag 1 and image {short(image['digest'])} removed",
            f"{task.repository}: nothing to remove",
        ]

    def test_info(self, task: Task, layout: LayoutWriter, ecr: ECRClient) -> None:
        assert task.run(ecr_image_info)["msg"] == f"no images in {task.repository}"
        store_image(ecr, task.repository, layout, layout.image(b"one" * 10), "1")
        assert task.run(ecr_image_info)["msg"] == f"1 image in {task.repository}"
        words = task.run(ecr_image_info, tags=["1", "2"])["msg"]
        assert words == f"1 image found in {task.repository}, missing: 2"


def config_size(layout: LayoutWriter, image: dict[str, t.Any]) -> int:
    """Return the size of the configuration, the one blob that is neither a layer nor the manifest."""
    layers = {digest_of(b"one" * 10), digest_of(b"two" * 1000), image["digest"]}
    (size,) = {
        len(content)
        for name, content in layout.files.items()
        if name.startswith("blobs/") and f"sha256:{name.rpartition('/')[2]}" not in layers
    }
    return size


class TestLayers:
    def test_layer(self, task: Task, tmp_path: Path) -> None:
        (tmp_path / "layer").write_bytes(b"x" * 2048)
        layer = f"Layer {short(digest_of(b'x' * 2048))}"
        assert task.says(ecr_layer, src=str(tmp_path / "layer")) == [
            f"{layer} would be uploaded to {task.repository}: 2.0 KiB in 1 part",
            f"{layer} uploaded to {task.repository}: 2.0 KiB in 1 part",
            f"{layer} (2.0 KiB) is already in {task.repository}",
        ]
        digests = [digest_of(b"x" * 2048), digest_of(b"y")]
        assert task.run(ecr_layer_info, layer_digests=digests)["msg"] == f"1 layer of 2 in {task.repository}"

    def test_steps(self, task: Task) -> None:
        assert (
            task.run(ecr_initiate_layer_upload, check=True)["msg"] == f"An upload would be opened in {task.repository}"
        )
        opened = task.run(ecr_initiate_layer_upload)
        upload = opened["upload_id"]
        assert opened["msg"] == f"Upload {upload} opened in {task.repository}"
        part = {"upload_id": upload, "part_first_byte": 0, "part_last_byte": 1, "layer_part_blob": "eHg="}
        assert task.says(ecr_upload_layer_part, **part) == [
            f"Bytes 0 to 1 of upload {upload} would be sent to {task.repository}",
            f"Bytes 0 to 1 of upload {upload} sent to {task.repository}",
            f"Bytes 0 to 1 of upload {upload} were already received",
        ]
        layer = f"layer {short(digest_of(b'xx'))}"
        assert task.says(ecr_complete_layer_upload, upload_id=upload, layer_digests=[digest_of(b"xx")]) == [
            f"Upload {upload} would be completed: {layer} in {task.repository}",
            f"Upload {upload} completed: {layer} in {task.repository}",
            f"Upload {upload}: {layer} is already in {task.repository}",
        ]

    @pytest.mark.parametrize("kind", ["input", "output"])
    def test_skeleton(self, task: Task, kind: str) -> None:
        words = task.run(ecr_initiate_layer_upload, generate_cli_skeleton=kind)["msg"]
        assert f"{kind} of InitiateLayerUpload" in words


class TestFailures:
    def test_what_amazon_aws_adds_is_left_out(self, task: Task, layout: LayoutWriter, strict_ecr: StrictECR) -> None:
        there, missing = layout.image(b"one" * 10), layout.image(b"one" * 10, b"two" * 1000)
        src = str(layout.finish(there=there, missing=missing))
        task.run(ecr_image, src=src, image="there", tags=["1"])
        strict_ecr.control.faults.add(Fault("kms", "InitiateLayerUpload", repository=task.repository))
        with pytest.raises(ModuleFailedError) as failed:
            task.run(ecr_image, src=src, image="missing", tags=["2"])
        result = failed.value.result
        assert not {"response_metadata", "boto3_version", "botocore_version", "http_headers"} & result.keys()
        assert result.get("registry_id", "") is not None
        assert result["error"]["code"] == "KmsException"
        assert result["attempts"] == 1
        # What the repository had tells nothing of the failure.
        assert [(layer["digest"], layer["action"]) for layer in result["layers"]] == [
            (digest_of(b"two" * 1000), "failed")
        ]

    def test_id_of_the_request(self, registry: t.Any) -> None:
        registry.stubber.add_client_error(
            "initiate_layer_upload",
            "RepositoryNotFoundException",
            "not found",
            response_meta={"RequestId": "2f6b6a5c-8f5d-4c43-9d9a-6b2f1d1f0c11"},
        )
        with pytest.raises(ModuleFailedError) as failed:
            run_module(ecr_initiate_layer_upload, repository_name="app")
        assert failed.value.result["error"]["request_id"] == "2f6b6a5c-8f5d-4c43-9d9a-6b2f1d1f0c11"
