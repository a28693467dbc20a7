# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Docker archives that are damaged, or name files that are not theirs."""

from __future__ import annotations

import gzip
import json
import struct
import typing as t

from ansible_collections.layerkit.ecr.tests.unit.support.hostile_sources.hostile_source import (
    MIB,
    OUT,
    HostileSource,
    Make,
    archive,
)
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import (
    LAYERS,
    Document,
    Files,
    as_json,
    config_of,
    digest_of,
    docker_archive,
    tar_of,
)


def docker(change: t.Callable[[Document], None] | None = None, files: Files | None = None) -> Make:
    """Return a docker archive, after a change to the entry of its manifest, and with other files."""

    def make() -> bytes:
        made = docker_archive()
        entry = _entry(made)
        if change:
            change(entry)
        return tar_of({**made, "manifest.json": as_json([entry]), **(files or {})})

    return archive(make)


def docker_manifest(content: bytes) -> Make:
    return docker(files={"manifest.json": content})


def _entry(files: Files) -> Document:
    return t.cast(Document, json.loads(files["manifest.json"])[0])


def docker_config(content: bytes) -> Make:
    return docker(lambda entry: entry.update(Config="config"), files={"config": content})


def docker_layer(stored: bytes) -> Make:
    return archive(lambda: tar_of(docker_archive(stored=(LAYERS[0], stored))))


ONE_LAYER = as_json({"rootfs": {"diff_ids": [digest_of(LAYERS[0])]}})
SECOND = f"{digest_of(LAYERS[1])[7:]}/layer.tar"
DOCKER_ARCHIVES = {
    "docker: an object": HostileSource(docker_manifest(b"{}"), "manifest.json must be a list"),
    "docker: no list of objects": HostileSource(docker_manifest(b"[1]"), r"manifest.json\[0\] must be an obj"),
    "docker: no image": HostileSource(docker_manifest(b"[]"), "does not contain an image"),
    "docker: images without end": HostileSource(
        docker_manifest(as_json([{}] * 41_944)), "manifest.json has 41944 entries; the limit is 41943"
    ),
    "docker: config above": HostileSource(
        docker(lambda entry: entry.update(Config="../config.json")), f"config.json {OUT}"
    ),
    "docker: config absolute": HostileSource(docker(lambda entry: entry.update(Config="/etc/passwd")), f"passwd {OUT}"),
    "docker: config missing": HostileSource(docker(lambda entry: entry.update(Config="none")), ": none is missing"),
    "docker: config without a name": HostileSource(docker(lambda entry: entry.update(Config="")), OUT),
    "docker: config a number": HostileSource(docker(lambda entry: entry.update(Config=1)), "Config must be a string"),
    "docker: config of another digest": HostileSource(
        docker(lambda entry: entry.update(Config="a" * 64 + ".json"), {"a" * 64 + ".json": ONE_LAYER}),
        f"{'a' * 64}.json is damaged or belongs to another image",
    ),
    "docker: config too large": HostileSource(docker_config(b" " * (4 * MIB + 1)), "config is 4194305 bytes"),
    "docker: config no JSON": HostileSource(docker_config(b"#"), "config is not valid JSON"),
    "docker: config without layers": HostileSource(docker_config(b"{}"), "config rootfs is missing"),
    "docker: fewer layers": HostileSource(docker_config(ONE_LAYER), "Layers has 2 entries, but .*diff_ids has 1"),
    "docker: diff id with a path": HostileSource(
        docker_config(as_json({"rootfs": {"diff_ids": ["sha256:../../etc/passwd", digest_of(b"")]}})),
        "diff_ids '.*passwd' must be sha256: and 64",
    ),
    "docker: layer above": HostileSource(docker(lambda entry: entry.update(Layers=["../../x", SECOND])), f"x {OUT}"),
    "docker: layer absolute": HostileSource(docker(lambda entry: entry.update(Layers=["/x", SECOND])), f"x {OUT}"),
    "docker: layer missing": HostileSource(docker(lambda entry: entry.update(Layers=["x", SECOND])), ": x is missing"),
    "docker: layers a string": HostileSource(docker(lambda entry: entry.update(Layers="x")), "Layers must be a list"),
    "docker: layers of numbers": HostileSource(
        docker(lambda entry: entry.update(Layers=[1])), "Layers must be a list of"
    ),
    "docker: tags a string": HostileSource(docker(lambda entry: entry.update(RepoTags="x")), "RepoTags must be a list"),
    "docker: layer under another digest": HostileSource(
        docker(
            lambda entry: entry.update(Layers=["blobs/sha256/" + "a" * 64, SECOND]),
            {"blobs/sha256/" + "a" * 64: LAYERS[0]},
        ),
        f"blobs/sha256/{'a' * 64} is damaged",
    ),
    "docker: compressed layer under another digest": HostileSource(
        docker(
            lambda entry: entry.update(Layers=["blobs/sha256/" + "a" * 64, SECOND]),
            {"blobs/sha256/" + "a" * 64: gzip.compress(LAYERS[0])},
        ),
        f"blobs/sha256/{'a' * 64} is damaged",
    ),
    "docker: compressed layer of another image": HostileSource(
        docker_layer(gzip.compress(b"other")),
        f"{SECOND} is damaged or belongs .* uncompressed content is not {digest_of(LAYERS[1])}",
    ),
    "docker: compressed layer cut": HostileSource(
        docker_layer(gzip.compress(LAYERS[1])[:-9]), f"{SECOND} is incomplete"
    ),
    "docker: compressed layer bomb": HostileSource(
        docker_layer(gzip.compress(bytes(96 * MIB))), f"{SECOND} is damaged or belongs to another image"
    ),
    "docker: zstd layer": HostileSource(
        docker_layer(struct.pack("<I", 0xFD2FB528) + b"x" * 20), f"{SECOND} is compressed with zstd"
    ),
    "docker: several images": HostileSource(
        docker(
            files={
                "manifest.json": as_json([{"Config": name, "Layers": []} for name in ("one", "two")]),
                "one": ONE_LAYER,
                "two": config_of(()),
            }
        ),
        "contains 2 images. Choose one of these: sha256:[a-f0-9]{64}; sha256:[a-f0-9]{64} [(]linux/amd64[)]$",
    ),
}
