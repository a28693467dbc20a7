#!/usr/bin/python
# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ecr_image_info
version_added: 1.0.0
short_description: Look up or list container images in Amazon ECR
description:
  - Returns the digest, the manifest, the size and all tags of images, which are looked up by tag or by digest.
  - An image that does not exist is listed in RV(missing). It is not an error.
  - Without O(tags) and O(digests), lists all images of the repository, without their manifests.
options:
  tags:
    description:
      - The tags to look up.
      - Quote tags. YAML reads V(1.10) as the number V(1.1).
      - An empty list looks up nothing, so a list that a playbook computes can be empty. To list all images, leave out
        O(tags) and O(digests).
    type: list
    elements: str
  digests:
    description:
      - The digests of the images or indexes to look up. A digest is V(sha256:) and 64 lower-case hexadecimal digits.
      - An empty list looks up nothing.
    type: list
    elements: str
  tag_status:
    description:
      - Lists only images that have a tag, with V(tagged), or only those that have none, with V(untagged).
      - The images of an index, and signatures and other referrers, usually have no tags.
      - Only for the list of all images. Cannot be used with O(tags) or O(digests).
      - If not given, V(any) is used.
    version_added: 2.0.0
    type: str
    choices:
      - any
      - tagged
      - untagged
  image_status:
    description:
      - Lists only images that can be pulled, with V(active), only archived images, with V(archived), or all, with
        V(any). Images that are being restored from the archive are listed with V(any) only.
      - V(archived) and V(any) require a version of botocore that knows archived images.
      - Only for the list of all images. Cannot be used with O(tags) or O(digests), which also find archived images.
      - If not given, V(active) is used.
    version_added: 2.0.0
    type: str
    choices:
      - active
      - archived
      - any
  referrers:
    description:
      - Whether to return what refers to each image in RV(images[].referrers), such as signatures, SBOMs and
        attestations.
      - The module asks the registry for each image, and follows the tags of cosign and the tag C(sha256-DIGEST). This
        takes one request an image, and another one for every 25 images.
    version_added: 2.0.0
    type: bool
    default: false
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
  - To look images up, the required IAM action is C(ecr:BatchGetImage). C(ecr:DescribeImages) is optional. Without it,
    the module warns, does not return size, times and status, and returns only those tags of an image that were looked
    up. Archived images are then missing, or the task fails.
  - To list all images, C(ecr:DescribeImages) alone is required. The registry answers up to 1000 images in a request.
  - O(referrers) requires C(ecr:BatchGetImage), which allows C(ListImageReferrers) as well. If the registry refuses
    C(ListImageReferrers), or if the endpoint or botocore does not know it, the module warns and returns only those
    referrers that tags lead to.
  - Amazon ECR Public is not supported.
seealso:
  - module: layerkit.ecr.ecr_image
  - ref: ansible_collections.layerkit.ecr.docsite.guide_images
    description: The guide to image formats, platforms, and what a push does.
  - ref: ansible_collections.layerkit.ecr.docsite.guide_cleanup
    description: The guide to listing and removing images.
  - name: BatchGetImage
    description: The operation in the Amazon ECR API reference.
    link: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchGetImage.html
  - name: DescribeImages
    description: The operation in the Amazon ECR API reference.
    link: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImages.html
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
- name: Look up two tags
  layerkit.ecr.ecr_image_info:
    repository_name: my-app
    tags:
      - "1.4.2"
      - latest
  register: info

- name: Print the tags that do not exist
  ansible.builtin.debug:
    var: info.missing

- name: Print the digests of the images
  ansible.builtin.debug:
    msg: "{{ info.images | map(attribute='digest') }}"

- name: Look up an image by digest in the registry of another account
  layerkit.ecr.ecr_image_info:
    registry_id: "123456789012"
    repository_name: my-app
    digests:
      - sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae

- name: List all images, the newest first
  layerkit.ecr.ecr_image_info:
    repository_name: my-app
  register: all_images

- name: Print the tags of the ten newest images
  ansible.builtin.debug:
    msg: "{{ (all_images.images | map(attribute='tags'))[:10] }}"

- name: List the images without a tag, in the archive as well
  layerkit.ecr.ecr_image_info:
    repository_name: my-app
    tag_status: untagged
    image_status: any

- name: Look for the signatures and SBOMs of an image
  layerkit.ecr.ecr_image_info:
    repository_name: my-app
    tags:
      - "1.4.2"
    referrers: true
  register: signed

- name: Print what refers to the image
  ansible.builtin.debug:
    msg: "{{ signed.images[0].referrers | map(attribute='artifact_type') }}"

