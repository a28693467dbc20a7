# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules document is what they do."""

from __future__ import annotations

import base64
import hashlib
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.collection_info import (
    COLLECTION_NAME,
    COLLECTION_VERSION,
)
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.service_model import input_shape
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
from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import LayoutWriter
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import ModuleFailedError, run_module
from ansible_collections.layerkit.ecr.tests.unit.support.pushing import image_manifest, index_manifest
from ansible_collections.layerkit.ecr.tests.unit.support.stored_images import store_image
from botocore import xform_name

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.server import StrictECR
    from mypy_boto3_ecr import ECRClient

ROOT = Path(__file__).parents[4]
OPERATIONS = [ecr_complete_layer_upload, ecr_initiate_layer_upload, ecr_upload_layer_part]
MODULES = [*OPERATIONS, ecr_image, ecr_image_copy, ecr_image_download, ecr_image_info, ecr_layer, ecr_layer_info]
LAYER = b"the bytes of a whole layer"
DIGEST = "sha256:" + hashlib.sha256(LAYER).hexdigest()
ACCOUNT = "123456789012"

# What Ansible adds to every result, and what it calls the reason of a failure.
ENVELOPE = {"changed", "diff", "invocation", "warnings", "failed", "exception", "msg"}
TYPES = {"str": str, "int": int, "dict": dict, "complex": dict, "list": list}

pytestmark = pytest.mark.usefixtures("delays")


def name_of(module: t.Any) -> str:
    return str(module.__name__.rsplit(".", 1)[-1])


def documented(module: t.Any) -> dict[str, dict[str, t.Any]]:
    return t.cast("dict[str, dict[str, t.Any]]", yaml.safe_load(module.RETURN))


def keys_returned(module: t.Any, condition: str) -> set[str]:
    return {key for key, entry in documented(module).items() if condition in entry["returned"]}


@pytest.fixture
def layer_file(tmp_path: Path) -> str:
    path = tmp_path / "layer.tar.gz"
    path.write_bytes(LAYER)
    return str(path)


@pytest.fixture
def image_source(tmp_path: Path) -> str:
    layout = LayoutWriter(tmp_path / "layout")
    return str(layout.finish(layout.image(LAYER)))


@pytest.fixture
def stored_image(ecr: ECRClient, repository: str) -> str:
    """A repository that has an image with the tag 1."""
    ecr.create_repository(repositoryName=f"{repository}-source")
    layout = LayoutWriter()
    store_image(ecr, f"{repository}-source", layout, layout.image(LAYER), "1")
    return f"{repository}-source"


@pytest.fixture
def upload_id(ecr: ECRClient, repository: str) -> str:
    """An upload that has all bytes of LAYER."""
    upload = ecr.initiate_layer_upload(repositoryName=repository)["uploadId"]
    ecr.upload_layer_part(
        repositoryName=repository, uploadId=upload, partFirstByte=0, partLastByte=len(LAYER) - 1, layerPartBlob=LAYER
    )
    return upload


@pytest.fixture(params=MODULES, ids=name_of)
def module(request: pytest.FixtureRequest) -> t.Any:
    return request.param


@pytest.fixture
def task(
    module: t.Any,
    repository: str,
    upload_id: str,
    layer_file: str,
    image_source: str,
    stored_image: str,
    tmp_path: Path,
) -> dict[str, t.Any]:
    """The options of a task that succeeds, without those of the connection."""
    part = {
        "part_first_byte": 0,
        "part_last_byte": len(LAYER) - 1,
        "layer_part_blob": base64.b64encode(LAYER).decode(),
    }
    options: dict[str, dict[str, t.Any]] = {
        "ecr_complete_layer_upload": {"upload_id": upload_id, "layer_digests": [DIGEST]},
        "ecr_image": {"src": image_source, "tags": ["1"]},
        "ecr_image_copy": {"source": {"repository_name": stored_image, "tag": "1"}},
        "ecr_image_download": {"repository_name": stored_image, "tag": "1", "dest": str(tmp_path / "download")},
        "ecr_image_info": {"tags": ["1"]},
        "ecr_initiate_layer_upload": {},
        "ecr_layer": {"src": layer_file},
        "ecr_layer_info": {"layer_digests": [DIGEST]},
        "ecr_upload_layer_part": {"upload_id": upload_id, **part},
    }
    return {"repository_name": repository, **options[name_of(module)]}


