#!/usr/bin/python
# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ecr_image_copy
version_added: 2.0.0
short_description: Copy a container image between Amazon ECR repositories
description:
  - Copies an image from one Amazon ECR repository to another, in the same or another region or account, or gives it
    further tags in its repository. The module calls the AWS API and needs no container engine, no C(docker login) and
    no registry token.
  - The image keeps its digest. Manifests are copied byte for byte, so signatures stay valid.
  - The module queries the target first and copies only the layers that it lacks. They pass through the memory of the
    host, a part at a time. Nothing is written to its disk.
  - If the target already has the image under all O(tags), the task sends one request to the source and one to the
    target, and those that look for referrers (see O(referrers)), and changes nothing, even if the tags are immutable.
  - Tags are set last, so a tag never points to an incomplete image.
options:
  repository_name:
    description:
      - The name of the target, including its namespace, without the registry host. The repository must exist.
    type: str
    required: true
    aliases:
      - repositoryName
  source:
    description:
      - The image to copy, and how to connect to its registry.
      - Connection options that are not given here are those of the task. If O(source.profile), O(source.access_key),
        O(source.secret_key) or O(source.session_token) is given, the other credentials of the task are not used.
      - The connection options of the task, such as O(region) and O(profile), are those of the target.
    type: dict
    required: true
    suboptions:
      repository_name:
        description:
          - The name of the source, including its namespace, without the registry host.
          - If not given, it is that of the target.
        type: str
        aliases:
          - repositoryName
      registry_id:
        description:
          - The AWS account of the registry that contains the source, 12 digits. Quote it.
          - If not given, it is O(registry_id), or the account of the credentials if O(source) has credentials.
        type: str
        aliases:
          - registryId
      tag:
        description:
          - The tag of the image. Quote it. YAML reads V(1.10) as the number V(1.1).
          - Either this or O(source.digest) is required.
        type: str
      digest:
        description:
          - The digest of the image or index, V(sha256:) and 64 lower-case hexadecimal digits.
          - Either this or O(source.tag) is required.
        type: str
      region:
        description: The AWS region of the source.
        type: str
        aliases:
          - aws_region
      profile:
        description: The profile of the credentials for the source.
        type: str
        aliases:
          - aws_profile
      access_key:
        description: The access key ID for the source.
        type: str
        aliases:
          - aws_access_key_id
          - aws_access_key
      secret_key:
        description: The secret access key for the source.
        type: str
        aliases:
          - aws_secret_access_key
          - aws_secret_key
      session_token:
        description: The session token for the source.
        type: str
        aliases:
          - aws_session_token
      endpoint_url:
        description: The URL of the API for the source, for example of a VPC endpoint in another region.
        type: str
        aliases:
          - aws_endpoint_url
      aws_ca_bundle:
        description: The path of the CA bundle for the source.
        type: path
      validate_certs:
        description: Whether to validate the certificates of the source.
        type: bool
  tags:
    description:
      - The tags to set in the target. A tag that points to another image is moved, unless it is immutable or
        O(overwrite=false).
      - Quote tags. YAML reads V(1.10) as the number V(1.1).
      - If not given, the image gets the tag O(source.tag), and none if it is named by its digest. An empty list copies
        the image by digest only.
    type: list
    elements: str
  platforms:
    description:
      - The platforms of a multi-platform image to copy, each as V(os/architecture) or V(os/architecture/variant), for
        example V(linux/amd64) or V(linux/arm64/v8).
      - If one platform is given, its image is copied without the index. If several platforms are given, they are copied
        with an index of these platforms only, which has another digest. Attestations that are entries of the index do
        not belong to a platform and are skipped.
      - If not given, the image is copied unchanged.
      - If the source is an image for a single platform, that platform must be the one given.
    type: list
    elements: str
    default: []
  referrers:
    description:
      - Whether to copy what refers to the image as well, such as signatures, SBOMs and attestations.
      - These are the images that the registry lists as referrers, those that the index with the tag C(sha256-DIGEST)
        lists, and those with the tags of cosign (C(sha256-DIGEST.sig), C(.att) and C(.sbom)). What refers to one of
        them is copied, too.
      - They are copied after the image and before its tags are set. The tags of cosign are set again.
      - To look for them, each run sends one request for each manifest, and one for the tags, because new ones can be
        found only by asking. So a second run sends four requests for an image that is no index and that nothing refers
        to, and two with V(false). Within one repository they stay where they are, and nothing is sent.
    type: bool
    default: true
  overwrite:
    description:
      - Whether to move a tag that points to another image in the target.
      - With V(false), such a tag makes the task fail before anything is copied. This includes the tags of cosign.
    type: bool
    default: true
  expected_digest:
    description:
      - The digest that the image must have in the source. If it has another one, the task fails before anything is
        copied.
      - Use it to promote exactly the image that was tested, even if its tag has moved since.
    type: str
  parallel:
    description:
      - The number of layers to copy at the same time, V(1) to V(32).
      - The parts in memory have at most 15 MiB together, so a high number helps with small layers.
    type: int
    default: 8
  part_size:
    description:
      - The size of the parts of a layer in bytes, 5242880 (5 MiB) to 10485760 (10 MiB).
      - If not given, parts are as small as possible, so that many of them are in memory at the same time.
    type: int
    aliases:
      - partSize
