# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The failures of calls to Amazon ECR, as facts; ``_ansible/failure.py`` words them."""

from __future__ import annotations

import datetime
import re
import typing as t
from dataclasses import dataclass

try:
    from botocore.exceptions import ClientError
except ImportError:
    pass  # AnsibleAWSModule reports a missing SDK

from .._core.digest import SHA256_DIGEST
from .._core.errors import TaskError
from .._core.text import printable
from .answers import UnreadableAnswerError
from .retry import is_final, may_have_been_applied, retried_silently, time_in

if t.TYPE_CHECKING:
    from .call import Call, Repository

# "Signature expired: 20261126T090000Z is now earlier than 20261126T094500Z (20261126T100000Z - 15 min.)"
_TIME_OF_AWS = re.compile(r"\((\d{8}T\d{6}Z) [+-] \d+ min")


class EcrError(TaskError):
    """A call to Amazon ECR that did not do what it should."""

    def __init__(self, call: Call, problem: str, remedy: str | None = None) -> None:
        super().__init__(problem, remedy)
        self.call = call

    @property
    def code(self) -> str | None:
        """AWS's error code, or the name of botocore's exception if no answer arrived; None if AWS reported no error."""
        return None

    @property
    def is_denied(self) -> bool:
        """Whether the caller lacks the permission for the call."""
        return self.code == "AccessDeniedException"

    @property
    def may_have_been_applied(self) -> bool:
        """Whether an attempt may have done what was asked, although it failed."""
        return False


# The words of IAM: "… is not authorized to perform: ACTION on resource: ARN because no POLICY allows it",
# or "… with an explicit deny in a POLICY: ARN". Source:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
_DENIED_ACTION = re.compile(r"not authorized to perform: (ecr:\w+)")
_DENIED_RESOURCE = re.compile(r"on resource: (arn:[^\s,]+)")
_DENIED_BY = re.compile(r"with an explicit deny in an? ([\w -]+?(?:policy|boundary))(?:: (arn:\S+))?")
_NOT_ALLOWED_BY = re.compile(r"because no ([\w -]+?) allows")
# Operations that another action allows.
_ACTIONS = {"ListImageReferrers": "BatchGetImage"}


@dataclass(frozen=True)
class Denial:
    """A permission that the caller lacks, as AWS words it.

    :param resource: an ARN, or what the call is about if AWS does not name it
    :param denied_by: the kind of policy that denies explicitly, and its ARN if AWS names it
    :param not_allowed_by: the kind of policy that does not allow it
    """

    action: str
    resource: str
    denied_by: str | None = None
    not_allowed_by: str | None = None

    @classmethod
    def of(cls, error: EcrError) -> Denial:
        """Return the permission that is missing for a call that was denied."""
        words = str(error.exception) if isinstance(error, CallError) else ""
        action, resource = _DENIED_ACTION.search(words), _DENIED_RESOURCE.search(words)
        explicit, missing = _DENIED_BY.search(words), _NOT_ALLOWED_BY.search(words)
        operation = error.call.operation
        return cls(
            action[1] if action else f"ecr:{_ACTIONS.get(operation, operation)}",
            printable(resource[1].rstrip(".")) if resource else str(error.call.repository),
            " ".join(filter(None, map(printable, filter(None, explicit.groups())))) if explicit else None,
            printable(missing[1]) if missing else None,
        )


