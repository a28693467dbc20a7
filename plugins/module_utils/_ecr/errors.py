# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each failure of the ECR API means to the person who reads it, and what to do next.

Error codes: the ``Errors`` sections of https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_Operations.html
and https://docs.aws.amazon.com/AmazonECR/latest/APIReference/CommonErrors.html; exceptions without a code are
botocore's.
"""

from __future__ import annotations

import typing as t

try:
    from botocore.exceptions import ClientError
except ImportError:
    pass  # AnsibleAWSModule reports a missing SDK

from ansible_collections.amazon.aws.plugins.module_utils.errors import AWSErrorHandler

from .._core.errors import TaskError
from .retry import may_have_been_applied, retried_silently

_EXPIRED = "The credentials have expired: renew them and run the task again"
_NOT_ACCEPTED = (
    "AWS does not accept the credentials: check access_key, secret_key, session_token or profile, and the host's clock"
)
_THROTTLED = (
    "The account's request rate for this operation is used up, and waiting between the attempts did not help: "
    "run fewer pushes at once, or run the task again later"
)
_NO_ANSWER = (
    "No answer arrived, so the outcome is not known: check the network and endpoint_url, and run the task again; "
    "it looks at the registry before it sends anything"
)
_NO_CONNECTION = "The registry could not be reached: check region, endpoint_url, the network and the proxy settings"
_MAYBE = "an earlier attempt, whose answer was lost, may have been carried out"
_SERVER_FAILED = (
    "The registry failed to handle the request, so the outcome is not known: run the task again; "
    "it looks at the registry before it sends anything"
)

_ADVICE = {
    "AccessDeniedException": (
        "The caller may not do this: grant the ecr action that the error names on this repository, "
        "in the caller's IAM policy and, for another account's registry, in the repository policy"
    ),
    "ClientRequestError": _NO_ANSWER,
    "ConnectTimeoutError": _NO_CONNECTION,
    "ConnectionError": _NO_CONNECTION,
    "CredentialRetrievalError": "The credentials could not be obtained: check the profile and its credential source",
    "EmptyUploadException": (
        "No part was uploaded, and ECR cannot store a layer of zero bytes: "
        "send the layer with ecr_upload_layer_part before completing the upload"
    ),
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "HTTPClientError": _NO_ANSWER,
    "IncompleteSignatureException": _NOT_ACCEPTED,
    "ImageAlreadyExistsException": (
        "The registry says that it has this image with this tag, but does not give it out: look at the repository with "
        "ecr_image_info, and run the task again"
    ),
    "ImageDigestDoesNotMatchException": (
        "The manifest does not have the digest that was sent with it: the source is damaged, or something on the way "
        "changed the request"
    ),
    "ImageTagAlreadyExistsException": (
        "The tag is immutable and on another image: choose another tag, or delete the image that has it"
    ),
    "InternalFailure": _SERVER_FAILED,
    "InvalidLayerException": (
        "The bytes that were uploaded have none of the digests listed: compute the digest of the very file that was "
        "sent, then open a new upload and send it again"
    ),
    "InvalidLayerPartException": (
        "The part does not follow what the registry has of this upload, and the registry does not tell which byte it "
        "expects: open a new upload with ecr_initiate_layer_upload"
    ),
    "InvalidParameterException": "The registry refused a parameter: the error names it",
    "InvalidRegionError": "The region is not a valid name: check region, AWS_REGION and the profile",
    "InvalidSignatureException": _NOT_ACCEPTED,
    "KmsException": (
        "The repository's KMS key cannot be used: check that it is enabled, and that its policy and grants allow "
        "kms:DescribeKey, kms:GenerateDataKey and kms:Decrypt; kms_error in the result is the error of KMS"
    ),
    "LayerAlreadyExistsException": (
        "The registry has this layer already, but none of the sha256 digests listed is available there, so it is not "
        "known which layer that is: list the layer's own sha256 digest, and allow ecr:BatchCheckLayerAvailability; "
        "an archived layer has to be restored first"
    ),
    "LayerPartTooSmallException": (
        "Every part but the last must have at least 5242880 bytes (5 MiB): open a new upload and send larger parts, "
        "10485760 bytes each if in doubt"
    ),
    "LayersNotFoundException": (
        "Layers of the image are not in the repository, although they were sent or listed as available: "
        "run the task again"
    ),
    "LimitExceededException": (
        "A limit of Amazon ECR is exceeded: the request rate, or the 4200 parts and 52000 MiB that a layer may have; "
        "send larger parts, up to 10 MiB, or run the task again later"
    ),
    "MissingAuthenticationTokenException": _NOT_ACCEPTED,
    "NoCredentialsError": (
        "No credentials were found: set access_key and secret_key, profile, the AWS environment variables, "
        "or run on a host with an instance or task role"
    ),
    "NoRegionError": "No region is known: set region, AWS_REGION, or a region in the profile",
    "OptInRequired": "The account may not use Amazon ECR in this region: enable the region, or use another one",
    "PartialCredentialsError": "The credentials are incomplete: set both access_key and secret_key",
    "ProfileNotFound": "The profile does not exist on the host that runs the module: check profile and AWS_PROFILE",
    "ReferencedImagesNotFoundException": (
        "Images of the index are not in the repository, although they were put there or listed: run the task again"
    ),
    "RepositoryNotFoundException": (
        "The repository does not exist: create it, or check repository_name (the name alone, without a registry host), "
        "registry_id and region"
    ),
    "RequestExpired": _EXPIRED,
    "RequestTimeoutException": _SERVER_FAILED,
    "RequestThrottledException": _THROTTLED,
    "SSLError": "The TLS connection was refused: check endpoint_url, aws_ca_bundle and validate_certs",
    "ServerException": _SERVER_FAILED,
    "ServiceUnavailable": _SERVER_FAILED,
    "SignatureDoesNotMatch": _NOT_ACCEPTED,
    "Throttling": _THROTTLED,
    "ThrottlingException": _THROTTLED,
    "TooManyRequestsException": _THROTTLED,
    "UnableToGetUpstreamImageException": (
        "The image is to come from an upstream registry, which did not give it out: check the pull through cache rule "
        "and its credentials"
    ),
    "UnrecognizedClientException": _NOT_ACCEPTED,
    "UploadNotFoundException": (
        "The registry does not know this upload: it has expired, it was completed, its id is wrong, "
        "or it belongs to another repository, region or account; open a new upload with ecr_initiate_layer_upload"
    ),
}


def advice_on(code: str) -> str:
    """Say what one of AWS's errors means and what to do next, in one sentence without a full stop."""
    return _ADVICE[code]


