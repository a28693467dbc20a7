# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The platforms that an image runs on, and the choice among those of an index.

Sources: https://github.com/opencontainers/image-spec/blob/main/image-index.md; the default variants and the other names
of architectures are those of containerd: https://github.com/containerd/platforms, and those that ``uname -m`` prints.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from .._core.errors import InvalidInputError
from .._core.text import printable, quoted

if t.TYPE_CHECKING:
    from .._core.json_document import JsonObject

_PLATFORM = re.compile("[a-z0-9_.-]+/[a-z0-9_.-]+(/[a-z0-9_.-]+)?", re.IGNORECASE)
_DEFAULT_VARIANTS = {"amd64": "v1", "arm": "v7", "arm64": "v8"}
_SYSTEMS = {"macos": "darwin"}
# Other names of an architecture, and the variant that the name implies.
_ARCHITECTURES: dict[str, tuple[str, str | None]] = {
    "x86_64": ("amd64", None),
    "x86-64": ("amd64", None),
    "i386": ("386", None),
    "i486": ("386", None),
    "i586": ("386", None),
    "i686": ("386", None),
    "aarch64": ("arm64", None),
    "armhf": ("arm", "v7"),
    "armel": ("arm", "v6"),
    "armv8l": ("arm", "v7"),
    "armv7l": ("arm", "v7"),
    "armv7": ("arm", "v7"),
    "armv6l": ("arm", "v6"),
    "armv5tel": ("arm", "v5"),
    "loongarch64": ("loong64", None),
    "mipsel": ("mipsle", None),
    "mips64el": ("mips64le", None),
    "ppc64el": ("ppc64le", None),
}
# The platform of an attestation is unknown/unknown.
_UNKNOWN = "unknown"


@dataclass(frozen=True)
class Platform:
    """An operating system and an architecture, such as ``linux/arm64/v8``.

    Nobody asks for a platform by ``os_version``, which tells images for different builds of Windows apart.
    """

    os: str
    architecture: str
    variant: str | None = None
    os_version: str | None = field(default=None, compare=False)

    @classmethod
    def parse(cls, text: str, label: str) -> Platform:
        """Read a platform that a user wrote.

        :param label: names the text in errors
        :raises InvalidInputError: the text is not os/architecture or os/architecture/variant
        """
        if not _PLATFORM.fullmatch(text):
            raise InvalidInputError(
                f"{label} {quoted(text)} must be os/architecture or os/architecture/variant, such as linux/amd64 or "
                "linux/arm64/v8"
            )
        return cls._normalised(*text.split("/"))

    @classmethod
    def from_json(cls, document: JsonObject) -> Platform:
        """Read the ``platform`` of a descriptor, or the same members of a configuration.

        Those of an attestation can be empty.

        :raises InvalidInputError: a member is not a string
        """
        return cls._normalised(
            document.get("os", str, "") or _UNKNOWN,
            document.get("architecture", str, "") or _UNKNOWN,
            document.get("variant", str, None),
            document.get("os.version", str, None),
        )

    @classmethod
    def _normalised(
        cls, system: str, architecture: str, variant: str | None = None, os_version: str | None = None
    ) -> Platform:
        """Return the platform under the names that images use."""
        system, variant = system.lower(), (variant or "").lower()
        architecture, implied = _ARCHITECTURES.get(architecture.lower(), (architecture.lower(), None))
        if architecture in _DEFAULT_VARIANTS and variant.isdigit():
            variant = f"v{variant}"
        return cls(_SYSTEMS.get(system, system), architecture, implied or variant or None, os_version)

    def __str__(self) -> str:
        return printable("/".join(filter(None, (self.os, self.architecture, self.variant))))

    @property
    def is_known(self) -> bool:
        """Whether it is a platform to run on, and not that of an attestation."""
        return self.os != _UNKNOWN

    @property
    def _is_default(self) -> bool:
        return self.variant in (None, _DEFAULT_VARIANTS.get(self.architecture))

    def includes(self, other: Platform) -> bool:
        """Return whether the other platform is this one. A platform without a variant includes every variant."""
        if (self.os, self.architecture) != (other.os, other.architecture):
            return False
        return self.variant in (None, other.variant) or (self._is_default and other._is_default)

    def narrowed(self, found: t.Sequence[Platform]) -> set[Platform]:
        """Return the platforms that this one includes: of several variants only the default one, if it is there."""
        included = {platform for platform in found if self.includes(platform)}
        default = {platform for platform in included if platform._is_default}
        return default or included
