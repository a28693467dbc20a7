#!/usr/bin/python
# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ecr_image
version_added: 1.0.0
short_description: Push a container image to Amazon ECR, or remove images
description:
  - Pushes an image from a file or a directory to an Amazon ECR repository. The module calls the AWS API and needs no
    container engine, no C(docker login) and no registry token.
  - The module queries the registry first and sends only what is missing. If the image already exists under all
    O(tags), the task sends one request and changes nothing, even if the tags are immutable.
  - Tags are set last, so a tag never points to an incomplete image. After the push, the module reads the image back and
    compares it with O(src).
  - With O(state=absent), removes tags and images from the repository.
options:
  state:
    description:
      - V(present) pushes the image O(src) and sets O(tags) on it.
      - V(absent) removes O(tags) and the images O(digests) from the repository, and nothing that is not named. At least
        one of the two is required. What does not exist counts as removed. O(src), O(image), O(platforms), O(compress),
        O(parallel), O(part_size) and O(state_dir) cannot be used.
    version_added: 2.0.0
    type: str
    choices:
      - present
      - absent
    default: present
  src:
    description:
      - Required if O(state=present).
      - The path of the image on the host that runs the module. The format is detected automatically.
      - Either the directory of an OCI image layout, or an archive of one. C(skopeo copy SOURCE oci-archive:image.tar),
        C(buildah push IMAGE oci-archive:image.tar) and
        C(docker buildx build --output type=oci,dest=image.tar) write such archives.
      - Or a docker archive. C(docker save), C(podman save) and C(skopeo copy SOURCE docker-archive:image.tar) write it.
        The module creates a manifest for it, which is the same in every run.
      - C(docker save) of Docker 25 and later writes an archive that has both formats. The module reads it as an OCI
        image layout. It reads it as a docker archive to compress its layers (see O(compress)), or, with a warning, if
        the OCI image layout is damaged or does not list the image.
      - If several entries of C(index.json) have the same name, or none has a name, and they differ by platform, they
        are one multi-platform image, as apko and other build tools write it.
      - Archives can be compressed with gzip, xz or bzip2, or with zstd if the host has Python 3.14 or later. They are
        read in place and never unpacked. Uncompressed archives are faster to read. An archive compressed with xz needs
        up to 66 MiB of memory.
      - Symbolic links are followed within an archive, but not within a directory. To push a directory with symbolic
        links, as the rules of Bazel write it, copy it with C(cp -rL) first.
      - A relative path starts at the directory of the playbook if the connection is local, and at the login directory
        of the remote user otherwise. Images are never pulled from a URL or a registry.
    type: path
  image:
    description:
      - The image to push if O(src) contains more than one.
      - A reference such as V(docker.io/library/app:1.0) or V(app:1.0), a tag such as V(1.0), or a digest. V(app:1.0)
        also selects the image that podman names V(localhost/app:1.0).
      - In a docker archive, the digest is that of the image configuration, which container engines call the image ID.
      - If not given, O(src) must contain exactly one image. Otherwise the task fails and lists the images. In an
        archive that has both formats, the images of both count.
    type: str
  tags:
    description:
      - The tags to set on the image. A tag that points to another image is moved, unless it is immutable.
      - Quote tags. YAML reads V(1.10) as the number V(1.1).
      - If not given, the image is pushed by digest only. Tags that already point to the image are kept.
      - With O(state=absent), the tags to remove. An image whose last tag is removed is removed, too. If a tag moves to
        another image during the task, it is removed from that image.
    type: list
    elements: str
  digests:
    description:
      - Only with O(state=absent). The digests of the images to remove, with all their tags.
      - An image that an index lists cannot be removed before the index. If both are named, the index is removed first.
      - An empty list names nothing, so a list that a playbook computes can be empty.
    version_added: 2.0.0
    type: list
    elements: str
  platforms:
    description:
      - The platforms of a multi-platform image to push, each as V(os/architecture) or V(os/architecture/variant), for
        example V(linux/amd64) or V(linux/arm64/v8). Other names of architectures are understood, so
        V(linux/{{ ansible_facts.architecture }}) works.
      - If one platform is given, its image is pushed without the index, as AWS Lambda requires. If O(src) contains
        several images for this platform, the task fails and lists them.
      - If several platforms are given, they are pushed with an index of these platforms only. Attestations do not
        belong to a platform and are skipped.
      - If not given, the image is pushed unchanged, byte for byte.
      - The index of an image can list platforms that O(src) does not contain, for example after C(docker pull) and
        C(docker save). If O(src) contains a single platform of it, this platform is pushed with its own digest, and a
        warning. If it contains several, the task fails and lists them.
      - If O(src) contains an image for a single platform, that platform must be the one given.
    type: list
    elements: str
    default: []
  compress:
    description:
      - How to send the uncompressed layers of a docker archive. C(docker save) does not compress layers.
      - V(gzip) compresses them, to about a third of their size. V(none) sends the bytes of the archive. Layers that are
        compressed in the archive are always sent unchanged.
      - The digest of an image depends on what compressed its layers. With V(gzip), an image is therefore recognised by
        its configuration, whose digest is the image ID. If the image of one of O(tags) has the same configuration and
        as many layers, it is this image, whatever tool pushed it. The module does not change it, compresses nothing,
        and sets the other O(tags) on it.
      - The layers of an update are recognised in the same way, by the configuration of the image of one of O(tags).
        They are neither compressed nor sent again.
      - Layers are sent while they are compressed. With O(state_dir), each layer is compressed before it is sent.
      - With V(none), and without O(tags), an image is recognised by its digest. Hosts with the same version of zlib
        produce the same bytes.
      - Compressed layers are kept until they are sent, in an unnamed temporary file in the directory that the
        environment variable E(TMPDIR) names, V(/var/tmp) by default. Where the space for that is lacking, a layer is
        compressed again while it is sent.
      - The layers of an OCI image layout are always pushed unchanged. With V(gzip), an archive that has both formats is
        read as a docker archive if that contains the same image for one platform and the OCI image layout has an
        uncompressed layer.
    type: str
    choices:
      - none
      - gzip
    default: gzip
  referrers:
    description:
      - Whether to push what refers to the image as well, such as signatures, SBOMs and attestations.
      - In an OCI image layout, these are the entries of C(index.json) whose manifest has the image as its C(subject),
        those that the index with the tag C(sha256-DIGEST) lists, the images with the tags of cosign
        (C(sha256-DIGEST.sig), C(.att) and C(.sbom)), and what C(cosign save) writes. What refers to one of them is
        pushed, too. Docker archives do not contain any.
      - They are pushed after the image and before its tags are set. The tags of cosign are set again. A tag of cosign
        that is on a manifest with more signatures than that in O(src) stays there.
      - If O(platforms) selects some platforms of an index, only what refers to the images that are pushed is pushed.
        The module warns if something refers to the whole index.
      - Attestations of C(docker buildx) are entries of the index. They are a part of the image, whatever this option
        is.
    version_added: 2.0.0
    type: bool
    default: true
  parallel:
    description:
      - The number of layers to send at the same time, V(1) to V(32).
      - Up to four layers of at most 1 MiB are sent in place of a larger one, but no more than 32 for this reason. With
        V(1) all layers are sent one after another.
      - Layers that are decompressed or compressed while they are sent are sent one at a time, to limit the memory.
    type: int
    default: 8
