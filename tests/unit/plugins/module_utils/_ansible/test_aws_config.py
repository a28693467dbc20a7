# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings for botocore of a wrong type are named before botocore meets them, wherever it would."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.aws_config import check_aws_config
from ansible_collections.layerkit.ecr.plugins.modules import ecr_layer_info
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import (
    CREDENTIALS,
    ModuleFailedError,
    run_module,
)
from botocore.config import Config

VALID: dict[str, t.Any] = {
    "client_cert": ["cert.pem", "key.pem"],
    "connect_timeout": 1.5,
    "max_pool_connections": 3,
    "parameter_validation": False,
    "proxies": {"http": "http://127.0.0.1:3128", "https": None},
    "proxies_config": {"proxy_client_cert": "cert.pem", "proxy_use_forwarding_for_https": True},
    "read_timeout": None,
    "retries": {"max_attempts": 3, "mode": "standard"},
    "s3": {"addressing_style": "path"},
    "signature_version": "v4",
    "user_agent_extra": "ci/1",
}


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("retries", "x", "aws_config.retries must be a dictionary, not 'x'"),
        ("retries", [3], "aws_config.retries must be a dictionary, not [3]"),
        ("retries", {"max_attempts": "3"}, "aws_config.retries.max_attempts must be a whole number, not '3'"),
        ("retries", {"mode": 5}, "aws_config.retries.mode must be one line of text, not 5"),
        ("read_timeout", "5", "aws_config.read_timeout must be a number of seconds above 0, not '5'"),
        ("read_timeout", 0, "aws_config.read_timeout must be a number of seconds above 0, not 0"),
        ("connect_timeout", True, "aws_config.connect_timeout must be a number of seconds above 0, not True"),
        ("max_pool_connections", "x", "aws_config.max_pool_connections must be a whole number of 1 or more, not 'x'"),
        ("signature_version", 5, "aws_config.signature_version must be one line of text, not 5"),
        ("user_agent_extra", ["a"], "aws_config.user_agent_extra must be one line of text, not ['a']"),
        ("user_agent_extra", "a\nb", r"aws_config.user_agent_extra must be one line of text, not 'a\nb'"),
        ("proxies", "http://127.0.0.1", "aws_config.proxies must be a dictionary, not 'http://127.0.0.1'"),
        ("proxies", {"http": 5}, "aws_config.proxies.http must be one line of text, not 5"),
        ("client_cert", ["a"], "aws_config.client_cert must be the path of a file, or a list of two, not ['a']"),
    ],
)
def test_wrong_type_is_named(name: str, value: t.Any, words: str) -> None:
    with pytest.raises(ModuleFailedError) as failed:
        run_module(
            ecr_layer_info,
            connection={**CREDENTIALS, "aws_config": {name: value}},
            repository_name="app",
            layer_digests=["sha256:" + "0" * 64],
        )
    assert failed.value.msg == f"{words}. Nothing was sent."


def test_what_botocore_accepts_is_accepted() -> None:
    check_aws_config(VALID)
    assert Config(**VALID)


@pytest.mark.parametrize("settings", [None, {}, {"no_such_setting": 5}, {"retries": None}])
def test_what_is_unknown_is_left_to_botocore(settings: dict[str, t.Any] | None) -> None:
    check_aws_config(settings)
