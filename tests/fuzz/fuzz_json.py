# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fuzz the reader of JSON documents."""

from __future__ import annotations

import sys
import typing as t

import atheris

with atheris.instrument_imports(include=["ansible_collections.layerkit.ecr.plugins"]):
    from ansible_collections.layerkit.ecr.plugins.module_utils._core.json_document import JsonObject, parse_json
    from ansible_collections.layerkit.ecr.tests.fuzz.documents import mutated
    from ansible_collections.layerkit.ecr.tests.fuzz.oracle import worded


_KINDS: tuple[type[t.Any], ...] = (str, int, list, dict)


def TestOneInput(data: bytes) -> None:
    """Read a document, and its members as all kinds."""
    with worded():
        parse_json(data, "document")
    with worded():
        JsonObject.parse_list(data, "list", 10)
    with worded():
        document = JsonObject.parse(data, "document")
        for name in document.members:
            for kind in _KINDS:
                with worded():
                    document.get(name, kind)
            with worded():
                document.strings(name)
            with worded():
                [inner.get("a", str) for inner in document.objects(name, 10)]


def mutate(data: bytes, max_size: int, seed: int) -> bytes:
    """Change an input, often within its JSON."""
    return mutated(data, max_size, seed, atheris.Mutate)


if __name__ == "__main__":
    atheris.Setup(sys.argv, TestOneInput, custom_mutator=mutate)
    atheris.Fuzz()
