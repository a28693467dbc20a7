# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Damaged and hostile sources are refused: by name, soon, and without reading anything else."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._validation import InvalidInputError
from ansible_collections.layerkit.ecr.tests.unit.hostile_sources.catalogue import HOSTILE_SOURCES
from ansible_collections.layerkit.ecr.tests.unit.hostile_sources.hostile_source import HostileSource
from ansible_collections.layerkit.ecr.tests.unit.image_files import oci_layout, write_directory
from ansible_collections.layerkit.ecr.tests.unit.image_reader import read_image

_SOON = 20


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


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("source", [pytest.param(source, id=name) for name, source in HOSTILE_SOURCES.items()])
def test_it_is_refused_by_name(source: HostileSource, tmp_path: Path) -> None:
    path = source.make(tmp_path)
    with pytest.raises(InvalidInputError, match=source.error) as refusal:
        read_image(path)
    assert refusal.value.message.startswith(f"src {str(path)!r}")
    assert "nothing was sent" in refusal.value.message
    assert len(refusal.value.message) < 5000


# Reads sources, and tells which other files were opened for it, and the memory that it took, in KiB.
_READER = """
import json, os, sys, tarfile
from pathlib import Path
from ansible_collections.layerkit.ecr.plugins.module_utils._validation import InvalidInputError
from ansible_collections.layerkit.ecr.tests.unit.image_files import oci_layout, write_directory
from ansible_collections.layerkit.ecr.tests.unit.image_reader import read_image
from ansible_collections.layerkit.ecr.tests.unit.peak_memory import peak_kib

good, *paths = json.load(sys.stdin)
opened = []

def hear(event, arguments):
    if event == "open" and isinstance(arguments[0], (str, bytes)):
        opened.append((os.fsdecode(arguments[0]), arguments[2]))

def is_within(path, name, flags):
    # Only the parts of a name within a directory are opened without its path.
    part = "/" not in name and name != ".." and flags & os.O_NOFOLLOW
    return name == path or name.startswith(f"{path}/") or part

read_image(Path(good))
sys.addaudithook(hear)
before, others, count = peak_kib(), [], 0
for path in paths:
    opened.clear()
    try:
        read_image(Path(path))
    except InvalidInputError:
        count += 1
    others += [name for name, flags in opened if not is_within(path, name, flags)]
print(json.dumps({"count": count, "others": others, "grown": peak_kib() - before}))
"""


def test_nothing_else_is_read_and_little_memory_is_taken(tmp_path: Path) -> None:
    good = write_directory(tmp_path / "good", oci_layout())
    paths = []
    for number, source in enumerate(HOSTILE_SOURCES.values()):
        (tmp_path / str(number)).mkdir()
        paths.append(str(source.make(tmp_path / str(number))))
    answer = subprocess.run(
        [sys.executable, "-c", _READER],
        input=json.dumps([str(good), *paths]),
        capture_output=True,
        text=True,
        check=True,
    )
    result = json.loads(answer.stdout)
    assert result["count"] == len(HOSTILE_SOURCES)
    assert result["others"] == []
    assert result["grown"] < 32 * 1024


def test_what_was_left_whole_is_read(tmp_path: Path) -> None:
    """The layout that most hostile sources are made of is a good one."""
    assert read_image(write_directory(tmp_path / "good", oci_layout())).root.blobs
