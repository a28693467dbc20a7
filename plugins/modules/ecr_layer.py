#!/usr/bin/python
# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ecr_layer
version_added: 1.0.0
short_description: Push an image layer to Amazon ECR
description:
  - Pushes a layer from a file to an Amazon ECR repository. The module computes the digest of the file and sends it only
    if the repository does not have the layer.
  - The module recovers from lost responses, throttling, server errors, broken connections and expired uploads. The next
    run can resume an interrupted upload.
  - The memory that is needed does not depend on the size of the layer.
options:
  src:
    description:
      - The path of the layer on the host that runs the module. The file is sent unchanged. It is usually a tar archive,
        compressed or not, or an image configuration.
      - To push an image, use M(layerkit.ecr.ecr_image).
      - A relative path starts at the directory of the playbook if the connection is local, and at the login directory
        of the remote user otherwise.
    type: path
    required: true
  layer_digest:
    description:
      - The expected digest of the file, V(sha256:) and 64 lower-case hexadecimal digits.
      - If the file has another digest, the task fails before anything is sent.
    type: str
    aliases:
      - layerDigest
  upload_id:
    description:
      - The ID of an upload to resume, as returned by a run that failed.
      - The module asks the registry how much of the upload it received and sends only the rest. If the upload no longer
        exists, the module opens a new one.
      - Takes precedence over a state file in O(state_dir).
    type: str
    aliases:
      - uploadId
attributes:
  check_mode:
    support: full
    details:
      - If O(part_size) is not given, check mode counts parts of 10 MiB. If O(upload_id) is given, it counts the
        complete layer, because only a run can ask the registry how much of an upload it received.
  diff_mode:
    support: full
  idempotent:
    support: full
notes:
  - The required IAM actions are C(ecr:InitiateLayerUpload), C(ecr:UploadLayerPart) and C(ecr:CompleteLayerUpload).
  - C(ecr:BatchCheckLayerAvailability) is optional. Without it, the module warns and always uploads the layer. It
    still reports no change if the registry answers that the layer already exists.
  - Amazon ECR accepts layers of up to 52000 MiB in up to 4200 parts. It does not accept empty layers.
  - When the C(timeout) of the task expires, the upload stops before its next step and can be resumed.
  - Do not change the file during the upload. If it changes, the task fails and does not complete the upload.
  - Amazon ECR Public is not supported.
seealso:
  - module: layerkit.ecr.ecr_image
  - module: layerkit.ecr.ecr_layer_info
  - module: layerkit.ecr.ecr_initiate_layer_upload
  - module: layerkit.ecr.ecr_upload_layer_part
  - module: layerkit.ecr.ecr_complete_layer_upload
  - ref: ansible_collections.layerkit.ecr.docsite.guide_layers
    description: The guide to uploads, resuming and retries.
  - ref: ansible_collections.layerkit.ecr.docsite.guide_api
    description: The guide to the layer API of Amazon ECR.
author:
  - layerkit.ecr contributors (@layerkit)
extends_documentation_fragment:
  - layerkit.ecr._ecr.registry
  - layerkit.ecr._ecr.repository
  - layerkit.ecr._ecr.layer_upload
  - layerkit.ecr._attributes
  - layerkit.ecr._attributes.action_group
  - layerkit.ecr._attributes.progress
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - layerkit.ecr._requirements
  - layerkit.ecr._guides
"""

EXAMPLES = r"""
- name: Push a layer
  layerkit.ecr.ecr_layer:
    repository_name: my-app
    src: build/layer.tar.gz
  register: layer

- name: Print its digest
  ansible.builtin.debug:
    var: layer.layer_digest

- name: Push a layer only if it has the expected digest
  layerkit.ecr.ecr_layer:
    repository_name: my-app
    src: build/layer.tar.gz
    layer_digest: "{{ layer.layer_digest }}"

- name: Push a large layer and resume after an interruption
  layerkit.ecr.ecr_layer:
    repository_name: my-app
    src: build/model.tar
    state_dir: ~/.cache/ecr-uploads
  register: resumable
  until: resumable is succeeded
  retries: 3
  delay: 30

- name: Show whether a layer would be sent, without sending it
  layerkit.ecr.ecr_layer:
    region: eu-west-1
    profile: ci
    repository_name: my-app
    src: build/layer.tar.gz
  check_mode: true
  diff: true
