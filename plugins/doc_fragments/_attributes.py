# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """What each module can do, as attributes."""

    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Can be run in check mode, where it predicts its result and sends nothing that changes the registry.
  diff_mode:
    description: Shows in diff mode what changes, or what would change in check mode.
  idempotent:
    description: Changes nothing when it is run again with the same options.
"""

    FACTS = r"""
attributes:
  facts:
    description: Returns its answer as a fact of the host as well.
"""

    ACTION_GROUP = r"""
attributes:
  action_group:
    description: Takes the defaults that C(module_defaults) gives to C(group/layerkit.ecr.aws).
    support: full
    membership:
      - layerkit.ecr.aws
"""