def keys_of(result: dict[str, t.Any]) -> set[str]:
    return set(result) - ENVELOPE


class TestReturn:
    @pytest.mark.parametrize("check", [False, True])
    def test_success(self, module: t.Any, connection: dict[str, t.Any], task: dict[str, t.Any], check: bool) -> None:
        for _run_and_run_again in range(2):
            result = run_module(module, check=check, connection=connection, **task)
            assert isinstance(result["changed"], bool)
            assert result["msg"]
            written = (
                keys_returned(module, "when O(dest) exists") if Path(task.get("dest", "/nowhere")).exists() else set()
            )
            assert keys_of(result) - {"registry_id"} == keys_returned(module, "success") | written
            assert result.get("registry_id", ACCOUNT) == ACCOUNT
            for key in keys_of(result):
                expected = TYPES[documented(module)[key]["type"]]
                assert result[key] is None or isinstance(result[key], expected), key

    def test_error_of_aws(self, module: t.Any, connection: dict[str, t.Any], task: dict[str, t.Any]) -> None:
        with pytest.raises(ModuleFailedError) as failed:
            run_module(module, connection=connection, **{**task, "repository_name": "not/there"})
        answered = keys_returned(module, "when AWS answered with an error")
        assert answered
        assert answered <= keys_of(failed.value.result) <= answered | keys_returned(module, "failed")

    def test_failure_without_an_answer(self, module: t.Any, task: dict[str, t.Any], unused_port: int) -> None:
        connection = {
            "region": "eu-west-1",
            "access_key": "AKIAUNITTESTS",
            "secret_key": "n0t-a-secret",
            "endpoint_url": f"http://127.0.0.1:{unused_port}",
        }
        with pytest.raises(ModuleFailedError) as failed:
            run_module(module, connection=connection, **task)
        known = keys_returned(module, "when a request failed")
        steps = ("when an upload failed", "when a push failed", "when a copy failed")
        begun = {key for step in steps for key in keys_returned(module, step)}
        assert known <= keys_of(failed.value.result) <= known | begun


@pytest.mark.parametrize("module", OPERATIONS, ids=name_of, indirect=True)
class TestOperation:
    def test_skeletons(self, module: t.Any, task: dict[str, t.Any]) -> None:
        for kind in ("input", "output"):
            result = run_module(module, connection={}, generate_cli_skeleton=kind, **task)
            assert keys_of(result) == keys_returned(module, "when O(generate_cli_skeleton) is given")
        sample = documented(module)["cli_skeleton"]["sample"]
        assert sample == run_module(module, connection={}, generate_cli_skeleton="input")["cli_skeleton"]

    def test_kms_error(
        self, module: t.Any, connection: dict[str, t.Any], task: dict[str, t.Any], strict_ecr: StrictECR
    ) -> None:
        strict_ecr.control.faults.add(Fault("kms", module.OPERATION, repository=task["repository_name"]))
        with pytest.raises(ModuleFailedError) as failed:
            run_module(module, connection=connection, **task)
        assert failed.value.result["kms_error"] == "DisabledException"
        assert keys_of(failed.value.result) <= set(documented(module))

    def test_options_are_the_members_of_the_request(self, module: t.Any) -> None:
        members = {xform_name(name) for name in input_shape(module.OPERATION).members}
        options = yaml.safe_load(module.DOCUMENTATION).get("options") or {}
        from_fragments = {"registry_id", "repository_name", "upload_id"} & members
        assert set(options) - {"src"} | from_fragments == members

    def test_each_option_has_its_aws_spelling_as_an_alias(
        self, module: t.Any, connection: dict[str, t.Any], task: dict[str, t.Any]
    ) -> None:
        aliases = {xform_name(member): member for member in input_shape(module.OPERATION).members}
        spelt = {aliases[option]: value for option, value in {**task, "registry_id": ACCOUNT}.items()}
        assert run_module(module, connection=connection, **spelt)["registry_id"] == ACCOUNT


