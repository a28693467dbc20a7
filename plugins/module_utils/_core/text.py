# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Words that several messages need."""

from __future__ import annotations

import typing as t

MIB = 1024 * 1024


def listed(names: t.Sequence[str], most: int = 3, separator: str = ", ") -> str:
    """Return the names for a message, and how many more there are than ``most``."""
    more = len(names) - most
    return separator.join(names[:most]) + (f"{separator.rstrip()} and {more} more" if more > 0 else "")


def reason(error: OSError | ValueError) -> str:
    """Return why a file cannot be opened; Python raises ValueError for a path with a null character."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
