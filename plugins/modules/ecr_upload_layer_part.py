#!/usr/bin/python
# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ecr_upload_layer_part
version_added: 1.0.0
short_description: Send a part of an image layer to Amazon ECR
description:
  - Sends consecutive bytes of a layer with the API operation UploadLayerPart, to an upload that
    M(layerkit.ecr.ecr_initiate_layer_upload) opened.
  - The first part starts at byte 0. Every other part starts right after the one before it. If the registry already
    received the part, the task reports no change. If the part starts at another position, the task fails and reports
    the byte that the registry expects.
  - To push a layer in one task, use M(layerkit.ecr.ecr_layer).
options:
  part_first_byte:
    description:
      - The position in the layer of the first byte of the part, counted from 0.
      - Required, either here or in O(cli_input_json).
    type: int
    aliases:
      - partFirstByte
  part_last_byte:
    description:
      - The position in the layer of the last byte of the part, counted from 0. The part includes this byte.
      - Required, either here or in O(cli_input_json).
    type: int
    aliases:
      - partLastByte
  src:
    description:
      - The path of the complete layer on the host that runs the module. The module reads the part from
        O(part_first_byte) to O(part_last_byte) of this file.
      - One of O(src), O(layer_part_blob) and C(layerPartBlob) in O(cli_input_json) is required. O(src) and
        O(layer_part_blob) are mutually exclusive, and both override C(layerPartBlob).
      - A relative path starts at the directory of the playbook if the connection is local, and at the login directory
        of the remote user otherwise.
    type: path
  layer_part_blob:
    description:
      - The bytes of the part, encoded in base64.
      - The number of decoded bytes must match O(part_first_byte) and O(part_last_byte).
    type: str
    aliases:
      - layerPartBlob
attributes:
  check_mode:
    support: full
    details:
      - Check mode validates the part and verifies that the repository exists. Amazon ECR has no call that returns the
        state of an upload, so check mode always predicts that the part is sent.
  diff_mode:
    support: full
  idempotent:
    support: full
    details:
      - The registry reports how many bytes it received, not which ones. The module recognizes a part that was already
        received by its position.
notes:
  - The required IAM action is C(ecr:UploadLayerPart). Check mode requires C(ecr:BatchCheckLayerAvailability).
  - Amazon ECR accepts parts of 5 MiB to 10 MiB. Only the last part of a layer can be smaller. Amazon ECR rejects a part
    that is too small only when the upload is completed, so the module warns if O(src) shows that the part is not the
    last one.
  - The bytes of the part are never logged or returned.
  - Amazon ECR Public is not supported.
seealso:
  - module: layerkit.ecr.ecr_layer
  - module: layerkit.ecr.ecr_initiate_layer_upload
  - module: layerkit.ecr.ecr_complete_layer_upload
  - ref: ansible_collections.layerkit.ecr.docsite.guide_layers
    description: The guide to uploads, resuming and retries.
  - ref: ansible_collections.layerkit.ecr.docsite.guide_api
    description: The guide to the layer API of Amazon ECR.
  - name: UploadLayerPart
    description: The operation in the Amazon ECR API reference.
    link: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_UploadLayerPart.html
author:
  - layerkit.ecr contributors (@layerkit)
extends_documentation_fragment:
  - layerkit.ecr._ecr
  - layerkit.ecr._ecr.registry
  - layerkit.ecr._ecr.upload
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

- name: Get the size of the layer
  ansible.builtin.stat:
    path: build/layer.tar.gz
  register: layer

- name: Send the layer in parts of the recommended size
  layerkit.ecr.ecr_upload_layer_part:
    repository_name: my-app
    upload_id: "{{ upload.upload_id }}"
    part_first_byte: "{{ item }}"
    part_last_byte: "{{ [item + upload.part_size, layer.stat.size] | min - 1 }}"
    src: build/layer.tar.gz
  loop: "{{ range(0, layer.stat.size, upload.part_size) | list }}"

- name: Open an upload for an image configuration
  layerkit.ecr.ecr_initiate_layer_upload:
    repository_name: my-app
  register: config_upload

- name: Send a part from base64 instead of a file
  layerkit.ecr.ecr_upload_layer_part:
    repository_name: my-app
    upload_id: "{{ config_upload.upload_id }}"
    part_first_byte: 0
    part_last_byte: 1
    layer_part_blob: e30=
"""

RETURN = r"""
action:
  description: V(sent) if this task sent the part. V(already_received) if the registry already received it.
  type: str
  returned: success, unless O(generate_cli_skeleton) is given
  sample: sent
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
    layerPartBlob:
    partFirstByte: 0
    partLastByte: 0
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
      sample: InvalidLayerPartException
    message:
      description: The error message of AWS or of botocore.
      type: str
      returned: when a request failed or could not be made
      sample: Invalid layer part upload for upload with id '5e9ba2c1-1a3d-4b36-8c2e-5a4d5c1bb9d7'
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
last_byte_received:
  description:
    - The position of the last byte of the upload that the registry received, counted from 0.
    - If the part was sent before, this can be greater than O(part_last_byte).
  type: int
  returned: success, unless O(generate_cli_skeleton) is given
  sample: 10485759
last_valid_byte_received:
  description: The position of the last byte of the upload that the registry received, counted from 0.
  type: int
  returned: when the part does not follow what the registry received, and the registry reports what it received
  sample: 10485759
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
  sample: Bytes 0 to 10485759 of upload 5e9ba2c1-1a3d-4b36-8c2e-5a4d5c1bb9d7 sent to my-app
