# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with a name that a person wrote: the fault that its letters show, and what to write instead."""

from __future__ import annotations

import re
import typing as t

from .digest import SHA256_DIGEST

_TEMPLATE = re.compile(r"\{\{|\}\}|\{%")
_DIGEST_PARTS = re.compile("([A-Za-z0-9_+.-]+):([A-Fa-f0-9]*)")


class Fault(t.NamedTuple):
    """What is wrong with a value: the second half of a sentence, such as ``has a blank``.

    ``remedy`` is a sentence without its period, or nothing.
    """

    what: str
    remedy: str = ""


def fault_of_text(text: str) -> Fault | None:
    """Return the fault of a text that no name can have."""
    if not text:
        return Fault("is empty")
    if _TEMPLATE.search(text):
        return Fault("has a template in it that was not replaced")
    if re.search("[\r\n]", text):
        return Fault("has a line break")
    return Fault("has a blank") if re.search(r"\s", text) else None


def fault_of_length(text: str, least: int, most: int) -> Fault | None:
    """Return the fault of a text that is too short or too long."""
    count = f"has {len(text)} character{'' if len(text) == 1 else 's'}"
    if len(text) > most:
        return Fault(f"{count}, at most {most} are possible")
    return Fault(f"{count}, at least {least} are needed") if len(text) < least else None


def fault_of_digest(digest: str) -> Fault:
    """Return what is wrong with a text that is not a SHA-256 digest."""
    found = re.search(f"[^:@]@({SHA256_DIGEST.pattern})$", digest)
    if found:
        return Fault("has a name in front", f"Give the digest alone: {found[1]}")
    if re.fullmatch("[A-Fa-f0-9]{64}", digest):
        return Fault("lacks sha256:")
    parts = _DIGEST_PARTS.fullmatch(digest)
    return fault_of_text(digest) or (_fault_of_parts(*parts.groups()) if parts else Fault("looks like a tag"))


def _fault_of_parts(algorithm: str, digits: str) -> Fault:
    if algorithm.lower() != "sha256":
        return Fault(f"names the algorithm {algorithm}")
    if len(digits) != 64:
        return Fault(f"has {len(digits)} digits after sha256:")
    return Fault("has upper-case letters")
