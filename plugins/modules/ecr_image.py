#!/usr/bin/python
# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ecr_image
version_added: 1.0.0
short_description: Push a container image into Amazon ECR
description:
  - Brings an image from files into a repository, over the AWS API alone. No container engine, no C(docker login) and no
    registry token is needed.
  - The registry is asked first, and only what it lacks is sent. An image that is there under all O(tags) costs one
    request.
  - Tags come last, so that none is ever on an image that is not whole. What was pushed is read back and compared.
options:
  src:
    description:
      - The path of the image on the host that runs the module. What it is, is recognised.
      - It can be the directory of an OCI image layout, or an archive of one, as V(skopeo copy … oci-archive:),
        V(buildah push … oci-archive:) or V(docker buildx build --output type=oci) write it.
      - It can be a docker archive, as V(docker save), V(podman save) or V(skopeo copy … docker-archive:) write it. A
        manifest is made for it, the same one each time.
      - An archive that is both, as V(docker save) of Docker 25 or later writes it, is read as an OCI image layout.
        Where that is not whole, or O(compress=gzip), it is read as a docker archive, in the first case with a warning.
      - Archives can be compressed with gzip, and with zstd where the host's Python is 3.14 or later. They are read in
        place and never unpacked. A plain archive is read faster than a compressed one.
    type: path
    required: true
  image:
    description:
      - The image to push, if O(src) holds several. A reference name such as V(docker.io/library/app:1.0) or V(app:1.0),
        a tag such as V(1.0), or a digest. What podman names V(localhost/app:1.0) is V(app:1.0) as well.
      - In a docker archive the digest is that of the configuration, which container engines call the image's id.
      - If not given, O(src) must hold one image.
    type: str
  tags:
    description:
      - The tags that the image is to have. A tag that is on another image is moved, unless it is immutable.
      - If not given, the image is pushed by its digest only. Tags that it has already stay on it.
    type: list
    elements: str
    default: []
  platforms:
    description:
      - The platforms to push of a multi-platform image, each as C(os/architecture) or C(os/architecture/variant), for
        example V(linux/amd64) or V(linux/arm64/v8).
      - One platform is pushed as an image of its own, without the index, as AWS Lambda needs it. If there are several
        images for it, the task fails and lists them.
      - Several platforms are pushed with an index of these alone. Attestations belong to no platform, and are left out.
      - If not given, the image is pushed as it is, byte for byte.
      - An image that is for one platform must be for the one given here.
    type: list
    elements: str
    default: []
  compress:
    description:
      - What to do with the layers of a docker archive, which are usually not compressed.
      - With V(none) they are pushed as they are. With V(gzip) they are compressed while they are sent, and once before
        that to learn their digests.
      - The same layer makes the same bytes on hosts with the same Python and the same zlib. With others the digests may
        differ, and the image is pushed once more.
      - An OCI image layout is pushed as it is, whatever is given here. What is a docker archive as well is read as such
        with V(gzip), so that it gets another manifest.
    type: str
    choices:
      - none
      - gzip
    default: none
  parallel:
    description:
      - How many layers are sent at once, V(1) to V(32).
      - Layers that are decompressed or compressed on the way are sent one after the other, as each takes memory.
    type: int
    default: 8
attributes:
  check_mode:
    support: full
    details:
      - Check mode reads every layer that a run would send or rely on, and finds damage that a run would find.
  diff_mode:
    support: full
  idempotent:
    support: full
notes:
  - The IAM actions needed are C(ecr:BatchGetImage), C(ecr:BatchCheckLayerAvailability), C(ecr:InitiateLayerUpload),
    C(ecr:UploadLayerPart), C(ecr:CompleteLayerUpload) and C(ecr:PutImage).
  - C(ecr:DescribeRepositories) is used to learn before the push that a tag which would move is immutable, and in check
    mode to learn the registry of RV(image.uri). Without it a moving tag is warned about, and an immutable one fails at
    the end.
  - Without C(ecr:BatchCheckLayerAvailability) all layers of a new image are uploaded, with a warning.
  - What Amazon ECR would refuse is refused before anything is sent. This is an image without layers, an empty layer, a
    layer of more than 52000 MiB or 4200 parts, a manifest of more than 4 MiB, a media type with parameters, an index of
    indexes, and a manifest that contradicts its media type.
  - The size of every layer is checked before anything is sent, its digest before its manifest is put. No file outside
    of O(src) is read.
  - Layers with C(urls) that O(src) does not hold are left out, as Amazon ECR expects.
  - Amazon ECR takes ten manifests a second, so an index of many platforms takes its time.
seealso:
  - module: layerkit.ecr.ecr_image_info
  - module: layerkit.ecr.ecr_layer
  - name: Pushing an image
    description: What the registry expects, in the Amazon ECR user guide.
    link: https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push.html
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
- name: Push an image with two tags
  layerkit.ecr.ecr_image:
    repository_name: my-app
    src: "{{ image_source }}"
    tags:
      - "1.4.2"
      - latest
  register: pushed

- name: Show the name that means this image for ever
  ansible.builtin.debug:
    var: pushed.image.uri

