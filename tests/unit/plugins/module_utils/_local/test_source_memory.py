# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What sources need in memory, whatever their size and however many of their layers are read at once."""

from __future__ import annotations

import gzip
import json
import lzma
import random
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import docker_archive, tar_of

MIB = 1024 * 1024

# Reads all layers at once, as an upload does, and prints by how many KiB the process grew.
_READER = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from ansible_collections.layerkit.ecr.plugins.module_utils._core.task import Task
from ansible_collections.layerkit.ecr.plugins.module_utils._local.load import load_image, open_source
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.image import settled_image
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.store import LayerFollower
from ansible_collections.layerkit.ecr.tests.unit.support.image_reader import accept_any, digest_by_parts
from ansible_collections.layerkit.ecr.tests.unit.support.peak_memory import peak_kib

src, compress = sys.argv[1:]
before = peak_kib()
task = Task(print)
with open_source(src, "src", compress == "gzip", 8, task) as source:
    image = settled_image(load_image(source, None, [], accept_any, task), LayerFollower(), {})

    def read(digest):
        with image.reader.open(digest) as blob:
            assert digest_by_parts(blob) == digest

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(read, image.blobs))
print(peak_kib() - before)
"""


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    source = random.Random(1)
    # More than a window holds, compressed or not; more of them than are read at once.
    layers = [source.randbytes(10 * MIB) + bytes(MIB) for _layer in range(5)]
    content = tar_of(docker_archive(layers))
    directory = tmp_path_factory.mktemp("large")
    made = {name: directory / f"{name}.tar" for name in ("plain", "gzip", "xz")}
    made["plain"].write_bytes(content)
    made["gzip"].write_bytes(gzip.compress(content, compresslevel=0))
    # The dictionary of the default preset. Layers that repeat themselves are compressed fast.
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 8 * MIB}]
    repeated = tar_of(docker_archive([source.randbytes(1024) * 11 * 1024 for _layer in range(5)]))
    made["xz"].write_bytes(lzma.compress(repeated, filters=filters))
    return made


@pytest.mark.parametrize(
    ("archive", "compress", "most"),
    [
        ("plain", "none", 4),
        # A window of 10 MiB, and what five threads decompress and compress by.
        ("gzip", "none", 17),
        # The same, and one dictionary of xz.
        ("xz", "none", 25),
        ("plain", "gzip", 19),
        ("gzip", "gzip", 21),
    ],
)
def test_memory_is_bounded(archives: dict[str, Path], archive: str, compress: str, most: int) -> None:
    command = [sys.executable, "-c", _READER, str(archives[archive]), compress]
    answer: t.Any = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert answer < most * 1024
