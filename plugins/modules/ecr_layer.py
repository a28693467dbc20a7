#!/usr/bin/python
# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ecr_layer
version_added: 1.0.0
short_description: Put an image layer into Amazon ECR
description:
  - Makes sure that a repository has a layer. The file is hashed, and sent only if the repository does not have it.
  - The upload recovers from lost answers, throttling, server errors, broken connections and expired uploads. An
    upload that was stopped can be continued by the next run.
  - The memory needed does not grow with the layer.
options:
  src:
    description:
      - The path of the layer on the host that runs the module. A layer is a blob, its bytes are sent as they are,
        whether they are a compressed or a plain tar archive or an image's configuration.
    type: path
    required: true
  layer_digest:
    description:
      - The digest that the file must have, V(sha256:) and 64 lower-case hexadecimal digits. Checked before anything
        is sent.
    type: str
    aliases:
      - layerDigest
  upload_id:
    description:
      - The id of an upload to go on with, as a failed run returned it.
      - The registry is asked how much of it has arrived. What has arrived is not sent again. An upload that is gone is
        replaced by a new one.
      - It wins over a state file of O(state_dir).
    type: str
    aliases:
      - uploadId
attributes:
  check_mode:
    support: full
    details:
      - Check mode counts parts of 10 MiB if O(part_size) is not given, and the whole layer if O(upload_id) is given,
        as only a run asks the registry how much of an upload has arrived.
  diff_mode:
    support: full
  idempotent:
    support: full
notes:
  - The IAM actions needed are C(ecr:BatchCheckLayerAvailability), C(ecr:InitiateLayerUpload), C(ecr:UploadLayerPart)
    and C(ecr:CompleteLayerUpload). Without the first one the layer is always uploaded, with a warning, and the task is
    unchanged when the registry answers that it has it.
  - Amazon ECR takes layers of at most 52000 MiB in at most 4200 parts, and no empty layers.
  - When the time that the task's C(timeout) allows is over, the upload stops before its next step, and can be
    continued.
  - The file must not change while it is uploaded. When it does, the task fails and nothing is completed.
seealso:
  - module: layerkit.ecr.ecr_layer_info
  - module: layerkit.ecr.ecr_initiate_layer_upload
  - module: layerkit.ecr.ecr_upload_layer_part
  - module: layerkit.ecr.ecr_complete_layer_upload
author:
  - layerkit.ecr contributors (@layerkit)
extends_documentation_fragment:
  - layerkit.ecr._ecr.registry
  - layerkit.ecr._ecr.repository
  - layerkit.ecr._ecr.layer_upload
  - layerkit.ecr._attributes
  - layerkit.ecr._attributes.action_group
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Put a layer into a repository
  layerkit.ecr.ecr_layer:
    repository_name: my-app
    src: "{{ layer_file }}"
  register: layer

- name: Put a layer of a known digest into a repository, and be able to go on after an interruption
  layerkit.ecr.ecr_layer:
    repository_name: my-app
    src: "{{ layer_file }}"
    layer_digest: "{{ layer.layer_digest }}"
    state_dir: "{{ ansible_env.HOME | default('/var/tmp') }}/ecr-uploads"
"""

RETURN = r"""
action:
  description:
    - What was done.
    - V(uploaded) means that this task brought the layer, V(already_exists) that the layer was there, and V(failed) that
      the task failed after it had begun.
  type: str
  returned: success and when an upload failed
  sample: uploaded
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
bytes_sent:
  description:
    - The bytes of the layer that the registry received from this task. They are more than the layer has when an upload
      was gone and was begun again.
    - In check mode those that a run would send.
  type: int
  returned: success and when an upload failed
  sample: 3623807
error:
  description:
    - The error of AWS, with its C(code) and its C(message).
    - Where no answer arrived, C(code) is the name of botocore's exception, for example V(EndpointConnectionError).
  type: dict
  returned: when a request failed or could not be made
  sample:
    code: RepositoryNotFoundException
    message: The repository with name 'my-app' does not exist in the registry with id '123456789012'
kms_error:
  description: The error of AWS KMS.
  type: str
  returned: when the repository's KMS key cannot be used, and AWS tells why
  sample: DisabledException
last_valid_byte_received:
  description: The position of the last byte that the registry has of the upload, counted from 0.
  type: int
  returned: when the registry kept refusing parts, and tells what it has
  sample: 10485759
layer_digest:
  description: The digest of the file.
  type: str
  returned: success and when an upload failed
  sample: sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
layer_size:
  description: The size of the file in bytes.
  type: int
  returned: success and when an upload failed
  sample: 3623807
message:
  description: The words of AWS alone.
  type: str
  returned: when AWS answered with an error that the API lists for the operation
  sample: The repository with name 'my-app' does not exist in the registry with id '123456789012'
next_byte:
  description:
    - The position of the first byte that the registry does not have, counted from 0.
    - To go on there, run the task again with O(upload_id).
  type: int
  returned: when an upload failed after it was opened, and can be continued
  sample: 10485760
part_count:
  description:
    - The parts that the registry received from this task.
    - In check mode those that a run would send.
  type: int
  returned: success and when an upload failed
  sample: 1
registry_id:
  description: The AWS account of the registry as given in O(registry_id), V(none) if it is not given.
  type: str
  returned: success and when a request failed
  sample: '123456789012'