- name: Push one platform for AWS Lambda, and be able to go on after an interruption
  layerkit.ecr.ecr_image:
    repository_name: my-app
    src: "{{ image_source }}"
    platforms:
      - linux/amd64
    tags:
      - 1.4.2-lambda
    state_dir: "{{ ansible_env.HOME | default('/var/tmp') }}/ecr-uploads"

- name: Say what a push would do
  layerkit.ecr.ecr_image:
    repository_name: my-app
    src: "{{ image_source }}"
    tags:
      - "1.5.0"
  check_mode: true
  diff: true
"""

RETURN = r"""
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
bytes_present:
  description: The bytes of the image's blobs that need not be sent, as the repository has them.
  type: int
  returned: success and when a push failed
  sample: 3623807
bytes_sent:
  description:
    - The bytes of blobs that the registry received from this task.
    - In check mode those that a run would send.
  type: int
  returned: success and when a push failed
  sample: 1457
error:
  description:
    - The error of AWS, with its C(code) and its C(message).
    - Where no answer arrived, C(code) is the name of botocore's exception, for example V(EndpointConnectionError).
  type: dict
  returned: when a request failed or could not be made
  sample:
    code: RepositoryNotFoundException
    message: The repository with name 'my-app' does not exist in the registry with id '123456789012'
image:
  description: The image as it is in the repository.
  type: dict
  returned: success and when a push failed
  contains:
    digest:
      description: The digest of its manifest or index.
      type: str
      returned: success and when a push failed
      sample: sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
    media_type:
      description: The media type of its manifest or index.
      type: str
      returned: success and when a push failed
      sample: application/vnd.oci.image.manifest.v1+json
    platforms:
      description: The platforms that it runs on, none for an artifact.
      type: list
      elements: str
      returned: success and when a push failed
      sample:
        - linux/amd64
    repository_uri:
      description:
        - The name of the repository for container engines.
        - V(none) in check mode, where O(registry_id) is not given, the repository has none of the images, and
          C(ecr:DescribeRepositories) is not allowed.
      type: str
      returned: success and when a push failed
      sample: 123456789012.dkr.ecr.eu-west-1.amazonaws.com/my-app
    tags:
      description:
        - An entry for each of O(tags), with the digest of the image that it was on before, V(none) for no image, and
          the digest of the one that it is on after, which is the same where the task failed before it moved the tag.
      type: list
      elements: dict
      returned: success and when a push failed
      sample:
        - tag: "1.4.2"
          before:
          after: sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
    uri:
      description: The name that means this image for ever, with its digest. V(none) where RV(image.repository_uri) is.
      type: str
      returned: success and when a push failed
      sample: >-
        123456789012.dkr.ecr.eu-west-1.amazonaws.com/my-app@sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
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
  description: The digest of the layer that failed.
  type: str
  returned: when a layer could not be sent
  sample: sha256:fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9
layers:
  description: An entry for each blob of the image, its configurations among them.
  type: list
  elements: dict
  returned: success and when a push failed
  contains:
    action:
      description:
        - V(sent) means that this task brought it, V(present) that it was there, V(skipped) that it is not to be stored
          there, and V(failed) that the task failed before it was there.
      type: str
      returned: success and when a push failed
      sample: present
    digest:
      description: The digest of the blob.
      type: str
      returned: success and when a push failed
      sample: sha256:fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9
    media_type:
      description: The media type that the manifest gives the blob.
      type: str
      returned: success and when a push failed
      sample: application/vnd.oci.image.layer.v1.tar+gzip
    reason:
      description: Why that is its action, in words.
      type: str
      returned: success and when a push failed
      sample: the repository has it
    size:
      description: The size of the blob in bytes.
      type: int
      returned: success and when a push failed
      sample: 3623807
manifests:
  description: An entry for each manifest, and for the index if there is one, in the order in which they are put.
  type: list
  elements: dict
  returned: success
  contains:
    action:
      description: V(put) means that the repository did not have it before the task, V(present) that it had it.
      type: str
      returned: success
      sample: put
    digest:
      description: The digest of the manifest.
      type: str
      returned: success
      sample: sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
    media_type:
      description: The media type of the manifest.
      type: str
      returned: success
      sample: application/vnd.oci.image.manifest.v1+json
    platform:
      description: The platform that it is for, V(none) for an index and for an artifact.
      type: str
      returned: success
      sample: linux/amd64
    size:
      description: The size of the manifest in bytes.
      type: int
      returned: success
      sample: 528
message:
  description: The words of AWS alone.
  type: str
  returned: when AWS answered with an error that the API lists for the operation
  sample: The repository with name 'my-app' does not exist in the registry with id '123456789012'
registry_id:
  description:
    - The AWS account of the registry as given in O(registry_id), or as the registry answered.
    - V(none) where RV(image.repository_uri) is.
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
  description: The id of the upload that a request failed for.
  type: str
  returned: when a request of a layer's upload failed
  sample: 5e9ba2c1-1a3d-4b36-8c2e-5a4d5c1bb9d7
