# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text that others wrote reaches no terminal as it is: neither that of a source, nor of a state file, nor of AWS."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.plugins.modules import (
    ecr_image,
    ecr_image_info,
    ecr_initiate_layer_upload,
    ecr_layer,
    ecr_layer_info,
    ecr_upload_layer_part,
)
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import (
    LAYERS,
    OCI_CONFIG,
    as_json,
    config_of,
    digest_of,
    docker_archive,
    write_directory,
)
from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import LayoutWriter, index_of
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import ModuleFailedError, run_module
from ansible_collections.layerkit.ecr.tests.unit.support.stubbed_registry import StubbedRegistry

HARM = "\x1b]0;title\x07\x1b[2J\u202e" + "\n" * 300 + "x" * 2_000_000
REPOSITORY = {"repositoryName": "app"}
DIGEST = digest_of(b"layer")
UPLOAD = "5e9ba2c1-1a3d-4b36-8c2e-5a4d5c1bb9d7"


def texts(value: t.Any) -> t.Iterator[str]:
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list):
        for inner in value:
            yield from texts(inner)
    elif isinstance(value, str):
        yield value


def assert_harmless(result: dict[str, t.Any]) -> None:
    shown = {key: value for key, value in result.items() if key not in ("invocation", "exception")}
    for text in [*texts(shown), *result.get("exception", "").split("\n")]:
        assert text.isprintable(), text[:500]
    assert len(json.dumps(result)) < 30_000
    assert result.get("exception", "").count("\n") < 100


def failure_of(module: t.Any, **options: t.Any) -> str:
    """Run a module that fails, and return its message."""
    with pytest.raises(ModuleFailedError) as failed:
        run_module(module, repository_name="app", **options)
    assert_harmless(failed.value.result)
    return failed.value.msg


def layout_with(layout: LayoutWriter, path: Path) -> str:
    return str(write_directory(path / "layout", layout.complete()))


class TestSource:
    @pytest.mark.parametrize("member", ["os", "architecture", "variant"])
    def test_platform_of_an_index(self, tmp_path: Path, member: str) -> None:
        layout = LayoutWriter()
        platform = {"os": "linux", "architecture": "arm64", member: HARM}
        layout.add_entry(
            index_of(layout.blob(as_json(layout.manifest()), layout.manifest()["mediaType"], platform=platform))
        )
        words = failure_of(ecr_image, src=layout_with(layout, tmp_path), platforms=["linux/amd64"])
        assert r"\x1b]0;title\x07\x1b[2j\u202e\n\n" in words
        assert "(2000" in words

    def test_name_of_an_image(self, tmp_path: Path) -> None:
        layout = LayoutWriter()
        layout.add_entry(layout.manifest(), HARM)
        words = failure_of(ecr_image, src=layout_with(layout, tmp_path), image="other")
        assert r"It contains: '\x1b]0;title" in words

    @pytest.mark.parametrize("member", ["Config", "RepoTags", "Layers"])
    def test_name_in_a_docker_archive(self, tmp_path: Path, member: str) -> None:
        files = docker_archive()
        (entry,) = json.loads(files["manifest.json"])
        entry[member] = HARM if member == "Config" else [HARM] * len(LAYERS)
        files["manifest.json"] = as_json([entry])
        path = write_directory(tmp_path / "archive", files)
        assert r"\x1b]0;title" in failure_of(
            ecr_image, src=str(path), image="other:1" if member == "RepoTags" else None
        )

    def test_media_type_of_a_layer(self, tmp_path: Path) -> None:
        layout = LayoutWriter()
        manifest = layout.manifest()
        manifest["layers"][0]["mediaType"] = f"text/{HARM}"
        layout.add_entry(manifest)
        assert r"mediaType 'text/\x1b]0;" in failure_of(ecr_image, src=layout_with(layout, tmp_path))

    def test_platform_in_the_result(self, tmp_path: Path, registry: StubbedRegistry) -> None:
        layout = LayoutWriter()
        manifest = layout.manifest()
        manifest["config"] = layout.blob(config_of(LAYERS, os=HARM), OCI_CONFIG)
        digest = layout.add_entry(manifest)["digest"]
        image = {"imageId": {"imageDigest": digest}, "imageManifest": json.dumps(manifest), "registryId": "1" * 12}
        registry.stubber.add_response("batch_get_image", {"images": [image]})
        result = run_module(ecr_image, repository_name="app", src=layout_with(layout, tmp_path))
        assert_harmless(result)
        assert result["image"]["platforms"][0].startswith(r"\x1b]0;title\x07")


