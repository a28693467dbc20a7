# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""TLS with a private authority, a proxy, and credentials that are assumed or renewed, all the way to the registry."""

from __future__ import annotations

import json
import os
import sys
import typing as t
import warnings
from pathlib import Path

import boto3
import pytest
from ansible_collections.layerkit.ecr.plugins.modules import (
    ecr_image,
    ecr_image_copy,
    ecr_image_download,
    ecr_layer,
    ecr_layer_info,
)
from ansible_collections.layerkit.ecr.tests.strict_ecr.fixtures import REGION
from ansible_collections.layerkit.ecr.tests.strict_ecr.server import StrictECR, serve_with_tls
from ansible_collections.layerkit.ecr.tests.unit.support import private_ca
from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import LayoutWriter
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import ModuleFailedError, run_module
from ansible_collections.layerkit.ecr.tests.unit.support.recording_proxy import RecordingProxy

if t.TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

pytestmark = pytest.mark.usefixtures("delays")

KEYS = {"access_key": "AKIAUNITTESTS", "secret_key": "not-a-secret-0nly-for-unit-tests"}
MIB = 1024 * 1024
OTHER_ACCOUNT = "210987654321"


@pytest.fixture
def image(tmp_path: Path) -> str:
    layout = LayoutWriter(tmp_path / "layout")
    return str(layout.finish(layout.image(b"the bytes of a layer")))