class CallError(EcrError):
    """A call of which no attempt succeeded.

    :param exception: botocore's exception for the last attempt
    :param earlier_failures: those for the attempts before it
    """

    def __init__(self, call: Call, exception: Exception, earlier_failures: t.Sequence[Exception] = ()) -> None:
        super().__init__(call, str(exception))
        self.exception = exception
        self.earlier_failures = tuple(earlier_failures)

    @property
    def attempts(self) -> int:
        """How many requests were made."""
        return len(self.earlier_failures) + 1

    @property
    def code(self) -> str:
        """AWS's error code, or the name of botocore's exception if no answer arrived."""
        if isinstance(self.exception, ClientError):
            return str(self.exception.response["Error"]["Code"])
        return type(self.exception).__name__

    @property
    def names(self) -> tuple[str, ...]:
        """What the failure is called, the most specific name first: AWS's error code, or botocore's exceptions."""
        if isinstance(self.exception, ClientError):
            return (self.code, "ServerException") if may_have_been_applied(self.exception) else (self.code,)
        return tuple(ancestor.__name__ for ancestor in type(self.exception).__mro__)

    @property
    def response(self) -> dict[str, t.Any]:
        """AWS's answer, with the members that the service model gives the error."""
        return dict(self.exception.response) if isinstance(self.exception, ClientError) else {}

    @property
    def registry_id(self) -> str | None:
        """The AWS account that refused, as the error reports it."""
        reported = self.response.get("registryId")
        return printable(reported) if isinstance(reported, str) else None

    @property
    def named_digests(self) -> frozenset[str]:
        """The SHA-256 digests in the words of AWS, which no member of the error lists."""
        return frozenset(re.findall(SHA256_DIGEST.pattern, str(self.exception)))

    @property
    def last_valid_byte(self) -> int | None:
        """The last byte that the registry has of the upload, as InvalidLayerPartException reports it."""
        position = self.response.get("lastValidByteReceived")
        return position if isinstance(position, int) else None

    @property
    def answered_at(self) -> datetime.datetime | None:
        """What the clock of AWS showed when it answered, as the error says, or else the header ``Date``."""
        stated = _TIME_OF_AWS.search(str(self.exception))
        if stated is None:
            headers = self.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
            return time_in(headers.get("date", ""))
        try:
            time = datetime.datetime.strptime(stated[1], "%Y%m%dT%H%M%SZ")
        except ValueError:
            return None
        return time.replace(tzinfo=datetime.timezone.utc)

    @property
    def expected_byte(self) -> int | None:
        """The byte that the registry expects next of the upload whose part it refused, None if that is not known.

        An upload that holds nothing is reported as 0, -1 or not at all. 0 stands for byte 0 only if the part ended
        there.
        """
        last_byte = self.call.last_byte
        if self.code != "InvalidLayerPartException" or last_byte is None:
            return None
        last_valid = self.last_valid_byte
        is_empty = last_valid is None or last_valid < 0 or (last_valid == 0 and last_byte > 0)
        expected = 0 if is_empty else t.cast(int, last_valid) + 1
        # The part began there, and was refused.
        return None if expected == self.call.first_byte else expected

    @property
    def lost_an_answer(self) -> bool:
        """Whether an attempt before the last one may have done what was asked, and the last one did not."""
        return any(map(may_have_been_applied, self.earlier_failures)) and not may_have_been_applied(self.exception)

    @property
    def is_unresolved(self) -> bool:
        """Whether the last attempt may have done what was asked, and its answer is why no other one was made."""
        return False

    @property
    def may_have_been_applied(self) -> bool:
        """Whether this or an earlier attempt may have done what was asked."""
        attempts = [*self.earlier_failures, self.exception]
        return any(map(may_have_been_applied, attempts)) or retried_silently(self.exception)


class ForeignAnswerError(CallError):
    """A call of which the last attempt was answered, but not by Amazon ECR.

    :param endpoint: the URL that was called
    :param proxy: the URL of the proxy in force, None if there is none
    """

    def __init__(
        self,
        call: Call,
        exception: UnreadableAnswerError,
        earlier_failures: t.Sequence[Exception],
        endpoint: str,
        proxy: str | None,
    ) -> None:
        super().__init__(call, exception, earlier_failures)
        self.status = exception.status
        self.endpoint = endpoint
        self.proxy = proxy
        self._is_final = is_final(exception)
        self._is_ruled_out = False

    @property
    def code(self) -> str:
        """The HTTP status of a failure, else what is wrong."""
        is_failure = self.status is not None and self.status >= 300
        return str(self.status) if is_failure else "UnreadableAnswer"

    @property
    def names(self) -> tuple[str, ...]:
        """What the failure is called, the most specific name first."""
        return (self.code, "UnreadableAnswer")

    @property
    def is_unresolved(self) -> bool:
        """Whether the last attempt may have done what was asked, and its answer is why no other one was made."""
        return self._is_final and self.may_have_been_applied

    @property
    def may_have_been_applied(self) -> bool:
        """Whether this or an earlier attempt may have done what was asked."""
        return super().may_have_been_applied and not self._is_ruled_out

    def rule_out(self) -> None:
        """Note that the registry was looked at afterwards, and that no attempt did what was asked."""
        self._is_ruled_out = True


