# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Blobs that are read while they are made."""

from __future__ import annotations

import typing as t
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.blob import FileBlob
from ansible_collections.layerkit.ecr.plugins.module_utils._core.growing import BlobDroppedError, GrowingBlob

CONTENT = b"0123456789"
# Long enough for a thread to end its wait if nothing holds it.
MOMENT = 0.05


@pytest.fixture
def blob(tmp_path: Path) -> t.Iterator[GrowingBlob]:
    """A blob of which four bytes are there."""
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    with FileBlob.open(str(path), "file") as file:
        blob = GrowingBlob("layer", file, 100)
        blob.grow(4)
        yield blob


@pytest.fixture
def waiter() -> t.Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


def is_waiting(waiting: Future[int]) -> bool:
    try:
        waiting.result(timeout=MOMENT)
    except TimeoutError:
        return True
    return False


def test_what_is_there_is_read_at_once(blob: GrowingBlob) -> None:
    assert (blob.wait_for(4), blob.size, blob.max_size) == (4, 4, 100)
    assert blob.read(1, 3) == CONTENT[1:4]


def test_a_reader_waits_for_what_is_not_there_yet(blob: GrowingBlob, waiter: ThreadPoolExecutor) -> None:
    waiting = waiter.submit(blob.wait_for, 6)
    assert is_waiting(waiting)
    blob.grow(1)
    assert is_waiting(waiting)
    blob.grow(1)
    assert waiting.result() == 6


def test_the_rest_of_a_complete_blob_waits_for_its_release(blob: GrowingBlob, waiter: ThreadPoolExecutor) -> None:
    blob.finish("sha256:digest")
    waiting = waiter.submit(blob.wait_for, 3)
    assert is_waiting(waiting)
    blob.release()
    assert waiting.result() == 3
    # The blob ends there.
    assert (blob.wait_for(100), blob.max_size) == (4, 4)


def test_who_waits_for_a_blob_that_is_dropped_learns_that(blob: GrowingBlob, waiter: ThreadPoolExecutor) -> None:
    waiting = waiter.submit(blob.wait_for, 6)
    assert is_waiting(waiting)
    blob.drop()
    with pytest.raises(BlobDroppedError):
        waiting.result()
    with pytest.raises(BlobDroppedError):
        blob.wait_for(1)


def test_a_complete_blob_can_be_read_although_it_was_dropped(blob: GrowingBlob) -> None:
    blob.finish("sha256:digest")
    blob.drop()
    again = blob.completed()
    assert (again.wait_for(100), again.read(0, 4), str(again)) == (4, CONTENT[:4], "layer")
    assert b"".join(again.chunks(0, again.size)) == CONTENT[:4]
