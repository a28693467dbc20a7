# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Words failures: the message and the result of a task that failed, from the facts that an error carries."""

from __future__ import annotations

import datetime
import traceback
import typing as t
from functools import singledispatch

from ansible.module_utils.common.dict_transformations import camel_dict_to_snake_dict

from .._core.errors import InvalidInputError, LayerUploadError, Resume, TaskError, Unanswered, UploadProgress
from .._core.text import listed, printable, shortened
from .._ecr.call import DOWNLOAD, SOURCE
from .._ecr.errors import (
    LISTED_BY_INDEX,
    AnswerError,
    CallError,
    ConnectionOptionsError,
    Denial,
    DownloadError,
    EcrError,
    ExplainedError,
    ForeignAnswerError,
    ImmutableTagError,
    NotDeletedError,
    NotReturnedError,
    ProxyError,
    Undeleted,
)
from .._ecr.limits import MIN_PART
from .advice import (
    ANOTHER_TAG,
    CLOCK_ERRORS,
    CLOCK_WORDS,
    EXPIRED_CREDENTIALS,
    REMOVE_INDEX_FIRST,
    RESTORE_FIRST,
    SIGNATURE_ERRORS,
    SPOILED_UPLOADS,
    SSO_ERRORS,
    TOO_LARGE,
    UNREADABLE_LAYERS,
    advice,
    clock_advice,
    denied_advice,
    download_advice,
    login_advice,
    look_advice,
    options_of_source,
    size_advice,
    source_advice,
    tls_advice,
    url_advice,
)

if t.TYPE_CHECKING:
    from .._ecr.call import Call

Result = dict[str, t.Any]

_UNKNOWN_ERROR = (
    "{code} is not an error that this collection knows. Look it up in the API reference of {service}, and run the task "
    "again if it is temporary"
)
_NOTHING_SENT = "Nothing was sent"
# Amazon ECR refuses signatures that are older or younger.
_SKEW = datetime.timedelta(minutes=5)
_READING = ("GetDownloadUrlForLayer", DOWNLOAD)
_SENDING = ("InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload", "PutImage")
_WITH_OUTCOME = (*_SENDING, "BatchDeleteImage")
# Images of an index that a message names.
_MAX_LISTED = 3
# Characters of one text of AWS that a message or a result shows.
_MAX_ANSWER = 1000
# An upload that was opened and is not used does no harm.
_CHANGING = ("UploadLayerPart", "CompleteLayerUpload", "PutImage")
_MAYBE_CARRIED_OUT = "The request may have been carried out all the same"
_LOST_ANSWER = "An earlier attempt, whose answer was lost, may have been carried out"


def sentences(*parts: str | None) -> str:
    """Join sentences, which may lack their periods; None stands for no sentence."""
    return " ".join(f"{part.rstrip('.')}." for part in parts if part)


@singledispatch
def message(error: TaskError) -> str:
    """Return what failed and why, and what to do next. It does not include the error message of AWS."""
    return sentences(error.problem, error.remedy)


@message.register(InvalidInputError)
def _invalid_input(error: InvalidInputError) -> str:
    return sentences(error.problem, _NOTHING_SENT, error.remedy)


def after_sending(error: TaskError) -> TaskError:
    """Return the failure of a task that sent something before, so that it does not say the opposite."""
    if isinstance(error, LayerUploadError):
        return LayerUploadError(after_sending(error.cause), error.progress)
    return TaskError(error.problem, error.remedy) if isinstance(error, InvalidInputError) else error


@message.register(CallError)
def _call(error: CallError) -> str:
    is_source = error.call.repository.role == SOURCE
    where = options_of_source(*error.names) if is_source else None
    meaning = (source_advice(*error.names) if is_source else None) or _meaning(error)
    return sentences(_failed(error), meaning, where, _lost(error))


@message.register(ForeignAnswerError)
def _foreign_answer(error: ForeignAnswerError) -> str:
    way = f"through the proxy {error.proxy}" if error.proxy else "without a proxy"
    origin = f"This was not Amazon ECR's answer. It came from {error.endpoint}, {way}"
    return sentences(_failed(error), origin, _meaning(error), _lost(error))


@message.register(DownloadError)
def _download(error: DownloadError) -> str:
    origin = f"The layers of this registry are at {error.origin}" if error.origin else None
    meaning = download_advice(*error.names) or _UNKNOWN_ERROR.format(code=error.code, service="Amazon S3")
    return sentences(_failed(error), origin, meaning)