attributes:
  check_mode:
    support: full
    details:
      - Check mode also reads every layer that a run would send or rely on, and detects damaged layers.
  diff_mode:
    support: full
    details:
      - The tags that move or go, and the layers, manifests and images that are sent or removed. What
        stays as it is does not appear, and digests are shortened.
  idempotent:
    support: full
notes:
  - The required IAM actions are C(ecr:BatchGetImage), C(ecr:InitiateLayerUpload), C(ecr:UploadLayerPart),
    C(ecr:CompleteLayerUpload) and C(ecr:PutImage).
  - C(ecr:DescribeRepositories) is optional. With it, the module detects before the push that a tag it would move is
    immutable, and check mode returns RV(image.uri) for an image that is not in the registry yet. Without it, the module
    warns about a tag that moves, and the push of an immutable tag fails at the end.
  - An archived image is restored by its push. C(ecr:DescribeImages) is optional. With it, the module looks for archived
    images if the registry reports archived layers or does not return an image. Without it, the image is restored as
    well, but RV(image.tags) does not show which archived images the tags were on.
  - C(ecr:GetDownloadUrlForLayer) is optional. With it, and with access to Amazon S3, the module recognises the layers
    of a docker archive that the image of a tag already has, whatever tool compressed them. Without it, such layers are
    sent again if another tool, or another version of zlib, compressed them.
  - C(ecr:BatchCheckLayerAvailability) is optional. Without it, the module warns and sends all layers of an image that
    the registry does not have.
  - The module rejects an image that Amazon ECR does not accept, before it sends anything. Examples are an image without
    layers or with more than 500 of them, an empty layer, a layer of more than 52000 MiB or 4200 parts, a manifest of
    more than 4 MiB, more than 1000 tags, a media type with parameters, an index of indexes, and a manifest that
    contradicts its media type.
  - The size of every layer is checked before anything is sent, and its digest before the manifest is pushed. Files
    outside of O(src) are never read.
  - Layers that have C(urls) in the manifest and are not in O(src) are skipped, as Amazon ECR expects.
  - Amazon ECR accepts ten manifests per second for an account and region. An index of many platforms therefore takes
    longer.
  - With O(state=absent), the required IAM actions are C(ecr:DescribeImages) and C(ecr:BatchDeleteImage).
    C(ecr:BatchGetImage) is optional. With it, check mode detects images that an index lists.
  - Amazon ECR removes the signatures and other referrers of an image that is removed, within 24 hours.
  - Amazon ECR Public is not supported.
