#!/usr/bin/python
# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ecr_layer_info
version_added: 1.0.0
short_description: Look up image layers in Amazon ECR
description:
  - Returns for each digest whether the repository has the layer, and its size and media type.
  - The module calls the API operation BatchCheckLayerAvailability. It accepts any number of digests and sends them in
    batches of 100.
options:
  layer_digests:
    description:
      - The digests of the layers, each as V(algorithm:hex), for example V(sha256:) and 64 lower-case hexadecimal
        digits.
    type: list
    elements: str
    required: true
    aliases:
      - layerDigests
attributes:
  check_mode:
    support: full
  diff_mode:
    support: N/A
    details:
      - This module changes nothing.
  idempotent:
    support: full
notes:
  - The required IAM action is C(ecr:BatchCheckLayerAvailability).
  - Amazon ECR Public is not supported.
seealso:
  - module: layerkit.ecr.ecr_layer
  - ref: ansible_collections.layerkit.ecr.docsite.guide_layers
    description: The guide to uploads, resuming and retries.
  - ref: ansible_collections.layerkit.ecr.docsite.guide_api
    description: The guide to the layer API of Amazon ECR.
  - name: BatchCheckLayerAvailability
    description: The operation in the Amazon ECR API reference.
    link: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchCheckLayerAvailability.html
author:
  - layerkit.ecr contributors (@layerkit)
extends_documentation_fragment:
  - layerkit.ecr._ecr.registry
  - layerkit.ecr._ecr.repository
  - layerkit.ecr._attributes
  - layerkit.ecr._attributes.action_group
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - layerkit.ecr._requirements
  - layerkit.ecr._guides
"""

EXAMPLES = r"""
- name: Look up two layers
  layerkit.ecr.ecr_layer_info:
    repository_name: my-app
    layer_digests:
      - sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
      - sha256:fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9
  register: info

- name: Print the digests of the missing layers
  ansible.builtin.debug:
    msg: "{{ info.layers | rejectattr('layer_availability', 'eq', 'AVAILABLE') | map(attribute='layer_digest') }}"

- name: Look up a layer in the registry of another account
  layerkit.ecr.ecr_layer_info:
    registry_id: "123456789012"
    repository_name: my-app
    layer_digests: sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
"""

RETURN = r"""
attempts:
  description: The number of times the request that failed was sent.
  type: int
  returned: when a request failed
  sample: 7
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
layers:
  description: One entry for each digest, in the order of O(layer_digests).
  type: list
  elements: dict
  returned: success
  contains:
    layer_availability:
      description:
        - V(AVAILABLE), V(UNAVAILABLE) or V(ARCHIVED). A layer that does not exist is V(UNAVAILABLE).
      type: str
      returned: success
      sample: AVAILABLE
    layer_digest:
      description: The digest of the layer.
      type: str
      returned: success
      sample: sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
    layer_size:
      description: The size of the layer in bytes. V(null) if the registry does not report it.
      type: int
      returned: success
      sample: 3623807
    media_type:
      description: The media type of the layer. V(null) if the registry does not report it.
      type: str
      returned: success
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
  sample: 1 layer of 2 in my-app
registry_id:
  description: The AWS account of the registry as given in O(registry_id). Not returned if O(registry_id) is not given.
  type: str
  returned: when it is known
  sample: '123456789012'
repository_name:
  description: The name of the repository.
  type: str
  returned: success and when a request failed
  sample: my-app
"""

import typing as t
from dataclasses import dataclass

from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.argspec import repository_spec
from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.module import EcrModule
from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.request import checked_repository
from ansible_collections.layerkit.ecr.plugins.module_utils._core.text import counted
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.layers import Layers

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.failure import Result
    from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.call import Repository
    from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.client import EcrClient
    from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.layer_records import Layer


@dataclass(frozen=True)
class LayersRequest:
    """What the task asks for."""

    repository: Repository
    digests: tuple[str, ...]


def read(module: EcrModule) -> LayersRequest:
    digests = tuple(module.params["layer_digests"])
    return LayersRequest(checked_repository(module.params, layer_digests=digests), digests)


def act(_module: EcrModule, client: EcrClient, request: LayersRequest) -> Result:
    found = Layers(client).available(request.digests)
    there = sum(found[digest].is_stored for digest in request.digests)
    return {
        "changed": False,
        "msg": f"{counted(there, 'layer')} of {len(request.digests)} in {request.repository.name}",
        "layers": [layer_result(found[digest]) for digest in request.digests],
        "registry_id": request.repository.registry_id,
        "repository_name": request.repository.name,
    }


def layer_result(layer: Layer) -> Result:
    return {
        "layer_digest": layer.digest,
        "layer_availability": layer.availability,
        "layer_size": layer.size,
        "media_type": layer.media_type,
    }


def main() -> None:
    digests = {"type": "list", "elements": "str", "required": True, "aliases": ["layerDigests"]}
    module = EcrModule(argument_spec={**repository_spec(required=True), "layer_digests": digests})
    module.run(read, act)


if __name__ == "__main__":
    main()
