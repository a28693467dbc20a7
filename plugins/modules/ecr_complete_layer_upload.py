#!/usr/bin/python
# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ecr_complete_layer_upload
version_added: 1.0.0
short_description: Complete an upload of an image layer to Amazon ECR
description:
  - Tells Amazon ECR that all parts of an upload have been sent, so that the upload becomes an image layer. This is
    the API's CompleteLayerUpload, made idempotent.
  - The module asks the registry first. When every SHA-256 digest in O(layer_digests) is available in the repository
    already, nothing is sent and nothing changes.
  - The digest that the registry answers with is compared with the digests in O(layer_digests). The task fails when
    the registry has stored other bytes than those asked for.
options:
  layer_digests:
    description:
      - The digests of the layer, 1 to 100, each as C(algorithm:hex), for example V(sha256:) and 64 lower-case
        hexadecimal digits.
      - Amazon ECR accepts the upload when any of the SHA-256 digests is that of the bytes uploaded. It does not use
        digests of other algorithms, so a list without a SHA-256 digest is warned about.
      - Blanks around the digests of a comma-separated string are ignored.
      - Required, here or in O(cli_input_json).
    type: list
    elements: str
    aliases:
      - layerDigests
attributes:
  check_mode:
    support: full
    details:
      - Amazon ECR has no call that looks an upload up, so check mode cannot tell whether O(upload_id) exists.
  diff_mode:
    support: full
  idempotent:
    support: full
  facts:
    support: full
notes:
  - The IAM actions needed are C(ecr:CompleteLayerUpload) and C(ecr:BatchCheckLayerAvailability). Without the latter
    the upload is completed all the same, with a warning, and the layer's size and media type are not returned.
  - Throttling, server errors and broken connections are retried with jittered back-off, seven attempts in all. A
    retried call that turns out to have succeeded the first time is reported as changed.
seealso:
  - module: layerkit.ecr.ecr_initiate_layer_upload
  - module: layerkit.ecr.ecr_upload_layer_part
  - name: CompleteLayerUpload
    description: The operation in the Amazon ECR API reference.
    link: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CompleteLayerUpload.html
author:
  - layerkit.ecr contributors (@layerkit)
extends_documentation_fragment:
  - layerkit.ecr._ecr
  - layerkit.ecr._ecr.registry
  - layerkit.ecr._ecr.upload
  - layerkit.ecr._attributes
  - layerkit.ecr._attributes.facts
  - layerkit.ecr._attributes.action_group
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Learn the layer's size and digest
  ansible.builtin.stat:
    path: "{{ layer_file }}"
    checksum_algorithm: sha256
  register: layer

- name: Open an upload
  layerkit.ecr.ecr_initiate_layer_upload:
    repository_name: my-app
  register: upload

- name: Send the layer in one part
  layerkit.ecr.ecr_upload_layer_part:
    repository_name: my-app
    upload_id: "{{ upload.upload_id }}"
    part_first_byte: 0
    part_last_byte: "{{ layer.stat.size - 1 }}"
    src: "{{ layer_file }}"

- name: Complete the upload
  layerkit.ecr.ecr_complete_layer_upload:
    repository_name: my-app
    upload_id: "{{ upload.upload_id }}"
    layer_digests:
      - sha256:{{ layer.stat.checksum }}

- name: Use the answer, which is a fact as well
  ansible.builtin.debug:
    msg: The layer is {{ ansible_facts.ecr_complete_layer_upload.layer_digest }}

- name: Complete the upload with the request as the AWS CLI takes it
  layerkit.ecr.ecr_complete_layer_upload:
    cli_input_json:
      repositoryName: my-app
      uploadId: "{{ upload.upload_id }}"
      layerDigests:
        - sha256:{{ layer.stat.checksum }}

- name: Show what a request is made of, without sending anything
  layerkit.ecr.ecr_complete_layer_upload:
    generate_cli_skeleton: input
  register: skeleton
