# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """What each module can do, as attributes."""

    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying the registry.
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)), when in diff
    mode.
  idempotent:
    description: When run twice in a row outside check mode, with the same arguments, the second invocation indicates
    no change.
"""

    FACTS = r"""
attributes:
  facts:
    description: Action returns an C(ansible_facts) dictionary that will update existing host facts.
"""

    ACTION_GROUP = r"""
attributes:
  action_group:
    description: Use C(group/layerkit.ecr.aws) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - layerkit.ecr.aws
"""
