#!/usr/bin/python
# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ecr_initiate_layer_upload
version_added: 1.0.0
short_description: Open an upload of an image layer to Amazon ECR
description:
  - Opens an upload with the API operation InitiateLayerUpload and returns its ID.
    M(layerkit.ecr.ecr_upload_layer_part) sends the bytes of the layer to this upload, and
    M(layerkit.ecr.ecr_complete_layer_upload) completes it.
  - Every run opens a new upload, so the task always reports a change. Amazon ECR cannot list or delete uploads. An
    upload that is never completed is harmless and expires.
  - To push a layer in one task, use M(layerkit.ecr.ecr_layer).
attributes:
  check_mode:
    support: full
    details:
      - Check mode verifies that the repository exists. It returns the nil UUID as RV(upload_id), so that the following
        tasks can run in check mode too.
  diff_mode:
    support: full
  idempotent:
    support: none
    details:
      - Amazon ECR opens a new upload in every call.
notes:
  - The required IAM action is C(ecr:InitiateLayerUpload). Check mode requires C(ecr:BatchCheckLayerAvailability).
  - Amazon ECR Public is not supported.
seealso:
  - module: layerkit.ecr.ecr_layer
  - module: layerkit.ecr.ecr_upload_layer_part
  - module: layerkit.ecr.ecr_complete_layer_upload
  - ref: ansible_collections.layerkit.ecr.docsite.guide_layers
    description: The guide to uploads, resuming and retries.
  - ref: ansible_collections.layerkit.ecr.docsite.guide_api
    description: The guide to the layer API of Amazon ECR.
  - name: InitiateLayerUpload
    description: The operation in the Amazon ECR API reference.
    link: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_InitiateLayerUpload.html
author:
  - layerkit.ecr contributors (@layerkit)
extends_documentation_fragment:
  - layerkit.ecr._ecr
  - layerkit.ecr._ecr.registry
  - layerkit.ecr._attributes
  - layerkit.ecr._attributes.action_group
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - layerkit.ecr._requirements
  - layerkit.ecr._guides
"""

EXAMPLES = r"""
- name: Open an upload
  layerkit.ecr.ecr_initiate_layer_upload:
    repository_name: my-app
  register: upload

- name: Print its ID and the part size that the registry recommends
  ansible.builtin.debug:
    msg: "{{ upload.upload_id }}: {{ upload.part_size }} bytes per part"

- name: Open an upload in the registry of another account
  layerkit.ecr.ecr_initiate_layer_upload:
    registry_id: "123456789012"
    repository_name: my-app

- name: Open an upload with a request in the format of the AWS CLI
  layerkit.ecr.ecr_initiate_layer_upload:
    cli_input_json: '{"repositoryName": "my-app"}'
"""

RETURN = r"""
attempts:
  description: The number of times the request that failed was sent.
  type: int
  returned: when a request failed
  sample: 7
cli_skeleton:
  description: An empty request or a sample response, with the names that the API uses.
  type: dict
  returned: when O(generate_cli_skeleton) is given
  sample:
    registryId: ''
    repositoryName: ''
error:
  description:
    - The error returned by AWS.
    - To handle a certain error in a playbook, compare RV(error.code). The text of messages can change in any release.
  type: dict
  returned: when a request failed or could not be made
  contains:
    code:
      description:
        - The error code of AWS, for example V(RepositoryNotFoundException).
        - If AWS did not answer, the name of the botocore exception, for example V(EndpointConnectionError).
      type: str
      returned: when a request failed or could not be made
      sample: RepositoryNotFoundException
    message:
      description: The error message of AWS or of botocore.
      type: str
      returned: when a request failed or could not be made
      sample: The repository with name 'my-app' does not exist in the registry with id '123456789012'
    request_id:
      description: The ID of the request, which AWS needs to find it.
      version_added: 2.0.0
      type: str
      returned: when AWS answered with an error and the answer has an ID
      sample: 2f6b6a5c-8f5d-4c43-9d9a-6b2f1d1f0c11
kms_error:
  description: The error returned by AWS KMS.
  type: str
  returned: when the repository's KMS key cannot be used and AWS reports why
  sample: DisabledException
message:
  description: The error message returned by AWS.
  type: str
  returned: when AWS answered with an error that the API defines for the operation
  sample: The repository with name 'my-app' does not exist in the registry with id '123456789012'
msg:
  description:
    - What the task did, in one sentence, or why it failed and what to do. In check mode, what the task would do.
    - The text can change in any release.
  version_added: 2.0.0
  type: str
  returned: always
  sample: Upload 5e9ba2c1-1a3d-4b36-8c2e-5a4d5c1bb9d7 opened in my-app
part_size:
  description:
    - The part size in bytes that the registry recommends.
    - In check mode, the size that the Amazon ECR documentation gives, 10 MiB.
  type: int
  returned: success, unless O(generate_cli_skeleton) is given
  sample: 10485760
registry_id:
  description: The AWS account of the registry as given in O(registry_id). Not returned if O(registry_id) is not given.
  type: str
  returned: when it is known
  sample: '123456789012'
repository_name:
  description: The name of the repository.
  type: str
  returned: success and when a request failed, unless O(generate_cli_skeleton) is given
  sample: my-app
upload_id:
  description: The ID of the new upload. V(00000000-0000-0000-0000-000000000000) in check mode.
  type: str
  returned: success, unless O(generate_cli_skeleton) is given
  sample: 5e9ba2c1-1a3d-4b36-8c2e-5a4d5c1bb9d7
"""

import typing as t

from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.argspec import cli_spec, repository_spec
from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.module import EcrModule
from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.request import (
    RepositoryRequest,
    checked_members,
    repository_of,
)
from ansible_collections.layerkit.ecr.plugins.module_utils._core.text import printable
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.layer_records import OpenUpload
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.layers import Layers
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.limits import DEFAULT_PART

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.failure import Result
    from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.client import EcrClient

OPERATION = "InitiateLayerUpload"
PREDICTED = OpenUpload("00000000-0000-0000-0000-000000000000", DEFAULT_PART)


def read(module: EcrModule) -> RepositoryRequest:
    return RepositoryRequest(repository_of(checked_members(OPERATION, module.params)))


def act(module: EcrModule, client: EcrClient, request: RepositoryRequest) -> Result:
    layers = Layers(client)
    if module.check_mode:
        layers.check_repository()
        upload = PREDICTED
    else:
        upload = layers.initiate()
    return {
        "changed": True,
        "msg": message_of(upload, request.repository.name, module.check_mode),
        "diff": {"before": {}, "after": {"upload_id": upload.upload_id}},
        "part_size": upload.part_size,
        "registry_id": request.repository.registry_id,
        "repository_name": request.repository.name,
        "upload_id": upload.upload_id,
    }


def message_of(upload: OpenUpload, repository: str, is_prediction: bool) -> str:
    if is_prediction:
        return f"An upload would be opened in {repository}"
    return f"Upload {printable(upload.upload_id)} opened in {repository}"


def main() -> None:
    module = EcrModule(argument_spec={**repository_spec(), **cli_spec()})
    module.run_operation(OPERATION, read, act)


if __name__ == "__main__":
    main()