"""

RETURN = r"""
action:
  description:
    - What was done.
    - V(completed) means that the upload has become a layer, V(already_exists) that the layer was there already, and
      V(already_completed) that the registry no longer knows the upload and has the layer.
  type: str
  returned: success, unless O(generate_cli_skeleton) is given
  sample: completed
ansible_facts:
  description: The answer as a fact.
  type: complex
  returned: success, unless O(generate_cli_skeleton) is given
  contains:
    ecr_complete_layer_upload:
      description: The same keys and values as the task's own.
      type: dict
      returned: success, unless O(generate_cli_skeleton) is given
      sample:
        action: completed
        layer_digest: sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
        layer_size: 3623807
        media_type: application/vnd.docker.image.rootfs.diff.tar.gzip
        registry_id: '123456789012'
        repository_name: my-app
        upload_id: 5e9ba2c1-1a3d-4b36-8c2e-5a4d5c1bb9d7
attempts:
  description: How often the request that failed was sent.
  type: int
  returned: when a request failed
  sample: 7
boto3_version:
  description: The version of boto3 that the host has.
  type: str
  returned: when a request failed or could not be made
  sample: 1.44.5
botocore_version:
  description: The version of botocore that the host has.
  type: str
  returned: when a request failed or could not be made
  sample: 1.44.5
cli_skeleton:
  description: An empty request or a sample response, in the API's spelling.
  type: dict
  returned: when O(generate_cli_skeleton) is given
  sample:
    layerDigests:
      - ''
    registryId: ''
    repositoryName: ''
    uploadId: ''
error:
  description:
    - The error of AWS, with its C(code) and its C(message).
    - Where no answer arrived, C(code) is the name of botocore's exception, for example V(EndpointConnectionError).
  type: dict
  returned: when a request failed or could not be made
  sample:
    code: UploadNotFoundException
    message: Upload with id '5e9ba2c1-1a3d-4b36-8c2e-5a4d5c1bb9d7' could not be found
kms_error:
  description: The error of AWS KMS.
  type: str
  returned: when the repository's KMS key cannot be used, and AWS tells why
  sample: DisabledException
layer_digest:
  description:
    - The digest of the layer, as the registry answered it.
    - When nothing changed, the first one listed that is available.
    - V(none) in check mode when O(layer_digests) lists several digests that are not all available, as any of them may
      match.
    - When the task fails because the registry stored another layer, the digest of that layer.
  type: str
  returned: success, unless O(generate_cli_skeleton) is given
  sample: sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
layer_size:
  description: The size of the layer in bytes, V(none) where the registry does not tell it.
  type: int
  returned: success, unless O(generate_cli_skeleton) is given
  sample: 3623807
media_type:
  description: The media type that the registry gives the layer, V(none) where it does not tell it.
  type: str
  returned: success, unless O(generate_cli_skeleton) is given
  sample: application/vnd.docker.image.rootfs.diff.tar.gzip
message:
  description: The words of AWS alone.
  type: str
  returned: when AWS answered with an error that the API lists for the operation
  sample: The repository with name 'my-app' does not exist in the registry with id '123456789012'
registry_id:
  description:
    - The AWS account of the registry.
    - V(none) when O(registry_id) is not given and nothing was sent, as only the answer tells it.
  type: str
  returned: success and when a request failed, unless O(generate_cli_skeleton) is given
  sample: '123456789012'
repository_name:
  description: The name of the repository.
  type: str
  returned: success and when a request failed, unless O(generate_cli_skeleton) is given
  sample: my-app
response_metadata:
  description: The request id, the HTTP status and the HTTP headers of the answer of AWS, and botocore's own retries.
  type: dict
  returned: when AWS answered with an error
  sample:
    http_status_code: 400
    request_id: 2f6b6a5c-8f5d-4c43-9d9a-6b2f1d1f0c11
