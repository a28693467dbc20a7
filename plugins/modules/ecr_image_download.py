#!/usr/bin/python
# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ecr_image_download
version_added: 2.0.0
short_description: Download a container image from Amazon ECR into files
description:
  - Downloads an image from an Amazon ECR repository into an OCI image layout or an archive. The module calls the AWS
    API and needs no container engine, no C(docker login) and no registry token.
  - It fetches only what is missing or damaged. If O(dest) contains the image already, the task sends one request, and
    those that look for referrers (see O(referrers)), and changes nothing.
  - M(layerkit.ecr.ecr_image), C(skopeo), C(podman), C(umoci) and C(docker load) read what it writes.
options:
  tag:
    description:
      - The tag of the image to download.
      - Quote it. YAML reads V(1.10) as the number V(1.1).
      - One of O(tag) and O(digest) is required.
    type: str
  digest:
    description:
      - The digest of the image or index to download, V(sha256:) and 64 lower-case hexadecimal digits.
    type: str
  dest:
    description:
      - The path to write to, on the host that runs the module. The directory that contains it must exist.
      - With O(format=oci), the directory of the layout, which the module creates. Other images in the layout stay. A
        directory that contains something else is left alone, and the task fails.
      - With the other formats, the archive. It is replaced when the new one is complete.
      - Symbolic links within a layout are not followed. O(dest) itself can be one.
    type: path
    required: true
  format:
    description:
      - V(oci) is the directory of an OCI image layout.
      - V(oci-archive) is a tar archive of one, with this image alone.
      - V(docker-archive) is a tar archive for C(docker load). It holds a single platform and has no signatures. Its
        layers stay compressed, with gzip or not at all. Other compressions are not supported.
      - The same image always gives the same bytes of an archive.
    type: str
    choices:
      - oci
      - oci-archive
      - docker-archive
    default: oci
  platforms:
    description:
      - The platforms of a multi-platform image to download, each as V(os/architecture) or V(os/architecture/variant),
        for example V(linux/amd64) or V(linux/arm64/v8).
      - If one platform is given, its image is written without the index, with its own digest.
      - If several platforms are given, they are written with an index of these platforms only, which has another digest
        than the one in the repository. Attestations do not belong to a platform and are skipped.
      - If not given, the image is written unchanged, byte for byte. A V(docker-archive) needs one platform if the image
        has several.
    type: list
    elements: str
    default: []
  reference_name:
    description:
      - The name of the image in O(dest). In a layout, it replaces the entry of the same name.
      - If not given, O(tag) is used, and with O(format=docker-archive) O(repository_name) and O(tag), for example
        V(my-app:1.4.2). An image that is downloaded by O(digest) has no name then.
    type: str
  referrers:
    description:
      - Whether to download what refers to the image as well, such as signatures, SBOMs and attestations.
      - These are the images that the registry lists as referrers, those that the index with the tag C(sha256-DIGEST)
        lists, and those with the tags of cosign (C(sha256-DIGEST.sig), C(.att) and C(.sbom)). What refers to one of
        them is downloaded, too.
      - In O(dest), each has an entry of its own. M(layerkit.ecr.ecr_image) finds them there and pushes them with the
        image.
      - To look for them, each run sends one request for each manifest, and one for the tags, because new ones can be
        found only by asking. So a second run sends three requests for an image that is no index and that nothing refers
        to, and one with V(false). A V(docker-archive) cannot hold them, and nothing is sent.
    type: bool
    default: true
  parallel:
    description:
      - The number of requests to send at the same time, V(1) to V(32). A large layer is fetched by several of them.
    type: int
    default: 8
  mode:
    description:
      - The permissions of O(dest), as for M(ansible.builtin.file).
      - In a layout, they are those of directories. The files of the image get them without the execute permission.
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - The image that the target lists, and the layers and manifests that are fetched. What
        stays as it is does not appear, and digests are shortened.
  idempotent:
    support: full
