# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""OCI image layouts whose documents are damaged, contradict each other, or list what is not there."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible_collections.layerkit.ecr.tests.unit.support.hostile_sources.hostile_source import (
    MIB,
    HostileSource,
    Make,
    directory,
)
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import (
    LAYERS,
    OCI_INDEX,
    OCI_LAYER,
    OCI_MANIFEST,
    Document,
    as_json,
    blob_name,
    digest_of,
    write_directory,
)
from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import LayoutWriter, index_of, oci_layout


def with_file(name: str, content: bytes) -> Make:
    return directory({**oci_layout(), name: content})


def with_index(document: t.Any) -> Make:
    return with_file("index.json", as_json(document))


def with_entry_members(**members: t.Any) -> Make:
    """Return a layout where the entry of its index has other members."""

    def make(path: Path) -> Path:
        layout = LayoutWriter()
        layout.add_entry(layout.manifest()).update(members)
        return write_directory(path / "layout", layout.complete())

    return make


def with_manifest(change: t.Callable[[LayoutWriter, Document], Document | None]) -> Make:
    """Return a layout whose manifest was changed, or is another one."""

    def make(path: Path) -> Path:
        layout = LayoutWriter()
        manifest = layout.manifest()
        layout.add_entry(change(layout, manifest) or manifest)
        return write_directory(path / "layout", layout.complete())

    return make


def with_layer(**members: t.Any) -> Make:
    return with_manifest(lambda _layout, manifest: manifest["layers"][0].update(members))


def under_another_type(layout: LayoutWriter, manifest: Document) -> Document:
    """Return a manifest that contradicts the media type of its entry."""
    other = {**manifest, "mediaType": "application/vnd.docker.distribution.manifest.v2+json"}
    entry = layout.add_entry(other)
    entry["mediaType"] = OCI_MANIFEST
    layout.entries.clear()
    layout.entries.append(entry)
    # The entry that is added for this one is the same.
    return other


def cyclic(path: Path) -> Path:
    """Return a layout with two indexes that list each other, under digests that are none."""
    layout = LayoutWriter()
    digests = ["sha256:" + "a" * 64, "sha256:" + "b" * 64]
    for digest, other in (digests, digests[::-1]):
        index = as_json(index_of({"mediaType": OCI_INDEX, "digest": other, "size": 232}))
        layout.files[blob_name(digest)] = index
    layout.entries.append({"mediaType": OCI_INDEX, "digest": digests[0], "size": len(index)})
    return write_directory(path / "layout", layout.complete())


def exchanged(path: Path) -> Path:
    """Return a layout where the manifest has the size of another file, and its bytes."""
    layout = LayoutWriter()
    entry = layout.add_entry(layout.manifest())
    name = blob_name(entry["digest"])
    layout.files[name] = layout.files[name].replace(b'"size"', b'"size "')
    entry["size"] += 3
    return write_directory(path / "layout", layout.complete())


