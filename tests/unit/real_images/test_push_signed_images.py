# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ecr_image with a layout of tools, to which skopeo copied what cosign tagged, and with an SBOM as oras attaches it."""

from __future__ import annotations

import json
import shutil
import typing as t
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.tests.real_images.layouts import MANIFEST_TYPE, put_blob, put_index

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.real_images import RealImage, Tools
    from ansible_collections.layerkit.ecr.tests.unit.support.recorded_registry import Registry

SPDX = "application/spdx+json"


@pytest.mark.parametrize("name", ["single", "index"])
@pytest.mark.parametrize("is_archive", [False, True], ids=["directory", "archive"])
def test_signatures_and_sboms_go_with_the_image(
    registry: Registry, tools: Tools, images: dict[str, RealImage], tmp_path: Path, name: str, is_archive: bool
) -> None:
    layout, digest, other = tmp_path / "layout", images[name].digest, images["first_of_family"].digest
    assert digest
    assert other
    shutil.copytree(images[name].src, layout)
    tag = digest.replace(":", "-") + ".sig"
    tools.skopeo("copy", images["first_of_family"].reference, f"oci:{layout}:{tag}")
    bill = attach_sbom(layout, digest)
    src = layout
    if is_archive:
        src = Path(shutil.make_archive(str(tmp_path / "signed"), "tar", layout))
    source = replace(images[name], src=str(src))
    predicted = registry.push(source, tags=["1.0"], check=True)
    done = registry.push(source, tags=["1.0"])
    again = registry.push(source, tags=["1.0"])
    assert predicted["referrers"] == done["referrers"]
    assert (done["changed"], again["changed"]) == (True, False)
    assert {(entry["digest"], entry["tag"]) for entry in done["referrers"]} == {
        (other, tag),
        (bill, None),
    }
    tags = registry.tags()
    assert (tags[digest], tags[other]) == (("1.0",), (tag,))
    assert json.loads(registry.get(bill).manifest)["subject"]["digest"] == digest


def attach_sbom(layout: Path, subject: str) -> str:
    """Add an SBOM of the image to a layout, and return its digest."""
    index = json.loads((layout / "index.json").read_bytes())
    (image,) = (entry for entry in index["manifests"] if entry["digest"] == subject)
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "artifactType": SPDX,
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", **put_blob(layout, b"{}")},
        "layers": [{"mediaType": SPDX, **put_blob(layout, b'{"spdxVersion": "SPDX-2.3"}')}],
        "subject": {member: image[member] for member in ("mediaType", "digest", "size")},
    }
    descriptor = {"mediaType": MANIFEST_TYPE, **put_blob(layout, json.dumps(manifest).encode())}
    put_index(layout, [*index["manifests"], descriptor])
    return str(descriptor["digest"])
