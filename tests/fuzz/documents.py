# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Inputs that consist of several documents, which name each other by digests that a fuzzer cannot guess."""

from __future__ import annotations

import hashlib
import json
import random
import typing as t

# Between the documents of one input.
SEPARATOR = b"\n----\n"
MAX_DOCUMENTS = 9
_VALUES: tuple[t.Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    2,
    2**63,
    1.5,
    "",
    "a",
    "\ud800",
    [],
    {},
    [None],
    [[]],
    {"": {}},
)


def resolved(data: bytes) -> list[bytes]:
    """Return the documents, each with the digests and sizes of those after it in place of ``@2`` and ``"#2"``.

    So ``{"digest": "@2", "size": "#2"}`` describes the third document.
    """
    documents = data.split(SEPARATOR)[:MAX_DOCUMENTS]
    for number in reversed(range(len(documents))):
        content = documents[number]
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}".encode()
        for earlier in range(number):
            documents[earlier] = (
                documents[earlier].replace(b"@%d" % number, digest).replace(b'"#%d"' % number, b"%d" % len(content))
            )
    return documents


def digest_of(content: bytes) -> str:
    """Return the digest of a document."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def mutated(data: bytes, max_size: int, seed: int, otherwise: t.Callable[[bytes, int], bytes]) -> bytes:
    """Change a value within the JSON of one of the documents, or the bytes.

    :param otherwise: changes bytes
    """
    chance = random.Random(seed)
    documents = data.split(SEPARATOR)
    number = chance.randrange(len(documents))
    try:
        document = json.loads(documents[number])
        places = list(_places(document))
    except (ValueError, RecursionError):
        places = []
    if not places or chance.random() < 0.4:
        return otherwise(data, max_size)
    container, key = chance.choice(places)
    _change(container, key, chance)
    documents[number] = json.dumps(document).encode()
    return SEPARATOR.join(documents)[:max_size]


def _places(value: t.Any) -> t.Iterator[tuple[t.Any, t.Any]]:
    level = [value] if isinstance(value, (dict, list)) else []
    while level:
        container = level.pop()
        entries = container.items() if isinstance(container, dict) else enumerate(container)
        for key, inner in entries:
            yield container, key
            if isinstance(inner, (dict, list)):
                level.append(inner)


def _change(container: t.Any, key: t.Any, chance: random.Random) -> None:
    others = list(container.values() if isinstance(container, dict) else container)
    match chance.randrange(5):
        case 0:
            del container[key]
        case 1:
            container[key] = chance.choice(_VALUES)
        case 2:
            container[key] = chance.choice(others)
        case 3 if isinstance(container, dict):
            container[key + chance.choice("sX ")] = container[key]
        case 3:
            container.insert(key, container[key])
        case _:
            container[key] = _like(container[key], chance)


def _like(value: t.Any, chance: random.Random) -> t.Any:
    if isinstance(value, bool) or value is None:
        return chance.choice(_VALUES)
    if isinstance(value, int):
        return value + chance.choice((-1, 1, 2**20, -(2**40)))
    if isinstance(value, str):
        at = chance.randrange(len(value) + 1)
        return value[:at] + chance.choice(("", "/", "..", "\0", ":", "@1", "\u202e", "A" * 300)) + value[at + 1 :]
    return [value, value]
