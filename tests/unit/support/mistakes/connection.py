# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mistakes in connection, region and credentials."""

from __future__ import annotations

import typing as t

from ansible_collections.layerkit.ecr.tests.unit.support.mistakes.mistake import Mistake, answered

KEYS = {"access_key": "AKIAUNITTESTS", "secret_key": "not-a-secret-0nly-for-unit-tests"}
NOWHERE: dict[str, t.Any] = {"region": None, "access_key": None, "secret_key": None, "endpoint_url": None}
BARE = {"access_key": None, "secret_key": None}


def _connect(what: str, *names: str, **members: t.Any) -> Mistake:
    return Mistake(f"connection: {what}", "ecr_initiate_layer_upload", {"repository_name": "app"}, names, **members)


def _profile(what: str, settings: str, *names: str, **members: t.Any) -> Mistake:
    connection = {**BARE, "profile": "ci"}
    return _connect(what, *names, connection=connection, config=f"[profile ci]\n{settings}\n", **members)


PAGE = "<html><title>Sign in</title></html>"
BOTH = ("profile", "access_key", "secret_key", "AWS_ACCESS_KEY_ID", "leave out profile")

ROWS = [
    _connect("profile beside keys", *BOTH, connection={"profile": "ci"}, config="[profile ci]\nregion = eu-west-1\n"),
    _connect(
        "profile beside keys of the environment",
        *BOTH,
        connection={**BARE, "profile": "ci"},
        config="[profile ci]\nregion = eu-west-1\n",
        environment={"AWS_ACCESS_KEY_ID": "AKIAUNITTESTS", "AWS_SECRET_ACCESS_KEY": "not-a-secret-0nly-for-tests"},
    ),
    _connect(
        "profile of the environment beside keys",
        *BOTH,
        "AWS_PROFILE",
        environment={"AWS_PROFILE": "ci"},
        config="[profile ci]\nregion = eu-west-1\n",
    ),
    _connect("no region", "No region is set", "AWS_REGION", connection={"region": None, "endpoint_url": None}),
    _connect("empty region", "No region is set", "AWS_REGION", connection={"region": "", "endpoint_url": None}),
    _connect(
        "empty AWS_DEFAULT_REGION",
        "No region is set",
        "AWS_DEFAULT_REGION",
        connection={"region": None, "endpoint_url": None},
        environment={"AWS_DEFAULT_REGION": ""},
    ),
    _connect(
        "empty AWS_REGION",
        "No region is set",
        connection={"region": None, "endpoint_url": None},
        environment={"AWS_REGION": ""},
    ),
    _connect(
        "region misspelled",
        "eu-west1",
        "botocore does not know a region",
        "eu-west-1",
        connection={"region": "eu-west1"},
        is_warning=True,
    ),
    _connect("zone for region", "eu-west-1a", "eu-west-1", connection={"region": "eu-west-1a"}, is_warning=True),
    _connect("name of a region", "not a valid name", "Ireland", connection={"region": "Europe (Ireland)"}),
    _connect("region in upper case", "EU-WEST-1", "eu-west-1", connection={"region": "EU-WEST-1"}, is_warning=True),
    _connect(
        "endpoint without scheme",
        "endpoint_url",
        "http",
        "https://127.0.0.1",
        connection={"endpoint_url": "127.0.0.1:{unused}"},
    ),
    _connect("endpoint with another scheme", "endpoint_url", "http", connection={"endpoint_url": "ftp://127.0.0.1"}),
    _connect("endpoint is no URL", "endpoint_url", connection={"endpoint_url": "my registry"}),
    _connect("port out of range", "endpoint_url", "99999", connection={"endpoint_url": "http://127.0.0.1:99999"}),
    _connect(
        "https to a plain port", "endpoint_url", "http://", connection={"endpoint_url": "https://127.0.0.1:{port}"}
    ),
    _connect(
        "nothing listens",
        "could not be reached",
        "127.0.0.1:{unused}",
        "endpoint_url",
        connection={"endpoint_url": "http://127.0.0.1:{unused}"},
    ),
    _connect(
        "unknown host",
        "could not be reached",
        "no-such-host.invalid",
        "region",
        connection={"endpoint_url": "http://no-such-host.invalid"},
    ),
    _connect(
        "missing CA bundle",
        "aws_ca_bundle",
        "{dir}/ca.pem",
        "does not exist",
        connection={"aws_ca_bundle": "{dir}/ca.pem", "endpoint_url": "https://127.0.0.1:{port}"},
    ),
    _connect(
        "missing CA bundle of the environment",
        "AWS_CA_BUNDLE",
        "{dir}/ca.pem",
        "does not exist",
        environment={"AWS_CA_BUNDLE": "{dir}/ca.pem"},
        connection={"endpoint_url": "https://127.0.0.1:{port}"},
    ),
    _connect(
        "CA bundle that is none",
        "aws_ca_bundle",
        connection={"aws_ca_bundle": "{dir}/ca.pem", "endpoint_url": "https://127.0.0.1:{port}"},
        prepare=lambda path: (path / "ca.pem").write_text("none"),
    ),
    _connect(
        "proxy that is not there",
        "proxy",
        "HTTPS_PROXY",
        environment={"HTTP_PROXY": "http://127.0.0.1:{unused}", "NO_PROXY": "", "no_proxy": ""},
    ),
    _connect(
        "sign-in page",
        "not Amazon ECR",
        "text/html",
        "endpoint_url",
        "AWS_ENDPOINT_URL",
        "proxy",
        answers={"InitiateLayerUpload": answered(PAGE)},
    ),
    _connect(
        "403 of a proxy", "not Amazon ECR", "proxy", "{url}", answers={"InitiateLayerUpload": answered(PAGE, 403)}
    ),
    _connect(
        "407 of a proxy",
        "proxy requires authentication",
        "HTTPS_PROXY",
        "NO_PROXY",
        answers={"InitiateLayerUpload": answered(PAGE, 407)},
    ),
    _connect("not found by a gateway", "not Amazon ECR", "404", answers={"InitiateLayerUpload": answered(PAGE, 404)}),
    _connect(
        "aws_config.retries", "aws_config.retries must be", "dictionary", connection={"aws_config": {"retries": "x"}}
    ),
    _connect("aws_config misspelled", "aws_config", "read_time", connection={"aws_config": {"read_time": 5}}),
    _connect("aws_config.read_timeout", "aws_config.read_timeout", connection={"aws_config": {"read_timeout": "5 s"}}),
    _connect("no credentials", "No credentials were found", "profile", "AWS_ACCESS_KEY_ID", connection=BARE),
    _connect("secret key missing", "incomplete", "secret_key", connection={"secret_key": None}),
    _connect("access key missing", "incomplete", "access_key", connection={"access_key": None}),
    _connect(
        "access key missing in the environment",
        "incomplete",
        "AWS_ACCESS_KEY_ID",
        connection=BARE,
        environment={"AWS_SECRET_ACCESS_KEY": "not-a-secret-0nly-for-tests"},
    ),
    _connect(
        "profile misspelled",
        "staging",
        "does not exist",
        "AWS_PROFILE",
        "host",
        connection={**BARE, "profile": "staging"},
        config="[profile ci]\nregion = eu-west-1\n",
    ),
    _connect(
        "profile of the environment misspelled",
        "staging",
        "AWS_PROFILE",
        connection=BARE,
        environment={"AWS_PROFILE": "staging"},
    ),
    _connect(
        "configuration file damaged",
        "configuration file",
        "host",
        connection={**BARE, "profile": "ci"},
        config="no section\n= 1",
    ),
    _connect("line break in a key", "line break", connection={"access_key": "AKIAUNITTESTS\n"}),
    _profile(
        "SSO without a session",
        "sso_start_url = https://example.awsapps.com/start\nsso_region = eu-west-1\n"
        "sso_account_id = 123456789012\nsso_role_name = push",
        "aws sso login --profile ci",
        "host",
    ),
    _profile(
        "SSO session that is not there",
        "sso_session = s\nsso_account_id = 123456789012\nsso_role_name = push",
        "configuration file",
        "host",
    ),
    _profile("credential_process prints nothing", "credential_process = true", "credential_process", "JSON"),
    _profile(
        "credential_process is not there",
        "credential_process = /no/such/program",
        "credential_process",
        "/no/such/program",
    ),
    _profile("role without a source", "role_arn = arn:aws:iam::123456789012:role/push", "configuration file"),
    _profile(
        "source profile that is not there",
        "role_arn = arn:aws:iam::123456789012:role/push\nsource_profile = base",
        "configuration file",
        "base",
    ),
    _profile("secret key missing in a profile", "aws_access_key_id = AKIAUNITTESTS", "incomplete"),
    _profile(
        "code for multi-factor authentication",
        "role_arn = arn:aws:iam::123456789012:role/push\nmfa_serial = arn:aws:iam::123456789012:mfa/me\n"
        "source_profile = base\n[profile base]\n"
        "aws_access_key_id = AKIAUNITTESTS\naws_secret_access_key = n0t-a-secret-at-all",
        "code",
        "aws sts get-session-token",
    ),
]