upload_id:
  description: The id of the upload.
  type: str
  returned: success and when a request failed, unless O(generate_cli_skeleton) is given
  sample: 5e9ba2c1-1a3d-4b36-8c2e-5a4d5c1bb9d7
"""

import typing as t
from dataclasses import dataclass

from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.argspec import (
    cli_spec,
    repository_spec,
    upload_spec,
)
from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.module import EcrModule
from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.request import checked_members, repository_of
from ansible_collections.layerkit.ecr.plugins.module_utils._core.digest import EMPTY_BLOB, is_sha256
from ansible_collections.layerkit.ecr.plugins.module_utils._core.errors import InvalidInputError
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.layers import Layers
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.records import AVAILABLE
from ansible_collections.layerkit.ecr.plugins.module_utils._upload.completion import (
    Completion,
    CompletionPlan,
    complete,
    plan_completion,
    predict,
    with_layer,
)

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.failure import Result
    from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.call import Repository
    from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.client import EcrClient

OPERATION = "CompleteLayerUpload"
UNKNOWN_LAYERS = "The upload is completed all the same, and the size and media type of the layer are not returned"


@dataclass(frozen=True)
class CompletionRequest:
    """What the task asks for; ``digests`` are of any algorithm."""

    repository: Repository
    upload_id: str
    digests: tuple[str, ...]

    @property
    def sha256_digests(self) -> list[str]:
        """The digests that Amazon ECR validates an upload with."""
        return list(filter(is_sha256, self.digests))


def read(module: EcrModule) -> CompletionRequest:
    members = checked_members(OPERATION, module.params)
    request = CompletionRequest(repository_of(members), members["uploadId"], tuple(members["layerDigests"]))
    if set(request.sha256_digests) == {EMPTY_BLOB}:
        raise InvalidInputError(
            f"layer_digests lists only {EMPTY_BLOB}, the digest of 0 bytes. Amazon ECR cannot store an empty layer"
        )
    if not request.sha256_digests:
        module.warn(
            "layer_digests lists no sha256 digest. Amazon ECR validates an upload with sha256 digests only, so neither "
            "the registry nor this task can check that the uploaded bytes are those of the layer."
        )
    return request


def act(module: EcrModule, client: EcrClient, request: CompletionRequest) -> Result:
    layers = Layers(client)
    if module.check_mode and not request.sha256_digests:
        layers.check_repository()
    found = layers.available_unless_denied(request.sha256_digests, UNKNOWN_LAYERS)
    plan = plan_completion(request.upload_id, request.digests, found)
    completion = predict(plan) if module.check_mode else with_layer(layers, complete(layers, plan))
    facts = facts_of(completion, request)
    diff = diff_of(plan, completion)
    return {"changed": completion.changed, "diff": diff, "ansible_facts": {"ecr_complete_layer_upload": facts}, **facts}


def facts_of(completion: Completion, request: CompletionRequest) -> Result:
    return {
        "action": completion.action.value,
        "layer_digest": completion.digest,
        "layer_size": completion.layer.size if completion.layer else None,
        "media_type": completion.layer.media_type if completion.layer else None,
        "registry_id": completion.registry_id or request.repository.registry_id,
        "repository_name": request.repository.name,
        "upload_id": request.upload_id,
    }


def diff_of(plan: CompletionPlan, completion: Completion) -> Result:
    before = {layer.digest: layer.availability for layer in plan.layers or ()}
    for unknown in plan.digests:
        before.setdefault(unknown, "unknown")
    completed = {completion.digest or "one of the above": AVAILABLE} if completion.changed else {}
    return {"before": before, "after": {**before, **completed}}


def main() -> None:
    digests = {"layer_digests": {"type": "list", "elements": "str", "aliases": ["layerDigests"]}}
    module = EcrModule(argument_spec={**repository_spec(), **upload_spec(), **cli_spec(), **digests})
    module.run_operation(OPERATION, read, act)


if __name__ == "__main__":
    main()
