# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection's name and version, for the user agent of its requests."""

from __future__ import annotations

COLLECTION_NAME = "layerkit.ecr"
COLLECTION_VERSION = "2.0.0"
