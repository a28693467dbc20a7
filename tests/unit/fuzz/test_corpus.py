# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The seeds of `make fuzz`, and what it ever found, without atheris."""

from __future__ import annotations

import contextlib
import importlib
import sys
import typing as t
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr import retry

FUZZ = Path(__file__).parents[2] / "fuzz"
TARGETS = sorted(path.stem for path in FUZZ.glob("fuzz_*.py"))


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> t.Callable[[str], ModuleType]:
    """Import a target, with nothing instrumented."""
    monkeypatch.setattr(retry, "MAX_ATTEMPTS", retry.MAX_ATTEMPTS)
    monkeypatch.setenv("TMPDIR", "set back after the test")
    plain = SimpleNamespace(instrument_imports=lambda **_options: contextlib.nullcontext())
    monkeypatch.setitem(sys.modules, "atheris", t.cast(ModuleType, plain))
    return lambda name: importlib.import_module(f"ansible_collections.layerkit.ecr.tests.fuzz.{name}")


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_but_worded_failures_comes_of_an_input(name: str, load: t.Callable[[str], ModuleType]) -> None:
    target = load(name)
    inputs = sorted((FUZZ / "corpus" / name.removeprefix("fuzz_")).iterdir())
    assert inputs
    for path in inputs:
        target.TestOneInput(path.read_bytes())


def test_every_corpus_has_its_target() -> None:
    assert sorted(f"fuzz_{path.name}" for path in (FUZZ / "corpus").iterdir()) == TARGETS