MANIFESTS = "index.json manifests"
ENTRY = r"index.json manifests\[0\]"
LAYOUTS = {
    "version of the future": HostileSource(
        with_file("oci-layout", b'{"imageLayoutVersion": "2.0.0"}'),
        "oci-layout imageLayoutVersion '2.0.0' is not supported; it must be 1.0.0",
    ),
    "version missing": HostileSource(with_file("oci-layout", b"{}"), "oci-layout imageLayoutVersion is missing"),
    "no JSON": HostileSource(with_file("index.json", b"manifests:"), "index.json is not valid JSON"),
    "no UTF-8": HostileSource(with_file("index.json", b'{"a": "\xff"}'), "index.json is not valid JSON"),
    "not a number": HostileSource(with_file("index.json", b'{"a": NaN}'), "index.json is not valid JSON"),
    "empty document": HostileSource(with_file("index.json", b""), "index.json is not valid JSON"),
    "list": HostileSource(with_index([]), "index.json must be an object"),
    "nested deep": HostileSource(with_file("index.json", b'{"a":' + b"[" * 65 + b"]" * 65 + b"}"), "nested too deeply"),
    "nested deeper": HostileSource(with_file("index.json", b"[" * 100_000), "index.json is nested too deeply"),
    "nested deepest": HostileSource(with_file("index.json", b'{"a":' * 200_000), "index.json is nested too deeply"),
    "member twice": HostileSource(
        with_file("index.json", b'{"manifests": [], "manifests": null}'),
        "index.json is not valid JSON.*a name occurs twice",
    ),
    "endless": HostileSource(with_file("index.json", b" " * (4 * MIB + 1)), "index.json is 4194305 bytes"),
    "very many values": HostileSource(
        with_file("index.json", b"[" + b"[]," * 1_300_000 + b"0]"),
        "index.json has too many values; the limit is 300000",
    ),
    "long number": HostileSource(
        with_file("index.json", b'{"a": ' + b"9" * 4_000_000 + b"}"), "index.json is not valid JSON.*4000000 digits"
    ),
    "manifests null": HostileSource(with_index({"manifests": None}), f"{MANIFESTS} is missing or null"),
    "manifests missing": HostileSource(with_index({}), f"{MANIFESTS} is missing or null"),
    "manifests empty": HostileSource(with_index({"manifests": []}), "does not contain an image"),
    "manifests a string": HostileSource(with_index({"manifests": "x"}), f"{MANIFESTS} must be a list"),
    "manifests of strings": HostileSource(with_index({"manifests": ["x"]}), rf"{MANIFESTS}\[0\] must be an object"),
    "manifests without end": HostileSource(
        with_index({"manifests": [{}] * 41_944}), f"{MANIFESTS} has 41944 entries; the limit is 41943"
    ),
    "manifests of nothing": HostileSource(with_index({"manifests": [{}] * 40_000}), f"{ENTRY} digest is missing"),
    "digest with a path": HostileSource(
        with_entry_members(digest="sha256:../../../../etc/passwd"), f"{ENTRY} digest '.*passwd' must be sha256: and 64"
    ),
    "digest with a slash": HostileSource(with_entry_members(digest="sha256:a/" + "a" * 62), f"{ENTRY} digest"),
    "digest of capitals": HostileSource(with_entry_members(digest="sha256:" + "A" * 64), f"{ENTRY} digest"),
    "digest of another kind": HostileSource(with_entry_members(digest="sha512:" + "a" * 128), f"{ENTRY} digest"),
    "digest with a line": HostileSource(with_entry_members(digest=f"sha256:{'a' * 64}\n"), f"{ENTRY} digest"),
    "digest very long": HostileSource(with_entry_members(digest="x" * MIB), f"{ENTRY} digest.{{1,400}}$"),
    "digest missing": HostileSource(with_entry_members(digest=None), f"{ENTRY} digest is missing"),
    "size below zero again": HostileSource(with_entry_members(size=-1), f"{ENTRY} size -1 must not be negative"),
    "size a fraction": HostileSource(with_entry_members(size=1.5), f"{ENTRY} size must be a whole number"),
    "size a truth value": HostileSource(with_entry_members(size=True), f"{ENTRY} size must be a whole number"),
    "size a string": HostileSource(with_entry_members(size="1"), f"{ENTRY} size must be a whole number"),
    "size too large for a manifest": HostileSource(
        with_entry_members(size=4 * MIB + 1), "is [0-9]+ bytes; its descriptor states 4194305"
    ),
    "size of something else": HostileSource(with_entry_members(size=3), "is [0-9]+ bytes; its descriptor states 3"),
    "media type with parameters": HostileSource(
        with_entry_members(mediaType=f"{OCI_MANIFEST};a=b"), f"{ENTRY} mediaType '.*;a=b' must be"
    ),
    "media type missing": HostileSource(with_entry_members(mediaType=None), f"{ENTRY} mediaType is missing"),
    "media type of something else": HostileSource(
        with_entry_members(mediaType="text/plain"), "has the media type 'text/plain', which is not that of an image"
    ),
    "media type of an index": HostileSource(
        with_entry_members(mediaType=OCI_INDEX), "mediaType .* contradicts its descriptor"
    ),
    "annotations a list": HostileSource(with_entry_members(annotations=[]), f"{ENTRY} annotations must be an object"),
    "manifest missing": HostileSource(
        with_entry_members(digest="sha256:" + "a" * 64), f"blobs/sha256/{'a' * 64} is missing"
    ),
    "manifest exchanged": HostileSource(
        exchanged, "blobs/sha256/[a-f0-9]{64} is damaged: its content does not match its digest"
    ),
    "manifest too large": HostileSource(
        with_manifest(lambda _layout, manifest: manifest.update(annotations={"a": "x" * 4 * MIB})),
        "is 4194902 bytes; the limit is 4194304",
    ),
    "layer missing": HostileSource(with_layer(digest="sha256:" + "a" * 64), f"blob sha256:{'a' * 64} is missing"),
    "layer of another size": HostileSource(
        with_layer(size=1), f"blob {digest_of(LAYERS[0])} is 12000 bytes; its descriptor states 1[.]"
    ),
    "layer with parameters": HostileSource(
        with_layer(mediaType=f"{OCI_LAYER};a=b"), r"layers\[0\] mediaType '.*;a=b' must be"
    ),
    "no config": HostileSource(
        with_manifest(lambda _layout, manifest: manifest.update(config=None)), "config is missing"
    ),
    "contradicting media type": HostileSource(
        with_manifest(under_another_type), "mediaType .* contradicts its descriptor"
    ),
    "manifest and index at once": HostileSource(
        with_manifest(lambda _layout, manifest: manifest.update(manifests=[])), "manifests contradicts the media type"
    ),
    "index of an index": HostileSource(
        with_manifest(
            lambda layout, _manifest: index_of(
                layout.blob(as_json(index_of(layout.blob(b"{}", OCI_MANIFEST))), OCI_INDEX)
            )
        ),
        "is an index too. An index of indexes is not supported",
    ),
    "index of nothing": HostileSource(
        with_manifest(lambda _layout, _manifest: index_of()), "manifests lists no images"
    ),
    "index of an image that is missing": HostileSource(
        with_manifest(
            lambda _layout, _manifest: index_of({"mediaType": OCI_MANIFEST, "digest": "sha256:" + "a" * 64, "size": 9})
        ),
        f"does not contain all images that its index lists. Missing: sha256:{'a' * 64}[.] .*create it again",
    ),
    "indexes in a circle": HostileSource(
        cyclic, "blobs/sha256/a{64} is damaged: its content does not match its digest"
    ),
    "several images": HostileSource(
        directory(oci_layout("a", "b")), "contains 2 images. Choose one of these: 'a' .*'b' "
    ),
    "thousand images": HostileSource(
        directory(oci_layout(*map(str, range(1000)))), "contains 1000 images.*and 990 more$"
    ),
}
