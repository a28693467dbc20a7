# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""UploadLayerPart against a registry of expected calls."""

from __future__ import annotations

import base64
import json
import os
import random
import typing as t
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.call import Call, Repository
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.errors import CallError
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.service_model import operation_model
from ansible_collections.layerkit.ecr.plugins.modules import ecr_upload_layer_part as module
from ansible_collections.layerkit.ecr.tests.unit.support.modelled_advice import ADVICE
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import ModuleFailedError, run_module, warnings_of
from ansible_collections.layerkit.ecr.tests.unit.support.stubbed_registry import StubbedRegistry
from botocore.exceptions import ClientError

REPOSITORY = "team/app"
ACCOUNT = "123456789012"
UPLOAD = "5e9ba2c1-1a3d-4b36-8c2e-5a4d5c1bb9d7"
ZERO_BYTES = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
LAYER = b"the bytes of a whole layer"
CONTENT_SIZE = 3000
LONG_BLOB = base64.b64encode(random.Random(5).randbytes(CONTENT_SIZE)).decode()
BLOB = base64.b64encode(LAYER).decode()
KEYS = {"action", "last_byte_received", "registry_id", "repository_name", "upload_id"}

TASK: dict[str, t.Any] = {"repository_name": REPOSITORY, "upload_id": UPLOAD}
WHOLE: dict[str, t.Any] = {**TASK, "part_first_byte": 0, "part_last_byte": len(LAYER) - 1, "layer_part_blob": BLOB}


def assert_without_content(failed: ModuleFailedError) -> None:
    shown = json.dumps(failed.result)
    # What is cut out of it counts, too.
    assert not any(LONG_BLOB[at : at + 16] in shown for at in range(0, len(LONG_BLOB), 16))


def part_request(first: int = 0, last: int = len(LAYER) - 1) -> dict[str, t.Any]:
    return {
        "repositoryName": REPOSITORY,
        "uploadId": UPLOAD,
        "partFirstByte": first,
        "partLastByte": last,
        "layerPartBlob": LAYER[first : last + 1],
    }


def receives(registry: StubbedRegistry, first: int = 0, last: int = len(LAYER) - 1) -> None:
    registry.answers(
        "UploadLayerPart",
        part_request(first, last),
        registryId=ACCOUNT,
        repositoryName=REPOSITORY,
        uploadId=UPLOAD,
        lastByteReceived=last,
    )


def misplaces(registry: StubbedRegistry, last_valid: int | None, first: int = 0, last: int = len(LAYER) - 1) -> None:
    fields = {} if last_valid is None else {"lastValidByteReceived": last_valid}
    registry.refuses("UploadLayerPart", part_request(first, last), "InvalidLayerPartException", 400, fields)


@pytest.fixture
def layer_file(tmp_path: Path) -> Path:
    path = tmp_path / "layer.tar.gz"
    path.write_bytes(LAYER)
    return path


