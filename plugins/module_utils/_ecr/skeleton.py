# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Request and response skeletons, made by botocore's own argument generator.

They are what the AWS CLI prints for ``--generate-cli-skeleton``:
https://docs.aws.amazon.com/cli/latest/userguide/cli-usage-skeleton.html.
"""

from __future__ import annotations

import typing as t

try:
    from botocore.utils import ArgumentGenerator
except ImportError:
    pass  # AnsibleAWSModule reports a missing SDK

from .service_model import input_shape, output_shape


def input_skeleton(operation: str) -> dict[str, t.Any]:
    """Return an empty request in the API's spelling, for users to fill in."""
    return dict(ArgumentGenerator().generate_skeleton(input_shape(operation)))


def output_skeleton(operation: str) -> dict[str, t.Any]:
    """Return a sample response in the API's spelling, whose strings are the names of the members."""
    return dict(ArgumentGenerator(use_member_names=True).generate_skeleton(output_shape(operation)))