next_byte_expected:
  description:
    - The position of the byte that the registry expects next, when the part does not begin there.
    - V(0) if the registry reports that it received nothing of the upload.
  type: int
  returned: when the part does not follow what the registry received
  sample: 10485760
registry_id:
  description:
    - The AWS account of the registry.
    - Not returned in check mode if O(registry_id) is not given, because only the response to a sent part contains it.
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

import json
import typing as t
from dataclasses import dataclass

from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.argspec import (
    cli_spec,
    option_of,
    repository_spec,
    upload_spec,
)
from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.module import EcrModule
from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.part_source import is_content, read_part
from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.request import (
    build_members,
    check_members,
    parse_cli_input,
    repository_of,
    too_long_members,
)
from ansible_collections.layerkit.ecr.plugins.module_utils._core.errors import InvalidInputError
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.errors import CallError
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.layers import Layers
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.service_model import input_shape
from ansible_collections.layerkit.ecr.plugins.module_utils._upload.part import Part, PartUpload, predict_part, send_part

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.failure import Result
    from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.call import Repository
    from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.client import EcrClient

OPERATION = "UploadLayerPart"
BLOB = "layerPartBlob"


@dataclass(frozen=True)
class PartRequest:
    """What the task asks for."""

    repository: Repository
    upload_id: str
    part: Part


def read(module: EcrModule, options: Result) -> PartRequest:
    members = build_members(OPERATION, options)
    text = members.pop(BLOB, None)
    check_members(OPERATION, members, pending=[BLOB], has_content=True)
    first_byte, last_byte, src = members["partFirstByte"], members["partLastByte"], options["src"]
    if is_content(src, last_byte - first_byte + 1):
        module.no_log_values.add(src)
        raise InvalidInputError("src is the content of the part, not the path of a file", "Give it as layer_part_blob")
    part = read_part(first_byte, last_byte, src, text)
    if part.is_too_small:
        module.warn(
            f"The part is {len(part.blob)} bytes and is not the last of {options['src']}. Amazon ECR will refuse to "
            "complete this upload, because every part except the last must be at least 5242880 bytes (5 MiB)."
        )
    return PartRequest(repository_of(members), members["uploadId"], part)


def hide_content_alone(module: EcrModule) -> None:
    """Hide what is or may be a part of a layer. The other values are results that people need."""
    given = {member: module.params.get(option_of(member)) for member in input_shape(OPERATION).members}
    hide(module, too_long_members(OPERATION, {member: value for member, value in given.items() if value is not None}))
    # cli_input_json is no_log because it may hold a blob.
    try:
        members = parse_cli_input(module.params["cli_input_json"])
    except InvalidInputError:
        return
    known = {member: value for member, value in members.items() if member in input_shape(OPERATION).members}
    hidden = {BLOB: known.get(BLOB), **too_long_members(OPERATION, known)}
    shown = {member: value for member, value in known.items() if member not in hidden}
    if module.params["cli_input_json"] is not None:
        module.params["cli_input_json"] = json.dumps(shown)
    secrets = (module.params["secret_key"], module.params["session_token"])
    module.no_log_values.difference_update(str(value) for value in shown.values() if value not in secrets)
    hide(module, hidden)


def hide(module: EcrModule, members: Result) -> None:
    module.no_log_values.update(value for value in members.values() if isinstance(value, str) and value)


def act(module: EcrModule, client: EcrClient, request: PartRequest) -> Result:
    layers, part = Layers(client), request.part
    if module.check_mode:
        layers.check_repository()
        upload = predict_part(part)
    else:
        try:
            upload = send_part(layers, request.upload_id, part)
        except CallError as error:
            if error.expected_byte is None:
                raise
            module.fail(error, next_byte_expected=error.expected_byte)
    return {
        "changed": upload.changed,
        "msg": message_of(upload, request, module.check_mode),
        "diff": diff_of(upload, part),
        "action": upload.action.value,
        "last_byte_received": upload.last_byte_received,
        "registry_id": upload.registry_id or request.repository.registry_id,
        "repository_name": request.repository.name,
        "upload_id": request.upload_id,
    }


def message_of(upload: PartUpload, request: PartRequest, is_prediction: bool) -> str:
    what = f"Bytes {request.part.first_byte} to {request.part.last_byte} of upload {request.upload_id}"
    if not upload.changed:
        return f"{what} were already received"
    return f"{what} {'would be sent' if is_prediction else 'sent'} to {request.repository.name}"


def diff_of(upload: PartUpload, part: Part) -> Result:
    before = part.first_byte - 1 if upload.changed else upload.last_byte_received
    return {
        "before": {"last_byte_received": before},
        "after": {"last_byte_received": upload.last_byte_received},
    }


def main() -> None:
    spec = {
        **repository_spec(),
        **upload_spec(),
        **cli_spec(),
        "part_first_byte": {"type": "int", "aliases": ["partFirstByte"]},
        "part_last_byte": {"type": "int", "aliases": ["partLastByte"]},
        "src": {"type": "path"},
        "layer_part_blob": {"type": "str", "aliases": ["layerPartBlob"], "no_log": True},
    }
    spec["cli_input_json"]["no_log"] = True
    module = EcrModule(argument_spec=spec, mutually_exclusive=[("src", "layer_part_blob")])
    options = dict(module.params)
    hide_content_alone(module)
    module.run_operation(OPERATION, lambda module: read(module, options), act)


if __name__ == "__main__":
    main()
