# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each error of AWS and botocore means, and what to do next.

Error codes: the ``Errors`` sections of https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_Operations.html
and https://docs.aws.amazon.com/AmazonECR/latest/APIReference/CommonErrors.html; the names without a code are those of
botocore's exceptions.
"""

from __future__ import annotations

import shlex

from .._core.text import MIB

_EXPIRED = "The credentials expired. Renew them and run the task again"
_NOT_ACCEPTED = (
    "AWS does not accept the credentials. Check access_key, secret_key, session_token or profile, and the clock of the "
    "host"
)
_WRONG_CLOCK = (
    "The clock of the host that runs the module is wrong. Set it, for example with NTP, and run the task again"
)
_CONFIG_FILE = (
    "The AWS configuration file on the host that runs the module cannot be used. Check ~/.aws/config, or the file in "
    "AWS_CONFIG_FILE, of the user that runs the module"
)
_THROTTLED = (
    "Amazon ECR is throttling this operation and retrying did not help. Run fewer pushes at once, or run the task "
    "again later"
)
_NO_ANSWER = (
    "No answer arrived, so the outcome is unknown. Check the network and endpoint_url, and run the task again. It "
    "checks the registry before it sends anything"
)
_NO_CONNECTION = (
    "The registry could not be reached. Check region, endpoint_url, the network, and the proxy in HTTPS_PROXY, "
    "HTTP_PROXY and NO_PROXY"
)
_REFUSED_PARAMETER = (
    "Amazon ECR does not accept a parameter. Compare what the error says with the documentation of the module"
)
_SERVER_FAILED = (
    "The registry failed to handle the request, so the outcome is unknown. Run the task again. It checks the registry "
    "before it sends anything"
)

NO_REGION = "No region is set. Set region, AWS_REGION or AWS_DEFAULT_REGION, or a region in the profile"
ANOTHER_TAG = "Choose another tag, or delete the image that has it"
REMOVE_INDEX_FIRST = "Remove the index before its images, or name all of them in one task"
RESTORE_FIRST = (
    "The image that has the tag is archived. It can be the same image, compressed by another tool. Restore it with "
    "aws ecr update-image-storage-class and run the task again, or choose another tag"
)
_BETWEEN = (
    "Check endpoint_url, AWS_ENDPOINT_URL, HTTPS_PROXY, HTTP_PROXY and NO_PROXY, and look for a sign-in page or a "
    "gateway on the way"
)

ADVICE = {
    # HTTP statuses without an error code of AWS.
    "403": f"A proxy or a gateway refused the request. Allow Amazon ECR there. {_BETWEEN}",
    "407": (
        "The proxy requires authentication. Set user and password in HTTPS_PROXY or HTTP_PROXY, or list the endpoint "
        "in NO_PROXY"
    ),
    "429": (
        "A proxy or a gateway limits the request rate, and retrying did not help. Run fewer pushes at once, or run the "
        "task again later"
    ),
    "ClientRequestError": _NO_ANSWER,
    "ConnectTimeoutError": _NO_CONNECTION,
    "ConnectionError": _NO_CONNECTION,
    "ConfigNotFound": _CONFIG_FILE,
    "ConfigParseError": _CONFIG_FILE,
    "CredentialRetrievalError": (
        "The source of the credentials failed. Check profile and what it names on the host that runs the module. Run a "
        "credential_process by hand: it must print a JSON object with Version 1, AccessKeyId and SecretAccessKey. If a "
        "code is required, get a session first with aws sts get-session-token, and use its keys"
    ),
    "EmptyUploadException": (
        "No part was uploaded, and Amazon ECR cannot store a layer of 0 bytes. Send the layer with "
        "ecr_upload_layer_part before you complete the upload"
    ),
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "HTTPClientError": _NO_ANSWER,
    "IncompleteSignatureException": _NOT_ACCEPTED,
    "ImageAlreadyExistsException": (
        "The registry reports that this image and tag exist but does not return the image. Look at the repository with "
        "ecr_image_info, and run the task again"
    ),
    "ImageDigestDoesNotMatchException": (
        "The manifest does not have the digest that was sent with it. The source is damaged, or something between the "
        "host and AWS changed the request"
    ),
    "ImageInaccessible": (
        "The image is archived. Push it again with ecr_image to restore it, or run aws ecr update-image-storage-class"
    ),
    "ImageTagAlreadyExistsException": (f"The tag is immutable and on another image. {ANOTHER_TAG}"),
    "InternalFailure": _SERVER_FAILED,
    "InvalidLayerException": (
        "The uploaded bytes have none of the digests listed. Compute the digest of the file that was sent, open a new "
        "upload, and send it again"
    ),
    "InvalidLayerPartException": (
        "The part does not follow what the registry has of this upload, and the registry does not report which byte it "
        "expects. Send the layer again in a new upload"
    ),
    "InvalidConfigError": _CONFIG_FILE,
    "InvalidParameterException": _REFUSED_PARAMETER,
    "InvalidRegionError": "The region is not a valid name. Check region, AWS_REGION and the profile",
    "InvalidSignatureException": _NOT_ACCEPTED,
    "KmsException": (
        "The KMS key of the repository cannot be used. Check that it is enabled, and that its policy and grants allow "
        "kms:DescribeKey, kms:GenerateDataKey and kms:Decrypt"
    ),
    "LayerAlreadyExistsException": (
        "The registry already has this layer, but none of the sha256 digests listed is available there, so it is "
        "unknown which layer that is. List the sha256 digest of the layer, and grant ecr:BatchCheckLayerAvailability"
    ),
    "LayerPartTooSmallException": (
        "Every part except the last must be at least 5242880 bytes (5 MiB). Open a new upload and send larger parts, "
        "for example 10485760 bytes each"
    ),
    "LayersNotFoundException": (
        "Layers of the image are not in the repository, although they were sent or listed as available. Run the task "
        "again"
    ),
    "LimitExceededException": (
        "A limit of Amazon ECR is exceeded: the request rate, the images that a repository can have, the 1000 tags of "
        "an image, or the 4200 parts and 52000 MiB of a layer. Run the task again later, delete images or tags, or "
        "send larger parts, up to 10 MiB"
    ),
    "MissingAuthenticationTokenException": _NOT_ACCEPTED,
    "NoCredentialsError": (
        "No credentials were found. Set access_key and secret_key, profile, or AWS_ACCESS_KEY_ID and "
        "AWS_SECRET_ACCESS_KEY in the environment, or run on a host with an instance or task role"
    ),
    "NoRegionError": NO_REGION,
    "OptInRequired": "The account cannot use Amazon ECR in this region. Enable the region, or use another one",
    "PartialCredentialsError": (
        "The credentials are incomplete. Set both access_key and secret_key, both AWS_ACCESS_KEY_ID and "
        "AWS_SECRET_ACCESS_KEY, or complete the profile in the AWS configuration file"
    ),
    "ProfileNotFound": "The profile does not exist on the host that runs the module. Check profile and AWS_PROFILE",
    "ReferencedImagesNotFoundException": (
        "Images of the index are not in the repository, although they were put or listed there. Run the task again"
    ),
    "RepositoryNotFoundException": (
        "The repository does not exist. Create it, for example with aws ecr create-repository, or check "
        "repository_name, registry_id and region"
    ),
    "RequestExpired": _WRONG_CLOCK,
    "RequestTimeTooSkewed": _WRONG_CLOCK,
    "RequestTimeoutException": _SERVER_FAILED,
    "RequestThrottledException": _THROTTLED,
    "SSLError": (
        "The TLS connection was refused. Check endpoint_url, aws_ca_bundle or AWS_CA_BUNDLE, and validate_certs"
    ),
    "ServerException": _SERVER_FAILED,
    "ServiceUnavailable": _SERVER_FAILED,
    "SignatureDoesNotMatch": _NOT_ACCEPTED,
    "Throttling": _THROTTLED,
    "ThrottlingException": _THROTTLED,
    "TooManyRequestsException": _THROTTLED,
    "UnableToGetUpstreamImageException": (
        "The image comes from an upstream registry, which did not return it. Check the pull through cache rule and its "
        "credentials"
    ),
    "UnableToListUpstreamImageReferrersException": (
        "The image comes from an upstream registry, which did not list what refers to it. Check the pull through cache "
        "rule and its credentials"
    ),
    "UnreadableAnswer": (
        f"The outcome is unknown. {_BETWEEN}. Then run the task again. It checks the registry before it sends anything"
    ),
    "UnrecognizedClientException": _NOT_ACCEPTED,
    "UploadNotFoundException": (
        "The registry does not know this upload. It expired, was completed, has another id, or belongs to another "
        "repository, region or account. Send the layer again in a new upload"
    ),
    "ValidationException": _REFUSED_PARAMETER,
}


# What errors of calls mean that change nothing, and so have no outcome that could be unknown.
_LOOK_FAILED = "The registry failed to handle the request. Run the task again"
_LOOK_UNANSWERED = "No answer arrived. Check the network and endpoint_url, and run the task again"
_LOOK_ADVICE = {
    **ADVICE,
    "ClientRequestError": _LOOK_UNANSWERED,
    "HTTPClientError": _LOOK_UNANSWERED,
    "InternalFailure": _LOOK_FAILED,
    "RequestTimeoutException": _LOOK_FAILED,
    "ServerException": _LOOK_FAILED,
    "ServiceUnavailable": _LOOK_FAILED,
    "UnreadableAnswer": f"{_BETWEEN}. Then run the task again",
}

# What errors of calls to the source of a copy mean, where that differs from other calls.
_SOURCE_ADVICE = {
    "RepositoryNotFoundException": (
        "The source repository does not exist. Check source.repository_name, source.registry_id and source.region. "
        "What source does not have is as for the target"
    ),
}
# Errors whose advice names connection options.
_CONNECTION_ERRORS = frozenset(
    {
        *("ConnectTimeoutError", "ConnectionError", "IncompleteSignatureException", "InvalidRegionError"),
        *("InvalidSignatureException", "MissingAuthenticationTokenException", "NoCredentialsError", "NoRegionError"),
        *("PartialCredentialsError", "ProfileNotFound", "SignatureDoesNotMatch", "SSLError"),
        "UnrecognizedClientException",
    }
)
_OPTIONS_OF_SOURCE = "For the source, set these options in source"

# What errors of GetDownloadUrlForLayer mean, where that differs from other operations.
_URL_ADVICE = {
    "LayerInaccessibleException": (
        "The repository has the layer and does not return it: no image that is active refers to it. The image was "
        "archived or deleted meanwhile. Restore it with aws ecr update-image-storage-class, or push it again"
    ),
    "LayersNotFoundException": (
        "The image refers to a layer that the repository does not have. Push the image to this repository again"
    ),
    "UnableToGetUpstreamLayerException": (
        "The layer comes from an upstream registry, which did not return it. Check the pull through cache rule and its "
        "credentials"
    ),
}
_STORE_UNREACHABLE = (
    "Amazon S3, which stores the layers of the registry, could not be reached. Allow it in the firewall and the proxy, "
    "and check HTTPS_PROXY, HTTP_PROXY and NO_PROXY. A private network needs an S3 gateway endpoint"
)
_STORE_REFUSED = (
    "Amazon S3, or something in front of it, refused several new download URLs. Check the policy of the S3 gateway "
    "endpoint (s3:GetObject on arn:aws:s3:::prod-REGION-starport-layer-bucket/*), the proxy, and the clock of the host"
)
_STORE_BUSY = (
    "Amazon S3 asks for fewer requests and retrying did not help. Let less run in parallel, or run the task again later"
)
_DOWNLOAD_BROKE = (
    "The download broke off and retrying did not help. Check the network and the proxy, and run the task again"
)
_STORE_FAILED = "Amazon S3, or something in front of it, failed and retrying did not help. Run the task again later"
_DOWNLOAD_ADVICE = {
    "403": _STORE_REFUSED,
    "404": "Amazon S3 does not have the layer, although the registry lists it. Push the image to this repository again",
    "407": ADVICE["407"],
    "416": "The stored layer is shorter than the manifest states. Push the image to this repository again",
    "429": _STORE_BUSY,
    "500": _STORE_FAILED,
    "502": _STORE_FAILED,
    "503": _STORE_BUSY,
    "504": _STORE_FAILED,
    "ConnectTimeoutError": _STORE_UNREACHABLE,
    "ConnectionError": _STORE_UNREACHABLE,
    "HTTPClientError": _DOWNLOAD_BROKE,
    "SSLError": ADVICE["SSLError"],
    "UnreadableAnswer": f"This is not what Amazon S3 answers. {_BETWEEN}",
}

# What OpenSSL calls an answer without TLS. The names changed with its versions.
_PLAIN_ANSWERS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNKNOWN_PROTOCOL")

# The kinds of policies that grant what no other one denies.
_GRANTING = ("identity-based policy", "resource-based policy")

# Errors of a clock, and those that a wrong clock can cause as well as wrong keys.
CLOCK_ERRORS = frozenset({"RequestExpired", "RequestTimeTooSkewed"})
SIGNATURE_ERRORS = frozenset({"InvalidSignatureException", "SignatureDoesNotMatch"})
# What AWS says of a signature whose keys may be right.
CLOCK_WORDS = ("Signature expired", "Signature not yet current")
EXPIRED_CREDENTIALS = frozenset({"ExpiredToken", "ExpiredTokenException"})
# botocore's exceptions for a session of AWS IAM Identity Center.
SSO_ERRORS = frozenset({"SSOError", "TokenRetrievalError"})
# The HTTP status of a proxy, and the code of a gateway of AWS.
TOO_LARGE = frozenset({"413", "RequestEntityTooLarge", "RequestEntityTooLargeException"})

# A layer of a source that will not come before something there changes: errors of GetDownloadUrlForLayer, and HTTP
# statuses of Amazon S3.
UNREADABLE_LAYERS = frozenset(_URL_ADVICE) | {"403", "404", "416"}

# What Amazon ECR received can never be completed. A new upload is needed.
SPOILED_UPLOADS = frozenset({"InvalidLayerException", "LayerPartTooSmallException"})


def _first(meanings: dict[str, str], names: tuple[str, ...]) -> str | None:
    return next((meanings[name] for name in names if name in meanings), None)


def advice(*names: str) -> str | None:
    """Return what an error means and what to do next, without the last period; None if that is not known.

    :param names: error codes or names of botocore's exceptions, the most specific one first
    """
    return _first(ADVICE, names)


def look_advice(*names: str) -> str | None:
    """Return what an error of a call that changes nothing means and what to do next; as in ``advice``."""
    return _first(_LOOK_ADVICE, names)


def source_advice(*names: str) -> str | None:
    """Return what an error of a call to the source of a copy means and what to do next, None if that is as for others.

    :param names: as in ``advice``
    """
    return _first(_SOURCE_ADVICE, names)


def options_of_source(*names: str) -> str | None:
    """Return where the connection options of a source are set, if the advice on an error names such options."""
    return _OPTIONS_OF_SOURCE if _CONNECTION_ERRORS & set(names) else None


def url_advice(*names: str) -> str | None:
    """Return what an error of GetDownloadUrlForLayer means and what to do next; names and result as in ``advice``."""
    return _first(_URL_ADVICE, names) or look_advice(*names)


def download_advice(*names: str) -> str | None:
    """Return what a failed download from Amazon S3 means and what to do next; names and result as in ``advice``."""
    return _first(_DOWNLOAD_ADVICE, names)


def tls_advice(words: str) -> str:
    """Return what a TLS connection that failed means and what to do next, without the last period.

    :param words: the error of OpenSSL
    """
    if any(name in words for name in _PLAIN_ANSWERS):
        return "What answers at the endpoint does not speak TLS. Check its port, or write http:// in endpoint_url"
    return ADVICE["SSLError"]


def denied_advice(action: str, resource: str, denied_by: str | None, not_allowed_by: str | None) -> str:
    """Return what a missing permission means and what to do next, without the last period.

    :param denied_by: the policy that denies the action explicitly
    :param not_allowed_by: the kind of policy that does not allow it
    """
    if denied_by:
        return f"A policy denies {action} on {resource}. No grant helps against it. Change this policy: {denied_by}"
    if not_allowed_by and not_allowed_by not in _GRANTING:
        return f"The caller lacks permission. Allow {action} on {resource} in the {not_allowed_by} as well"
    return (
        f"The caller lacks permission. Grant {action} on {resource} in the IAM policy of the caller and, for the "
        "registry of another account, in the repository policy"
    )


def clock_advice(is_wrong: bool, times: str) -> str:
    """Return what a refused signature means, without the last period.

    :param is_wrong: whether the clock of the host is known to be wrong
    :param times: what the clocks show: a sentence without its period
    """
    meaning, _period, remedy = (_WRONG_CLOCK if is_wrong else _NOT_ACCEPTED).partition(". ")
    return f"{meaning}. {times}. {remedy}"


def login_advice(profile: str | None) -> str:
    """Return what to do without a session of AWS IAM Identity Center, without the last period."""
    command = f"aws sso login --profile {shlex.quote(profile)}" if profile else "aws sso login"
    return (
        "The SSO session of the credentials has expired, or there is none. Run this on the host that runs the module, "
        f"as the user that runs it: {command}"
    )


def size_advice(body_size: int | None, smaller_body_size: int | None) -> str:
    """Return what a request that is too large means, without the last period. Sizes are in bytes.

    :param body_size: the size of the request's body, None if it is unknown
    :param smaller_body_size: the size with the smallest parts, None if they are smallest already
    """
    what = "The request" if body_size is None else f"The request, whose body has {_mib(body_size)},"
    limit = "for the size of a body" if body_size is None else f"to {_mib(body_size)} or more"
    smaller = (
        ""
        if smaller_body_size is None
        else (
            f", or send parts of 5242880 bytes (5 MiB, part_size of ecr_layer and ecr_image), which make bodies of "
            f"{_mib(smaller_body_size)}"
        )
    )
    return (
        f"{what} is larger than a proxy or a gateway between the host and Amazon ECR allows. Raise its limit {limit}"
        f"{smaller}"
    )


def _mib(size: int) -> str:
    return f"{size / MIB:.1f} MiB" if size >= MIB else f"{size} bytes"