- name: Wait until another pipeline has pushed the image
  layerkit.ecr.ecr_image_info:
    repository_name: my-app
    tags:
      - "1.4.2"
  register: waiting
  until: waiting is succeeded and not waiting.missing
  retries: 30
  delay: 10
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
images:
  description:
    - One entry for each image that exists, in the order of O(tags) and then O(digests).
    - In the list of all images, the image that was pushed last is the first. Images that were pushed at the same time
      are in the order of their digests.
  type: list
  elements: dict
  returned: success
  contains:
    artifact_type:
      description:
        - The artifact type of the manifest, or the media type of its configuration.
        - V(null) if the registry does not report it.
      version_added: 2.0.0
      type: str
      returned: success
      sample: application/vnd.oci.image.config.v1+json
    digest:
      description: The digest of the manifest or index.
      type: str
      returned: success
      sample: sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
    last_pulled_at:
      description:
        - The time of the last pull in UTC, which the registry updates about once in 24 hours.
        - V(null) if the image was never pulled, or if the registry does not report it.
      version_added: 2.0.0
      type: str
      returned: success
      sample: "2026-02-04T05:06:07+00:00"
    manifest:
      description: The parsed manifest or index. V(null) if it is not JSON, and for an archived image.
      type: dict
      returned: if O(tags) or O(digests) is given
      sample:
        schemaVersion: 2
        mediaType: application/vnd.oci.image.index.v1+json
        manifests: []
    media_type:
      description: The media type of the manifest or index.
      type: str
      returned: success
      sample: application/vnd.oci.image.index.v1+json
    pushed_at:
      description: The time of the push in UTC. V(null) if the registry does not report it.
      type: str
      returned: success
      sample: "2026-02-03T04:05:06+00:00"
    raw_manifest:
      description:
        - The manifest or index as it is stored. RV(images[].digest) is the digest of this text.
        - V(null) for an archived image.
      type: str
      returned: if O(tags) or O(digests) is given
      sample: '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}'
    status:
      description:
        - The storage status of the image. An V(ARCHIVED) image cannot be pulled until it is restored, for example by a
          push of the same image. It is V(ACTIVATING) while it is restored, and V(ACTIVE) otherwise.
        - V(null) if the registry does not report it, without C(ecr:DescribeImages), or if botocore does not know it.
      version_added: 2.0.0
      type: str
      returned: success
      sample: ACTIVE
    referrers:
      description:
        - One entry for each image that refers to this one. What refers to one of these is not listed with this image.
        - Only if O(referrers=true).
      version_added: 2.0.0
      type: list
      elements: dict
      returned: when O(referrers=true)
      contains:
        annotations:
          description: The annotations of the manifest, as the registry reports them.
          type: dict
          returned: when O(referrers=true)
          sample:
            org.opencontainers.image.created: "2026-02-03T04:05:06Z"
        artifact_type:
          description: What it is. V(null) if the registry does not report it.
          type: str
          returned: when O(referrers=true)
          sample: application/spdx+json
        digest:
          description: The digest of its manifest or index.
          type: str
          returned: when O(referrers=true)
          sample: sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
        media_type:
          description: The media type of its manifest or index.
          type: str
          returned: when O(referrers=true)
          sample: application/vnd.oci.image.manifest.v1+json
        size:
          description: The size of its manifest in bytes. V(null) if the registry does not report it.
          type: int
          returned: when O(referrers=true)
          sample: 742
        status:
          description:
            - Its storage status, as RV(images[].status).
            - V(null) if the registry does not report it, and for what only a tag leads to.
          type: str
          returned: when O(referrers=true)
          sample: ACTIVE
        tag:
          description: The tag of cosign that leads to it. V(null) if there is none.
          type: str
          returned: when O(referrers=true)
          sample: sha256-2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae.sig
    size:
      description: The size of the image in bytes. V(null) if the registry does not report it.
      type: int
      returned: success
      sample: 3623807
    subject:
      description:
        - The digest of the image that this one refers to, as the manifest of a signature does.
        - V(null) if it refers to none, or if the registry does not report it.
      version_added: 2.0.0
      type: str
      returned: success
      sample:
    tags:
      description: All tags of the image.
      type: list
      elements: str
      returned: success
      sample:
        - latest
message:
  description: The error message returned by AWS.
  type: str
  returned: when AWS answered with an error that the API defines for the operation
  sample: The repository with name 'my-app' does not exist in the registry with id '123456789012'
