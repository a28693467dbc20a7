# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A mistake that people make, and what the message about it must name."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from pathlib import Path

Options = dict[str, t.Any]

# A request's members to the status and the body of its answer.
Answer = t.Callable[[dict[str, t.Any]], tuple[int, t.Any]]


@dataclass(frozen=True)
class Mistake:
    """One row of the table.

    In texts of ``options``, ``connection``, ``environment``, ``config`` and ``names``, ``{dir}`` is a directory that
    ``prepare`` fills, ``{url}`` the registry, and ``{unused}`` a port on which nothing listens.

    :param what: the mistake, which names the test
    :param module: the name of the module that is run
    :param names: what the message must name
    :param lacks: what it must not say
    :param config: the AWS configuration file
    :param answers: what the registry answers to some operations
    :param is_warning: whether the task succeeds, with a warning
    :param check: whether it runs in check mode
    """

    what: str
    module: str
    options: Options
    names: tuple[str, ...]
    lacks: tuple[str, ...] = ()
    connection: Options = field(default_factory=dict)
    environment: t.Mapping[str, str] = field(default_factory=dict)
    config: str = ""
    answers: t.Mapping[str, Answer] = field(default_factory=dict)
    prepare: t.Callable[[Path], object] | None = None
    is_warning: bool = False
    check: bool = False


def refused(code: str, words: str = "the service's own words", status: int = 400, **members: t.Any) -> Answer:
    """Return an error of AWS as the answer."""
    return lambda _request: (status, {"__type": code, "message": words, **members})


def answered(body: t.Any, status: int = 200) -> Answer:
    """Return this body as the answer: JSON, or a text that is HTML."""
    return lambda _request: (status, body)
