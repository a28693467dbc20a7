# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mistakes that AWS answers with an error."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible_collections.layerkit.ecr.tests.unit.support.image_files import digest_of, tar_of
from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import oci_layout
from ansible_collections.layerkit.ecr.tests.unit.support.mistakes.mistake import Answer, Mistake, answered, refused

HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
ARN = "arn:aws:ecr:eu-west-1:123456789012:repository/app"
OTHER_UPLOAD = "00000000-0000-4000-8000-000000000000"
UPLOAD = "5e9ba2c1-1a3d-4b36-8c2e-5a4d5c1bb9d7"
DIGEST = digest_of(b"x")
COMPLETION = {"repository_name": "app", "upload_id": UPLOAD, "layer_digests": [DIGEST]}
PART = {"repository_name": "app", "upload_id": UPLOAD, "part_first_byte": 0, "part_last_byte": 0}


def _write_image(directory: Path) -> None:
    (directory / "image.tar").write_bytes(tar_of(oci_layout("1.0")))


def _denied(operation: str, *names: str, is_warning: bool = False, **members: t.Any) -> Mistake:
    caller = "arn:aws:iam::123456789012:user/ci"
    words = (
        f"User: {caller} is not authorized to perform: ecr:{operation} on resource: {ARN} because no identity-based "
        f"policy allows the ecr:{operation} action"
    )
    what, answers = f"denied: {operation}", {operation: refused("AccessDeniedException", words)}
    if is_warning:
        return _push(what, answers, f"ecr:{operation}", *names, is_warning=True, check=True, **members)
    return _push(what, answers, f"Grant ecr:{operation} on {ARN}", "lacks permission", *names, **members)


def _push(what: str, answers: t.Mapping[str, Answer], *names: str, **members: t.Any) -> Mistake:
    options = {"repository_name": "app", "src": "{dir}/image.tar", "tags": ["1"], "parallel": 1}
    return Mistake(f"push: {what}", "ecr_image", options, names, answers=answers, prepare=_write_image, **members)


def _open(what: str, answer: Answer, *names: str, **members: t.Any) -> Mistake:
    answers = {"InitiateLayerUpload": answer}
    return Mistake(what, "ecr_initiate_layer_upload", {"repository_name": "app"}, names, answers=answers, **members)


def _complete(what: str, answer: Answer, *names: str, **members: t.Any) -> Mistake:
    answers = {"CompleteLayerUpload": answer}
    return Mistake(f"completion: {what}", "ecr_complete_layer_upload", COMPLETION, names, answers=answers, **members)


SCP = (
    "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: ecr:InitiateLayerUpload on resource: "
    f"{ARN} with an explicit deny in a service control policy: arn:aws:organizations::111122223333:policy/o-1/p-2"
)
BOUNDARY = (
    "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: ecr:InitiateLayerUpload on resource: "
    f"{ARN} because no permissions boundary allows the ecr:InitiateLayerUpload action"
)
EXPIRED = "Signature expired: 20260101T000000Z is now earlier than 20260101T005500Z (20260101T010000Z - 5 min.)"
ARCHIVED = {
    "images": [],
    "failures": [{"imageId": {"imageTag": "1"}, "failureCode": "ImageInaccessible", "failureReason": "archived"}],
}
NO_REPOSITORY = refused("RepositoryNotFoundException", "The repository with name 'app' does not exist")


def _unknown_upload(request: t.Mapping[str, t.Any]) -> tuple[int, t.Any]:
    """Refuse a part of OTHER_UPLOAD."""
    if request["uploadId"] == OTHER_UPLOAD:
        return refused("UploadNotFoundException", "gone")(dict(request))
    names = {member: request[member] for member in ("repositoryName", "uploadId")}
    return 200, {"registryId": "123456789012", **names, "lastByteReceived": request["partLastByte"]}