repository_name:
  description: The name of the repository.
  type: str
  returned: success and when a request failed
  sample: my-app
response_metadata:
  description: The request id, the HTTP status and the HTTP headers of the answer of AWS, and botocore's own retries.
  type: dict
  returned: when AWS answered with an error
  sample:
    http_status_code: 400
    request_id: 2f6b6a5c-8f5d-4c43-9d9a-6b2f1d1f0c11
upload_id:
  description: The id of the upload, V(none) if none was opened, or none is known yet in check mode.
  type: str
  returned: success and when an upload failed
  sample: 5e9ba2c1-1a3d-4b36-8c2e-5a4d5c1bb9d7
"""

import typing as t
from dataclasses import dataclass

from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.argspec import layer_upload_spec, repository_spec
from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.module import EcrModule
from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.request import checked_part_size, checked_repository
from ansible_collections.layerkit.ecr.plugins.module_utils._core.blob import Blob, FileBlob
from ansible_collections.layerkit.ecr.plugins.module_utils._core.errors import (
    InvalidInputError,
    LayerUploadError,
    TaskError,
    UploadProgress,
)
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.layers import Layers
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.limits import check_layer
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.records import AVAILABLE
from ansible_collections.layerkit.ecr.plugins.module_utils._upload.layer import LayerPush, LayerPusher, UploadOptions
from ansible_collections.layerkit.ecr.plugins.module_utils._upload.plan import LayerPlan

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.failure import Result
    from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.call import Repository
    from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.client import EcrClient

FAILED = "failed"
UNKNOWN_LAYERS = "The layer is uploaded in any case"


@dataclass(frozen=True)
class LayerRequest:
    """What the task asks for; ``src`` is a path."""

    repository: Repository
    src: str
    digest: str | None
    options: UploadOptions


def read(module: EcrModule) -> LayerRequest:
    digest, upload_id = module.params["layer_digest"], module.params["upload_id"]
    repository = checked_repository(module.params, layer_digest=digest, upload_id=upload_id)
    options = UploadOptions(checked_part_size(module.params), upload_id, module.params["state_dir"])
    return LayerRequest(repository, module.params["src"], digest, options)


def act(module: EcrModule, client: EcrClient, request: LayerRequest) -> Result:
    with FileBlob.open(request.src, f"src {request.src!r}") as blob:
        check_layer(str(blob), blob.size, request.options.expected_part_size)
        digest = checked_digest(blob, request.digest)
        try:
            found = Layers(client).available_unless_denied([digest], UNKNOWN_LAYERS) or {}
        except TaskError as error:
            begun = UploadProgress(digest, blob.size, request.options.upload_id, bytes_sent=0, part_count=0)
            module.fail(error, action=FAILED, **progress_result(begun))
        pusher = LayerPusher(client, request.options, module.task)
        plan = LayerPlan(digest, blob.size, request.options.expected_part_size, found.get(digest))
        push = predict(module, pusher, plan) if module.check_mode else run(module, pusher, blob, plan)
    return {
        "changed": push.changed,
        "diff": diff_of(plan, push),
        "action": push.action.value,
        **progress_result(push.progress),
        "registry_id": request.repository.registry_id,
        "repository_name": request.repository.name,
    }


def checked_digest(blob: Blob, expected: str | None) -> str:
    digest = blob.digest()
    if expected not in (None, digest):
        raise InvalidInputError(f"{blob} has the digest {digest}, not layer_digest {expected}")
    return digest


def predict(module: EcrModule, pusher: LayerPusher, plan: LayerPlan) -> LayerPush:
    return pusher.predict(pusher.with_saved_upload(plan, module.warn))


def run(module: EcrModule, pusher: LayerPusher, blob: Blob, plan: LayerPlan) -> LayerPush:
    try:
        push = pusher.push(blob, plan)
    except LayerUploadError as error:
        module.fail(error, action=FAILED, **progress_result(error.progress))
    if push.changed:
        pusher.warn_unless_available(push)
    return push


def progress_result(progress: UploadProgress) -> Result:
    result: Result = {
        "layer_digest": progress.digest,
        "layer_size": progress.size,
        "upload_id": progress.upload_id,
        "bytes_sent": progress.bytes_sent,
        "part_count": progress.part_count,
    }
    return result if progress.next_byte is None else {**result, "next_byte": progress.next_byte}


def diff_of(plan: LayerPlan, push: LayerPush) -> Result:
    availability = plan.found.availability if plan.found else "unknown"
    before = {"layer_digest": plan.digest, "layer_availability": availability, "sent": sent(0, 0)}
    sent_now = sent(push.progress.bytes_sent, push.progress.part_count)
    after = {**before, "layer_availability": AVAILABLE, "sent": sent_now}
    return {"before": before, "after": after if push.changed else before}


def sent(size: int, parts: int) -> str:
    return f"{size} bytes in {parts} parts"


def main() -> None:
    spec = {
        **repository_spec(required=True),
        **layer_upload_spec(),
        "src": {"type": "path", "required": True},
        "layer_digest": {"type": "str", "aliases": ["layerDigest"]},
        "upload_id": {"type": "str", "aliases": ["uploadId"]},
    }
    module = EcrModule(argument_spec=spec)
    module.run(read, act)


if __name__ == "__main__":
    main()
