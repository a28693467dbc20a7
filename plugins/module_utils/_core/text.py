# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Words that several messages need."""

from __future__ import annotations

import typing as t
from itertools import accumulate
from urllib.parse import urlsplit

MIB = 1024 * 1024

# Characters of foreign text that a message shows.
MAX_SHOWN = 200
_SHORT = 12


def printable(text: str, limit: int = MAX_SHOWN) -> str:
    """Return foreign text for a message: one line of at most ``limit`` characters, then how many there are.

    Control characters, line breaks, marks of the direction of writing and halves of surrogate pairs are escaped.
    """
    pieces = [letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text[:limit]]
    shown = [piece for piece, end in zip(pieces, accumulate(map(len, pieces))) if end <= limit]
    return "".join(shown) + (f"… ({len(text)} characters)" if len(shown) < len(text) else "")


def quoted(value: object, limit: int = MAX_SHOWN) -> str:
    """Return a foreign value for a message, as Python writes it: a string has quotation marks."""
    return printable(repr(value), limit)


def shortened(digest: str) -> str:
    """Return a digest for reading: its first 12 digits, which tell apart what one task works on."""
    algorithm, colon, digits = digest.partition(":")
    return f"{algorithm}{colon}{digits[:_SHORT]}…" if len(digits) > _SHORT else digest


def origin_of(url: str) -> str:
    """Return the scheme and the host of a URL, without a user, a password, a path and a query, which can be secrets.

    :raises ValueError: it is not a URL
    """
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def scaled(size: int) -> str:
    """Return a number of bytes for reading, in the largest unit of which there is at least one."""
    for unit, name in ((MIB * 1024, "GiB"), (MIB, "MiB"), (1024, "KiB")):
        if size >= unit:
            return f"{size / unit:.{0 if size >= 10 * unit else 1}f} {name}"
    return f"{size} B"


def counted(count: int, noun: str) -> str:
    """Return how many there are of something, with a noun whose plural ends in s."""
    return f"{count or 'no'} {noun}{'' if count == 1 else 's'}"


def listed(names: t.Sequence[str], most: int = 3, separator: str = ", ") -> str:
    """Return the names for a message, and how many more there are than ``most``."""
    more = len(names) - most
    return separator.join(names[:most]) + (f"{separator.rstrip()} and {more} more" if more > 0 else "")


def reason(error: OSError | ValueError) -> str:
    """Return why a file cannot be opened; Python raises ValueError for a path with a null character."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
