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

    PROGRESS = r"""
attributes:
  action:
    description: Has an action plugin of the same name, which runs on the controller.
    version_added: 2.0.0
    support: full
    details:
      - The action plugin shows the progress of the module. It changes neither options nor results.
notes:
  - If a transfer takes longer than a few seconds, its progress is shown on the standard error of Ansible, with layers,
    bytes, rate, remaining time and retries. A configuration counts as a layer. On a terminal, a play with one host
    redraws one line. Otherwise, a new line is written every few seconds, and less often the longer the transfer takes.
  - Progress is shown if the module runs on the controller, with the C(local) connection, as the user of Ansible or as
    root. It is not shown in check mode, with C(async), or with C(no_log).
  - Set the environment variable E(ANSIBLE_ECR_PROGRESS) of Ansible to V(0) to turn progress off. In AWX and with
    ansible-runner, it is off unless the variable is V(1).
"""

    ACTION_GROUP = r"""
attributes:
  action_group:
    description: Use C(group/layerkit.ecr.aws) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - layerkit.ecr.aws
"""
