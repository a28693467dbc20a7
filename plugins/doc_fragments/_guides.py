# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The guides that help users of every module."""

    DOCUMENTATION = r"""
options: {}
seealso:
  - ref: ansible_collections.layerkit.ecr.docsite.guide_permissions
    description: The guide to permissions, with a policy for each module.
  - ref: ansible_collections.layerkit.ecr.docsite.guide_private_networks
    description: The guide to VPC endpoints, proxies and private certificate authorities.
  - ref: ansible_collections.layerkit.ecr.docsite.guide_troubleshooting
    description: The guide to error messages, time-outs and slow pushes.
"""