attributes:
  check_mode:
    support: full
    details:
      - Check mode returns which layers would be copied, and their size. It reads no layers.
  diff_mode:
    support: full
    details:
      - The tags that move, and the layers and manifests that are sent. What
        stays as it is does not appear, and digests are shortened.
  idempotent:
    support: full
notes:
  - The required IAM actions for the source are C(ecr:BatchGetImage) and C(ecr:GetDownloadUrlForLayer). With them, the
    module also lists referrers. To read the repository of another account, its repository policy must allow the same
    actions, and if it is encrypted with a customer managed KMS key, the policy of that key must allow C(kms:Decrypt).
  - The required IAM actions for the target are C(ecr:BatchGetImage), C(ecr:InitiateLayerUpload),
    C(ecr:UploadLayerPart), C(ecr:CompleteLayerUpload) and C(ecr:PutImage). Within one repository, C(ecr:BatchGetImage)
    and C(ecr:PutImage) suffice.
  - C(ecr:BatchCheckLayerAvailability) for the target is optional. Without it, the module warns and sends all layers of
    an image that the target does not have.
  - C(ecr:DescribeRepositories) for the target is optional. With it, the module detects before the copy that a tag it
    would move is immutable. C(ecr:DescribeImages) is optional for both. With it, the module looks for archived images.
  - The layers are downloaded from Amazon S3. A host in a private network needs an S3 gateway endpoint whose policy
    allows C(s3:GetObject) on C(arn:aws:s3:::prod-REGION-starport-layer-bucket/*) in the region of the source.
  - The download URLs are secrets. They are never shown or stored. If one expires, the module requests another and
    resumes where the last byte arrived.
  - The digest of each layer is checked before its upload is completed. If a layer is damaged on the way, nothing is
    completed and no tag is set.
  - An archived image cannot be copied until it is restored.
  - Layers that have C(urls) in the manifest are skipped, as Amazon ECR expects.
  - Amazon ECR Public is not supported.
seealso:
  - module: layerkit.ecr.ecr_image
  - module: layerkit.ecr.ecr_image_info
  - ref: ansible_collections.layerkit.ecr.docsite.guide_promote
    description: The guide to promoting images between accounts and regions, and to further tags.
  - module: community.aws.ecs_ecr
    description: Creates the repository.
author:
  - layerkit.ecr contributors (@layerkit)
extends_documentation_fragment:
  - layerkit.ecr._ecr.registry
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
# Quote tags: YAML reads 1.10 as 1.1.
- name: Promote an image from staging to production, in two accounts
  layerkit.ecr.ecr_image_copy:
    profile: production
    region: eu-west-1
    repository_name: my-app
    source:
      profile: staging
      tag: "1.4.2"
    tags:
      - "1.4.2"
      - stable
  register: promoted

- name: Print the image reference, pinned by digest
  ansible.builtin.debug:
    var: promoted.image.uri

- name: Give an image another tag in its repository
  layerkit.ecr.ecr_image_copy:
    repository_name: my-app
    source:
      tag: "1.4.2"
    tags:
      - "1.4"

- name: Push an image, and promote exactly this image later
  block:
    - name: Push to the repository for tests
      layerkit.ecr.ecr_image:
        repository_name: testing/my-app
        src: build/app.tar
        tags:
          - "1.5.0"
      register: pushed

    - name: Promote the image that was tested, even if its tag has moved since
      layerkit.ecr.ecr_image_copy:
        repository_name: my-app
        source:
          repository_name: testing/my-app
          digest: "{{ pushed.image.digest }}"
        tags:
          - "1.5.0"
        overwrite: false

    - name: Fail if the tag is on another image
      layerkit.ecr.ecr_image_copy:
        repository_name: my-app
        source:
          repository_name: testing/my-app
          tag: "1.5.0"
        expected_digest: "{{ pushed.image.digest }}"

- name: Show what a copy to another region would transfer
  layerkit.ecr.ecr_image_copy:
    region: us-east-1
    repository_name: my-app
    source:
      region: eu-west-1
      tag: "1.4.2"
  check_mode: true
  diff: true

- name: Copy from the registry of another account, whose repository policy allows it
  layerkit.ecr.ecr_image_copy:
    repository_name: my-app
    source:
      registry_id: "210987654321"
      tag: "1.4.2"

- name: Copy a single platform for AWS Lambda
  layerkit.ecr.ecr_image_copy:
    repository_name: my-function
    source:
      repository_name: my-app
      tag: "1.4.2"
    platforms:
      - linux/amd64
"""

RETURN = r"""
attempts:
  description: The number of times the request that failed was sent.
  type: int
  returned: when a request failed
  sample: 7
bytes_present:
  description: The total size in bytes of the blobs that were not sent because the repository already has them.
  type: int
  returned: success and when a copy failed
  sample: 3623807
bytes_sent:
  description:
    - The number of blob bytes that the target received from this task.
    - In check mode, the number of bytes that a run would send.
  type: int
  returned: success and when a copy failed
  sample: 1457
error:
  description:
    - The error returned by AWS.
    - To handle a certain error in a playbook, compare RV(error.code). The text of messages can change in any release.
  type: dict
  returned: when a request failed or could not be made
  contains:
    code:
      description:
        - The error code of AWS, for example V(RepositoryNotFoundException). For a download, that of Amazon S3, for
          example V(SlowDown), or the HTTP status.
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
      type: str
      returned: when AWS answered with an error and the answer has an ID
      sample: 2f6b6a5c-8f5d-4c43-9d9a-6b2f1d1f0c11
image:
  description: The image in the target.
  type: dict
  returned: success and when a copy failed
  contains:
    digest:
      description: The digest of the manifest or index.
      type: str
      returned: success and when a copy failed
      sample: sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
    media_type:
      description: The media type of the manifest or index.
      type: str
      returned: success and when a copy failed
      sample: application/vnd.oci.image.manifest.v1+json
    platforms:
      description:
        - The platforms of an index.
        - For a single image, the platform is known only if O(platforms) is given. Otherwise the list is empty.
      type: list
      elements: str
      returned: success and when a copy failed
      sample:
        - linux/amd64
    repository_uri:
      description:
        - The URI of the repository.
        - V(null) in check mode if O(registry_id) is not given, the repository has none of the images, and the caller
          lacks permission for C(ecr:DescribeRepositories).
      type: str
      returned: success and when a copy failed
      sample: 123456789012.dkr.ecr.eu-west-1.amazonaws.com/my-app
    tags:
      description:
        - One entry for each of O(tags).
        - C(before) is the digest of the image that the tag pointed to before the task, V(null) if there was none.
        - C(after) is the digest that it points to after the task. If the task failed before it set the tag, it is the
          same as C(before).
      type: list
      elements: dict
      returned: success and when a copy failed
      sample:
        - tag: "1.4.2"
          before:
          after: sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
    uri:
      description:
        - The image reference, pinned by digest. V(null) if RV(image.repository_uri) is V(null).
      type: str
      returned: success and when a copy failed
      sample: >-
        123456789012.dkr.ecr.eu-west-1.amazonaws.com/my-app@sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
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
  description: The digest of the layer that could not be sent.
  type: str
  returned: when a layer could not be sent
  sample: sha256:fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9
layers:
  description:
    - One entry for each blob of the image and of RV(referrers), including the configurations.
    - After a failure, without those that were already there.
  type: list
  elements: dict
  returned: success and when a copy failed
  contains:
    action:
      description:
        - V(sent) if this task sent the blob, or would send it in check mode.
        - V(present) if the repository already has the blob.
        - V(skipped) if the blob is not stored in Amazon ECR.
        - V(failed) if the task failed before the blob was in the repository.
      type: str
      returned: success and when a copy failed
      sample: present
    digest:
      description: The digest of the blob.
      type: str
      returned: success and when a copy failed
      sample: sha256:fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9
    media_type:
      description: The media type of the blob in the manifest.
      type: str
      returned: success and when a copy failed
      sample: application/vnd.oci.image.layer.v1.tar+gzip
    reason:
      description: The reason for the action, as text.
      type: str
      returned: success and when a copy failed
      sample: the repository has it
    size:
      description: The size of the blob in bytes.
      type: int
      returned: success and when a copy failed
      sample: 3623807
manifests:
  description: One entry for each manifest, and for the index if there is one, in the order in which they are pushed.
  type: list
  elements: dict
  returned: success
  contains:
    action:
      description:
        - V(put) if this task pushed the manifest, or would push it in check mode.
        - V(present) if the repository already has the manifest, or if something else pushed it meanwhile.
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
      description: The platform of the image. V(null) for an index or an artifact.
      type: str
      returned: success
      sample: linux/amd64
    size:
      description: The size of the manifest in bytes.
      type: int
      returned: success
      sample: 528
message:
  description: The error message returned by AWS.
  type: str
  returned: when AWS answered with an error that the API defines for the operation
  sample: The repository with name 'my-app' does not exist in the registry with id '123456789012'
msg:
  description:
    - What the task did, in one sentence, or why it failed and what to do. In check mode, what the task would do.
    - The text can change in any release.
  type: str
  returned: always
  sample: my-app:1.4.3 -> sha256:59d4c1a2b3e4…, 2 layers sent (48 MiB), 3 there
referrers:
  description:
    - One entry for each signature, SBOM or attestation that refers to the image, in the order in which they are pushed.
    - Empty if O(referrers=false).
  type: list
  elements: dict
  returned: success
  contains:
    action:
      description:
        - V(put) if this task pushed the referrer or set its tag, or would do so in check mode.
        - V(present) if the repository already has it, or if something else pushed it meanwhile.
      type: str
      returned: success
      sample: put
    artifact_type:
      description: What it is. The media type of the configuration if the manifest has no artifact type.
      type: str
      returned: success
      sample: application/spdx+json
    digest:
      description: The digest of its manifest or index.
      type: str
      returned: success
      sample: sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
    media_type:
      description: The media type of its manifest or index.
      type: str
      returned: success
      sample: application/vnd.oci.image.manifest.v1+json
    subject:
      description: The digest of the image, or of another referrer, that it refers to.
      type: str
      returned: success
      sample: sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
    tag:
      description: The tag of cosign that leads to it. V(null) if its manifest has a C(subject) instead.
      type: str
      returned: success
      sample: sha256-2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae.sig
registry_id:
  description:
    - The AWS account of the target, as given in O(registry_id) or as returned by the registry.
    - Not returned if RV(image.repository_uri) is V(null).
  type: str
  returned: when it is known
  sample: '123456789012'
repository_name:
  description: The name of the target.
  type: str
  returned: success and when a request failed
  sample: my-app
source:
  description: The image that was copied.
  type: dict
  returned: success and when a request failed
  contains:
    digest:
      description: The digest of the manifest or index in the source. V(null) if the source did not return it.
      type: str
      returned: success and when a request failed
      sample: sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
    registry_id:
      description: The AWS account of the source. V(null) if it is not given and the source did not return it.
      type: str
      returned: success and when a request failed
      sample: '210987654321'
    repository:
      description: The name of the source.
      type: str
      returned: success and when a request failed
      sample: my-app
    tag:
      description: The tag in the source, V(null) if the image is named by its digest.
      type: str
      returned: success and when a request failed
      sample: "1.4.2"
upload_id:
  description: The ID of the upload whose request failed.
  type: str
  returned: when a request of a layer's upload failed
  sample: 5e9ba2c1-1a3d-4b36-8c2e-5a4d5c1bb9d7
"""

import typing as t
from dataclasses import dataclass, replace
from functools import partial

from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.argspec import (
    CREDENTIALS,
    connection_spec,
    layer_upload_spec,
    repository_spec,
)
from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.connection import check_connection
from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.failure import layer_facts
from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.module import EcrModule
from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.request import (
    advising,
    check_quoted,
    checked_part_size,
    checked_repository,
)
from ansible_collections.layerkit.ecr.plugins.module_utils._core.errors import InvalidInputError, TaskError
from ansible_collections.layerkit.ecr.plugins.module_utils._core.task import most_at_once
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.acceptance import check_image, check_tags
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.call import SOURCE, TARGET
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.images import Images
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.stored_image import RepositoryReader
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.attachments import with_referrers
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.image import assemble_image, blobs_of, listed_image
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.platform import Platform
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.reference import checked_digests, checked_tags
from ansible_collections.layerkit.ecr.plugins.module_utils._transfer.relay import MAX_FETCHES, Relay, part_size_for
from ansible_collections.layerkit.ecr.plugins.module_utils._transfer.survey import Known
from ansible_collections.layerkit.ecr.plugins.module_utils._transfer.transfer import ImageTransfer
from ansible_collections.layerkit.ecr.plugins.module_utils._upload.layer import UploadOptions

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.failure import Result
    from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.call import Repository
    from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.client import EcrClient
    from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.stored_image import RepositoryImage
    from ansible_collections.layerkit.ecr.plugins.module_utils._oci.image import Image
    from ansible_collections.layerkit.ecr.plugins.module_utils._transfer.plan import ImagePlan

MAX_PARALLEL = 32


@dataclass(frozen=True)
class CopySource:
    """Where the image comes from; ``connection`` are the connection options that differ from those of the task.

    Either ``tag`` or ``digest`` is given.
    """

    repository: Repository
    tag: str | None
    digest: str | None
    connection: t.Mapping[str, t.Any]

    @property
    def image(self) -> str:
        """The tag or the digest."""
        return self.tag or t.cast(str, self.digest)


@dataclass(frozen=True)
class CopyRequest:
    """What the task asks for."""

    repository: Repository
    source: CopySource
    tags: tuple[str, ...]
    platforms: tuple[Platform, ...]
    referrers: bool
    overwrite: bool
    expected_digest: str | None
    parallel: int
    options: UploadOptions

    @property
    def has_one_registry(self) -> bool:
        """Whether source and target name the same account, or have the same credentials and name none."""
        source, target = self.source, self.repository
        is_same_caller = not source.connection.keys() & CREDENTIALS
        return source.repository.registry_id == target.registry_id and (bool(target.registry_id) or is_same_caller)


def read(module: EcrModule) -> CopyRequest:
    options, parallel = module.params, module.params["parallel"]
    repository = checked_repository(options, role=TARGET)
    check_quoted(module.options_as_written, "tags")
    if not 1 <= parallel <= MAX_PARALLEL:
        raise InvalidInputError(f"parallel {parallel} must be 1 to {MAX_PARALLEL}")
    source = read_source(module)
    default_tags = [source.tag] if source.tag else []
    tags = tuple(checked_tags(default_tags if options["tags"] is None else options["tags"], "tags"))
    check_tags(tags)
    expected = options["expected_digest"]
    if expected is not None:
        checked_digests([expected], "expected_digest")
    part_size = checked_part_size(options)
    return CopyRequest(
        repository=repository,
        source=source,
        tags=tags,
        platforms=tuple(Platform.parse(platform, "platforms") for platform in options["platforms"]),
        referrers=options["referrers"],
        overwrite=options["overwrite"],
        expected_digest=expected,
        parallel=parallel,
        options=UploadOptions(part_size, state_directory=options["state_dir"], accepts_upload_id=False),
    )


def read_source(module: EcrModule) -> CopySource:
    target, source = module.params, module.params["source"]
    as_written = module.options_as_written.get("source")
    if isinstance(as_written, dict):
        check_quoted({"source.tag": as_written.get("tag")}, "source.tag")
    given = {option: source[option] for option in connection_spec() if source[option] is not None}
    if given.keys() & CREDENTIALS:
        given = {**dict.fromkeys(CREDENTIALS), **given}
    different = {option: value for option, value in given.items() if value != target[option]}
    registry_id = source["registry_id"]
    if not different.keys() & CREDENTIALS:
        # Otherwise, the registry_id of the task may be the account of another user.
        registry_id = registry_id or target["registry_id"]
    # A fault of the options of the task is not one of the source, which inherits them.
    check_connection(target)
    check_connection({**target, **given}, prefix="source.")
    names = {"repository_name": source["repository_name"] or target["repository_name"], "registry_id": registry_id}
    repository = checked_repository(names, subject="source", role=SOURCE)
    tag, digest = source["tag"], source["digest"]
    if tag is None and digest is None:
        # Ansible accepts an option that is null.
        raise InvalidInputError("source names no image", "Set source.tag or source.digest")
    if tag is not None:
        checked_tags([tag], "source.tag")
    if digest is not None:
        checked_digests([digest], "source.digest")
    return CopySource(repository, tag, digest, different)


def act(module: EcrModule, client: EcrClient, request: CopyRequest) -> Result:
    copy = Copy(module, client, request)
    try:
        return copy.run()
    except TaskError as error:
        # What failed can be about the source. These keys are always about the target.
        names = {"registry_id": copy.account, "repository_name": request.repository.name}
        module.fail(error, **names, source=copy.source_result(), **copy.failure(error))


class Copy:
    """The copy of one image."""

    def __init__(self, module: EcrModule, client: EcrClient, request: CopyRequest) -> None:
        self._module = module
        self._client = client
        self._request = request
        self._found: RepositoryImage | None = None
        # Whether the image only gets further tags.
        self._is_within_repository = False
        self._transfer: ImageTransfer | None = None

    def run(self) -> Result:
        """Copy the image, or predict it, and return the result."""
        found, known = self._ask()
        self._check_expected(found)
        with Relay(found, self._module.task) as relay:
            image = self._image(found, relay)
            part_size = self._request.options.part_size
            part_size = part_size or part_size_for(blob.size for blob in blobs_of(image.parts).values())
            check = partial(check_image, name=str(self._request.source.repository), part_size=part_size)
            check(image)
            options = replace(self._request.options, part_size=part_size)
            self._transfer = transfer = ImageTransfer(
                self._client, options, self._request.parallel, self._module.task, dry_run=self._module.check_mode
            )
            # The answer to PutImage says enough of an image that was there before.
            verifies = not self._is_within_repository
            self._check_tags(transfer.plan(image, self._request.tags, check, known, verifies))
            transfer.run()
        names = {"registry_id": self.account, "repository_name": self._request.repository.name}
        return {**transfer.result(), **names, "source": self.source_result()}

    @property
    def account(self) -> str | None:
        """The AWS account of the target."""
        return (self._transfer.account if self._transfer else None) or self._request.repository.registry_id

    def source_result(self) -> Result:
        """Return what is known of the source."""
        source, found = self._request.source, self._found
        return {
            "digest": found.root.digest if found else source.digest,
            "registry_id": (found.registry_id if found else None) or source.repository.registry_id,
            "repository": source.repository.name,
            "tag": source.tag,
        }

    def failure(self, error: TaskError) -> Result:
        """Return what the result says of a run that failed."""
        return {**self._transfer.failure(), **layer_facts(error)} if self._transfer else {}

    def _ask(self) -> tuple[RepositoryImage, Known]:
        """Return the image of the source, and what the target has of it: one request for each, or for both."""
        request, source = self._request, self._source_client()
        reader = RepositoryReader(source, self._module.task, MAX_FETCHES)
        may_be_within = not request.platforms and self._has_same_name(source)
        found, stored = reader.find(request.source.image, request.tags if may_be_within else ())
        self._found = found
        is_account = found.registry_id is not None and found.registry_id == request.repository.registry_id
        if may_be_within and (request.has_one_registry or is_account):
            self._is_within_repository = True
            return found, Known(tags=frozenset(request.tags), stored=stored)
        digests = [found.root.digest, *found.children]
        stored = Images(self._client).get(digests, request.tags)
        found.learn(stored.by_digest.values())
        # Only the answers say which account the credentials belong to.
        is_one_account = found.registry_id is not None and stored.registry_id == found.registry_id
        self._is_within_repository = may_be_within and is_one_account
        return found, Known(frozenset(digests), frozenset(request.tags), stored)

    def _has_same_name(self, source: EcrClient) -> bool:
        """Return whether source and target are one repository, if they are in one registry."""
        target = self._client
        return (source.repository.name, source.region, source.endpoint) == (
            target.repository.name,
            target.region,
            target.endpoint,
        )

    def _source_client(self) -> EcrClient:
        source = self._request.source
        if not source.connection:
            return self._client.for_repository(source.repository)
        connections = MAX_FETCHES + self._request.parallel
        return self._client.connect(
            self._module, source.repository, self._module.task, connections=connections, options=source.connection
        )

    def _image(self, found: RepositoryImage, relay: Relay) -> Image:
        name = str(self._request.source.repository)
        if self._is_within_repository:
            return replace(listed_image(found, name), reader=relay)
        image = replace(assemble_image(found, self._request.platforms, name, is_exact=True), reader=relay)
        if not self._request.referrers:
            return image
        with advising("Set referrers: false to copy the image without what refers to it"):
            return with_referrers(image, name, self._module.task)

    def _check_expected(self, found: RepositoryImage) -> None:
        expected = self._request.expected_digest
        if expected not in (None, found.root.digest):
            raise InvalidInputError(
                f"Image {self._request.source.image} of {self._request.source.repository} is {found.root.digest}, not "
                f"{expected} as expected_digest states",
                "Check which image is to be copied",
            )

    def _check_tags(self, plan: ImagePlan) -> None:
        for step in plan.tags_of_all:
            if not self._request.overwrite and step.before and step.moves:
                raise InvalidInputError(
                    f"Tag {step.tag} of {self._request.repository} is on {step.before}. It is not moved to "
                    f"{step.after}, because overwrite is false",
                    "Choose another tag, or set overwrite to true",
                )


def main() -> None:
    source_spec = {
        **repository_spec(),
        **connection_spec(),
        "tag": {"type": "str"},
        "digest": {"type": "str"},
    }
    spec = {
        **repository_spec(required=True),
        **layer_upload_spec(),
        "source": {
            "type": "dict",
            "required": True,
            "options": source_spec,
            "mutually_exclusive": [("tag", "digest")],
            "required_one_of": [("tag", "digest")],
        },
        "tags": {"type": "list", "elements": "str"},
        "platforms": {"type": "list", "elements": "str", "default": []},
        "referrers": {"type": "bool", "default": True},
        "overwrite": {"type": "bool", "default": True},
        "expected_digest": {"type": "str"},
        "parallel": {"type": "int", "default": 8},
    }
    module = EcrModule(argument_spec=spec)
    # Without connection options of its own, the source is read by the same client.
    module.run(read, act, connections=most_at_once(module.params["parallel"]) + MAX_FETCHES)


if __name__ == "__main__":
    main()
