#!/usr/bin/python
# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ecr_image_info
version_added: 1.0.0
short_description: Look up container images in Amazon ECR
description:
  - Tells for each tag and digest what image it is, with its manifest, its size and all of its tags. Images that are not
    there are listed, and are no error.
options:
  tags:
    description:
      - The tags to look up.
      - Required, here or in O(digests).
    type: list
    elements: str
    default: []
  digests:
    description:
      - The digests of the images, or of indexes, to look up, each V(sha256:) and 64 lower-case hexadecimal digits.
    type: list
    elements: str
    default: []
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
  - The IAM actions needed are C(ecr:BatchGetImage) and C(ecr:DescribeImages). Without the second one size and time are
    not known, and of the tags only those that were asked for, with a warning.
seealso:
  - module: layerkit.ecr.ecr_image
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
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Look two tags up
  layerkit.ecr.ecr_image_info:
    repository_name: my-app
    tags:
      - "1.4.2"
      - latest
  register: info

- name: Show which of them are missing
  ansible.builtin.debug:
    var: info.missing

- name: Show the digests of the others
  ansible.builtin.debug:
    msg: "{{ info.images | map(attribute='digest') }}"
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
error:
  description:
    - The error of AWS, with its C(code) and its C(message).
    - Where no answer arrived, C(code) is the name of botocore's exception, for example V(EndpointConnectionError).
  type: dict
  returned: when a request failed or could not be made
  sample:
    code: RepositoryNotFoundException
    message: The repository with name 'my-app' does not exist in the registry with id '123456789012'
images:
  description: One entry for each image that was found, in the order in which O(tags) and then O(digests) name them.
  type: list
  elements: dict
  returned: success
  contains:
    digest:
      description: The digest of the manifest or index.
      type: str
      returned: success
      sample: sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
    manifest:
      description: The manifest or index, parsed. V(none) if it is not JSON.
      type: dict
      returned: success
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
      description: The time when the image was pushed, in UTC.
      type: str
      returned: success
      sample: "2026-02-03T04:05:06+00:00"
    raw_manifest:
      description: The manifest or index as it is stored, the text that has the digest.
      type: str
      returned: success
      sample: '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}'
    size:
      description: The size of the image in bytes as the registry gives it, V(none) where it does not.
      type: int
      returned: success
      sample: 3623807
    tags:
      description: All tags of the image.
      type: list
      elements: str
      returned: success
      sample:
        - latest
message:
  description: The words of AWS alone.
  type: str
  returned: when AWS answered with an error that the API lists for the operation
  sample: The repository with name 'my-app' does not exist in the registry with id '123456789012'
missing:
  description: Those of O(tags) and O(digests) that the repository does not have.
  type: list
  elements: str
  returned: success
  sample:
    - "1.4.2"
registry_id:
  description:
    - The AWS account of the registry as given in O(registry_id), or as the registry answered, V(none) where nothing was
      found.
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
"""

import datetime
import typing as t
from dataclasses import dataclass

from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.argspec import repository_spec
from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.module import EcrModule
from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.request import checked_repository
from ansible_collections.layerkit.ecr.plugins.module_utils._core.errors import InvalidInputError
from ansible_collections.layerkit.ecr.plugins.module_utils._core.json_document import parse_json
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.images import Images
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.records import ImageDetail, StoredImage
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.reference import checked_digests, checked_tags

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.failure import Result
    from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.call import Repository
    from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.client import EcrClient


@dataclass(frozen=True)
class ImagesRequest:
    """What the task asks for."""

    repository: Repository
    tags: tuple[str, ...]
    digests: tuple[str, ...]


def read(module: EcrModule) -> ImagesRequest:
    repository = checked_repository(module.params)
    if not module.params["tags"] and not module.params["digests"]:
        raise InvalidInputError("No image is named. tags or digests is required")
    tags, digests = checked_tags(module.params["tags"], "tags"), checked_digests(module.params["digests"], "digests")
    return ImagesRequest(repository, tuple(tags), tuple(digests))


def act(_module: EcrModule, client: EcrClient, request: ImagesRequest) -> Result:
    images = Images(client)
    stored = images.get(request.digests, request.tags)
    tags_asked: dict[str, list[str]] = {}
    for tag in request.tags:
        if tag in stored.by_tag:
            tags_asked.setdefault(stored.by_tag[tag].digest, []).append(tag)
    found = [*tags_asked, *(digest for digest in request.digests if digest in stored.by_digest)]
    warning = (
        f"Missing permission ecr:DescribeImages on {request.repository}: size, age and further tags of the images are "
        "not returned."
    )
    details = client.unless_denied(lambda: images.describe(found), warning) or {}
    return {
        "changed": False,
        "images": [
            result_of(stored.by_digest[digest], details.get(digest) or ImageDetail(tuple(tags_asked.get(digest, ()))))
            for digest in dict.fromkeys(found)
        ],
        "missing": [tag for tag in request.tags if tag not in stored.by_tag]
        + [digest for digest in request.digests if digest not in stored.by_digest],
        "registry_id": request.repository.registry_id or stored.registry_id,
        "repository_name": request.repository.name,
    }


def result_of(image: StoredImage, detail: ImageDetail) -> Result:
    return {
        "digest": image.digest,
        "tags": list(detail.tags),
        "media_type": image.media_type,
        "manifest": parsed(image.manifest),
        "raw_manifest": image.manifest,
        "size": detail.size,
        "pushed_at": detail.pushed_at.astimezone(datetime.timezone.utc).isoformat() if detail.pushed_at else None,
    }


def parsed(manifest: str) -> Result | None:
    try:
        document: Result = parse_json(manifest.encode(), "manifest")
    except InvalidInputError:
        return None
    return document


def main() -> None:
    spec = {
        **repository_spec(required=True),
        "tags": {"type": "list", "elements": "str", "default": []},
        "digests": {"type": "list", "elements": "str", "default": []},
    }
    module = EcrModule(argument_spec=spec)
    module.run(read, act)


if __name__ == "__main__":
    main()