class TestSpecial:
    @pytest.mark.parametrize("module", [ecr_complete_layer_upload], indirect=True)
    def test_facts_are_documented_whole(
        self, module: t.Any, connection: dict[str, t.Any], task: dict[str, t.Any]
    ) -> None:
        facts = run_module(module, connection=connection, **task)["ansible_facts"]
        contains = documented(module)["ansible_facts"]["contains"]
        assert set(facts) == set(contains)
        assert set(facts[name_of(module)]) == set(contains[name_of(module)]["sample"])

    @pytest.mark.parametrize("module", [ecr_upload_layer_part], indirect=True)
    def test_part_that_does_not_follow(
        self, module: t.Any, connection: dict[str, t.Any], task: dict[str, t.Any]
    ) -> None:
        beyond = {"part_first_byte": len(LAYER) + 1, "part_last_byte": 2 * len(LAYER)}
        with pytest.raises(ModuleFailedError) as failed:
            run_module(module, connection=connection, **{**task, **beyond})
        keys = keys_of(failed.value.result)
        assert keys_returned(module, "when the part does not follow") <= keys <= set(documented(module))

    @pytest.mark.parametrize("module", [ecr_layer_info], indirect=True)
    def test_entries_are_documented_whole(
        self, module: t.Any, connection: dict[str, t.Any], task: dict[str, t.Any]
    ) -> None:
        (layer,) = run_module(module, connection=connection, **task)["layers"]
        assert set(layer) == set(documented(module)["layers"]["contains"])

    @pytest.mark.parametrize("module", [ecr_image_info], indirect=True)
    def test_images_are_documented_whole(
        self, module: t.Any, connection: dict[str, t.Any], task: dict[str, t.Any], image_source: str
    ) -> None:
        name = task["repository_name"]
        run_module(ecr_image, connection=connection, repository_name=name, src=image_source, tags=["1"])
        (image,) = run_module(module, connection=connection, **task, referrers=True)["images"]
        assert set(image) == set(documented(module)["images"]["contains"])

    @pytest.mark.parametrize("module", [ecr_image_info], indirect=True)
    def test_images_of_a_list_are_documented_whole(
        self, module: t.Any, connection: dict[str, t.Any], task: dict[str, t.Any], image_source: str
    ) -> None:
        name = task["repository_name"]
        run_module(ecr_image, connection=connection, repository_name=name, src=image_source, tags=["1"])
        result = run_module(module, connection=connection, repository_name=name)
        assert keys_of(result) - {"registry_id"} == keys_returned(module, "success")
        contains = documented(module)["images"]["contains"]
        listed = {key for key, entry in contains.items() if entry["returned"] == "success"}
        assert set(result["images"][0]) == listed

    @pytest.mark.parametrize("module", [ecr_image, ecr_image_copy], indirect=True)
    @pytest.mark.parametrize("check", [True, False])
    def test_parts_of_an_image_are_documented_whole(
        self, module: t.Any, connection: dict[str, t.Any], task: dict[str, t.Any], check: bool
    ) -> None:
        result = run_module(module, check=check, connection=connection, **task)
        assert set(result["image"]) == set(documented(module)["image"]["contains"])
        (sample,) = documented(module)["image"]["contains"]["tags"]["sample"]
        for entry in result["image"]["tags"]:
            assert set(entry) == set(sample)
        for key in ("layers", "manifests"):
            for entry in result[key]:
                assert set(entry) == set(documented(module)[key]["contains"])
        if module is ecr_image_copy:
            assert set(result["source"]) == set(documented(module)["source"]["contains"])

    @pytest.mark.parametrize("module", [ecr_image], indirect=True)
    @pytest.mark.parametrize("check", [True, False])
    def test_removal_is_documented_whole(
        self, module: t.Any, connection: dict[str, t.Any], task: dict[str, t.Any], check: bool
    ) -> None:
        run_module(module, connection=connection, **task)
        removal = {"repository_name": task["repository_name"], "state": "absent", "tags": ["1"]}
        result = run_module(module, check=check, connection=connection, **removal)
        of_a_push = keys_returned(module, "if O(state=present)")
        of_a_removal = keys_returned(module, "success") - of_a_push | keys_returned(module, "if O(state=absent)")
        assert keys_of(result) == of_a_removal | {"registry_id"}
        (image,) = result["images"]
        assert set(image) == set(documented(module)["images"]["contains"])
        (sample,) = documented(module)["tags"]["sample"]
        assert {key for entry in result["tags"] for key in entry} == set(sample)

    @pytest.mark.parametrize("module", [ecr_image], indirect=True)
    def test_refused_removal_has_the_keys_that_are_documented(
        self, module: t.Any, connection: dict[str, t.Any], strict_ecr: StrictECR, repository: str
    ) -> None:
        child = strict_ecr.control.seed_image(repository, image_manifest(DIGEST, DIGEST))
        strict_ecr.control.seed_image(repository, index_manifest(child), "1")
        with pytest.raises(ModuleFailedError) as failed:
            run_module(module, connection=connection, repository_name=repository, state="absent", digests=[child])
        known = keys_returned(module, "removal failed") | keys_returned(module, "refused to remove")
        assert keys_of(failed.value.result) == known | {"repository_name"}
        (failure,) = failed.value.result["failures"]
        assert set(failure) == set(documented(module)["failures"]["contains"])

    @pytest.mark.parametrize("module", [ecr_image], indirect=True)
    @pytest.mark.parametrize("operation", ["InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload", "PutImage"])
    def test_push_that_fails_has_the_keys_that_are_documented(
        self,
        module: t.Any,
        connection: dict[str, t.Any],
        task: dict[str, t.Any],
        operation: str,
        strict_ecr: StrictECR,
    ) -> None:
        strict_ecr.control.faults.add(Fault("kms", operation, repository=task["repository_name"]))
        with pytest.raises(ModuleFailedError) as failed:
            run_module(module, connection=connection, **task)
        keys = keys_of(failed.value.result)
        assert keys_returned(module, "when a push failed") <= keys <= set(documented(module))
        assert ("layer_digest" in keys) == (operation != "PutImage")
        assert ("upload_id" in keys) == (operation in ("UploadLayerPart", "CompleteLayerUpload"))

    @pytest.mark.parametrize("module", [ecr_layer], indirect=True)
    @pytest.mark.parametrize("operation", ["InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload"])
    def test_upload_that_fails_has_the_keys_of_one_that_succeeds(
        self,
        module: t.Any,
        connection: dict[str, t.Any],
        task: dict[str, t.Any],
        operation: str,
        strict_ecr: StrictECR,
    ) -> None:
        strict_ecr.control.faults.add(Fault("kms", operation, repository=task["repository_name"]))
        with pytest.raises(ModuleFailedError) as failed:
            run_module(module, connection=connection, **task)
        keys = keys_of(failed.value.result)
        assert keys_returned(module, "success and when an upload failed") <= keys <= set(documented(module))


def test_version_is_that_of_the_collection() -> None:
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))
    assert f"{galaxy['namespace']}.{galaxy['name']}" == COLLECTION_NAME
    assert galaxy["version"] == COLLECTION_VERSION


def test_every_module_is_held_to_its_contract() -> None:
    assert {path.stem for path in (ROOT / "plugins/modules").glob("*.py")} == set(map(name_of, MODULES))