@message.register(ConnectionOptionsError)
def _connection_options(error: ConnectionOptionsError) -> str:
    remedy = "A connection option is not valid. Check endpoint_url and aws_config"
    reason = f"The error was: {printable(error.problem, _MAX_ANSWER)}"
    return sentences(f"Failed to {_task(error.call)}", remedy, reason)


@message.register(ProxyError)
def _proxy(error: ProxyError) -> str:
    remedy = "Check HTTPS_PROXY and HTTP_PROXY on the host that runs the module, and proxies in aws_config"
    return sentences(f"Failed to {_task(error.call)}", error.problem, remedy)


@message.register(NotReturnedError)
def _not_returned(error: NotReturnedError) -> str:
    remedy = _advice_on_image(error.failure_code)
    reason = f"The error was: {printable(error.failure_code)}, {printable(error.failure_reason, _MAX_ANSWER)}"
    return sentences(f"Failed to {_task(error.call)}", error.problem, remedy, reason)


def _advice_on_image(failure_code: str) -> str | None:
    # Other operations raise the error of AWS KMS as KmsException.
    return advice("KmsException" if failure_code == "KmsError" else failure_code)


@message.register(NotDeletedError)
def _not_deleted(error: NotDeletedError) -> str:
    names = listed([printable(each.name) for each in error.undeleted])
    listings = [_listing(each) for each in error.undeleted if each.code == LISTED_BY_INDEX]
    first = error.undeleted[0]
    remedy = REMOVE_INDEX_FIRST if listings else _advice_on_image(first.code)
    words = ", ".join(filter(None, (printable(first.code), printable(first.reason, _MAX_ANSWER))))
    reason = f"The error was: {words}" if first.reason else None
    return sentences(f"Failed to remove {names} from {error.call.repository}", *listings[:_MAX_LISTED], remedy, reason)


def _listing(undeleted: Undeleted) -> str:
    indexes = f"{'indexes' if len(undeleted.indexes) > 1 else 'index'} {listed(undeleted.indexes)}"
    return f"{printable(undeleted.name)} belongs to {indexes if undeleted.indexes else 'an index'}"


@message.register(ExplainedError)
def _explained(error: ExplainedError) -> str:
    return sentences(error.problem, _attempts(error.refusal), error.remedy)


@message.register(ImmutableTagError)
def _immutable_tag(error: ImmutableTagError) -> str:
    progress = _attempts(error.refusal) if error.refusal else _NOTHING_SENT
    return sentences(error.problem, progress, RESTORE_FIRST if error.is_archived else ANOTHER_TAG)


@message.register(LayerUploadError)
def _layer_upload(error: LayerUploadError) -> str:
    if isinstance(error.cause, AnswerError) and error.cause.changed:
        # The registry stored a layer, so nothing is incomplete, and nothing can be resumed.
        return message(error.cause)
    return f"{message(error.cause)} {sentences(_progress(error.progress, _may_resume(error.cause)))}"


def what_stays(error: TaskError, has_sent: bool) -> str | None:
    """Return that expired credentials undo nothing, None if nothing was sent or the credentials are not the cause.

    :param has_sent: whether the task sent something before
    """
    if isinstance(error, LayerUploadError):
        return what_stays(error.cause, has_sent)
    if not isinstance(error, CallError) or error.code not in EXPIRED_CREDENTIALS:
        return None
    if not has_sent and error.call.operation not in _SENDING:
        return None
    return "What was sent stays in the registry, and the next run sends only what is missing."


def words_of_aws(error: TaskError) -> str | None:
    """Return the error of AWS or botocore behind a failure, None if there is none."""
    exception = _exception(error)
    return None if exception is None else f"The error was: {printable(str(exception).strip(), _MAX_ANSWER)}"


def printable_traceback(error: BaseException) -> str:
    """Return the traceback of an exception and of its causes, the first cause first."""
    causes: list[BaseException] = []
    cause: BaseException | None = error
    # Python allows that an exception is a cause of its own cause.
    while cause is not None and cause not in causes:
        causes.append(cause)
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return "\n".join(map(_printable_frames, reversed(causes)))


def _printable_frames(error: BaseException) -> str:
    frames = "".join(traceback.format_tb(error.__traceback__))
    return f"{frames}{type(error).__name__}: {printable(str(error), _MAX_ANSWER)}\n"


@singledispatch
def facts(_error: TaskError) -> Result:
    """Return the keys that the failure adds to the result of the task."""
    return {}


@facts.register(EcrError)
def _ecr_facts(error: EcrError) -> Result:
    call = error.call
    result: Result = {"repository_name": call.repository.name}
    if call.repository.registry_id is not None:
        result["registry_id"] = call.repository.registry_id
    if call.upload_id is not None:
        result["upload_id"] = printable(call.upload_id)
    return result


