# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signatures, SBOMs and attestations in layouts, as oras, cosign and notation write them."""

from __future__ import annotations

import typing as t

from ansible_collections.layerkit.ecr.tests.unit.support.image_files import (
    OCI_CONFIG,
    OCI_INDEX,
    OCI_MANIFEST,
    REF_NAME,
    Document,
)

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import LayoutWriter

SPDX = "application/spdx+json"
SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
NOTATION = "application/vnd.cncf.notary.signature"
EMPTY = "application/vnd.oci.empty.v1+json"


def subject_of(image: Document) -> Document:
    return {member: image[member] for member in ("mediaType", "digest", "size")}


def sbom(layout: LayoutWriter, image: Document, text: bytes = b"{}", **members: t.Any) -> Document:
    """Add an SBOM as ``oras attach`` writes it, and return its descriptor."""
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": SPDX,
        "config": {**layout.blob(b"{}", EMPTY), "data": "e30="},
        "layers": [layout.blob(b"sbom " + text, SPDX, annotations={"org.opencontainers.image.title": "sbom.json"})],
        "subject": subject_of(image),
        "annotations": {"org.opencontainers.image.created": "2026-11-26T07:00:00Z"},
        **members,
    }
    return layout.document({name: value for name, value in manifest.items() if value is not None}, OCI_MANIFEST)


def notation_signature(layout: LayoutWriter, image: Document) -> Document:
    """Add a signature as ``notation sign`` writes it: its configuration states what it is."""
    layers = [layout.blob(b"envelope of " + image["digest"].encode(), "application/jose+json")]
    config = layout.blob(b"{}", NOTATION)
    manifest = {"config": config, "layers": layers, "subject": subject_of(image)}
    return layout.document({"schemaVersion": 2, "mediaType": OCI_MANIFEST, **manifest}, OCI_MANIFEST)


def cosign_signature(layout: LayoutWriter, image: Document, *signatures: str) -> Document:
    """Add the signatures of an image as ``cosign sign`` writes them. They have the same layer and no subject."""
    payload = b'{"critical": {"image": {"docker-manifest-digest": "%s"}}}' % image["digest"].encode()
    annotations = [{"dev.cosignproject.cosign/signature": signature} for signature in signatures or ("MEUC",)]
    layers = [layout.blob(payload, SIMPLE_SIGNING, annotations=each) for each in annotations]
    config = layout.document({"rootfs": {"type": "layers", "diff_ids": []}, "n": len(layers)}, OCI_CONFIG)
    manifest = {"config": config, "layers": layers}
    return layout.document({"schemaVersion": 2, "mediaType": OCI_MANIFEST, **manifest}, OCI_MANIFEST)


def list_of(layout: LayoutWriter, *referrers: Document) -> Document:
    """Add the index that the tag ``sha256-DIGEST`` leads to, and return its descriptor."""
    document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": list(referrers)}
    return layout.document(document, OCI_INDEX)


def named(entry: Document, name: str) -> Document:
    return {**entry, "annotations": {**entry.get("annotations", {}), REF_NAME: name}}


def tag_of(image: Document, suffix: str = "") -> str:
    return str(image["digest"]).replace(":", "-") + suffix