seealso:
  - module: layerkit.ecr.ecr_image_info
  - module: layerkit.ecr.ecr_layer
  - name: The role push_image
    description: Pushes several images, and creates their repositories if asked to.
    link: https://github.com/layerkit/layerkit.ecr/blob/main/roles/push_image/README.md
  - ref: ansible_collections.layerkit.ecr.docsite.guide_images
    description: The guide to image formats, platforms, and what a push does.
  - ref: ansible_collections.layerkit.ecr.docsite.guide_platforms
    description: The guide to multi-platform images and AWS Lambda.
  - ref: ansible_collections.layerkit.ecr.docsite.guide_resume
    description: The guide to large layers, time-outs and resuming.
  - ref: ansible_collections.layerkit.ecr.docsite.guide_ci
    description: The guide to CI runners without Docker.
  - ref: ansible_collections.layerkit.ecr.docsite.guide_migrate
    description: The guide for users of other tools.
  - ref: ansible_collections.layerkit.ecr.docsite.guide_cleanup
    description: The guide to listing and removing images.
  - module: community.aws.ecs_ecr
    description: Creates the repository.
  - name: Pushing an image
    description: The Amazon ECR user guide.
    link: https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push.html
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
# Quote tags: YAML reads 1.10 as 1.1.
- name: Push an image with two tags
  layerkit.ecr.ecr_image:
    repository_name: my-app
    src: build/app.tar
    tags:
      - "1.4.2"
      - latest
  register: pushed

- name: Print the image reference, pinned by digest
  ansible.builtin.debug:
    var: pushed.image.uri

- name: Show what a push would change, without pushing
  layerkit.ecr.ecr_image:
    repository_name: my-app
    src: build/app.tar
    tags:
      - "1.5.0"
  check_mode: true
  diff: true

- name: Push to the registry of another account
  layerkit.ecr.ecr_image:
    registry_id: "123456789012"
    repository_name: my-app
    src: build/app.tar
    tags:
      - "1.5.0"

# A profile cannot be combined with AWS_ACCESS_KEY_ID in the environment.
- name: Push with a region and a profile
  layerkit.ecr.ecr_image:
    region: eu-west-1
    profile: ci
    repository_name: my-app
    src: build/app.tar
    tags:
      - "1.5.0"

- name: Push through a private (VPC) endpoint
  layerkit.ecr.ecr_image:
    region: eu-west-1
    endpoint_url: https://vpce-0a1b2c3d4e5f6a7b8-1a2b3c4d.api.ecr.eu-west-1.vpce.amazonaws.com
    repository_name: my-app
    src: build/app.tar
    tags:
      - "1.5.0"

