# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ranges by which blobs are fetched."""

from __future__ import annotations

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.text import MIB
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.descriptor import Descriptor
from ansible_collections.layerkit.ecr.plugins.module_utils._transfer.download_plan import (
    MAX_RANGE,
    MIN_RANGE,
    BlobFetch,
    FetchAction,
    FetchReason,
    ranges_of,
)
from hypothesis import given
from hypothesis import strategies as st

DIGEST = "sha256:" + "0" * 64


def step(*gaps: tuple[int, int], digest: str = DIGEST) -> BlobFetch:
    blob = Descriptor("application/vnd.oci.image.layer.v1.tar", digest, max((end for _start, end in gaps), default=0))
    return BlobFetch(blob, FetchAction.FETCHED, FetchReason.MISSING, gaps)


@given(st.lists(st.integers(1, 300 * MIB), min_size=1, max_size=5), st.integers(1, 32))
def test_ranges_are_the_gaps_and_begin_at_whole_mib(sizes: list[int], parallel: int) -> None:
    steps = [step((0, size), digest=f"sha256:{number:064}") for number, size in enumerate(sizes)]
    for fetch in steps:
        ranges = ranges_of(steps, parallel)[fetch.blob.digest]
        assert [end for _start, end in ranges[:-1]] == [start for start, _end in ranges[1:]]
        assert (ranges[0][0], ranges[-1][1]) == (0, fetch.blob.size)
        assert all(start % MIB == 0 for start, _end in ranges)
        assert all(end - start <= MAX_RANGE for start, end in ranges)


@pytest.mark.parametrize(
    ("size", "parallel", "count"), [(500, 8, 16), (500, 1, 16), (40, 8, 10), (3, 8, 1), (64, 2, 4)]
)
def test_all_connections_have_something_to_do(size: int, parallel: int, count: int) -> None:
    assert len(ranges_of([step((0, size * MIB))], parallel)[DIGEST]) == count


def test_pieces_that_are_there_are_left_out() -> None:
    gaps = ((MIB, 3 * MIB), (7 * MIB, 8 * MIB + 5))
    assert ranges_of([step(*gaps)], 8) == {DIGEST: list(gaps)}
    assert ranges_of([step((MIB, MIB + 2 * MIN_RANGE))], 8) == {
        DIGEST: [(MIB, MIB + MIN_RANGE), (MIB + MIN_RANGE, MIB + 2 * MIN_RANGE)]
    }


def test_blob_that_has_only_to_be_proved_has_no_range() -> None:
    assert ranges_of([step()], 8) == {DIGEST: []}