class TestSending:
    def test_part_of_base64(self, registry: StubbedRegistry) -> None:
        receives(registry)
        result = run_module(module, **WHOLE)
        assert result["changed"] is True
        assert {key: result[key] for key in KEYS} == {
            "action": "sent",
            "last_byte_received": len(LAYER) - 1,
            "registry_id": ACCOUNT,
            "repository_name": REPOSITORY,
            "upload_id": UPLOAD,
        }
        assert result["diff"] == {
            "before": {"last_byte_received": -1},
            "after": {"last_byte_received": len(LAYER) - 1},
        }

    @pytest.mark.parametrize(("first", "last"), [(0, 0), (0, 9), (10, len(LAYER) - 1), (0, len(LAYER) - 1)])
    def test_part_of_file(self, registry: StubbedRegistry, layer_file: Path, first: int, last: int) -> None:
        receives(registry, first, last)
        result = run_module(module, **TASK, part_first_byte=first, part_last_byte=last, src=str(layer_file))
        assert (result["changed"], result["last_byte_received"]) == (True, last)

    def test_aws_spellings_are_aliases(self, registry: StubbedRegistry) -> None:
        registry.answers("UploadLayerPart", {"registryId": ACCOUNT, **part_request()}, lastByteReceived=len(LAYER) - 1)
        result = run_module(
            module,
            registryId=ACCOUNT,
            repositoryName=REPOSITORY,
            uploadId=UPLOAD,
            partFirstByte=0,
            partLastByte=len(LAYER) - 1,
            layerPartBlob=BLOB,
        )
        assert (result["changed"], result["registry_id"]) == (True, ACCOUNT)

    def test_check_mode_looks_and_sends_nothing(self, registry: StubbedRegistry) -> None:
        registry.has(REPOSITORY, absent=[ZERO_BYTES])
        result = run_module(module, check=True, **WHOLE)
        assert (result["changed"], result["action"], result["last_byte_received"]) == (True, "sent", len(LAYER) - 1)
        assert set(result) >= KEYS - {"registry_id"}

    def test_small_part_that_is_not_the_last_is_warned_about(self, registry: StubbedRegistry, layer_file: Path) -> None:
        receives(registry, 0, 9)
        result = run_module(module, **TASK, part_first_byte=0, part_last_byte=9, src=str(layer_file))
        assert any("10 bytes" in warning and "5242880" in warning for warning in warnings_of(result))

    def test_small_last_part_is_fine(self, registry: StubbedRegistry, layer_file: Path) -> None:
        receives(registry, 10)
        result = run_module(module, **TASK, part_first_byte=10, part_last_byte=len(LAYER) - 1, src=str(layer_file))
        assert not warnings_of(result)

    def test_answer_that_has_fewer_bytes_is_a_lost_one(self, registry: StubbedRegistry) -> None:
        registry.answers("UploadLayerPart", part_request(), lastByteReceived=3)
        misplaces(registry, len(LAYER) - 1, 0, len(LAYER) - 1)
        result = run_module(module, **WHOLE)
        assert (result["changed"], result["last_byte_received"]) == (True, len(LAYER) - 1)

    def test_answer_that_always_has_fewer_bytes_fails(self, registry: StubbedRegistry) -> None:
        for _attempt in range(7):
            registry.answers("UploadLayerPart", part_request(), lastByteReceived=3)
        with pytest.raises(ModuleFailedError, match=f"lastByteReceived is 3, and {len(LAYER) - 1} was sent"):
            run_module(module, **WHOLE)


class TestPartThatIsThere:
    @pytest.mark.parametrize("last_valid", [19, 20, 5_000_000])
    def test_is_unchanged(self, registry: StubbedRegistry, last_valid: int) -> None:
        misplaces(registry, last_valid, 10, 19)
        result = run_module(
            module,
            **TASK,
            part_first_byte=10,
            part_last_byte=19,
            layer_part_blob=base64.b64encode(LAYER[10:20]).decode(),
        )
        assert (result["changed"], result["action"]) == (False, "already_received")
        assert result["last_byte_received"] == last_valid
        assert result["diff"]["before"] == result["diff"]["after"]
        assert set(result) >= KEYS - {"registry_id"}

    @pytest.mark.parametrize(("registry_id", "shown"), [("\x1b[2J", r"\x1b[2J"), (ACCOUNT, ACCOUNT), (5, None)])
    def test_registry_of_the_refusal_is_printable(self, registry_id: t.Any, shown: str | None) -> None:
        response: t.Any = {"Error": {"Code": "InvalidLayerPartException"}, "registryId": registry_id}
        call = Call("UploadLayerPart", Repository(REPOSITORY))
        assert CallError(call, ClientError(response, call.operation)).registry_id == shown

    def test_only_byte_of_a_layer_is_unchanged(self, registry: StubbedRegistry) -> None:
        misplaces(registry, 0, 0, 0)
        blob = base64.b64encode(LAYER[:1]).decode()
        result = run_module(module, **TASK, part_first_byte=0, part_last_byte=0, layer_part_blob=blob)
        assert (result["changed"], result["last_byte_received"]) == (False, 0)

    @pytest.mark.parametrize(
        ("last_valid", "expected"), [(None, 0), (0, 0), (1, 2), (3, 4), (9, 10), (15, 16), (18, 19)]
    )
    def test_part_that_does_not_follow_fails(
        self, registry: StubbedRegistry, last_valid: int | None, expected: int
    ) -> None:
        misplaces(registry, last_valid, 12, 19)
        with pytest.raises(ModuleFailedError, match=f"expects byte {expected} of this upload") as failed:
            run_module(
                module,
                **TASK,
                part_first_byte=12,
                part_last_byte=19,
                layer_part_blob=base64.b64encode(LAYER[12:20]).decode(),
            )
        assert failed.value.result["next_byte_expected"] == expected
        assert failed.value.result["error"]["code"] == "InvalidLayerPartException"
        assert f"bytes 12 to 19 of upload {UPLOAD}" in failed.value.msg

    @pytest.mark.parametrize("last_valid", [None, 0])
    def test_first_part_that_is_refused_as_if_nothing_had_arrived_fails(
        self, registry: StubbedRegistry, last_valid: int | None
    ) -> None:
        misplaces(registry, last_valid)
        with pytest.raises(
            ModuleFailedError, match=r"does not report which byte it expects\. Send the layer again"
        ) as failed:
            run_module(module, **WHOLE)
        assert "next_byte_expected" not in failed.value.result


