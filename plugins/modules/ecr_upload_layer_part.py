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
  - Sends consecutive bytes of a layer to an upload that M(layerkit.ecr.ecr_initiate_layer_upload) has opened. This is
    the API's UploadLayerPart, made idempotent.
  - The parts of an upload follow each other without a gap, the first begins at byte 0. A part that the registry has
    already changes nothing; a part that does not follow is an error, which names the byte that the registry expects.
options:
  part_first_byte:
    description:
      - The position of the part's first byte in the layer, counted from 0.
      - Required, here or in O(cli_input_json).
    type: int
    aliases:
      - partFirstByte
  part_last_byte:
    description:
      - The position of the part's last byte in the layer, counted from 0. The part includes this byte.
      - Required, here or in O(cli_input_json).
    type: int
    aliases:
      - partLastByte
  src:
    description:
      - The path of the whole layer on the host that runs the module. The part is that range of this file which
        O(part_first_byte) and O(part_last_byte) name.
      - Exactly one of O(src), O(layer_part_blob) and the member V(layerPartBlob) of O(cli_input_json) is needed.
        O(src) and O(layer_part_blob) win over the latter.
    type: path
  layer_part_blob:
    description:
      - The part's bytes, as base64.
      - Must decode to as many bytes as O(part_first_byte) and O(part_last_byte) include.
    type: str
    aliases:
      - layerPartBlob
attributes:
  check_mode:
    support: full
    details:
      - Check mode checks the part and looks whether the repository exists. Amazon ECR has no call that tells how much
        of an upload it has, so check mode always predicts that the part is sent.
  diff_mode:
    support: full
  idempotent:
    support: full
    details:
      - The registry tells how many bytes it has, not which. A part that has arrived is recognised by its position.
notes:
  - The IAM action needed is C(ecr:UploadLayerPart), and C(ecr:BatchCheckLayerAvailability) in check mode.
  - Amazon ECR takes parts of 5 MiB to 10 MiB; only the last part of a layer may be smaller. A part that is too small
    is refused no sooner than the upload is completed, so the module warns when O(src) shows that it is not the last.
  - The part's bytes are never logged or returned.
seealso:
  - module: layerkit.ecr.ecr_initiate_layer_upload
  - module: layerkit.ecr.ecr_complete_layer_upload
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
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Open an upload
  layerkit.ecr.ecr_initiate_layer_upload:
    repository_name: my-app
  register: upload

- name: Learn the layer's size
  ansible.builtin.stat:
    path: "{{ layer_file }}"
  register: layer

- name: Send the layer in parts of the size that the registry advises
  layerkit.ecr.ecr_upload_layer_part:
    repository_name: my-app
    upload_id: "{{ upload.upload_id }}"
    part_first_byte: "{{ item }}"
    part_last_byte: "{{ [item + upload.part_size, layer.stat.size] | min - 1 }}"
    src: "{{ layer_file }}"
  loop: "{{ range(0, layer.stat.size, upload.part_size) | list }}"

- name: Open another upload
  layerkit.ecr.ecr_initiate_layer_upload:
    repository_name: my-app
  register: small_upload

- name: Send a part that the task carries itself
  layerkit.ecr.ecr_upload_layer_part:
    repository_name: my-app
    upload_id: "{{ small_upload.upload_id }}"
    part_first_byte: 0
    part_last_byte: 1
    layer_part_blob: "{{ '{}' | b64encode }}"
"""

RETURN = r"""
action:
  description: V(sent), or V(already_received) when the registry had the part's bytes already.
  type: str
  returned: success, unless O(generate_cli_skeleton) is given
  sample: sent
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
    layerPartBlob:
    partFirstByte: 0
    partLastByte: 0
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
    code: InvalidLayerPartException
    message: Invalid layer part upload for upload with id '5e9ba2c1-1a3d-4b36-8c2e-5a4d5c1bb9d7'
kms_error:
  description: The error of AWS KMS.
  type: str
  returned: when the repository's KMS key cannot be used, and AWS tells why
  sample: DisabledException
last_byte_received:
  description:
    - The position of the last byte that the registry has of this upload, counted from 0.
    - May lie past O(part_last_byte) when the part had been sent before.
  type: int
  returned: success, unless O(generate_cli_skeleton) is given
  sample: 10485759
last_valid_byte_received:
  description: The position of the last byte that the registry has of this upload, counted from 0.
  type: int
  returned: when the part does not follow what the registry has, and the registry tells what it has
  sample: 10485759
message:
  description: The words of AWS alone.
  type: str
  returned: when AWS answered with an error that the API lists for the operation
  sample: The repository with name 'my-app' does not exist in the registry with id '123456789012'
next_byte_expected:
  description: The position of the byte that the registry expects next, when the part does not begin there.
  type: int
  returned: when the part does not follow what the registry has, and the registry tells what it has
  sample: 10485760
registry_id:
  description:
    - The AWS account of the registry.
    - V(none) in check mode when O(registry_id) is not given, as only the answer tells it.
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

import json
import typing as t
from dataclasses import dataclass

from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.argspec import (
    cli_spec,
    repository_spec,
    upload_spec,
)
from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.module import EcrModule
from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.part_source import read_part
from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.request import (
    build_members,
    check_members,
    parse_cli_input,
    repository_of,
)
from ansible_collections.layerkit.ecr.plugins.module_utils._core.errors import InvalidInputError
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.errors import CallError
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.layers import Layers
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.service_model import input_shape
from ansible_collections.layerkit.ecr.plugins.module_utils._upload.part import Part, PartUpload, predict, upload_part

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
    check_members(OPERATION, members, pending=[BLOB])
    part = read_part(members["partFirstByte"], members["partLastByte"], options["src"], text)
    if part.is_too_small:
        module.warn(
            f"The part is {len(part.blob)} bytes and is not the last of {options['src']}. Amazon ECR will refuse to "
            "complete this upload, because every part except the last must be at least 5242880 bytes (5 MiB)."
        )
    return PartRequest(repository_of(members), members["uploadId"], part)


def hide_blob_alone(module: EcrModule) -> None:
    # cli_input_json is no_log because it may hold a blob. Its other values are results that people need.
    try:
        members = parse_cli_input(module.params["cli_input_json"])
    except InvalidInputError:
        return
    known = {member: value for member, value in members.items() if member in input_shape(OPERATION).members}
    blob = known.pop(BLOB, None)
    module.params["cli_input_json"] = json.dumps(known)
    secrets = (module.params["secret_key"], module.params["session_token"])
    module.no_log_values.difference_update(str(value) for value in members.values() if value not in secrets)
    if isinstance(blob, str) and blob:
        module.no_log_values.add(blob)


def act(module: EcrModule, client: EcrClient, request: PartRequest) -> Result:
    layers, part = Layers(client), request.part
    if module.check_mode:
        layers.check_repository()
        upload = predict(part)
    else:
        try:
            upload = upload_part(layers, request.upload_id, part)
        except CallError as error:
            if error.last_valid_byte is None:
                raise
            module.fail(error, next_byte_expected=error.last_valid_byte + 1)
    return {
        "changed": upload.changed,
        "diff": diff_of(upload, part),
        "action": upload.action.value,
        "last_byte_received": upload.last_byte_received,
        "registry_id": upload.registry_id or request.repository.registry_id,
        "repository_name": request.repository.name,
        "upload_id": request.upload_id,
    }


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
    if options["cli_input_json"] is not None:
        hide_blob_alone(module)
    module.run_operation(OPERATION, lambda module: read(module, options), act)


if __name__ == "__main__":
    main()
