# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """What the modules need. ``amazon.aws.boto3`` names an older Python than its own modules run on."""

    DOCUMENTATION = r"""
options: {}
requirements:
  - python >= 3.9
  - boto3 >= 1.34.0, and not older than the installed C(amazon.aws) asks for
  - botocore >= 1.34.0, and not older than the installed C(amazon.aws) asks for
  - packaging
"""