- name: Push one of the images that podman save --multi-image-archive wrote
  layerkit.ecr.ecr_image:
    repository_name: my-worker
    src: build/images.tar
    image: my-worker:1.4.2
    tags:
      - "1.4.2"

- name: Push the layers as docker save left them, uncompressed
  layerkit.ecr.ecr_image:
    repository_name: my-app
    src: build/docker-save.tar
    compress: none
    tags:
      - 1.4.2-plain

- name: Push a single platform for AWS Lambda
  layerkit.ecr.ecr_image:
    repository_name: my-function
    src: build/app.tar
    platforms:
      - linux/amd64
    tags:
      - "1.4.2"

- name: Push over an unreliable link and resume after an interruption
  layerkit.ecr.ecr_image:
    repository_name: my-app
    src: build/app.tar
    tags:
      - "1.6.0"
    state_dir: ~/.cache/ecr-uploads
  register: resumable
  until: resumable is succeeded
  retries: 3
  delay: 30

- name: Build and push without a Docker daemon
  block:
    - name: Build an image
      ansible.builtin.command:
        cmd: buildah build --tag my-app:1.7.0 .

    - name: Write the image to an archive
      ansible.builtin.command:
        cmd: buildah push my-app:1.7.0 oci-archive:build/app-1.7.0.tar

    - name: Push the archive
      layerkit.ecr.ecr_image:
        repository_name: my-app
        src: build/app-1.7.0.tar
        tags:
          - "1.7.0"

- name: Remove a tag, and the image if it has no other tag
  layerkit.ecr.ecr_image:
    repository_name: my-app
    state: absent
    tags:
      - "1.4.2"

- name: Show which tags go with an image, without removing it
  layerkit.ecr.ecr_image:
    repository_name: my-app
    state: absent
    digests:
      - sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
  check_mode: true
  diff: true

- name: Create the repository if the push reports that it does not exist
  block:
    - name: Push an image
      layerkit.ecr.ecr_image:
        repository_name: new-app
        src: build/app.tar
        tags:
          - "1.4.2"
  rescue:
    - name: Stop on any other error
      ansible.builtin.assert:
        that: ansible_failed_result.error.code | default('') == 'RepositoryNotFoundException'
        fail_msg: "{{ ansible_failed_result.msg }}"

    - name: Create the repository
      community.aws.ecs_ecr:
        name: new-app
        image_tag_mutability: immutable

    - name: Push the image again
      layerkit.ecr.ecr_image:
        repository_name: new-app
        src: build/app.tar
        tags:
          - "1.4.2"
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
  returned: success and when a push failed, if O(state=present)
  sample: 3623807
bytes_sent:
  description:
    - The number of blob bytes that the registry received from this task.
    - In check mode, the number of bytes that a run would send.
  type: int
  returned: success and when a push failed, if O(state=present)
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
failures:
  description: One entry for each tag and each image that the registry did not remove.
  version_added: 2.0.0
  type: list
  elements: dict
  returned: when the registry refused to remove something
  contains:
    code:
      description:
        - The reason as a code of AWS. V(ImageReferencedByManifestList) stands for an image that an index lists.
      type: str
      returned: always
      sample: ImageReferencedByManifestList
    image:
      description: The tag or the digest, as it is named in the task.
      type: str
      returned: always
      sample: sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
    indexes:
      description: The digests of the indexes that list the image. Empty if they are not known.
      type: list
      elements: str
      returned: always
      sample:
        - sha256:fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9
    reason:
      description: The reason in the words of AWS. Empty in check mode.
      type: str
      returned: always
      sample: Requested image referenced by manifest list