class TestAws:
    @pytest.mark.parametrize("code", ["RepositoryNotFoundException", "AccessDeniedException", HARM])
    def test_message_and_code_of_an_error(self, registry: StubbedRegistry, code: str) -> None:
        metadata = {"HTTPHeaders": {"x-amzn-requestid": HARM, HARM: "1"}}
        registry.stubber.add_client_error(
            "initiate_layer_upload", code, HARM, expected_params=REPOSITORY, response_meta=metadata
        )
        assert r"\x1b]0;title\x07" in failure_of(ecr_initiate_layer_upload)

    def test_members_of_an_error(self, registry: StubbedRegistry) -> None:
        registry.stubber.add_client_error(
            "upload_layer_part",
            "InvalidLayerPartException",
            HARM,
            modeled_fields={"repositoryName": HARM, "uploadId": HARM, "registryId": HARM},
        )
        part = {"upload_id": UPLOAD, "part_first_byte": 0, "part_last_byte": 0, "layer_part_blob": "AA=="}
        assert r"\x1b]0;title\x07" in failure_of(ecr_upload_layer_part, **part)

    def test_failure_of_one_image(self, registry: StubbedRegistry) -> None:
        failure = {"imageId": {"imageTag": "1"}, "failureCode": "KmsError", "failureReason": HARM}
        registry.stubber.add_response("batch_get_image", {"images": [], "failures": [failure]})
        assert r"KmsError, \x1b]0;title\x07" in failure_of(ecr_image_info, tags=["1"])

    def test_failure_of_one_layer(self, registry: StubbedRegistry) -> None:
        failure = {"layerDigest": HARM, "failureCode": "InvalidLayerDigest", "failureReason": HARM}
        registry.stubber.add_response("batch_check_layer_availability", {"layers": [], "failures": [failure]})
        failure_of(ecr_layer_info, layer_digests=[DIGEST])

    def test_id_and_digest_of_an_upload(self, registry: StubbedRegistry, tmp_path: Path) -> None:
        layer = tmp_path / "layer"
        layer.write_bytes(b"layer")
        registry.has("app", absent=[DIGEST])
        registry.stubber.add_response("initiate_layer_upload", {"uploadId": UPLOAD, "partSize": 10485760})
        registry.stubber.add_response("upload_layer_part", {"lastByteReceived": 4})
        registry.stubber.add_response("complete_layer_upload", {"layerDigest": HARM})
        failure_of(ecr_layer, src=str(layer))


class TestOptionThatIsNoText:
    @pytest.mark.parametrize(
        ("module", "option", "value"),
        [
            (ecr_layer, "src", "build/\ud800.tar"),
            (ecr_layer, "state_dir", "\udfff"),
            (ecr_image, "image", "app:\ud800"),
            (ecr_image, "tags", ["1", "\ud800"]),
            (ecr_layer, "aws_config", {"user_agent_extra": "\ud800"}),
            (ecr_upload_layer_part, "cli_input_json", {"\ud800": 5}),
        ],
    )
    def test_is_named(self, module: t.Any, option: str, value: t.Any) -> None:
        options = {"repository_name": "app", **({} if option == "src" else {"src": "layer"}), option: value}
        with pytest.raises(ModuleFailedError) as failed:
            run_module(module, **options)
        assert failed.value.msg == f"{option} is not text. It has half of a surrogate pair. Nothing was sent."
