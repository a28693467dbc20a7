# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options with invalid values."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.layerkit.ecr.plugins.modules import ecr_complete_layer_upload as module
from ansible_collections.layerkit.ecr.tests.unit.support.expected_completion import (
    TASK,
    THIS,
    UPLOAD,
    ZERO_BYTES,
)
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import ModuleFailedError, run_module


class TestBadInput:
    """No registry: nothing may be sent."""

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            (
                {"repository_name": "Team/App"},
                ["repository_name", "'Team/App'", "must be lower-case letters and digits"],
            ),
            ({"repository_name": "a"}, ["repository_name", "'a'", "has 1 character, at least 2 are needed"]),
            (
                {"repository_name": "a" * 257},
                ["repository_name", "'aaa", "has 257 characters, at most 256 are possible"],
            ),
            ({"registry_id": "12345"}, ["registry_id", "'12345'", "must be 12 digits"]),
            ({"upload_id": "not-a-uuid"}, ["upload_id", "'not-a-uuid'", "must be the UUID"]),
            ({"upload_id": UPLOAD + "\n"}, ["upload_id", r"\n'", "must be the UUID"]),
            ({"layer_digests": ["1" * 64]}, ["layer_digests[0]", "'1111", "must be sha256: and 64"]),
            (
                {"layer_digests": [THIS, "sha256:12"]},
                ["layer_digests[1]", "'sha256:12'", "must be sha256: and 64 lower-case hexadecimal digits"],
            ),
            ({"layer_digests": ""}, ["layer_digests", "must have 1 or more entries, not 0"]),
            ({"layer_digests": []}, ["layer_digests", "must have 1 or more entries, not 0"]),
            ({"layer_digests": [THIS] * 101}, ["layer_digests", "must have 100 or fewer entries, not 101"]),
            ({"repository_name": None}, ["repository_name is required"]),
            ({"upload_id": None}, ["upload_id is required"]),
            ({"layer_digests": None}, ["layer_digests is required", "layerDigests in cli_input_json"]),
        ],
    )
    def test_error_names_option_value_and_rule(self, options: dict[str, t.Any], words: list[str]) -> None:
        with pytest.raises(ModuleFailedError) as failed:
            run_module(module, **{**TASK, **options})
        assert all(word in failed.value.msg for word in words), failed.value.msg
        assert "Nothing was sent" in failed.value.msg

    def test_zero_bytes_are_no_layer(self) -> None:
        with pytest.raises(ModuleFailedError, match="cannot store an empty layer"):
            run_module(module, **{**TASK, "layer_digests": [ZERO_BYTES]})

    def test_all_faults_are_in_one_error(self) -> None:
        with pytest.raises(ModuleFailedError) as failed:
            run_module(module, repository_name="A", upload_id="b", layer_digests=["c"])
        assert all(
            name in failed.value.msg for name in ("repository_name 'A'", "upload_id 'b'", "layer_digests[0] 'c'")
        )

    def test_many_faults_are_cut(self) -> None:
        with pytest.raises(ModuleFailedError, match="and 90 more"):
            run_module(module, **{**TASK, "layer_digests": ["bad"] * 100})