image:
  description: The image in the repository.
  type: dict
  returned: success and when a push failed, if O(state=present)
  contains:
    digest:
      description: The digest of the manifest or index.
      type: str
      returned: success and when a push failed
      sample: sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
    media_type:
      description: The media type of the manifest or index.
      type: str
      returned: success and when a push failed
      sample: application/vnd.oci.image.manifest.v1+json
    platforms:
      description: The platforms of the image. Empty for an artifact.
      type: list
      elements: str
      returned: success and when a push failed
      sample:
        - linux/amd64
    repository_uri:
      description:
        - The URI of the repository.
        - V(null) in check mode if O(registry_id) is not given, the repository has none of the images, and the caller
          lacks permission for C(ecr:DescribeRepositories).
      type: str
      returned: success and when a push failed
      sample: 123456789012.dkr.ecr.eu-west-1.amazonaws.com/my-app
    tags:
      description:
        - One entry for each of O(tags).
        - C(before) is the digest of the image that the tag pointed to before the task, V(null) if there was none.
        - C(after) is the digest that it points to after the task. If the task failed before it set the tag, it is the
          same as C(before).
      type: list
      elements: dict
      returned: success and when a push failed
      sample:
        - tag: "1.4.2"
          before:
          after: sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
    uri:
      description:
        - The image reference, pinned by digest. V(null) if RV(image.repository_uri) is V(null).
      type: str
      returned: success and when a push failed
      sample: >-
        123456789012.dkr.ecr.eu-west-1.amazonaws.com/my-app@sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
images:
  description:
    - One entry for each of O(digests), and for each image that is removed with its last tag.
  version_added: 2.0.0
  type: list
  elements: dict
  returned: if O(state=absent), also when a removal failed
  contains:
    action:
      description:
        - V(removed) if this task removed the image, or would remove it in check mode.
        - V(absent) if the repository does not have it.
        - V(kept) if the registry refused to remove the image, or keeps it without its last tag.
      type: str
      returned: always
      sample: removed
    digest:
      description: The digest of the image or index.
      type: str
      returned: always
      sample: sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
    media_type:
      description: The media type of the manifest or index. V(null) if it is not known.
      type: str
      returned: always
      sample: application/vnd.oci.image.manifest.v1+json
    reason:
      description: The reason for the action, as text.
      type: str
      returned: always
      sample: its last tag is removed
    size:
      description: The size of the image in bytes. V(null) if it is not known.
      type: int
      returned: always
      sample: 3623807
    tags:
      description: The tags that the image had before the task.
      type: list
      elements: str
      returned: always
      sample:
        - "1.4.2"
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
  returned: success and when a push failed, if O(state=present)
  contains:
    action:
      description:
        - V(sent) if this task sent the blob, or would send it in check mode.
        - V(present) if the repository already has the blob.
        - V(skipped) if the blob is not stored in Amazon ECR.
        - V(failed) if the task failed before the blob was in the repository.
      type: str
      returned: success and when a push failed
      sample: present
    digest:
      description: The digest of the blob.
      type: str
      returned: success and when a push failed
      sample: sha256:fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9
    media_type:
      description: The media type of the blob in the manifest.
      type: str
      returned: success and when a push failed
      sample: application/vnd.oci.image.layer.v1.tar+gzip
    reason:
      description: The reason for the action, as text.
      type: str
      returned: success and when a push failed
      sample: the repository has it
    size:
      description: The size of the blob in bytes.
      type: int
      returned: success and when a push failed
      sample: 3623807
manifests:
  description: One entry for each manifest, and for the index if there is one, in the order in which they are pushed.
  type: list
  elements: dict
  returned: success, if O(state=present)
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
  version_added: 2.0.0
  type: str
  returned: always
  sample: my-app:1.4.3, latest -> sha256:59d4c1a2b3e4…, 2 layers sent (502 B), 3 there
referrers:
  description:
    - One entry for each signature, SBOM or attestation that refers to the image, in the order in which they are pushed.
    - Empty if O(referrers=false).
  version_added: 2.0.0
  type: list
  elements: dict
  returned: success, if O(state=present)
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
    - The AWS account of the registry, as given in O(registry_id) or as returned by the registry.
    - Not returned if RV(image.repository_uri) is V(null), or if O(state=absent), O(registry_id) is not given, and no
      image was found.
  type: str
  returned: when it is known
  sample: '123456789012'
repository_name:
  description: The name of the repository.
  type: str
  returned: success and when a request failed
  sample: my-app