"""

import typing as t
from dataclasses import dataclass
from functools import partial

from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.argspec import layer_upload_spec, repository_spec
from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.module import EcrModule
from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.request import checked_part_size, checked_repository
from ansible_collections.layerkit.ecr.plugins.module_utils._core.errors import (
    InvalidInputError,
    LayerUploadError,
    TaskError,
)
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.acceptance import check_image
from ansible_collections.layerkit.ecr.plugins.module_utils._local.load import load_image, open_source
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.platform import Platform
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.reference import checked_tags
from ansible_collections.layerkit.ecr.plugins.module_utils._transfer.blobs import BlobPusher
from ansible_collections.layerkit.ecr.plugins.module_utils._transfer.result import (
    diff_result,
    image_result,
    layers_result,
    manifests_result,
)
from ansible_collections.layerkit.ecr.plugins.module_utils._transfer.run import ImagePush
from ansible_collections.layerkit.ecr.plugins.module_utils._transfer.survey import Survey, Surveyor
from ansible_collections.layerkit.ecr.plugins.module_utils._upload.layer import LayerPusher, UploadOptions

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.failure import Result
    from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.call import Repository
    from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.client import EcrClient
    from ansible_collections.layerkit.ecr.plugins.module_utils._oci.image import Image

MAX_PARALLEL = 32


@dataclass(frozen=True)
class ImageRequest:
    """What the task asks for; ``src`` is a path."""

    repository: Repository
    src: str
    image: str | None
    tags: tuple[str, ...]
    platforms: tuple[Platform, ...]
    compress: bool
    parallel: int
    options: UploadOptions

    @property
    def source_name(self) -> str:
        """The name of the source in messages."""
        return f"src {self.src!r}"


def read(module: EcrModule) -> ImageRequest:
    options, parallel = module.params, module.params["parallel"]
    repository = checked_repository(options)
    if not 1 <= parallel <= MAX_PARALLEL:
        raise InvalidInputError(f"parallel {parallel} must be 1 to {MAX_PARALLEL}")
    part_size = checked_part_size(options)
    return ImageRequest(
        repository=repository,
        src=options["src"],
        image=options["image"],
        tags=tuple(checked_tags(options["tags"], "tags")),
        platforms=tuple(Platform.parse(platform, "platforms") for platform in options["platforms"]),
        compress=options["compress"] == "gzip",
        parallel=parallel,
        options=UploadOptions(part_size, state_directory=options["state_dir"], accepts_upload_id=False),
    )


def act(module: EcrModule, client: EcrClient, request: ImageRequest) -> Result:
    name = request.source_name
    with open_source(request.src, name, request.compress, request.parallel, module.task) as readers:
        check = partial(check_image, name=name, part_size=request.options.expected_part_size)
        image = load_image(readers, name, request.image, request.platforms, check, module.task)
        return push(module, client, request, image)


def push(module: EcrModule, client: EcrClient, request: ImageRequest, image: Image) -> Result:
    layers = LayerPusher(client, request.options, module.task)
    surveyor = Surveyor(client, image, layers, module.task, dry_run=module.check_mode)
    found = surveyor.survey(request.tags, request.options.expected_part_size)
    pusher = BlobPusher(image, layers, request.parallel, module.task)
    push = ImagePush(client, found.plan, pusher)
    try:
        push.rehearse() if module.check_mode else push.run()
    except TaskError as error:
        module.fail(error, **failure_result(client, found, push, pusher), **layer_of(error))
    return {
        "changed": found.plan.changed if module.check_mode else push.changed,
        "diff": diff_result(found.plan),
        "image": image_result(found.plan, repository_uri(client, found, push)),
        "manifests": manifests_result(found.plan),
        **layers_result(found.plan, None if module.check_mode else pusher.outcome),
        "registry_id": push.registry_id or found.registry_id,
        "repository_name": request.repository.name,
    }


def failure_result(client: EcrClient, found: Survey, push: ImagePush, pusher: BlobPusher) -> Result:
    return {
        "changed": push.changed,
        "image": image_result(found.plan, repository_uri(client, found, push), push.tags_put),
        **layers_result(found.plan, pusher.outcome),
    }


def layer_of(error: TaskError) -> Result:
    if not isinstance(error, LayerUploadError):
        return {}
    upload_id = error.progress.upload_id
    return {"layer_digest": error.progress.digest, **({"upload_id": upload_id} if upload_id else {})}


def repository_uri(client: EcrClient, found: Survey, push: ImagePush) -> str | None:
    registry_id = push.registry_id or found.registry_id
    return found.repository_uri or (client.uri(registry_id) if registry_id else None)


def main() -> None:
    spec = {
        **repository_spec(required=True),
        **layer_upload_spec(),
        "src": {"type": "path", "required": True},
        "image": {"type": "str"},
        "tags": {"type": "list", "elements": "str", "default": []},
        "platforms": {"type": "list", "elements": "str", "default": []},
        "compress": {"type": "str", "choices": ["none", "gzip"], "default": "none"},
        "parallel": {"type": "int", "default": 8},
    }
    module = EcrModule(argument_spec=spec)
    module.run(read, act, connections=module.params["parallel"])


if __name__ == "__main__":
    main()