missing:
  description: Those of O(tags) and O(digests) that do not exist in the repository.
  type: list
  elements: str
  returned: success
  sample:
    - "1.4.2"
msg:
  description:
    - What the task did, in one sentence, or why it failed and what to do. In check mode, what the task would do.
    - The text can change in any release.
  version_added: 2.0.0
  type: str
  returned: always
  sample: '1 image found in my-app, missing: 1.4.4'
registry_id:
  description:
    - The AWS account of the registry, as given in O(registry_id) or as returned by the registry.
    - Not returned if O(registry_id) is not given and no image was found.
  type: str
  returned: when it is known
  sample: '123456789012'
repository_name:
  description: The name of the repository.
  type: str
  returned: success and when a request failed
  sample: my-app
"""

import datetime
import typing as t
from dataclasses import dataclass

from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.argspec import repository_spec
from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.module import EcrModule
from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.request import check_quoted, checked_repository
from ansible_collections.layerkit.ecr.plugins.module_utils._core.errors import InvalidInputError
from ansible_collections.layerkit.ecr.plugins.module_utils._core.json_document import parse_json
from ansible_collections.layerkit.ecr.plugins.module_utils._core.text import counted, listed, printable
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.call import Call
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.errors import NotReturnedError
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.image_records import (
    ImageDetail,
    StoredImage,
    StoredImages,
)
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.images import Images, knows_image_status
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.referrers import FoundReferrer, Referrers
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.reference import checked_digests, checked_tags

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.failure import Result
    from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.call import Repository
    from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.client import EcrClient

UNKNOWN_DETAILS = "Size, age, status and further tags of the images are not returned"


# Names that a message has.
MAX_LISTED = 5
SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1+"


@dataclass(frozen=True)
class ImagesRequest:
    """A task that asks for some images."""

    repository: Repository
    tags: tuple[str, ...]
    digests: tuple[str, ...]
    referrers: bool


@dataclass(frozen=True)
class ListRequest:
    """A task that asks for all images; the statuses are those of the API's filter."""

    repository: Repository
    image_status: str
    tag_status: str
    referrers: bool


def read(module: EcrModule) -> ImagesRequest | ListRequest:
    options = module.params
    repository = checked_repository(options)
    if options["tags"] is None and options["digests"] is None:
        image_status = options["image_status"] or "active"
        if image_status != "active" and not knows_image_status():
            raise InvalidInputError(
                f"image_status {image_status} requires a version of botocore that knows archived images",
                "Upgrade boto3 and botocore on the host that runs the module",
            )
        tag_status = options["tag_status"] or "any"
        return ListRequest(repository, image_status.upper(), tag_status.upper(), options["referrers"])
    check_quoted(module.options_as_written, "tags")
    filters = [name for name in ("tag_status", "image_status") if options[name] is not None]
    if filters:
        raise InvalidInputError(
            f"{' and '.join(filters)} cannot be used with tags or digests",
            "Leave out tags and digests to list all images, or look images up without a filter",
        )
    tags, digests = checked_tags(options["tags"] or (), "tags"), checked_digests(options["digests"] or (), "digests")
    return ImagesRequest(repository, tuple(tags), tuple(digests), options["referrers"])


def act(module: EcrModule, client: EcrClient, request: ImagesRequest | ListRequest) -> Result:
    result = list_all(client, request) if isinstance(request, ListRequest) else look_up(module, client, request)
    if request.referrers:
        found = Referrers(client, module.task).find([image["digest"] for image in result["images"]])
        for image in result["images"]:
            image["referrers"] = [referrer_result(each) for each in found if each.subject == image["digest"]]
    return result


def list_all(client: EcrClient, request: ListRequest) -> Result:
    images = Images(client).list_all(request.image_status, request.tag_status)
    accounts = (image.registry_id for image in images.values())
    return {
        "changed": False,
        "msg": f"{counted(len(images), 'image')} in {request.repository.name}",
        "images": [detail_result(image) for image in sorted(images.values(), key=newest_first)],
        "missing": [],
        "registry_id": request.repository.registry_id or next(accounts, None),
        "repository_name": request.repository.name,
    }


def newest_first(image: ImageDetail) -> tuple[float, str]:
    return (-image.pushed_at.timestamp() if image.pushed_at else 0.0, image.digest)


