# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A streamed part is signed for the very bytes that are sent, by both of botocore's signers and at every attempt."""

from __future__ import annotations

import hashlib
import hmac
import re
import typing as t
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._blob import FileBlob
from ansible_collections.layerkit.ecr.plugins.module_utils._layer_repository import LayerRepository
from ansible_collections.layerkit.ecr.plugins.module_utils._part_body import BlobPart
from ansible_collections.layerkit.ecr.tests.strict_ecr.faults import Fault
from ansible_collections.layerkit.ecr.tests.strict_ecr.fixtures import ecr_client
from botocore.auth import AUTH_TYPE_MAPS, SigV4Auth
from botocore.crt.auth import CrtSigV4Auth

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.server import StrictECR
    from botocore.awsrequest import AWSPreparedRequest

CONTENT = bytes(range(256)) * 1000


def text_of(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def signature_of(request: AWSPreparedRequest, body: bytes) -> tuple[str, str]:
    """Return the signature that a request has, and the one that it must have for a body.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html.
    """
    headers = {name.lower(): text_of(value).strip() for name, value in request.headers.items()}
    headers.setdefault("host", urlsplit(request.url).netloc)
    found = re.fullmatch(
        r"AWS4-HMAC-SHA256 Credential=[^/]+/(?P<scope>[^,]+), "
        r"SignedHeaders=(?P<names>[^,]+), Signature=(?P<signature>\w+)",
        headers["authorization"],
    )
    assert found
    lines = [f"{name}:{headers[name]}" for name in found["names"].split(";")]
    canonical = "\n".join(["POST", "/", "", *lines, "", found["names"], hashlib.sha256(body).hexdigest()])
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = "\n".join(["AWS4-HMAC-SHA256", headers["x-amz-date"], found["scope"], digest])
    key = b"AWS4strict-ecr-secret-key"
    for step in found["scope"].split("/"):
        key = hmac.digest(key, step.encode(), "sha256")
    return found["signature"], hmac.new(key, to_sign.encode(), "sha256").hexdigest()


@pytest.mark.parametrize("signer", [SigV4Auth, CrtSigV4Auth])
@pytest.mark.parametrize("failures", [0, 2])
def test_every_attempt_has_the_signature_of_its_bytes(
    strict_ecr: StrictECR,
    repository: str,
    tmp_path: Path,
    signer: type,
    failures: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def capture(request: AWSPreparedRequest, **_event: t.Any) -> None:
        pieces = t.cast("t.Iterable[bytes]", request.body)
        signatures.append(signature_of(request, b"".join(map(bytes, pieces))))

    signatures: list[tuple[str, str]] = []
    monkeypatch.setitem(AUTH_TYPE_MAPS, "v4", signer)
    client = ecr_client(strict_ecr.url, attempts=failures + 1)
    layers = LayerRepository(client, repository)
    client.meta.events.register("before-send.ecr.UploadLayerPart", capture)
    if failures:
        strict_ecr.control.faults.add(Fault("server_error", "UploadLayerPart", repository, times=failures))
    upload_id = client.initiate_layer_upload(repositoryName=repository)["uploadId"]
    (tmp_path / "layer").write_bytes(CONTENT)
    with FileBlob.open(str(tmp_path / "layer")) as blob:
        layers.upload_part(upload_id, 0, 99_999, BlobPart(blob, 0, 99_999))
    assert len(signatures) == failures + 1
    assert all(signed == expected for signed, expected in signatures)
    assert strict_ecr.control.uploads(repository) == {upload_id: 100_000}
