# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs ecr_image, and shows how far it is."""

from __future__ import annotations

from ansible_collections.layerkit.ecr.plugins.plugin_utils._progress.action import ProgressAction


class ActionModule(ProgressAction):
    """Run the module of the same name."""
