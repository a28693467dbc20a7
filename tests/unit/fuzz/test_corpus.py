# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The seeds of `make fuzz`, what it ever found, and some inputs that hypothesis makes of them, without atheris."""

from __future__ import annotations

import contextlib
import importlib
import sys
import typing as t
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr import retry
from ansible_collections.layerkit.ecr.tests.fuzz.documents import mutated
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

FUZZ = Path(__file__).parents[2] / "fuzz"
TARGETS = sorted(path.stem for path in FUZZ.glob("fuzz_*.py"))
MAX_BYTES = 32 * 1024


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> t.Callable[[str], ModuleType]:
    """Import a target, with nothing instrumented."""
    # Targets set both, the first one when it is imported. They are set back after the test.
    monkeypatch.setattr(retry, "MAX_ATTEMPTS", 1)
    monkeypatch.setenv("TMPDIR", "another directory")
    plain = SimpleNamespace(instrument_imports=lambda **_options: contextlib.nullcontext())
    monkeypatch.setitem(sys.modules, "atheris", t.cast(ModuleType, plain))
    return lambda name: importlib.import_module(f"ansible_collections.layerkit.ecr.tests.fuzz.{name}")


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_but_worded_failures_comes_of_an_input(name: str, load: t.Callable[[str], ModuleType]) -> None:
    target = load(name)
    inputs = corpus(name)
    assert inputs
    for content in inputs:
        target.TestOneInput(content)


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_nothing_but_worded_failures_comes_of_a_changed_input(
    name: str, load: t.Callable[[str], ModuleType], data: st.DataObject
) -> None:
    load(name).TestOneInput(data.draw(changed(corpus(name))))


def corpus(name: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((FUZZ / "corpus" / name.removeprefix("fuzz_")).iterdir())]


@st.composite
def changed(draw: st.DrawFn, inputs: list[bytes]) -> bytes:
    """One of these inputs with a few changes, within its JSON or of its bytes."""

    def change_bytes(content: bytes, max_size: int) -> bytes:
        first = draw(st.integers(0, len(content)))
        last = draw(st.integers(first, min(len(content), first + 16)))
        return (content[:first] + draw(st.binary(max_size=16)) + content[last:])[:max_size]

    content = draw(st.sampled_from(inputs))
    for _change in range(draw(st.integers(1, 3))):
        content = mutated(content, MAX_BYTES, draw(st.integers(0, 2**32)), change_bytes)
    return content


def test_every_corpus_has_its_target() -> None:
    assert sorted(f"fuzz_{path.name}" for path in (FUZZ / "corpus").iterdir()) == TARGETS