def look_up(module: EcrModule, client: EcrClient, request: ImagesRequest) -> Result:
    images = Images(client)
    stored = images.get(request.digests, request.tags)
    add_archived(client, stored, request)
    tags_asked: dict[str, list[str]] = {}
    for tag in request.tags:
        digest = stored.digest_under(tag)
        if digest:
            tags_asked.setdefault(digest, []).append(tag)
    there = {*stored.by_digest, *stored.archived}
    found = list(dict.fromkeys([*tags_asked, *(digest for digest in request.digests if digest in there)]))
    for digest in found:
        warn_of_other_text(module, stored.by_digest.get(digest))
    details = {**described(client, stored, found), **stored.archived}
    missing = [tag for tag in request.tags if not stored.digest_under(tag)]
    missing += [digest for digest in request.digests if digest not in there]
    return {
        "changed": False,
        "msg": message_of(request, found, missing),
        "images": [
            result_of(
                stored.by_digest.get(digest),
                details.get(digest) or ImageDetail(digest, tuple(tags_asked.get(digest, ()))),
            )
            for digest in found
        ],
        "missing": missing,
        "registry_id": request.repository.registry_id or stored.registry_id,
        "repository_name": request.repository.name,
    }


def message_of(request: ImagesRequest, found: t.Sequence[str], missing: t.Sequence[str]) -> str:
    lacking = f", missing: {listed(missing, MAX_LISTED)}" if missing else ""
    return f"{counted(len(found), 'image')} found in {request.repository.name}{lacking}"


def add_archived(client: EcrClient, stored: StoredImages, request: ImagesRequest) -> None:
    digests = tuple(digest for digest in request.digests if digest not in stored.by_digest)
    tags = tuple(tag for tag in request.tags if tag not in stored.by_tag)
    if digests or tags:
        stored.archived.update(Images(client).archived(digests, tags))
    for name, reason in stored.inaccessible.items():
        if name in (*digests, *tags) and name not in stored.archived and not stored.digest_under(name):
            call = Call("BatchGetImage", request.repository, digests=digests, tags=tags)
            raise NotReturnedError(call, name, "ImageInaccessible", reason)


def warn_of_other_text(module: EcrModule, image: StoredImage | None) -> None:
    # The digest of a signed manifest of schema 1 leaves its signatures out.
    if image and not image.is_intact and not str(image.media_type).startswith(SCHEMA_1):
        module.warn(
            f"The registry returned another manifest for image {image.digest}: its text has the digest "
            f"{image.text_digest}. Something between the host and Amazon ECR may change answers, such as a proxy."
        )


def described(client: EcrClient, stored: StoredImages, found: t.Sequence[str]) -> dict[str, ImageDetail]:
    active = [digest for digest in found if digest in stored.by_digest]
    return client.unless_denied(lambda: Images(client).describe(active), UNKNOWN_DETAILS) or {}


def result_of(image: StoredImage | None, detail: ImageDetail) -> Result:
    return {
        **detail_result(detail),
        "media_type": image.media_type if image else detail.media_type,
        "manifest": parsed(image.manifest) if image else None,
        "raw_manifest": image.manifest if image else None,
    }


def detail_result(detail: ImageDetail) -> Result:
    return {
        "digest": detail.digest,
        "tags": list(map(printable, detail.tags)),
        "media_type": shown(detail.media_type),
        "artifact_type": shown(detail.artifact_type),
        "subject": shown(detail.subject),
        "status": shown(detail.status),
        "size": detail.size,
        "pushed_at": in_utc(detail.pushed_at),
        "last_pulled_at": in_utc(detail.pulled_at),
    }


def referrer_result(found: FoundReferrer) -> Result:
    return {
        "digest": found.entry.digest,
        "media_type": shown(found.entry.media_type),
        "artifact_type": shown(found.entry.artifact_type),
        "annotations": dict(found.entry.annotations or {}),
        "size": found.entry.size,
        "status": shown(found.entry.status),
        "tag": found.tag,
    }


def shown(text: str | None) -> str | None:
    return None if text is None else printable(text)


def in_utc(time: datetime.datetime | None) -> str | None:
    return time.astimezone(datetime.timezone.utc).isoformat() if time else None


def parsed(manifest: str) -> Result | None:
    try:
        document: Result = parse_json(manifest.encode(errors="surrogatepass"), "manifest")
    except InvalidInputError:
        return None
    return document


def main() -> None:
    spec = {
        **repository_spec(required=True),
        "tags": {"type": "list", "elements": "str"},
        "digests": {"type": "list", "elements": "str"},
        "tag_status": {"type": "str", "choices": ["any", "tagged", "untagged"]},
        "image_status": {"type": "str", "choices": ["active", "archived", "any"]},
        "referrers": {"type": "bool", "default": False},
    }
    module = EcrModule(argument_spec=spec)
    module.run(read, act)


if __name__ == "__main__":
    main()