class TestPrivateAuthority:
    """A registry and an object store whose certificates only a private authority has signed."""

    @pytest.fixture
    def connection(self, strict_ecr: StrictECR, tmp_path: Path) -> t.Iterator[dict[str, t.Any]]:
        with serve_with_tls(strict_ecr, private_ca.server_context(tmp_path)) as secured:
            yield {**KEYS, "region": REGION, "endpoint_url": secured.url}

    @pytest.mark.parametrize("given", ["option", "environment"])
    def test_its_bundle_is_trusted_for_every_request(
        self,
        connection: dict[str, t.Any],
        repository: str,
        image: str,
        given: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        bundle = str(tmp_path / "ca.pem")
        if given == "option":
            connection["aws_ca_bundle"] = bundle
        else:
            monkeypatch.setenv("AWS_CA_BUNDLE", bundle)
        at: dict[str, t.Any] = {"connection": connection, "repository_name": repository}
        assert run_module(ecr_image, src=image, tags=["1"], **at)["changed"] is True
        # Its layers come from the object store.
        assert run_module(ecr_image_download, tag="1", dest=str(tmp_path / "dest"), **at)["changed"] is True

    def test_bundle_of_the_source_is_its_own(
        self,
        connection: dict[str, t.Any],
        strict_ecr: StrictECR,
        ecr: ECRClient,
        repository: str,
        image: str,
        tmp_path: Path,
    ) -> None:
        plain = {**KEYS, "region": REGION, "endpoint_url": strict_ecr.url}
        run_module(ecr_image, connection=plain, repository_name=repository, src=image, tags=["1"])
        ecr.create_repository(repositoryName=f"{repository}-copy")
        source: dict[str, t.Any] = {
            "repository_name": repository,
            "tag": "1",
            "endpoint_url": connection["endpoint_url"],
        }
        copy: dict[str, t.Any] = {"connection": plain, "repository_name": f"{repository}-copy"}
        with pytest.raises(ModuleFailedError, match="ertificate"):
            run_module(ecr_image_copy, source=source, **copy)
        source["aws_ca_bundle"] = str(tmp_path / "ca.pem")
        assert run_module(ecr_image_copy, source=source, **copy)["changed"] is True

    def test_without_the_bundle_nothing_is_sent(
        self, connection: dict[str, t.Any], strict_ecr: StrictECR, repository: str, image: str
    ) -> None:
        with pytest.raises(ModuleFailedError, match="aws_ca_bundle") as failed:
            run_module(ecr_image, connection=connection, repository_name=repository, src=image, tags=["1"])
        assert failed.value.result["error"]["code"] == "SSLError"
        assert strict_ecr.control.calls.operations(repository) == ["CreateRepository"]

    def test_certificates_can_be_left_unchecked(
        self, connection: dict[str, t.Any], repository: str, image: str
    ) -> None:
        connection["validate_certs"] = False
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Unverified HTTPS request")
            pushed = run_module(ecr_image, connection=connection, repository_name=repository, src=image, tags=["1"])
        assert pushed["changed"] is True


def test_proxy_of_aws_config_is_used_for_every_request(strict_ecr: StrictECR, repository: str, image: str) -> None:
    with RecordingProxy(strict_ecr.url).running() as proxy:
        settings = {"proxies": {"http": proxy.url}, "connect_timeout": 5, "read_timeout": 20}
        connection = {**KEYS, "region": REGION, "endpoint_url": "http://registry.test", "aws_config": settings}
        pushed = run_module(ecr_image, connection=connection, repository_name=repository, src=image, tags=["1"])
    assert pushed["changed"] is True
    assert proxy.calls == [*strict_ecr.control.calls.operations(repository)[1:]]


@pytest.mark.parametrize(
    ("proxy", "shown", "fault"),
    [
        ("http://user:canary@proxy.test:99999", "http://***:***@proxy.test:99999", "its port is not a number"),
        ("socks5://user:canary@proxy.test", "socks5://***:***@proxy.test", "its scheme is not https or http"),
        ("user:canary@a proxy:3128", "http://***:***@a proxy:3128", "its host is not a name or an address"),
        ("http://user:canary@[proxy", "http://***:***@[proxy", "it is not a URL"),
    ],
)
def test_proxy_that_cannot_be_used_is_named_at_once_without_its_password(
    monkeypatch: pytest.MonkeyPatch, proxy: str, shown: str, fault: str
) -> None:
    for name in ("http_proxy", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", proxy)
    connection = {**KEYS, "region": REGION, "endpoint_url": "http://ecr.test"}
    with pytest.raises(ModuleFailedError) as failed:
        run_module(ecr_layer_info, connection=connection, repository_name="app", layer_digests=["sha256:" + "0" * 64])
    assert f"The proxy {shown} cannot be used: {fault}" in failed.value.msg
    assert "Check HTTPS_PROXY and HTTP_PROXY" in failed.value.msg
    assert "attempts" not in failed.value.msg
    assert "canary" not in json.dumps(failed.value.result)


def configure(text: str) -> None:
    Path(os.environ["AWS_CONFIG_FILE"]).write_text(text, encoding="utf-8")


class TestAssumedRole:
    def test_profile_with_a_role_acts_in_its_account(
        self, strict_ecr: StrictECR, repository: str, image: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        configure(
            f"[profile ci]\nrole_arn = arn:aws:iam::{OTHER_ACCOUNT}:role/push\nsource_profile = base\n"
            "[profile base]\naws_access_key_id = AKIAUNITTESTS\naws_secret_access_key = not-a-secret-0nly-for-tests\n"
        )
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", strict_ecr.url)
        session = boto3.Session(profile_name="ci", region_name=REGION)
        session.client("ecr", endpoint_url=strict_ecr.url).create_repository(repositoryName=f"{repository}-there")
        connection = {"region": REGION, "endpoint_url": strict_ecr.url, "profile": "ci"}
        pushed = run_module(
            ecr_image, connection=connection, repository_name=f"{repository}-there", src=image, tags=["1"]
        )
        assert pushed["changed"] is True
        assert pushed["image"]["uri"].startswith(f"{OTHER_ACCOUNT}.dkr.ecr.{REGION}.")


class TestRenewedCredentials:
    """Credentials that are valid for less time than the task takes: botocore asks for new ones while it runs."""

    @pytest.fixture
    def connection(self, strict_ecr: StrictECR, tmp_path: Path) -> dict[str, t.Any]:
        """Credentials of a program, which has others each time, and which last a minute."""
        program = tmp_path / "credentials.py"
        program.write_text(
            "import datetime, json, pathlib\n"
            f"count = pathlib.Path({str(tmp_path / 'count')!r})\n"
            "number = len(count.read_text()) + 1 if count.exists() else 1\n"
            "count.write_text('x' * number)\n"
            "until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=1)\n"
            "keys = {'AccessKeyId': f'AKIARENEWED{number}', 'SecretAccessKey': 'not-a-secret'}\n"
            "print(json.dumps({'Version': 1, **keys, 'SessionToken': 'a-token', 'Expiration': until.isoformat()}))\n",
            encoding="utf-8",
        )
        configure(f"[profile ci]\ncredential_process = {sys.executable} -S {program}\n")
        return {"region": REGION, "endpoint_url": strict_ecr.url, "profile": "ci"}

    def test_later_requests_of_a_task_use_the_new_ones(
        self, connection: dict[str, t.Any], strict_ecr: StrictECR, repository: str, tmp_path: Path
    ) -> None:
        strict_ecr.control.calls.clear(repository)
        layer = tmp_path / "layer"
        layer.write_bytes(bytes(11 * MIB))
        pushed = run_module(
            ecr_layer, connection=connection, repository_name=repository, src=str(layer), part_size=5 * MIB
        )
        assert pushed["changed"] is True
        used = strict_ecr.control.calls.access_keys(repository)
        sent = strict_ecr.control.calls.operations(repository)
        assert sent.count("UploadLayerPart") == 3
        numbers = [int(key.removeprefix("AKIARENEWED")) for key in used]
        assert numbers == sorted(set(numbers)), (sent, used)
