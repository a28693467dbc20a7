# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options that several modules share."""

    DOCUMENTATION = r"""
options:
  repository_name:
    description:
      - The name of the repository, with its namespace if it has one, without a registry host.
      - Required, here or in O(cli_input_json).
    type: str
    aliases:
      - repositoryName
  cli_input_json:
    description:
      - The request as JSON in the API's own spelling, as a string or a dictionary, like the AWS CLI's
        C(--cli-input-json).
      - Options that are given in the task win over it. What is required is required all the same, here or there.
      - A member that the API does not know is an error.
    type: json
  generate_cli_skeleton:
    description:
      - Return a JSON skeleton in RV(cli_skeleton) and send nothing, like the AWS CLI's C(--generate-cli-skeleton).
      - V(input) returns an empty request, to be filled in and given as O(cli_input_json). No other option is needed.
      - V(output) checks the input as a run would, and returns a sample of the response.
      - No credentials and no region are needed for either.
    type: str
    choices:
      - input
      - output
"""

    UPLOAD = r"""
options:
  upload_id:
    description:
      - The id of the upload, as M(layerkit.ecr.ecr_initiate_layer_upload) returns it.
      - Required, here or in O(cli_input_json).
    type: str
    aliases:
      - uploadId
"""

    REGISTRY = r"""
options:
  registry_id:
    description:
      - The AWS account of the registry that holds the repository, twelve digits.
      - If not given, the default registry of the caller's account is used.
      - Quote it in YAML, which reads an unquoted number that begins with V(0) as an octal number.
    type: str
    aliases:
      - registryId
"""

    REPOSITORY = r"""
options:
  repository_name:
    description:
      - The name of the repository, with its namespace if it has one, without a registry host.
    type: str
    required: true
    aliases:
      - repositoryName
"""

    LAYER_UPLOAD = r"""
options:
  part_size:
    description:
      - The size of the parts of a layer in bytes, 5242880 (5 MiB) to 10485760 (10 MiB).
      - If not given, the size that the registry advises is used.
    type: int
    aliases:
      - partSize
  state_dir:
    description:
      - A directory on the host that runs the module, where a small state file is kept for each layer while it is
        uploaded. The next run finds it there and goes on, even after the last one was killed.
      - The directory is made if it does not exist. The files hold no credentials, and are readable by their owner only.
      - A state file that is damaged, or that fits the file, the repository, the registry or the region no more, is set
        aside with a warning.
      - An upload that is gone, or that belongs to another account, is begun again with a warning.
    type: path
"""