class TestRetries:
    def test_first_try_that_had_arrived_is_a_change(self, registry: StubbedRegistry) -> None:
        registry.refuses("UploadLayerPart", part_request(), "ServerException", 500)
        misplaces(registry, len(LAYER) - 1)
        result = run_module(module, **WHOLE)
        assert (result["changed"], result["action"]) == (True, "sent")

    def test_upload_that_was_further_on_is_no_change(self, registry: StubbedRegistry) -> None:
        registry.refuses("UploadLayerPart", part_request(), "ServerException", 500)
        misplaces(registry, len(LAYER) + 100)
        assert run_module(module, **WHOLE)["changed"] is False

    def test_throttled_try_is_sent_again(self, registry: StubbedRegistry, delays: list[float]) -> None:
        registry.refuses("UploadLayerPart", part_request(), "ThrottlingException")
        receives(registry)
        assert run_module(module, **WHOLE)["changed"] is True
        assert len(delays) == 1


@pytest.mark.parametrize("code", [shape.name for shape in operation_model("UploadLayerPart").error_shapes])
def test_modelled_error(registry: StubbedRegistry, code: str) -> None:
    passing = code in ("ServerException", "LimitExceededException")
    for _attempt in range(7 if passing else 1):
        registry.refuses("UploadLayerPart", part_request(), code, status=500 if code == "ServerException" else 400)
    last = len(LAYER) - 1
    words = f"Failed to send bytes 0 to {last} of upload {UPLOAD} to repository {REPOSITORY}"
    with pytest.raises(ModuleFailedError, match=words) as failed:
        run_module(module, **WHOLE)
    assert failed.value.result["error"]["code"] == code
    assert (failed.value.result["repository_name"], failed.value.result["upload_id"]) == (REPOSITORY, UPLOAD)
    assert ADVICE[code] in failed.value.msg


