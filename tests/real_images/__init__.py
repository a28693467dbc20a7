# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images made by the tools that people use: umoci, skopeo and buildah.

From a shell; prints a JSON object of the images by name, with the fields of :class:`.image.RealImage`::

    python -m ansible_collections.layerkit.ecr.tests.real_images DIRECTORY

This takes a few seconds and needs neither a network nor a daemon. ``tests/tools/system_packages.sh`` installs the tools
and busybox, which the images contain, from the distribution's packages.
"""

from __future__ import annotations

from .catalogue import make_images
from .image import RealImage
from .tools import Tools

__all__ = ["RealImage", "Tools", "make_images"]