def _names(failure: Exception) -> t.Iterator[str]:
    if isinstance(failure, ClientError):
        yield failure.response["Error"]["Code"]
        if may_have_been_applied(failure):
            yield "ServerException"
        return
    for ancestor in type(failure).__mro__:
        yield ancestor.__name__


def advice(failure: Exception) -> str:
    """Say what a failure means and what to do next, in one sentence without a full stop."""
    last_valid = failure.response.get("lastValidByteReceived") if isinstance(failure, ClientError) else None
    if isinstance(last_valid, int):
        return f"The registry expects byte {last_valid + 1} of this upload next: send the part that begins there"
    return next((_ADVICE[name] for name in _names(failure) if name in _ADVICE), "The request failed")


class EcrError(TaskError):
    """A call to ECR that failed for good; ``exception`` is botocore's, ``earlier_failures`` are those before it.

    ``advice`` takes the place of what is usually said of such an exception.
    """

    earlier_failures: tuple[Exception, ...] = ()
    advice: str | None = None

    def _worded(self) -> str:
        """Say what was tried, what that means, and what to do next; botocore's own words are to follow."""
        if self.exception is None:
            return self.description
        attempts = len(self.earlier_failures) + 1
        tried = f" after {attempts} attempts" if attempts > 1 else ""
        lost = any(map(may_have_been_applied, self.earlier_failures)) and not may_have_been_applied(self.exception)
        meaning = self.advice or advice(self.exception)
        return f"{self.description}{tried}. {meaning}{f'; {_MAYBE}' if lost else ''}. The error was"

    @property
    def code(self) -> str:
        """AWS's error code, or the name of botocore's exception where there was no answer."""
        if isinstance(self.exception, ClientError):
            return str(self.exception.response["Error"]["Code"])
        return type(self.exception).__name__

    @property
    def response(self) -> dict[str, t.Any]:
        """AWS's answer, with the members that the service model gives the error."""
        return dict(self.exception.response) if isinstance(self.exception, ClientError) else {}

    @property
    def may_have_been_applied(self) -> bool:
        """Whether this or an earlier attempt may have done what was asked."""
        attempts = [*self.earlier_failures, *([self.exception] if self.exception else [])]
        return any(map(may_have_been_applied, attempts)) or retried_silently(self.exception)


class EcrErrorHandler(AWSErrorHandler):
    """amazon.aws's error handler, raising EcrError."""

    # amazon.aws declares this attribute without a type, and means it to be overridden.
    _CUSTOM_EXCEPTION = EcrError  # type: ignore[assignment, unused-ignore]
