# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What people do wrong, and what the message about it must name."""

from __future__ import annotations

import importlib
import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.tests.unit.support.mistakes import answers, connection, names, sources
from ansible_collections.layerkit.ecr.tests.unit.support.mistakes.empty_registry import EmptyRegistry
from ansible_collections.layerkit.ecr.tests.unit.support.mistakes.mistake import Mistake
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import (
    CREDENTIALS,
    ModuleFailedError,
    run_module,
    warnings_of,
)

# Characters of a message before the words of AWS.
MAX_WORDS = 600
MISTAKES = [*names.ROWS, *sources.ROWS, *connection.ROWS, *answers.ROWS]


@pytest.fixture(scope="module")
def empty_registry() -> t.Iterator[EmptyRegistry]:
    registry = EmptyRegistry()
    yield registry
    registry.close()


def filled(value: t.Any, places: dict[str, str]) -> t.Any:
    """Return a value whose texts have these places filled."""
    if isinstance(value, str):
        for place, text in places.items():
            value = value.replace(f"{{{place}}}", text)
        return value
    if isinstance(value, dict):
        return {key: filled(member, places) for key, member in value.items()}
    return [filled(member, places) for member in value] if isinstance(value, list) else value


def words_about(mistake: Mistake, registry: EmptyRegistry, places: dict[str, str]) -> str:
    """Make the mistake, and return the message, or all warnings."""
    module = importlib.import_module(f"ansible_collections.layerkit.ecr.plugins.modules.{mistake.module}")
    registry.answers = mistake.answers
    given = {**CREDENTIALS, "endpoint_url": registry.url, **filled(mistake.connection, places)}
    given = {option: value for option, value in given.items() if value is not None}
    options = filled(mistake.options, places)
    if mistake.is_warning:
        return "\n".join(warnings_of(run_module(module, check=mistake.check, connection=given, **options)))
    with pytest.raises(ModuleFailedError) as failed:
        run_module(module, check=mistake.check, connection=given, **options)
    return failed.value.msg


@pytest.mark.usefixtures("delays")
@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.what)
def test_message(
    mistake: Mistake,
    empty_registry: EmptyRegistry,
    tmp_path: Path,
    unused_port: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    places = {
        "dir": str(tmp_path),
        "url": empty_registry.url,
        "port": str(empty_registry.port),
        "unused": str(unused_port),
    }
    Path(os.environ["AWS_CONFIG_FILE"]).write_text(mistake.config, encoding="utf-8")
    for name, value in mistake.environment.items():
        monkeypatch.setenv(name, filled(value, places))
    if mistake.prepare:
        mistake.prepare(tmp_path)
    message = words_about(mistake, empty_registry, places)
    for name in filled(list(mistake.names), places):
        assert name in message
    for word in mistake.lacks:
        assert word not in message
    own = message.partition("The error was:")[0]
    assert len(own) <= MAX_WORDS, len(own)


def test_table_is_large_enough() -> None:
    assert len({mistake.what for mistake in MISTAKES}) == len(MISTAKES) >= 250