"""

RETURN = r"""
action:
  description:
    - V(uploaded) if this task sent the layer, or would send it in check mode.
    - V(already_exists) if the repository already has the layer.
    - V(failed) if the task failed after it started.
  type: str
  returned: success and when an upload failed
  sample: uploaded
attempts:
  description: The number of times the request that failed was sent.
  type: int
  returned: when a request failed
  sample: 7
bytes_sent:
  description:
    - The number of bytes of the layer that the registry received from this task. This is more than the size of the
      layer if an upload expired and was restarted.
    - In check mode, the number of bytes that a run would send.
  type: int
  returned: success and when an upload failed
  sample: 3623807
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
last_valid_byte_received:
  description: The position of the last byte of the upload that the registry received, counted from 0.
  type: int
  returned: when the registry repeatedly rejected parts and reports what it received
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
  sample: 'Layer sha256:2c26b46b68ff… uploaded to my-app: 3.5 MiB in 1 part'
next_byte:
  description:
    - The position of the first byte that the registry did not receive, counted from 0.
    - To resume from there, run the task again with O(upload_id).
  type: int
  returned: when an upload failed after it was opened, and can be resumed
  sample: 10485760
part_count:
  description:
    - The number of parts that the registry received from this task.
    - In check mode, the number of parts that a run would send.
  type: int
  returned: success and when an upload failed
  sample: 1
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
upload_id:
  description:
    - The ID of the upload. V(null) if no upload was opened, or if check mode does not know the upload yet.
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
from ansible_collections.layerkit.ecr.plugins.module_utils._core.text import counted, scaled, shortened
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.layer_records import AVAILABLE
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.layers import Layers
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.limits import check_layer
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.part_body import stream_parts
from ansible_collections.layerkit.ecr.plugins.module_utils._upload.layer import (
    LayerAction,
    LayerPush,
    LayerPusher,
    UploadOptions,
)
from ansible_collections.layerkit.ecr.plugins.module_utils._upload.plan import LayerPlan

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.failure import Result
    from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.call import Repository
    from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.client import EcrClient

UNKNOWN_LAYERS = "The layer is uploaded, because the task cannot check whether it is already there"


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
        stream_parts(client.events)
        pusher = LayerPusher(client, request.options, module.task)
        try:
            found = Layers(client).available_unless_denied([digest], UNKNOWN_LAYERS) or {}
            plan = LayerPlan(digest, blob.size, request.options.expected_part_size, found.get(digest))
            pusher.check_size(plan)
        except TaskError as error:
            begun = UploadProgress(digest, blob.size, request.options.upload_id, bytes_sent=0, part_count=0)
            module.fail(error, action=LayerAction.FAILED.value, **progress_result(begun))
        if module.check_mode:
            push = pusher.predict(pusher.with_saved_upload(plan, dry_run=True))
        else:
            push = run(module, pusher, blob, plan)
    return {
        "changed": push.changed,
        "msg": message_of(push, request.repository.name, module.check_mode),
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


def run(module: EcrModule, pusher: LayerPusher, blob: Blob, plan: LayerPlan) -> LayerPush:
    done = []
    try:
        push = pusher.push(blob, plan)
        done.append(plan)
        if not plan.is_present:
            confirm(module, pusher, plan, push)
    except LayerUploadError as error:
        module.fail(error, action=LayerAction.FAILED.value, **progress_result(error.progress))
    finally:
        pusher.tidy(done)
    return push


def confirm(module: EcrModule, pusher: LayerPusher, plan: LayerPlan, push: LayerPush) -> None:
    try:
        pusher.confirm(plan, push)
    except TaskError as error:
        module.fail(error, action=LayerAction.FAILED.value, **progress_result(push.progress))


def progress_result(progress: UploadProgress) -> Result:
    result: Result = {
        "layer_digest": progress.digest,
        "layer_size": progress.size,
        "upload_id": progress.upload_id,
        "bytes_sent": progress.bytes_sent,
        "part_count": progress.part_count,
    }
    return result if progress.next_byte is None else {**result, "next_byte": progress.next_byte}


def message_of(push: LayerPush, repository: str, is_prediction: bool) -> str:
    progress = push.progress
    layer = f"Layer {shortened(progress.digest)}"
    if not push.changed:
        return f"{layer} ({scaled(progress.size)}) is already in {repository}"
    parts = f"{scaled(progress.bytes_sent)} in {counted(progress.part_count, 'part')}"
    return f"{layer} {'would be uploaded' if is_prediction else 'uploaded'} to {repository}: {parts}"


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