class DownloadError(CallError):
    """Bytes of a layer that could not be read from Amazon S3, by any attempt.

    :param origin: the scheme and the host that were called, None if none was
    """

    def __init__(
        self, call: Call, exception: Exception, earlier_failures: t.Sequence[Exception], origin: str | None
    ) -> None:
        super().__init__(call, exception, earlier_failures)
        self.origin = origin

    @property
    def code(self) -> str:
        """The error code of Amazon S3, or else the HTTP status of a failure, or what is wrong."""
        if not isinstance(self.exception, UnreadableAnswerError):
            return super().code
        status = self.exception.status
        is_failure = status is not None and status >= 300
        return self._code_of_store or (str(status) if is_failure else "UnreadableAnswer")

    @property
    def names(self) -> tuple[str, ...]:
        """What the failure is called, the most specific name first."""
        if not isinstance(self.exception, UnreadableAnswerError):
            return super().names
        return (self.code, str(self.exception.status), *(() if self._code_of_store else ("UnreadableAnswer",)))

    @property
    def _code_of_store(self) -> str | None:
        return getattr(self.exception, "code", None)

    @property
    def is_denied(self) -> bool:
        """Whether the caller lacks the permission for a call to Amazon ECR, which this is not."""
        return False


class ConnectionOptionsError(EcrError):
    """The options of the connection cannot be used; ``exception`` is that of amazon.aws or botocore."""

    def __init__(self, call: Call, exception: Exception) -> None:
        super().__init__(call, str(exception))
        self.exception = exception


class ProxyError(EcrError):
    """A proxy that no request can be sent through, because of its URL.

    :param proxy: the URL, without a password
    :param fault: what is wrong with it: a clause without its period
    """

    def __init__(self, call: Call, proxy: str, fault: str) -> None:
        super().__init__(call, f"The proxy {printable(proxy)} cannot be used: {fault}")


class AnswerError(EcrError):
    """A call that succeeded, with an answer that is not the one expected.

    :param changed: whether the registry has changed all the same
    :param layer_digest: the layer that the registry stored instead
    """

    def __init__(
        self,
        call: Call,
        problem: str,
        remedy: str | None = None,
        changed: bool = False,
        layer_digest: str | None = None,
    ) -> None:
        super().__init__(call, problem, remedy)
        self.changed = changed
        self.layer_digest = layer_digest


class NotReturnedError(EcrError):
    """An image that the registry has and does not return.

    :param image: its tag or digest
    :param failure_code: why, for example ``KmsError``; see
        https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageFailure.html
    :param failure_reason: why, in the words of AWS
    """

    def __init__(self, call: Call, image: str, failure_code: str, failure_reason: str) -> None:
        super().__init__(call, f"The registry does not return {printable(image)}")
        self.failure_code = failure_code
        self.failure_reason = failure_reason


# The code of the refusal to delete an image that an index lists.
LISTED_BY_INDEX = "ImageReferencedByManifestList"


@dataclass(frozen=True)
class Undeleted:
    """A tag or an image that the registry did not delete, and why, in its words.

    ``indexes`` are the digests of those that list the image. Codes:
    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageFailure.html
    """

    name: str
    code: str
    reason: str
    indexes: tuple[str, ...] = ()


class NotDeletedError(EcrError):
    """Tags and images that the registry did not delete, or would not delete."""

    def __init__(self, call: Call, undeleted: tuple[Undeleted, ...]) -> None:
        super().__init__(call, f"The registry does not remove {printable(undeleted[0].name)}")
        self.undeleted = undeleted


class ExplainedError(EcrError):
    """A refusal with a more specific cause than AWS reports.

    :param problem: why the registry refused: a sentence without its period
    :param remedy: what to do: a sentence without its period
    """

    def __init__(self, refusal: CallError, problem: str, remedy: str) -> None:
        super().__init__(refusal.call, problem, remedy)
        self.refusal = refusal

    @property
    def code(self) -> str:
        """AWS's error code."""
        return self.refusal.code

    @property
    def may_have_been_applied(self) -> bool:
        """Whether this or an earlier attempt may have done what was asked."""
        return self.refusal.may_have_been_applied


class ImmutableTagError(TaskError):
    """A tag that is on another image and cannot be moved.

    :param found: the digest of the image that the tag is on
    :param wanted: the digest of the image that it was to be moved to
    :param refusal: the registry's refusal, None if it was not asked to move the tag
    :param is_archived: whether the image that the tag is on is archived, and so could not be compared
    """

    def __init__(
        self,
        repository: Repository,
        tag: str,
        found: str,
        wanted: str,
        refusal: CallError | None = None,
        is_archived: bool = False,
    ) -> None:
        super().__init__(f"Tag {tag} of {repository} is immutable and on {found}. It cannot be moved to {wanted}")
        self.refusal = refusal
        self.is_archived = is_archived