notes:
  - The required IAM actions are C(ecr:BatchGetImage) and C(ecr:GetDownloadUrlForLayer). With them, the module also
    lists referrers. To download from another account, its repository policy has to allow them, too.
    C(ecr:DescribeImages) is optional. With it, the error for an image that is archived says so.
  - The bytes of layers come from Amazon S3, by URLs that Amazon ECR signs. A host in a private network needs an S3
    gateway endpoint, whose policy allows C(s3:GetObject) on C(arn:aws:s3:::prod-REGION-starport-layer-bucket/*).
  - The digest of every layer is checked before the layer gets its name. The list of images comes last, so a task that
    is interrupted leaves a layout with the images that it had. The next task resumes from the bytes that were written.
  - Until a layout is complete, the unfinished files are in the directory V(.ecr_image_download) of O(dest). The
    unfinished file of an archive has the same directory and name as O(dest), with V(.) before and V(.partial) after
    the name. If that is too long, the SHA-256 digest of the name stands for it.
  - Layers of images that a layout no longer lists are not removed. Use C(umoci gc --layout DIRECTORY).
  - Layers that have C(urls) in the manifest are skipped, because Amazon ECR does not store them.
  - Reading an image sets its last recorded pull time in Amazon ECR.
  - O(unsafe_writes) has no effect. Files are always replaced atomically.
  - Amazon ECR Public is not supported.
seealso:
  - module: layerkit.ecr.ecr_image
  - module: layerkit.ecr.ecr_image_info
  - ref: ansible_collections.layerkit.ecr.docsite.guide_air_gap
    description: The guide to networks without access to the registry.
  - name: GetDownloadUrlForLayer
    description: The operation in the Amazon ECR API reference.
    link: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetDownloadUrlForLayer.html
author:
  - layerkit.ecr contributors (@layerkit)
extends_documentation_fragment:
  - ansible.builtin.files
  - layerkit.ecr._ecr.registry
  - layerkit.ecr._ecr.repository
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
- name: Download an image into an OCI image layout
  layerkit.ecr.ecr_image_download:
    repository_name: my-app
    tag: "1.4.2"
    dest: build/my-app
  register: downloaded

- name: Print how much was downloaded
  ansible.builtin.debug:
    msg: "{{ downloaded.bytes_fetched | ansible.builtin.human_readable }}"

- name: Download an archive for docker load
  layerkit.ecr.ecr_image_download:
    repository_name: my-app
    tag: "1.4.2"
    dest: build/my-app-docker.tar
    format: docker-archive
    platforms:
      - linux/amd64
    mode: "0644"

- name: Download exactly this image, and name it in the archive
  layerkit.ecr.ecr_image_download:
    repository_name: my-app
    digest: "{{ downloaded.image.digest }}"
    dest: build/my-app-oci.tar
    format: oci-archive
    reference_name: my-app:1.4.2

- name: Download from the registry of another account
  layerkit.ecr.ecr_image_download:
    registry_id: "123456789012"
    repository_name: my-app
    tag: "1.4.2"
    dest: build/my-app

- name: Show what a download would fetch, without fetching it
  layerkit.ecr.ecr_image_download:
    repository_name: my-app
    tag: "1.5.0"
    dest: build/my-app
  check_mode: true
  diff: true

- name: Carry an image into another registry by way of a file
  block:
    - name: Download the image
      layerkit.ecr.ecr_image_download:
        repository_name: my-app
        tag: "1.4.2"
        dest: build/transfer.tar
        format: oci-archive

    - name: Push it on the other side
      layerkit.ecr.ecr_image:
        repository_name: mirror/my-app
        src: build/transfer.tar
        image: "1.4.2"
        tags:
          - "1.4.2"
"""

RETURN = r"""
attempts:
  description: The number of times the request that failed was sent.
  type: int
  returned: when a request failed
  sample: 7
bytes_fetched:
  description:
    - The number of blob bytes that this task downloaded.
    - In check mode, the number of bytes that a run would download.
  type: int
  returned: success and when a download failed
  sample: 3625264
bytes_present:
  description: The number of blob bytes that O(dest) had already, including those of an interrupted download.
  type: int
  returned: success and when a download failed
  sample: 0
dest:
  description: The path that the image was written to.
  type: str
  returned: success and when a download failed
  sample: /srv/images/my-app
error:
  description:
    - The error returned by AWS.
    - To handle a certain error in a playbook, compare RV(error.code). The text of messages can change in any release.
  type: dict
  returned: when a request failed or could not be made
  contains:
    code:
      description:
        - The error code of Amazon ECR or of Amazon S3, for example V(RepositoryNotFoundException) or V(SlowDown).
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
format:
  description: The format that was written.
  type: str
  returned: success and when a download failed
  sample: oci
gid:
  description: The ID of the group of O(dest).
  type: int
  returned: when O(dest) exists
  sample: 1000
group:
  description: The group of O(dest).
  type: str
  returned: when O(dest) exists
  sample: deploy
image:
  description: The image in O(dest).
  type: dict
  returned: success and when a download failed
  contains:
    digest:
      description: The digest of the manifest or index.
      type: str
      returned: success and when a download failed
      sample: sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
    media_type:
      description: The media type of the manifest or index.
      type: str
      returned: success and when a download failed
      sample: application/vnd.oci.image.manifest.v1+json
    platforms:
      description: The platforms that the index states, or that O(platforms) selects. Empty for other images.
      type: list
      elements: str
      returned: success and when a download failed
      sample:
        - linux/amd64
    repository_uri:
      description: The URI of the repository.
      type: str
      returned: success and when a download failed
      sample: 123456789012.dkr.ecr.eu-west-1.amazonaws.com/my-app
    uri:
      description:
        - The image reference, pinned by digest.
        - V(null) if several O(platforms) are given, because the repository does not have the index of these alone.
      type: str
      returned: success and when a download failed
      sample: >-
        123456789012.dkr.ecr.eu-west-1.amazonaws.com/my-app@sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
kms_error:
  description: The error returned by AWS KMS.
  type: str
  returned: when the repository's KMS key cannot be used and AWS reports why
  sample: DisabledException
layers:
  description:
    - One entry for each blob of the image and of RV(referrers), including the configurations.
    - After a failure, without those that were already there.
  type: list
  elements: dict
  returned: success and when a download failed
  contains:
    action:
      description:
        - V(fetched) if this task downloaded the blob or the rest of it, or would download it in check mode.
        - V(present) if O(dest) already has the blob.
        - V(skipped) if the blob is not stored in Amazon ECR.
        - V(failed) if the task failed before it had the blob.
      type: str
      returned: success and when a download failed
      sample: fetched
    digest:
      description: The digest of the blob.
      type: str
      returned: success and when a download failed
      sample: sha256:fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9
    media_type:
      description: The media type of the blob in the manifest.
      type: str
      returned: success and when a download failed
      sample: application/vnd.oci.image.layer.v1.tar+gzip
    reason:
      description: The reason for the action, as text.
      type: str
      returned: success and when a download failed
      sample: it is not in the target
    size:
      description: The size of the blob in bytes.
      type: int
      returned: success and when a download failed
      sample: 3623807
manifests:
  description: One entry for each manifest, and for the index if there is one, the images of an index before the index.
  type: list
  elements: dict
  returned: success
  contains:
    action:
      description:
        - V(fetched) if this task wrote the manifest, or would write it in check mode.
        - V(present) if O(dest) already has the manifest.
      type: str
      returned: success
      sample: fetched
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
      description: The platform of the image. V(null) if it is not known.
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
mode:
  description: The permissions of O(dest).
  type: str
  returned: when O(dest) exists
  sample: "0755"
msg:
  description:
    - What the task did, in one sentence, or why it failed and what to do. In check mode, what the task would do.
    - The text can change in any release.
  type: str
  returned: always
  sample: my-app:1.4.3 (sha256:59d4c1a2b3e4…) -> images/my-app, 5 layers fetched (48 MiB), 0 there
owner:
  description: The owner of O(dest).
  type: str
  returned: when O(dest) exists
  sample: deploy
reference_name:
  description: The name of the image in O(dest). V(null) if it has none.
  type: str
  returned: success and when a download failed
  sample: "1.4.2"
referrers:
  description:
    - One entry for each signature, SBOM or attestation that refers to the image.
    - Empty if O(referrers=false) or O(format=docker-archive).
  type: list
  elements: dict
  returned: success
  contains:
    action:
      description:
        - V(fetched) if this task wrote the manifest of the referrer, or would write it in check mode.
        - V(present) if O(dest) already has the manifest.
      type: str
      returned: success
      sample: fetched
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
  description: The AWS account of the registry, as given in O(registry_id) or as returned by the registry.
  type: str
  returned: when it is known
  sample: '123456789012'
repository_name:
  description: The name of the repository.
  type: str
  returned: success and when a request failed
  sample: my-app
size:
  description: The size of the archive, or of the entry of the directory, in bytes.
  type: int
  returned: when O(dest) exists
  sample: 3626496
state:
  description: V(directory) for a layout, V(file) for an archive.
  type: str
  returned: when O(dest) exists
  sample: directory
uid:
  description: The ID of the owner of O(dest).
  type: int
  returned: when O(dest) exists
  sample: 1000
"""

import typing as t
from dataclasses import dataclass, replace
from pathlib import Path

from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.argspec import repository_spec
from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.module import EcrModule
from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.request import check_quoted, checked_repository
from ansible_collections.layerkit.ecr.plugins.module_utils._core.errors import InvalidInputError, TaskError
from ansible_collections.layerkit.ecr.plugins.module_utils._core.text import listed, printable, shortened
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.stored_image import RepositoryReader
from ansible_collections.layerkit.ecr.plugins.module_utils._local.archive_plan import docker_archive, oci_archive
from ansible_collections.layerkit.ecr.plugins.module_utils._local.archive_writer import ArchiveTarget
from ansible_collections.layerkit.ecr.plugins.module_utils._local.layout_writer import LayoutTarget
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.attachments import with_referrers
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.image import assemble_image
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.platform import Platform
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.reference import (
    checked_digests,
    checked_docker_name,
    checked_ref_name,
    checked_tags,
)
from ansible_collections.layerkit.ecr.plugins.module_utils._transfer.download import ImageDownload
from ansible_collections.layerkit.ecr.plugins.module_utils._transfer.download_plan import content_of
from ansible_collections.layerkit.ecr.plugins.module_utils._transfer.download_result import (
    download_diff,
    download_message,
    downloaded_image,
    fetched_layers,
    fetched_manifests,
    fetched_referrers,
)
from ansible_collections.layerkit.ecr.plugins.module_utils._transfer.entries import layers_of_failure
from ansible_collections.layerkit.ecr.plugins.module_utils._transfer.held_first import HeldFirst

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.failure import Result
    from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.file_attributes import AttributeChanges
    from ansible_collections.layerkit.ecr.plugins.module_utils._core.task import Task
    from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.call import Repository
    from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.client import EcrClient
    from ansible_collections.layerkit.ecr.plugins.module_utils._oci.image import Image
    from ansible_collections.layerkit.ecr.plugins.module_utils._oci.store import ImageWriter

OCI = "oci"
OCI_ARCHIVE = "oci-archive"
DOCKER_ARCHIVE = "docker-archive"
MAX_PARALLEL = 32
MAX_LISTED = 20


@dataclass(frozen=True)
class DownloadRequest:
    """What the task asks for; ``image`` is a tag or a digest, ``dest`` a path, and ``name`` that of the image there."""

    repository: Repository
    image: str
    dest: str
    kind: str
    platforms: tuple[Platform, ...]
    name: str | None
    referrers: bool
    parallel: int

    def target(self, task: Task) -> ImageWriter:
        """Return the place that the image is written to."""
        label = f"dest {self.dest!r}"
        if self.kind == OCI:
            return LayoutTarget(self.dest, label, task, self.parallel)
        plan = oci_archive if self.kind == OCI_ARCHIVE else docker_archive
        return ArchiveTarget(self.dest, label, plan, task, self.parallel)


def read(module: EcrModule) -> DownloadRequest:
    options, parallel = module.params, module.params["parallel"]
    repository = checked_repository(options)
    check_quoted(module.options_as_written, "tag", "reference_name")
    if not 1 <= parallel <= MAX_PARALLEL:
        raise InvalidInputError(f"parallel {parallel} must be 1 to {MAX_PARALLEL}")
    if not options["dest"]:
        raise InvalidInputError("dest is empty", "Give the path of a directory or an archive")
    if options["tag"] is not None:
        checked_tags([options["tag"]], "tag")
    else:
        checked_digests([options["digest"]], "digest")
    return DownloadRequest(
        repository=repository,
        image=options["tag"] or options["digest"],
        dest=options["dest"],
        kind=options["format"],
        platforms=tuple(Platform.parse(platform, "platforms") for platform in options["platforms"]),
        name=checked_name(options),
        referrers=options["referrers"] and options["format"] != DOCKER_ARCHIVE,
        parallel=parallel,
    )


def checked_name(options: t.Mapping[str, t.Any]) -> str | None:
    name, tag, is_docker = options["reference_name"], options["tag"], options["format"] == DOCKER_ARCHIVE
    if name is not None:
        return (checked_docker_name if is_docker else checked_ref_name)(name, "reference_name")
    return f"{options['repository_name']}:{tag}" if is_docker and tag else tag


def act(module: EcrModule, client: EcrClient, request: DownloadRequest) -> Result:
    target = request.target(module.task)
    stored = RepositoryReader(client, module.task, request.parallel).choose(request.image)
    # From here on, all that is read is fetched, and counts as fetched.
    image = replace(chosen(HeldFirst(stored, target), request), reader=stored)
    if request.referrers:
        image = with_referrers(image, str(request.repository), module.task)
    content = content_of(image, request.name)
    found = target.survey(content)
    downloading = ImageDownload(image, content, found, target, request.parallel, module.task)
    paths = target.paths(content)
    there = {path for path in paths if Path(path).exists()}
    registry_id = request.repository.registry_id or stored.registry_id
    result = {
        "dest": request.dest,
        "format": request.kind,
        "reference_name": request.name,
        "registry_id": registry_id,
        "repository_name": request.repository.name,
    }
    uri = client.uri(registry_id) if registry_id else None
    if not module.check_mode:
        try:
            downloading.run()
        except TaskError as error:
            module.fail(error, changed=False, **result, **failure_of(downloading, uri))
    plan = downloading.outcome if downloading.changed else downloading.plan
    attributes = module.set_file_attributes(paths, is_tree=request.kind == OCI)
    outcome = prediction_of(downloading, uri) if module.check_mode else outcome_of(downloading, uri)
    return {
        "changed": plan.changed or attributes.changed,
        "msg": download_message(plan, name_of(request), request.dest, outcome, module.check_mode),
        "diff": {"prepared": download_diff(plan)["prepared"] + attribute_changes(attributes, there)},
        "manifests": fetched_manifests(plan),
        "referrers": fetched_referrers(plan),
        **outcome,
        **result,
    }


def name_of(request: DownloadRequest) -> str:
    mark = "@" if request.image.startswith("sha256:") else ":"
    return f"{request.repository.name}{mark}{shortened(request.image) if mark == '@' else request.image}"


def chosen(source: HeldFirst, request: DownloadRequest) -> Image:
    platforms = request.platforms
    if request.kind == DOCKER_ARCHIVE and not platforms:
        platforms = only_platform(source, request)
    return assemble_image(source, platforms, str(request.repository), is_exact=True)


def only_platform(source: HeldFirst, request: DownloadRequest) -> tuple[Platform, ...]:
    """Return the platform of an index that has one, besides attestations; nothing for an image without an index."""
    entries = source.root_manifest().entries
    found = list(dict.fromkeys(entry.platform for entry in entries if entry.platform and entry.platform.is_known))
    if len(found) > 1:
        raise InvalidInputError(
            f"{request.image} of {request.repository} has {len(found)} platforms, and a docker-archive holds one",
            f"Set platforms to one of these: {listed(list(map(str, found)), MAX_LISTED)}",
        )
    return tuple(found)


def attribute_changes(attributes: AttributeChanges, there: t.Container[str]) -> str:
    """Return the lines of a diff for what changes of files that were there before."""
    return "".join(
        f"{printable(path)}: {name} {attributes.before[path].get(name)} -> {value}\n"
        for path, found in attributes.after.items()
        if path in there
        for name, value in found.items()
    )


def outcome_of(downloading: ImageDownload, uri: str | None) -> Result:
    plan = downloading.outcome
    return {"image": downloaded_image(plan, uri), **fetched_layers(plan, downloading.bytes_fetched)}


def failure_of(downloading: ImageDownload, uri: str | None) -> Result:
    return layers_of_failure(outcome_of(downloading, uri))


def prediction_of(downloading: ImageDownload, uri: str | None) -> Result:
    return {"image": downloaded_image(downloading.plan, uri), **fetched_layers(downloading.plan)}


def main() -> None:
    spec = {
        **repository_spec(required=True),
        "tag": {"type": "str"},
        "digest": {"type": "str"},
        "dest": {"type": "path", "required": True},
        "format": {"type": "str", "choices": [OCI, OCI_ARCHIVE, DOCKER_ARCHIVE], "default": OCI},
        "platforms": {"type": "list", "elements": "str", "default": []},
        "reference_name": {"type": "str"},
        "referrers": {"type": "bool", "default": True},
        "parallel": {"type": "int", "default": 8},
    }
    module = EcrModule(
        argument_spec=spec,
        required_one_of=[["tag", "digest"]],
        mutually_exclusive=[["tag", "digest"]],
        add_file_common_args=True,
        sends=False,
    )
    module.run(read, act, connections=module.params["parallel"])


if __name__ == "__main__":
    main()
