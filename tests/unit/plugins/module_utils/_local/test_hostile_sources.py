# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Damaged and hostile sources are refused: by name, soon, and without reading anything else."""

from __future__ import annotations

import gzip
import os
import re
import signal
import sys
import typing as t
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.errors import InvalidInputError
from ansible_collections.layerkit.ecr.tests.unit.support.hostile_sources.catalogue import HOSTILE_SOURCES
from ansible_collections.layerkit.ecr.tests.unit.support.hostile_sources.hostile_source import HostileSource, Make
from ansible_collections.layerkit.ecr.tests.unit.support.hostile_sources.tar_entries import HARMLESS_ENTRIES
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import docker_archive, tar_of, write_directory
from ansible_collections.layerkit.ecr.tests.unit.support.image_reader import read_image
from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import oci_layout
from ansible_collections.layerkit.ecr.tests.unit.support.peak_memory import peak_kib

_SOON = 20
_LITTLE_MEMORY_KIB = 48 * 1024

# Names and flags.
Opened = list[tuple[str, int]]


@pytest.fixture
def soon() -> t.Iterator[None]:
    """Interrupt whoever waits, for a FIFO for instance."""

    def interrupt(_signal: int, _frame: object) -> t.NoReturn:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.alarm(_SOON)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Opened]:
    """Hear of the files that this process opens."""
    heard: Opened = []
    is_listening = True

    def hear(event: str, arguments: tuple[t.Any, ...]) -> None:
        if is_listening and event == "open" and isinstance(arguments[0], (str, bytes)):
            heard.append((os.fsdecode(arguments[0]), arguments[2]))

    # Modules that are imported late are imported by this.
    directory = tmp_path_factory.mktemp("good")
    archive = directory / "docker.tar.gz"
    archive.write_bytes(gzip.compress(tar_of(docker_archive())))
    for source in (write_directory(directory / "layout", oci_layout()), archive):
        read_image(source)
    sys.addaudithook(hear)
    yield heard
    # Python cannot remove it.
    is_listening = False


def is_within(path: Path, name: str, flags: int) -> bool:
    # Only the parts of a name within a directory are opened without its path.
    is_part = "/" not in name and name != ".." and flags & os.O_NOFOLLOW
    return bool(name == str(path) or name.startswith(f"{path}/") or is_part)


def peak_from_now_on() -> int:
    """Forget the peak of this process's memory, and return what it has now, in KiB."""
    # https://www.kernel.org/doc/html/latest/filesystems/proc.html, on clear_refs.
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return peak_kib()


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("source", [pytest.param(source, id=name) for name, source in HOSTILE_SOURCES.items()])
def test_it_is_refused_by_name(source: HostileSource, tmp_path: Path, opened: Opened) -> None:
    path = source.make(tmp_path)
    before = peak_from_now_on()
    opened.clear()
    with pytest.raises(InvalidInputError) as refusal:
        read_image(path)
    problem, remedy = refusal.value.problem, refusal.value.remedy
    others = [name for name, flags in opened if not is_within(path, name, flags)]
    assert peak_kib() - before < _LITTLE_MEMORY_KIB
    assert others == []
    assert problem.startswith(f"src {str(path)!r}")
    words = f"{problem}. {remedy}" if remedy else problem
    assert re.search(source.error, words)
    assert len(words) < 5000


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("make", [pytest.param(make, id=name) for name, make in HARMLESS_ENTRIES.items()])
def test_an_entry_that_is_not_used_does_not_matter(make: Make, tmp_path: Path, opened: Opened) -> None:
    path = make(tmp_path)
    opened.clear()
    assert read_image(path).root.blobs
    assert [name for name, flags in opened if not is_within(path, name, flags)] == []


def test_what_was_left_whole_is_read(tmp_path: Path) -> None:
    """The layout that most hostile sources are made of is a good one."""
    assert read_image(write_directory(tmp_path / "good", oci_layout())).root.blobs
