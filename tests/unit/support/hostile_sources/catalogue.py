# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Damaged and hostile sources: how each is made, and what the error must say of it.

Where a link or a name leads out of a source, it leads to what would make the source whole, so that whoever follows it
has no error to report.
"""

from __future__ import annotations

from ansible_collections.layerkit.ecr.tests.unit.support.hostile_sources.damaged_archives import DAMAGED_ARCHIVES
from ansible_collections.layerkit.ecr.tests.unit.support.hostile_sources.docker_archives import DOCKER_ARCHIVES
from ansible_collections.layerkit.ecr.tests.unit.support.hostile_sources.layouts import LAYOUTS
from ansible_collections.layerkit.ecr.tests.unit.support.hostile_sources.paths import DIRECTORIES, PATHS
from ansible_collections.layerkit.ecr.tests.unit.support.hostile_sources.tar_entries import TAR_ENTRIES

HOSTILE_SOURCES = {**PATHS, **DIRECTORIES, **TAR_ENTRIES, **DAMAGED_ARCHIVES, **LAYOUTS, **DOCKER_ARCHIVES}