tags:
  description:
    - One entry for each of O(tags), and for each other tag of an image that is removed by its digest.
    - C(before) is the digest of the image that the tag pointed to before the task, V(null) if there was none.
    - C(after) is V(null), or the digest that the tag still points to if it was not removed.
  version_added: 2.0.0
  type: list
  elements: dict
  returned: if O(state=absent), also when a removal failed
  sample:
    - tag: "1.4.2"
      before: sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
      after:
upload_id:
  description: The ID of the upload whose request failed.
  type: str
  returned: when a request of a layer's upload failed
  sample: 5e9ba2c1-1a3d-4b36-8c2e-5a4d5c1bb9d7
"""

import typing as t
from dataclasses import dataclass
from functools import partial

from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.argspec import layer_upload_spec, repository_spec
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
from ansible_collections.layerkit.ecr.plugins.module_utils._local.load import load_image, open_source
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.attachments import with_referrers
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.image import PartialImageError
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.platform import Platform
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.reference import checked_digests, checked_tags
from ansible_collections.layerkit.ecr.plugins.module_utils._transfer.transfer import ImageTransfer
from ansible_collections.layerkit.ecr.plugins.module_utils._upload.layer import UploadOptions

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.failure import Result
    from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.call import Repository
    from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.client import EcrClient
    from ansible_collections.layerkit.ecr.plugins.module_utils._oci.image import Image

MAX_PARALLEL = 32

UNTAGGED = (
    "The image gets no tag, because tags is empty or not given. It is found by its digest alone. The keyword tags of "
    "the task is another one: it selects tasks."
)

# What says which image to push, and how.
OPTIONS_OF_A_PUSH = (
    "src",
    "image",
    "platforms",
    "compress",
    "referrers",
    "parallel",
    "part_size",
    "partSize",
    "state_dir",
)


@dataclass(frozen=True)
class ImageRequest:
    """What the task asks for; ``src`` is a path."""

    repository: Repository
    src: str
    image: str | None
    tags: tuple[str, ...]
    platforms: tuple[Platform, ...]
    compress: bool
    referrers: bool
    parallel: int
    options: UploadOptions

    @property
    def source_name(self) -> str:
        """The name of the source in messages."""
        return f"src {self.src!r}"


@dataclass(frozen=True)
class RemovalRequest:
    """What a task removes."""

    repository: Repository
    tags: tuple[str, ...]
    digests: tuple[str, ...]


def read(module: EcrModule) -> ImageRequest:
    options, parallel = module.params, module.params["parallel"]
    repository = checked_repository(options)
    if options["digests"] is not None:
        raise InvalidInputError("digests cannot be used with state present", "Choose the image in src with image")
    check_quoted(module.options_as_written, "tags", "image")
    if not 1 <= parallel <= MAX_PARALLEL:
        raise InvalidInputError(f"parallel {parallel} must be 1 to {MAX_PARALLEL}")
    part_size = checked_part_size(options)
    tags = tuple(checked_tags(options["tags"] or (), "tags"))
    check_tags(tags)
    return ImageRequest(
        repository=repository,
        src=options["src"],
        image=options["image"],
        tags=tags,
        platforms=tuple(Platform.parse(platform, "platforms") for platform in options["platforms"]),
        compress=options["compress"] == "gzip",
        referrers=options["referrers"],
        parallel=parallel,
        options=UploadOptions(part_size, state_directory=options["state_dir"], accepts_upload_id=False),
    )


def act(module: EcrModule, client: EcrClient, request: ImageRequest) -> Result:
    name = request.source_name
    with open_source(request.src, name, request.compress, request.parallel, module.task) as source:
        check = partial(check_image, name=name, part_size=request.options.expected_part_size)
        try:
            image = load_image(source, request.image, request.platforms, check, module.task)
        except PartialImageError as error:
            raise InvalidInputError(error.problem, partial_remedy(error.complete) or error.remedy) from error
        if image.missing:
            module.warn(partial_warning(name, image))
        if request.referrers:
            with advising("Set referrers: false to push the image without what refers to it"):
                image = with_referrers(image, name, module.task)
                check(image)
        return push(module, client, request, image, check)


def partial_warning(name: str, image: Image) -> str:
    partial = PartialImageError(name, image.missing, image.platforms)
    platforms = ", ".join(map(str, partial.complete))
    alone = f"{platforms} is pushed alone, under its own digest {image.root.digest}"
    return f"{partial.problem}. {alone}. Set platforms: [{platforms}] if this is what you want."


def partial_remedy(complete: t.Sequence[Platform]) -> str | None:
    """Return what to do if a source contains only these platforms of an image."""
    if not complete:
        return None
    platforms = f"platforms: [{', '.join(map(str, complete))}]"
    keeps = "which keeps its digest" if len(complete) == 1 else "with an index of these alone"
    return f"Set {platforms} to push what it contains, {keeps}, or create the source again with all platforms"


def push(
    module: EcrModule, client: EcrClient, request: ImageRequest, image: Image, check: t.Callable[[Image], None]
) -> Result:
    transfer = ImageTransfer(client, request.options, request.parallel, module.task, dry_run=module.check_mode)
    try:
        transfer.plan(image, request.tags, check)
        if not request.tags:
            module.warn(UNTAGGED)
        transfer.run()
    except TaskError as error:
        module.fail(error, **transfer.failure(), **layer_facts(error))
    return {
        **transfer.result(),
        "registry_id": transfer.account,
        "repository_name": request.repository.name,
    }


def read_removal(module: EcrModule) -> RemovalRequest:
    options, written = module.params, module.options_as_written
    repository = checked_repository(options)
    check_quoted(written, "tags")
    # Defaults are not there yet. Options that are empty say nothing.
    foreign = [name for name in OPTIONS_OF_A_PUSH if written.get(name) not in (None, "", [])]
    if foreign:
        raise InvalidInputError(
            f"{', '.join(foreign)} cannot be used with state absent, which removes tags and digests",
            "Remove what belongs to a push from the task and from module_defaults",
        )
    if options["tags"] is None and options["digests"] is None:
        raise InvalidInputError("state absent requires tags or digests, which name what to remove")
    tags, digests = checked_tags(options["tags"] or (), "tags"), checked_digests(options["digests"] or (), "digests")
    return RemovalRequest(repository, tuple(tags), tuple(digests))


def remove(module: EcrModule, client: EcrClient, request: RemovalRequest) -> Result:
    # Python compiles a file in every task that imports it, and most tasks push.
    from ansible_collections.layerkit.ecr.plugins.module_utils._transfer.removal_result import (
        removal_diff,
        removal_message,
        removal_result,
    )
    from ansible_collections.layerkit.ecr.plugins.module_utils._transfer.remover import Remover

    remover = Remover(client, request.digests, request.tags, module.task)
    plan = remover.survey()
    try:
        remover.rehearse(plan) if module.check_mode else remover.run(plan)
    except TaskError as error:
        module.fail(error, changed=remover.changed, **removal_result(remover.outcome(plan)))
    outcome = plan if module.check_mode else remover.outcome(plan)
    return {
        "changed": plan.changed if module.check_mode else remover.changed,
        "msg": removal_message(outcome, request.repository.name, module.check_mode),
        "diff": removal_diff(outcome),
        **removal_result(outcome),
        "registry_id": request.repository.registry_id or remover.registry_id,
        "repository_name": request.repository.name,
    }


def main() -> None:
    spec = {
        **repository_spec(required=True),
        **layer_upload_spec(),
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "src": {"type": "path"},
        "image": {"type": "str"},
        "tags": {"type": "list", "elements": "str"},
        "digests": {"type": "list", "elements": "str"},
        "platforms": {"type": "list", "elements": "str", "default": []},
        "compress": {"type": "str", "choices": ["none", "gzip"], "default": "gzip"},
        "referrers": {"type": "bool", "default": True},
        "parallel": {"type": "int", "default": 8},
    }
    module = EcrModule(argument_spec=spec, required_if=[("state", "present", ["src"])])
    if module.params["state"] == "absent":
        module.run(read_removal, remove)
    # Besides the threads that send, one looks layers up, and one the image.
    module.run(read, act, connections=most_at_once(module.params["parallel"]) + 2)


if __name__ == "__main__":
    main()