@facts.register(AnswerError)
def _answer_facts(error: AnswerError) -> Result:
    result = {**_ecr_facts(error), "changed": error.changed}
    return result if error.layer_digest is None else {**result, "layer_digest": printable(error.layer_digest)}


@facts.register(NotDeletedError)
def _not_deleted_facts(error: NotDeletedError) -> Result:
    failures = [
        {"image": each.name, "code": each.code, "reason": each.reason, "indexes": list(each.indexes)}
        for each in error.undeleted
    ]
    return {**_ecr_facts(error), "failures": t.cast("list[Result]", _printable(failures))}


@facts.register(CallError)
def _call_facts(error: CallError) -> Result:
    metadata = error.response.get("ResponseMetadata", {})
    reported = {"code": error.code, "message": str(error.exception), **_request_id(metadata)}
    reported |= camel_dict_to_snake_dict(error.response.get("Error", {}))
    members = {name: value for name, value in error.response.items() if name not in ("Error", "ResponseMetadata")}
    answer = camel_dict_to_snake_dict(members)
    result = {**_ecr_facts(error), "attempts": error.attempts, "error": reported, **answer}
    return t.cast(Result, _printable(result))


def _request_id(metadata: t.Mapping[str, t.Any]) -> Result:
    """Return what AWS needs to find the request."""
    return {"request_id": metadata["RequestId"]} if metadata.get("RequestId") else {}


@facts.register(ExplainedError)
def _explained_facts(error: ExplainedError) -> Result:
    return _call_facts(error.refusal)


@facts.register(ImmutableTagError)
def _immutable_tag_facts(error: ImmutableTagError) -> Result:
    return {} if error.refusal is None else _call_facts(error.refusal)


@facts.register(LayerUploadError)
def _layer_upload_facts(error: LayerUploadError) -> Result:
    return facts(error.cause)


def layer_facts(error: TaskError) -> Result:
    """Return which layer of an image could not be sent, and its upload; nothing if another step failed."""
    if not isinstance(error, LayerUploadError):
        return {}
    upload_id = error.progress.upload_id
    return {"layer_digest": error.progress.digest, **({"upload_id": upload_id} if upload_id else {})}


def _printable(value: t.Any) -> t.Any:
    """Return a part of an answer with all its texts made printable."""
    if isinstance(value, str):
        return printable(value, _MAX_ANSWER)
    if isinstance(value, dict):
        return {_printable(key): _printable(member) for key, member in value.items()}
    return list(map(_printable, value)) if isinstance(value, list) else value


def _exception(error: TaskError) -> Exception | None:
    if isinstance(error, LayerUploadError):
        return _exception(error.cause)
    refusal = error.refusal if isinstance(error, (ExplainedError, ImmutableTagError)) else error
    return refusal.exception if isinstance(refusal, CallError) else None


def _failed(error: CallError) -> str:
    return f"Failed to {_task(error.call)}" + (f" after {error.attempts} attempts" if error.attempts > 1 else "")


def _lost(error: CallError) -> str | None:
    """Say that the registry may have done what was asked, where nothing else in the message says it."""
    if error.lost_an_answer:
        return _LOST_ANSWER
    return _MAYBE_CARRIED_OUT if error.is_unresolved and error.call.operation in _CHANGING else None


def _attempts(error: CallError) -> str | None:
    return f"The request was sent {error.attempts} times" if error.attempts > 1 else None


def _meaning(error: CallError) -> str:
    if error.expected_byte is not None:
        return f"The registry expects byte {error.expected_byte} of this upload. Send the part that begins there"
    names = set(error.names)
    if names & (CLOCK_ERRORS | SIGNATURE_ERRORS):
        return _clock(error)
    if names & SSO_ERRORS:
        return login_advice(error.call.profile)
    if names & TOO_LARGE:
        return _too_large(error.call)
    if error.is_denied:
        denial = Denial.of(error)
        return denied_advice(denial.action, denial.resource, denial.denied_by, denial.not_allowed_by)
    if "SSLError" in error.names:
        return tls_advice(str(error.exception))
    kms_error = error.response.get("kmsError")
    cause = f"KMS reports {printable(str(kms_error))}" if kms_error else None
    known = _finder(error.call.operation)(*error.names) or _UNKNOWN_ERROR.format(code=error.code, service="Amazon ECR")
    return f"{known}. {cause}" if cause else known


def _finder(operation: str) -> t.Callable[..., str | None]:
    if operation == "GetDownloadUrlForLayer":
        return url_advice
    return advice if operation in _WITH_OUTCOME else look_advice


