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
  - Completes an upload with the API operation CompleteLayerUpload. Amazon ECR then stores the uploaded bytes as a
    layer.
  - The module queries the registry first. If every SHA-256 digest in O(layer_digests) is available or archived in the
    repository, the module sends nothing and reports no change.
  - The task fails if the digest that Amazon ECR returns is not one of O(layer_digests).
  - To push a layer in one task, use M(layerkit.ecr.ecr_layer).
options:
  layer_digests:
    description:
      - The digests of the layer, 1 to 100, each as V(algorithm:hex), for example V(sha256:) and 64 lower-case
        hexadecimal digits.
      - Amazon ECR accepts the upload if any of the SHA-256 digests matches the uploaded bytes. It ignores digests of
        other algorithms, so the module warns if the list has no SHA-256 digest.
      - Whitespace around the digests in a comma-separated string is ignored.
      - Required, either here or in O(cli_input_json).
    type: list
    elements: str
    aliases:
      - layerDigests
attributes:
  check_mode:
    support: full
    details:
      - Amazon ECR has no call that looks up an upload, so check mode cannot verify that O(upload_id) exists.
  diff_mode:
    support: full
  idempotent:
    support: full
  facts:
    support: full
notes:
  - The required IAM action is C(ecr:CompleteLayerUpload).
  - C(ecr:BatchCheckLayerAvailability) is optional. Without it, the module warns, completes the upload, and does not
    return the size and media type of the layer.
  - The module retries throttling, server errors and broken connections with exponential backoff and jitter, up to seven
    attempts. If a retry shows that an earlier attempt succeeded, the task reports a change.
  - Amazon ECR Public is not supported.
seealso:
  - module: layerkit.ecr.ecr_layer
  - module: layerkit.ecr.ecr_initiate_layer_upload
  - module: layerkit.ecr.ecr_upload_layer_part
  - ref: ansible_collections.layerkit.ecr.docsite.guide_layers
    description: The guide to uploads, resuming and retries.
  - ref: ansible_collections.layerkit.ecr.docsite.guide_api
    description: The guide to the layer API of Amazon ECR.
  - ref: ansible_collections.layerkit.ecr.docsite.guide_migrate
    description: The guide for users of the AWS CLI, with a table of its options.
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
  - layerkit.ecr._requirements
  - layerkit.ecr._guides
"""

EXAMPLES = r"""
- name: Get the size and the digest of the layer
  ansible.builtin.stat:
    path: build/layer.tar.gz
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
    src: build/layer.tar.gz

- name: Complete the upload
  layerkit.ecr.ecr_complete_layer_upload:
    repository_name: my-app
    upload_id: "{{ upload.upload_id }}"
    layer_digests:
      - sha256:{{ layer.stat.checksum }}

- name: Print the digest from the facts
  ansible.builtin.debug:
    var: ansible_facts.ecr_complete_layer_upload.layer_digest

- name: Complete the upload with a request in the format of the AWS CLI
  layerkit.ecr.ecr_complete_layer_upload:
    cli_input_json:
      repositoryName: my-app
      uploadId: "{{ upload.upload_id }}"
      layerDigests:
        - sha256:{{ layer.stat.checksum }}

- name: Return an empty request to fill in, without sending anything
  layerkit.ecr.ecr_complete_layer_upload:
    generate_cli_skeleton: input
  register: skeleton
"""

RETURN = r"""
action:
  description:
    - V(completed) if the upload became a layer.
    - V(already_exists) if the repository already has the layer.
    - V(already_completed) if the upload no longer exists and the repository has the layer.
  type: str
  returned: success, unless O(generate_cli_skeleton) is given
  sample: completed
ansible_facts:
  description: The result as a fact.
  type: complex
  returned: success, unless O(generate_cli_skeleton) is given
  contains:
    ecr_complete_layer_upload:
      description: The same keys and values as in the result of the task.
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
  description: The number of times the request that failed was sent.
  type: int
  returned: when a request failed
  sample: 7
cli_skeleton:
  description: An empty request or a sample response, with the names that the API uses.
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
      sample: UploadNotFoundException
    message:
      description: The error message of AWS or of botocore.
      type: str
      returned: when a request failed or could not be made
      sample: Upload with id '5e9ba2c1-1a3d-4b36-8c2e-5a4d5c1bb9d7' could not be found
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
layer_digest:
  description:
    - The digest of the layer, as returned by the registry.
    - If nothing changed, the first digest of O(layer_digests) that is available.
    - V(null) in check mode if O(layer_digests) has several digests and not all of them are available, because any of
      them can match.
    - If the task failed because the registry stored another layer, the digest of that layer.
  type: str
  returned: success, unless O(generate_cli_skeleton) is given, and when the registry stored another layer
  sample: sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
layer_size:
  description: The size of the layer in bytes. V(null) if the registry does not report it.
  type: int
  returned: success, unless O(generate_cli_skeleton) is given
  sample: 3623807
media_type:
  description: The media type of the layer. V(null) if the registry does not report it.
  type: str
  returned: success, unless O(generate_cli_skeleton) is given
  sample: application/vnd.docker.image.rootfs.diff.tar.gzip
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
  sample: 'Upload 5e9ba2c1-1a3d-4b36-8c2e-5a4d5c1bb9d7 completed: layer sha256:2c26b46b68ff… in my-app'
registry_id:
  description:
    - The AWS account of the registry.
    - Not returned if O(registry_id) is not given and nothing was sent, because only the response contains it.
  type: str
  returned: when it is known
  sample: '123456789012'
repository_name:
  description: The name of the repository.
  type: str
  returned: success and when a request failed, unless O(generate_cli_skeleton) is given
  sample: my-app
upload_id:
  description: The ID of the upload.
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
from ansible_collections.layerkit.ecr.plugins.module_utils._core.text import shortened
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.layer_records import AVAILABLE
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.layers import Layers
from ansible_collections.layerkit.ecr.plugins.module_utils._upload.completion import (
    Completion,
    CompletionPlan,
    complete_upload,
    plan_completion,
    predict_completion,
    with_layer,
)

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.failure import Result
    from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.call import Repository
    from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.client import EcrClient

OPERATION = "CompleteLayerUpload"
UNKNOWN_LAYERS = "The upload is completed without a check, and size and media type of the layer are not returned"


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
    completion = predict_completion(plan) if module.check_mode else with_layer(layers, complete_upload(layers, plan))
    facts = facts_of(completion, request)
    diff = diff_of(plan, completion)
    return {
        "changed": completion.changed,
        "msg": message_of(completion, request, module.check_mode),
        "diff": diff,
        "ansible_facts": {"ecr_complete_layer_upload": facts},
        **facts,
    }


def message_of(completion: Completion, request: CompletionRequest, is_prediction: bool) -> str:
    layer = f"layer {shortened(completion.digest)}" if completion.digest else "its layer"
    what = f"Upload {request.upload_id}"
    if not completion.changed:
        return f"{what}: {layer} is already in {request.repository.name}"
    return f"{what} {'would be completed' if is_prediction else 'completed'}: {layer} in {request.repository.name}"


def facts_of(completion: Completion, request: CompletionRequest) -> Result:
    registry_id = completion.registry_id or request.repository.registry_id
    return {
        "action": completion.action.value,
        "layer_digest": completion.digest,
        "layer_size": completion.layer.size if completion.layer else None,
        "media_type": completion.layer.media_type if completion.layer else None,
        **({"registry_id": registry_id} if registry_id else {}),
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
