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
      - The name of the repository, including its namespace, without the registry host.
      - Required, either here or in O(cli_input_json).
    type: str
    aliases:
      - repositoryName
  cli_input_json:
    description:
      - The request as JSON with the names that the API uses, as a string or a dictionary. Corresponds to
        C(--cli-input-json) of the AWS CLI.
      - Options of the task override values in this request. Required values can be given in either place.
      - A member that the API does not define is an error.
    type: json
  generate_cli_skeleton:
    description:
      - Return a JSON skeleton in RV(cli_skeleton) and send nothing. Corresponds to C(--generate-cli-skeleton) of the
        AWS CLI.
      - V(input) returns an empty request that you can fill in and pass as O(cli_input_json). No other option is
        required.
      - V(output) validates the input like a run and returns a sample response.
      - Neither needs credentials or a region.
    type: str
    choices:
      - input
      - output
"""

    UPLOAD = r"""
options:
  upload_id:
    description:
      - The ID of the upload, as returned by M(layerkit.ecr.ecr_initiate_layer_upload).
      - Required, either here or in O(cli_input_json).
    type: str
    aliases:
      - uploadId
"""

    REGISTRY = r"""
options:
  registry_id:
    description:
      - The AWS account of the registry that contains the repository, 12 digits.
      - If not given, the registry of the caller's account is used.
      - Quote it. YAML reads an unquoted number that starts with V(0) as an octal number.
    type: str
    aliases:
      - registryId
"""

    REPOSITORY = r"""
options:
  repository_name:
    description:
      - The name of the repository, including its namespace, without the registry host. The repository must exist.
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
      - If not given, the size that the registry recommends is used.
    type: int
    aliases:
      - partSize
  state_dir:
    description:
      - A directory on the host that runs the module. It holds a small state file for each layer that is being uploaded.
        The next run finds the file and resumes the upload, even if the last run was killed.
      - The module creates the directory if it does not exist. The files contain no credentials, and only their owner
        can read them.
      - A layer has a state file of its own for each repository, registry and region. Without O(registry_id), the
        registries of all accounts share it. Use a directory for each account, or set O(registry_id).
      - A state file that is damaged, or that does not describe what its name stands for, is not used, but replaced with
        a warning.
      - A run removes the state files of the layers that it finds in the registry or sends there, and all that are older
        than 14 days. Other files in the directory are never touched.
      - An upload that has expired, or that belongs to another account, is restarted with a warning.
    type: path
"""