def _clock(error: CallError) -> str:
    """Say whether the clock is wrong, and what both clocks show."""
    here, there = datetime.datetime.now(datetime.timezone.utc), error.answered_at
    times = f"The clock of the host shows {_time(here)}" + (f", that of AWS {_time(there)}" if there else "")
    if error.code in CLOCK_ERRORS or (there and abs(here - there) > _SKEW):
        return clock_advice(True, times)
    return clock_advice(there is None and any(words in str(error.exception) for words in CLOCK_WORDS), times)


def _time(moment: datetime.datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _too_large(call: Call) -> str:
    if call.first_byte is None or call.last_byte is None:
        return size_advice(None, None)
    size = call.last_byte - call.first_byte + 1
    return size_advice(_body_size(size), _body_size(MIN_PART) if size > MIN_PART else None)


def _body_size(part_size: int) -> int:
    """Return the size of a part in base64; the rest of a request's body is small."""
    return -(-part_size // 3) * 4


def _may_resume(cause: TaskError) -> bool:
    """Return whether the next run can get further without a change."""
    if not isinstance(cause, CallError):
        return True
    if cause.call.operation in _READING:
        return not cause.is_denied and not set(cause.names) & UNREADABLE_LAYERS
    return cause.code not in TOO_LARGE | SPOILED_UPLOADS


def _task(call: Call) -> str:
    """Return what a call does, as the second half of "Failed to …"."""
    where, upload, images = call.repository, f"upload {printable(str(call.upload_id))}", _images(call)
    tasks = {
        "BatchCheckLayerAvailability": f"check which layers are in {where}",
        "BatchDeleteImage": f"remove {listed([*call.digests, *call.tags])} from {where}",
        "BatchGetImage": f"look up {images} in {where}",
        "CompleteLayerUpload": f"complete {upload} as {listed(call.digests)} in {where}",
        "Connect": f"connect to Amazon ECR for {where}",
        "DescribeImages": f"look up size and age of {images} in {where}" if images else f"list the images of {where}",
        "DescribeRepositories": f"look up the settings of {where}",
        "GetDownloadUrlForLayer": f"get a download URL for layer {listed(call.digests)} of {where}",
        DOWNLOAD: f"download bytes {call.first_byte} to {call.last_byte} of layer {listed(call.digests)} of {where}",
        "ListImageReferrers": f"list what refers to {images} in {where}",
        "InitiateLayerUpload": f"open a layer upload in {where}",
        "PutImage": f"put image {images} into {where}",
        "UploadLayerPart": f"send bytes {call.first_byte} to {call.last_byte} of {upload} to {where}",
    }
    return tasks[call.operation]


def _images(call: Call) -> str:
    digests = listed(call.digests)
    tags = f"{'tags' if len(call.tags) > 1 else 'tag'} {listed(call.tags)}" if call.tags else ""
    return " with ".join(filter(None, (digests, tags)))


def _progress(progress: UploadProgress, may_resume: bool) -> str:
    layer = shortened(progress.digest)
    if progress.next_byte is None or (progress.next_byte == 0 and progress.unanswered is None):
        return f"Layer {layer} was not uploaded"
    if progress.unanswered is Unanswered.COMPLETION:
        return _may_be_complete(progress)
    if progress.next_byte == progress.size and not may_resume:
        return f"All bytes of layer {layer} were sent, but the layer was not completed"
    received = f"{progress.next_byte} of its {progress.size} bytes"
    state = f"Layer {layer} is incomplete: the {progress.receiver} has {received}"
    if progress.unanswered is Unanswered.PART:
        state = (
            f"Layer {layer} is incomplete: the {progress.receiver} confirmed {received}, and may have received more, "
            "because an answer was lost"
        )
    if not may_resume:
        return state
    upload_id = printable(str(progress.upload_id))
    ways = {
        Resume.BY_STATE: "Run the task again with the same state_dir to resume from there",
        Resume.BY_UPLOAD_ID: f"Run the task again with upload_id={upload_id} to resume from there",
        Resume.NEEDS_STATE: "Set state_dir to resume from there next time",
    }
    return f"{state}. {ways[progress.resume]}"


def _may_be_complete(progress: UploadProgress) -> str:
    ways = {
        Resume.BY_STATE: "Run the task again with the same state_dir",
        Resume.BY_UPLOAD_ID: f"Run the task again with upload_id={printable(str(progress.upload_id))}",
        Resume.NEEDS_STATE: "Run the task again",
    }
    return (
        f"All bytes of layer {shortened(progress.digest)} were sent, but it is unknown whether the layer is complete, "
        f"because the answer was lost. {ways[progress.resume]}. It checks the registry first"
    )
