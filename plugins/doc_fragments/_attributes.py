# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The attributes of the modules."""

    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Can run in check mode. Predicts the result and sends nothing that changes the registry.
  diff_mode:
    description: Shows in diff mode what changes, or in check mode what would change.
  idempotent:
    description: Changes nothing if it runs again with the same options.
"""

    FACTS = r"""
attributes:
  facts:
    description: Also returns its result as a fact of the host.
"""

    ACTION_GROUP = r"""
attributes:
  action_group:
    description: Use C(group/layerkit.ecr.aws) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - layerkit.ecr.aws
"""
