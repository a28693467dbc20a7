# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Layers that need not be compressed, because the registry has them."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.layer_records import Layer
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.descriptor import Descriptor
from ansible_collections.layerkit.ecr.plugins.module_utils._transfer.known_layers import KnownLayers

LAYER = Descriptor("application/vnd.oci.image.layer.v1.tar+gzip", "sha256:" + "1" * 64, 7)


@pytest.mark.parametrize(
    ("found", "is_known"),
    [
        (Layer(LAYER.digest, "AVAILABLE", 7), True),
        (Layer(LAYER.digest, "AVAILABLE"), True),
        (Layer(LAYER.digest, "AVAILABLE", 8), False),
        (Layer(LAYER.digest, "UNAVAILABLE", 7), False),
        (None, False),
    ],
)
def test_layer_of_another_size_is_not_recognised(found: Layer | None, is_known: bool) -> None:
    known = KnownLayers(t.cast(t.Any, None))
    known.found = {LAYER.digest: found} if found else {}
    assert known._has(LAYER) is is_known