class TestBadInput:
    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"part_first_byte": -1}, ["part_first_byte -1 must be 0 or more"]),
            ({"part_first_byte": 5, "part_last_byte": 4}, ["part_first_byte 5", "part_last_byte 4", "empty range"]),
            ({"part_last_byte": 20971520}, ["20971521 bytes", "at most 20971520 bytes"]),
            ({"part_last_byte": 3}, [f"layer_part_blob has {len(LAYER)} bytes", "are 4 bytes"]),
            ({"layer_part_blob": "no base64!"}, ["layer_part_blob must be base64 without line breaks"]),
            ({"layer_part_blob": BLOB[:-1]}, ["layer_part_blob must be base64 without line breaks"]),
            ({"layer_part_blob": "ünïcode"}, ["layer_part_blob must be base64 without line breaks"]),
            ({"layer_part_blob": None}, ["src or layer_part_blob is required"]),
            ({"layer_part_blob": ""}, ["layer_part_blob has 0 bytes"]),
            ({"part_first_byte": None}, ["part_first_byte is required"]),
            ({"upload_id": "1"}, ["upload_id '1'", "must be the UUID"]),
        ],
    )
    def test_error_names_option_value_and_rule(self, options: dict[str, t.Any], words: list[str]) -> None:
        with pytest.raises(ModuleFailedError) as failed:
            run_module(module, **{**WHOLE, **options})
        assert all(word in failed.value.msg for word in words), failed.value.msg
        assert "Nothing was sent" in failed.value.msg
        assert BLOB not in json.dumps(failed.value.result)

    @pytest.mark.parametrize("option", ["repository_name", "registry_id", "upload_id"])
    def test_bytes_in_another_option_are_not_in_the_outcome(self, option: str) -> None:
        with pytest.raises(ModuleFailedError, match=f"{option}, a value of {len(LONG_BLOB)} characters") as failed:
            run_module(module, **{**WHOLE, option: LONG_BLOB})
        assert_without_content(failed.value)

    def test_bytes_as_src_are_not_in_the_outcome(self) -> None:
        words = "src is the content of the part, not the path of a file. Nothing was sent. Give it as layer_part_blob"
        with pytest.raises(ModuleFailedError, match=words) as failed:
            run_module(module, **TASK, part_first_byte=0, part_last_byte=CONTENT_SIZE - 1, src=LONG_BLOB)
        assert_without_content(failed.value)

    def test_file_that_is_named_like_its_content_is_read(
        self, registry: StubbedRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        receives(registry)
        monkeypatch.chdir(tmp_path)
        Path(BLOB).write_bytes(LAYER)
        result = run_module(module, **TASK, part_first_byte=0, part_last_byte=len(LAYER) - 1, src=BLOB)
        assert result["changed"] is True

    def test_long_name_of_a_repository_is_shown(self) -> None:
        name = "a" * 200
        with pytest.raises(ModuleFailedError, match="part_first_byte -1 must") as failed:
            run_module(module, **{**WHOLE, "repository_name": name, "part_first_byte": -1})
        assert name in json.dumps(failed.value.result)

    def test_two_sources(self, layer_file: Path) -> None:
        with pytest.raises(ModuleFailedError, match="mutually exclusive"):
            run_module(module, **WHOLE, src=str(layer_file))

    def test_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(ModuleFailedError, match=r"src '.*nowhere' does not exist on the host"):
            run_module(module, **TASK, part_first_byte=0, part_last_byte=1, src=str(tmp_path / "nowhere"))

    def test_directory(self, tmp_path: Path) -> None:
        with pytest.raises(ModuleFailedError, match=r"src .* is a directory, not a file"):
            run_module(module, **TASK, part_first_byte=0, part_last_byte=1, src=str(tmp_path))

    def test_fifo_does_not_hang(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "fifo")
        with pytest.raises(ModuleFailedError, match=r"src '.*fifo' must be a regular file"):
            run_module(module, **TASK, part_first_byte=0, part_last_byte=1, src=str(tmp_path / "fifo"))

    def test_range_past_the_end(self, layer_file: Path) -> None:
        with pytest.raises(
            ModuleFailedError, match=f"is {len(LAYER)} bytes.*part_last_byte {len(LAYER)} is past its end"
        ):
            run_module(module, **TASK, part_first_byte=0, part_last_byte=len(LAYER), src=str(layer_file))


class TestCliInputJson:
    JSON: t.ClassVar[dict[str, t.Any]] = {
        "repositoryName": REPOSITORY,
        "uploadId": UPLOAD,
        "partFirstByte": 0,
        "partLastByte": len(LAYER) - 1,
        "layerPartBlob": BLOB,
    }

    @pytest.mark.parametrize("form", [dict, json.dumps])
    def test_request_as_json(self, registry: StubbedRegistry, form: t.Callable[[dict[str, t.Any]], t.Any]) -> None:
        receives(registry)
        result = run_module(module, cli_input_json=form(self.JSON))
        assert (result["repository_name"], result["upload_id"]) == (REPOSITORY, UPLOAD)
        assert result["last_byte_received"] == len(LAYER) - 1
        assert BLOB not in json.dumps(result)

    def test_src_wins_over_its_blob(self, registry: StubbedRegistry, layer_file: Path) -> None:
        receives(registry)
        other = {**self.JSON, "layerPartBlob": base64.b64encode(b"x" * len(LAYER)).decode()}
        assert run_module(module, cli_input_json=other, src=str(layer_file))["changed"] is True

    def test_blob_of_a_wrong_type(self) -> None:
        with pytest.raises(ModuleFailedError, match="layer_part_blob must be a base64 string, not a list"):
            run_module(module, cli_input_json={**self.JSON, "layerPartBlob": [1]})

    def test_bytes_are_not_in_any_outcome(self, registry: StubbedRegistry) -> None:
        receives(registry)
        assert BLOB not in json.dumps(run_module(module, **WHOLE))
        assert BLOB not in json.dumps(run_module(module, **WHOLE, generate_cli_skeleton="output"))

    @pytest.mark.parametrize("name", ["layer_part_blob", "LayerPartBlob", "whatever"])
    @pytest.mark.parametrize("form", [dict, json.dumps])
    def test_bytes_under_another_name_are_not_in_the_outcome(
        self, name: str, form: t.Callable[[dict[str, t.Any]], t.Any]
    ) -> None:
        with pytest.raises(ModuleFailedError, match=f"unknown member '{name}'") as failed:
            run_module(module, cli_input_json=form({**self.JSON, "layerPartBlob": "e30=", name: BLOB}))
        assert BLOB not in json.dumps(failed.value.result)

    @pytest.mark.parametrize(
        ("wrap", "words"),
        [
            (lambda members: [members], "must be a JSON object with the members of the request, not a list"),
            (lambda _members: [BLOB], "not a list"),
            (lambda _members: BLOB, "not a string"),
            (json.dumps, "not a string. Nothing was sent. It is encoded twice"),
            (
                lambda members: {**members, BLOB * 3: ""},
                f"an unknown member, whose name has {len(BLOB) * 3} characters",
            ),
            (lambda members: {"input": members}, "unknown member 'input'"),
        ],
        ids=["list", "list of the blob", "blob", "encoded twice", "name", "nested"],
    )
    @pytest.mark.parametrize("form", ["text", "value"])
    def test_bytes_in_another_place_are_not_in_the_outcome(
        self, wrap: t.Callable[[t.Any], t.Any], words: str, form: str
    ) -> None:
        value = wrap({**self.JSON, "layerPartBlob": BLOB})
        if form == "text" or isinstance(value, str):
            value = json.dumps(value)
        with pytest.raises(ModuleFailedError) as failed:
            run_module(module, cli_input_json=value)
        assert words in failed.value.msg
        assert BLOB[:16] not in json.dumps(failed.value.result)

    @pytest.mark.parametrize("member", ["repositoryName", "registryId", "uploadId", "partFirstByte", "partLastByte"])
    @pytest.mark.parametrize(
        "wrap", [lambda blob: blob, lambda blob: [blob], lambda blob: {"a": blob}, lambda blob: {blob: "of a layer"}]
    )
    def test_bytes_in_another_member_are_not_in_the_outcome(self, member: str, wrap: t.Callable[[str], t.Any]) -> None:
        value = wrap(LONG_BLOB)
        size = len(str(value))
        with pytest.raises(ModuleFailedError, match=f"a value of {size} characters, must") as failed:
            run_module(module, cli_input_json={**self.JSON, member: value})
        assert_without_content(failed.value)

    @pytest.mark.parametrize("name", [LONG_BLOB[:64], LONG_BLOB[:40], base64.b64encode(b"hello").decode()])
    def test_bytes_as_a_name_are_not_in_the_outcome(self, name: str) -> None:
        words = f"an unknown member, whose name has {len(name)} characters"
        with pytest.raises(ModuleFailedError, match=words) as failed:
            run_module(module, cli_input_json={**self.JSON, name: ""})
        assert name not in json.dumps(failed.value.result)

    def test_short_value_is_shown(self) -> None:
        with pytest.raises(ModuleFailedError, match=r"upload_id 'wrong' must be the UUID.*unknown member 'uploadID'"):
            run_module(module, cli_input_json={**self.JSON, "uploadId": "wrong", "uploadID": ""})

    def test_deep_nesting_is_refused(self) -> None:
        with pytest.raises(ModuleFailedError, match="cli_input_json is nested too deeply"):
            run_module(module, cli_input_json="[" * 100_000)

    def test_skeleton_is_not_masked(self) -> None:
        skeleton = run_module(module, connection={}, generate_cli_skeleton="input", cli_input_json=self.JSON)
        assert skeleton["cli_skeleton"]["partFirstByte"] == 0
        assert BLOB not in json.dumps(skeleton)

    def test_truth_value_is_no_position(self) -> None:
        with pytest.raises(ModuleFailedError, match="part_first_byte False must be a whole number"):
            run_module(module, cli_input_json={**self.JSON, "partFirstByte": False})

    def test_secrets_stay_hidden_when_a_member_is_equal_to_one(self, registry: StubbedRegistry) -> None:
        receives(registry)
        connection = {"region": "eu-west-1", "access_key": "AKIAUNITTESTS", "secret_key": REPOSITORY}
        result = run_module(module, connection=connection, cli_input_json=self.JSON)
        assert REPOSITORY not in json.dumps(result)


class TestSkeleton:
    def test_input(self) -> None:
        assert run_module(module, connection={}, generate_cli_skeleton="input")["cli_skeleton"] == {
            "registryId": "",
            "repositoryName": "",
            "uploadId": "",
            "partFirstByte": 0,
            "partLastByte": 0,
            "layerPartBlob": None,
        }

    def test_output_checks_the_part(self, layer_file: Path) -> None:
        options = {**TASK, "part_first_byte": 0, "part_last_byte": 9, "src": str(layer_file)}
        sample = run_module(module, connection={}, generate_cli_skeleton="output", **options)["cli_skeleton"]
        assert sample["lastByteReceived"] == 0
        with pytest.raises(ModuleFailedError, match="is past its end"):
            run_module(module, connection={}, generate_cli_skeleton="output", **{**options, "part_last_byte": 99})