ROWS = [
    _denied("BatchGetImage"),
    _denied("InitiateLayerUpload"),
    _denied("UploadLayerPart"),
    _denied("CompleteLayerUpload"),
    _denied("PutImage"),
    _denied("BatchCheckLayerAvailability", ARN, "Every layer is sent", is_warning=True),
    _denied("DescribeRepositories", ARN, "uri", is_warning=True),
    _open(
        "deny of a service control policy",
        refused("AccessDeniedException", SCP),
        "service control policy",
        "denies",
        "No grant",
        lacks=("Grant ecr",),
    ),
    _open(
        "permissions boundary",
        refused("AccessDeniedException", BOUNDARY),
        "permissions boundary",
        "ecr:InitiateLayerUpload",
    ),
    _open("denied without words", refused("AccessDeniedException", "Access denied"), "ecr:InitiateLayerUpload", "app"),
    _open("repository missing", NO_REPOSITORY, "does not exist", "create-repository", "region"),
    _open(
        "wrong access key",
        refused("UnrecognizedClientException", "The security token included in the request is invalid."),
        "does not accept the credentials",
        "access_key",
    ),
    _open(
        "wrong secret key",
        refused("InvalidSignatureException", "The request signature we calculated does not match"),
        "does not accept the credentials",
        "secret_key",
    ),
    _open(
        "wrong clock",
        refused("InvalidSignatureException", EXPIRED),
        "The clock of the host that runs the module is wrong",
        "2026-01-01T01:00:00Z",
    ),
    _open(
        "expired credentials",
        refused("ExpiredTokenException", "The security token included in the request is expired"),
        "expired",
        "Renew",
    ),
    _open(
        "region not enabled",
        refused("OptInRequired", "The AWS Access Key Id needs a subscription for the service"),
        "Enable the region",
    ),
    _open("throttled", refused("ThrottlingException", "Rate exceeded"), "throttling", "later"),
    _open(
        "key disabled",
        refused("KmsException", "the key is disabled", kmsError="DisabledException"),
        "DisabledException",
        "KMS key",
        "enabled",
    ),
    _open(
        "key denied",
        refused("KmsException", "denied", kmsError="AccessDeniedException"),
        "AccessDeniedException",
        "kms:GenerateDataKey",
    ),
    _open(
        "unknown error",
        refused("SomethingNewException", "something new"),
        "SomethingNewException",
        "API",
        lacks=("The request failed.",),
    ),
    _open(
        "unknown parameter",
        refused("InvalidParameterException", "Invalid parameter at 'registryId'"),
        "Invalid parameter at 'registryId'",
    ),
    _open(
        "server error",
        refused("ServerException", "internal", 500),
        "failed to handle the request",
        "Run the task again",
    ),
    _complete("another digest", refused("InvalidLayerException", "Layer digests do not match"), "digest", "new upload"),
    _complete("nothing uploaded", refused("EmptyUploadException", "no bytes"), "ecr_upload_layer_part"),
    _complete("parts too small", refused("LayerPartTooSmallException", "too small"), "5242880"),
    _complete("upload gone", refused("UploadNotFoundException", "not found"), UPLOAD, "new upload"),
    _complete("sign-in page", answered("<html>"), "not Amazon ECR", "text/html"),
    Mistake(
        "part: first one not at byte 0",
        "ecr_upload_layer_part",
        {**PART, "part_first_byte": 5, "part_last_byte": 5, "layer_part_blob": "AA=="},
        ("expects byte 0",),
        answers={"UploadLayerPart": refused("InvalidLayerPartException", "x", lastValidByteReceived=0)},
    ),
    Mistake("part: nothing given", "ecr_upload_layer_part", PART, ("src or layer_part_blob",)),
    Mistake(
        "part: not base64", "ecr_upload_layer_part", {**PART, "layer_part_blob": "???"}, ("layer_part_blob", "base64")
    ),
    Mistake(
        "part: range turned round",
        "ecr_upload_layer_part",
        {**PART, "part_first_byte": 9, "layer_part_blob": "AA=="},
        ("part_last_byte is inclusive",),
    ),
    Mistake(
        "image info: archived",
        "ecr_image_info",
        {"repository_name": "app", "tags": ["1"]},
        ("is archived", "update-image-storage-class", "Push it again"),
        answers={"BatchGetImage": answered(ARCHIVED)},
    ),
    Mistake(
        "image info: repository missing",
        "ecr_image_info",
        {"repository_name": "app"},
        ("list the images of repository app", "does not exist"),
        answers={"DescribeImages": NO_REPOSITORY},
    ),
    Mistake(
        "image info: filter beside tags",
        "ecr_image_info",
        {"repository_name": "app", "tags": ["1"], "tag_status": "tagged"},
        ("tag_status", "cannot be used with tags"),
    ),
    Mistake(
        "image info: denied list",
        "ecr_image_info",
        {"repository_name": "app"},
        ("Grant ecr:DescribeImages",),
        answers={"DescribeImages": refused("AccessDeniedException", "no")},
    ),
    Mistake(
        "download: no such tag",
        "ecr_image_download",
        {"repository_name": "app", "tag": "1", "dest": "{dir}/x"},
        ("does not contain image '1'", "repository app"),
    ),
    Mistake(
        "download: archived",
        "ecr_image_download",
        {"repository_name": "app", "tag": "1", "dest": "{dir}/x"},
        ("archived", "update-image-storage-class"),
        answers={"BatchGetImage": answered(ARCHIVED)},
    ),
    Mistake(
        "download: tag and digest",
        "ecr_image_download",
        {"repository_name": "app", "tag": "1", "digest": DIGEST, "dest": "x"},
        ("tag|digest",),
    ),
    Mistake("download: no image", "ecr_image_download", {"repository_name": "app", "dest": "x"}, ("tag, digest",)),
    Mistake(
        "download: format",
        "ecr_image_download",
        {"repository_name": "app", "tag": "1", "dest": "x", "format": "docker"},
        ("docker-archive",),
    ),
    Mistake(
        "copy: no such tag",
        "ecr_image_copy",
        {"repository_name": "app", "source": {"repository_name": "base", "tag": "1"}},
        ("source repository base", "'1'"),
    ),
    Mistake(
        "copy: no image",
        "ecr_image_copy",
        {"repository_name": "app", "source": {"repository_name": "base"}},
        ("tag, digest", "source"),
    ),
    Mistake(
        "copy: denied at the source",
        "ecr_image_copy",
        {"repository_name": "app", "source": {"repository_name": "base", "tag": "1"}},
        ("source repository base", "ecr:BatchGetImage"),
        answers={"BatchGetImage": refused("AccessDeniedException", "no")},
    ),
    Mistake(
        "copy: expected digest",
        "ecr_image_copy",
        {"repository_name": "app", "source": {"tag": "1"}, "expected_digest": "1.0"},
        ("expected_digest", "sha256:"),
    ),
    Mistake(
        "copy: source with a host",
        "ecr_image_copy",
        {"repository_name": "app", "source": {"repository_name": f"{HOST}/base", "tag": "1"}},
        ("source", "registry host"),
    ),
    Mistake(
        "removal: denied",
        "ecr_image",
        {"repository_name": "app", "state": "absent", "tags": ["1"]},
        ("Grant ecr:DescribeImages",),
        answers={"DescribeImages": refused("AccessDeniedException", "no")},
    ),
    Mistake(
        "layer: repository missing",
        "ecr_layer_info",
        {"repository_name": "app", "layer_digests": [DIGEST]},
        ("does not exist",),
        answers={"BatchCheckLayerAvailability": NO_REPOSITORY},
    ),
    Mistake(
        "layer: sign-in page",
        "ecr_layer_info",
        {"repository_name": "app", "layer_digests": [DIGEST]},
        ("not Amazon ECR", "text/html"),
        answers={"BatchCheckLayerAvailability": answered("<html>")},
    ),
    Mistake(
        "image info: sign-in page",
        "ecr_image_info",
        {"repository_name": "app", "tags": ["1"]},
        ("not Amazon ECR", "text/html"),
        answers={"BatchGetImage": answered("<html>")},
    ),
    Mistake(
        "completion: JSON from a file",
        "ecr_complete_layer_upload",
        {"cli_input_json": "file://request.json"},
        ("cli_input_json", "lookup('ansible.builtin.file'"),
    ),
    Mistake(
        "completion: broken JSON", "ecr_complete_layer_upload", {"cli_input_json": "{"}, ("cli_input_json", "JSON")
    ),
    Mistake(
        "completion: unknown member",
        "ecr_complete_layer_upload",
        {**COMPLETION, "cli_input_json": {"layerDigest": "x"}},
        ("layerDigest", "layerDigests"),
    ),
    Mistake(
        "completion: nothing given", "ecr_complete_layer_upload", {}, ("repository_name", "upload_id", "layer_digests")
    ),
    Mistake(
        "push: empty tags",
        "ecr_image",
        {"repository_name": "app", "src": "{dir}/image.tar", "tags": []},
        ("no tag", "digest"),
        prepare=_write_image,
        is_warning=True,
        check=True,
    ),
    Mistake(
        "push: tags of the task",
        "ecr_image",
        {"repository_name": "app", "src": "{dir}/image.tar"},
        ("no tag", "digest", "the task"),
        prepare=_write_image,
        is_warning=True,
        check=True,
    ),
    Mistake(
        "push: parallel", "ecr_image", {"repository_name": "app", "src": "x", "parallel": 0}, ("parallel 0", "1 to 32")
    ),
    Mistake(
        "push: part_size in MiB",
        "ecr_image",
        {"repository_name": "app", "src": "x", "part_size": 8},
        ("part_size 8", "5242880", "bytes"),
    ),
    Mistake(
        "push: platform",
        "ecr_image",
        {"repository_name": "app", "src": "x", "platforms": ["amd64"]},
        ("'amd64'", "linux/amd64"),
    ),
    Mistake(
        "push: digests",
        "ecr_image",
        {"repository_name": "app", "src": "x", "digests": [DIGEST]},
        ("digests cannot be used with state present",),
    ),
    Mistake("push: no source", "ecr_image", {"repository_name": "app"}, ("src",)),
    Mistake(
        "push: state_dir is a file",
        "ecr_image",
        {"repository_name": "app", "src": "{dir}/image.tar", "tags": ["1"], "state_dir": "{dir}/image.tar"},
        ("State directory", "Not a directory"),
        prepare=_write_image,
        check=True,
    ),
    Mistake(
        "push: misspelled option", "ecr_image", {"repository_name": "app", "src": "x", "tag": "1"}, ("tag", "tags")
    ),
    Mistake(
        "layer: upload that is unknown",
        "ecr_layer",
        {"repository_name": "app", "src": "{dir}/image.tar", "upload_id": OTHER_UPLOAD},
        (OTHER_UPLOAD, "does not know", "new upload"),
        prepare=_write_image,
        is_warning=True,
        answers={"UploadLayerPart": _unknown_upload},
    ),
]
