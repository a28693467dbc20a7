# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import typing as t
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.tests.tools.make_image import make_image


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    path = tmp_path / "content"
    path.mkdir()
    (path / "file").write_text("content", encoding="utf-8")
    return path


@pytest.fixture
def files(directory: Path, tmp_path: Path) -> dict[str, bytes]:
    """The files of an image's archive."""
    make_image(directory, tmp_path / "image.tar")
    with tarfile.open(tmp_path / "image.tar") as archive:
        return {member.name: t.cast("t.IO[bytes]", archive.extractfile(member)).read() for member in archive}


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def blob(files: dict[str, bytes], descriptor: dict[str, t.Any]) -> bytes:
    """Return the blob of a descriptor, which it must have right."""
    content = files[f"blobs/{descriptor['digest'].replace(':', '/')}"]
    assert (descriptor["digest"], descriptor["size"]) == (digest_of(content), len(content))
    return content


def test_same_files_make_the_same_bytes(directory: Path, tmp_path: Path) -> None:
    make_image(directory, tmp_path / "one.tar")
    make_image(directory, tmp_path / "below" / "other.tar")
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "below" / "other.tar").read_bytes()


def test_archive_is_an_oci_layout_with_one_image(files: dict[str, bytes]) -> None:
    assert json.loads(files["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    [root] = json.loads(files["index.json"])["manifests"]
    assert root["annotations"] == {"org.opencontainers.image.ref.name": "1.0"}
    manifest = json.loads(blob(files, root))
    assert manifest["mediaType"] == root["mediaType"] == "application/vnd.oci.image.manifest.v1+json"
    assert manifest["config"]["mediaType"] == "application/vnd.oci.image.config.v1+json"
    assert len(files) == len({"oci-layout", "index.json"}) + len({"manifest", "config", "layer"})


def test_image_has_the_files_and_knows_its_layer_unpacked(files: dict[str, bytes]) -> None:
    [root] = json.loads(files["index.json"])["manifests"]
    manifest = json.loads(blob(files, root))
    [described] = manifest["layers"]
    assert described["mediaType"] == "application/vnd.oci.image.layer.v1.tar+gzip"
    unpacked = gzip.decompress(blob(files, described))
    with tarfile.open(fileobj=io.BytesIO(unpacked)) as layer:
        assert layer.getnames() == ["file"]
    config = json.loads(blob(files, manifest["config"]))
    assert (config["os"], config["architecture"]) == ("linux", "amd64")
    assert config["rootfs"] == {"type": "layers", "diff_ids": [digest_of(unpacked)]}
