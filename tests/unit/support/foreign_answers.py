# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything that may come in place of an answer of Amazon ECR: damaged ones, pages of proxies, and no HTTP at all."""

from __future__ import annotations

import copy
import email.utils
import gzip
import json
import time
import typing as t

from ansible_collections.layerkit.ecr.tests.unit.support.meddling_proxy import Answer, as_json, http_answer

PAGE = "<!DOCTYPE html><html><body>Bitte melden Sie sich an: G\u00e4stezugang, \u20ac</body></html>"
_PAGES = {
    "ascii": PAGE.encode("ascii", "ignore"),
    "old-html": b"<html><body>unavailable</body></html>",
    "latin-1": PAGE.encode("latin-1", "ignore"),
    "utf-16": PAGE.encode("utf-16"),
    "binary": bytes(range(256)),
    "empty": b"",
}
# Statuses that a proxy will repeat: the call is not made again.
FINAL_STATUSES = (301, 302, 401, 403, 404, 407, 413)
PASSING_STATUSES = (408, 429, 500, 502, 503, 504, 511)
# By these a proxy says that it did not forward the call.
NOT_FORWARDED = (407, 413, 429)

# What a member becomes that should be of another type.
_WRONG: dict[type, tuple[t.Any, ...]] = {
    str: (5, True, ["a"], {"a": "b"}, "\ud800"),
    int: (1.5, True, "10", [], 2**80),
    float: (True, "yesterday", [], 1e300),
    list: ({}, "abc", [None], [5], 7),
    dict: ([], "abc", 7),
}


class Kind(t.NamedTuple):
    """One kind of answer; ``is_final`` says that the call is not made again."""

    name: str
    answer: Answer
    is_final: bool = False
    may_be_applied: bool = True


def kinds(operation: str, sample: t.Any) -> list[Kind]:
    """Return every kind of answer to an operation.

    :param sample: a true answer
    """
    return [*_bodies(), *_members(operation, sample), *_pages(), *_errors(operation), *_no_http(), *_delays()]


def foreign_kinds(operation: str) -> list[Kind]:
    """Return the kinds of answers that are not made of a true one by a change of its members."""
    return [*_bodies(), *_pages(), *_errors(operation), *_no_http(), *_delays()]


def contradictions(operation: str) -> list[Kind]:
    """Return the answers of an operation that are well-formed, and cannot be right."""
    return [
        Kind(f"{'.'.join(map(str, path))} {json.dumps(wrong)[:12]}", _edited(path, wrong))
        for path, wrongs in _CONTRADICTIONS.get(operation, {}).items()
        for wrong in wrongs
    ]


def _constant(content: bytes) -> Answer:
    return lambda _true: content


def _bodies() -> t.Iterator[Kind]:
    yield Kind("cut", lambda true: http_answer(200, true[: len(true) // 2]))
    yield Kind("short", lambda true: http_answer(200, true[: len(true) // 2], Content_Length=str(len(true))))
    yield Kind("short of white space", lambda true: http_answer(200, true, Content_Length=str(len(true) + 9)))
    yield Kind("cut without length", lambda true: http_answer(200, true[: len(true) // 2], Content_Length=""))
    yield Kind("utf-16", lambda true: http_answer(200, true.decode().encode("utf-16")))
    yield Kind("gzip", lambda true: http_answer(200, gzip.compress(true), Content_Encoding="gzip"))
    yield Kind("chunk cut", lambda true: http_answer(200, b"%x\r\n%b" % (len(true) + 1, true), **_CHUNKED))
    yield Kind("no chunk", _constant(http_answer(200, b"<html>\r\n", **_CHUNKED)))
    for status in (200, 204, 299):
        yield Kind(f"{status} empty", _constant(http_answer(status, b"")))
    for page, body in _PAGES.items():
        yield Kind(f"page {page}", _constant(http_answer(200, body, "text/html")))
    nothing = as_json({"images": [], "failures": [], "layers": None})
    yield Kind("empty lists", _constant(http_answer(200, nothing)))
    for text in (
        "[]",
        "null",
        '"text"',
        "5",
        "true",
        "{}",
        "NaN",
        '{"a": NaN}',
        "[" * 5000,
        '{"a":' * 5000,
        "\ufeff{}",
    ):
        yield Kind(f"json {text[:12]}", _constant(http_answer(200, text.encode())))
    yield Kind("error with 200", _constant(http_answer(200, as_json({"__type": "ThrottlingException"}))))


_CHUNKED = {"Content_Length": "", "Transfer_Encoding": "chunked"}


def _members(operation: str, sample: t.Any) -> t.Iterator[Kind]:
    for path in _NEEDED[operation]:
        name = ".".join(map(str, path))
        yield Kind(f"{name} missing", _edited(path, None, remove=True))
        yield Kind(f"{name} null", _edited(path, None))
        value = _at(sample, path)
        for wrong in _WRONG[type(value)]:
            yield Kind(f"{name} {json.dumps(wrong)[:12]}", _edited(path, wrong))
    yield from contradictions(operation)


Path = tuple[t.Any, ...]

# The members without which an answer does not say what it was asked for.
_NEEDED: dict[str, tuple[Path, ...]] = {
    "BatchCheckLayerAvailability": (
        ("layers",),
        ("layers", 0, "layerDigest"),
        ("layers", 0, "layerAvailability"),
    ),
    "InitiateLayerUpload": (("uploadId",), ("partSize",)),
    "UploadLayerPart": (("lastByteReceived",),),
    "CompleteLayerUpload": (("layerDigest",),),
    "BatchGetImage": (
        ("images",),
        ("failures",),
        ("images", 0, "imageId"),
        ("images", 0, "imageId", "imageDigest"),
        ("images", 0, "imageManifest"),
    ),
    "BatchDeleteImage": (("imageIds",), ("imageIds", 0, "imageTag")),
    "DescribeImages": (("imageDetails",), ("imageDetails", 0, "imageDigest")),
    "ListImageReferrers": (
        ("referrers",),
        ("referrers", 0, "digest"),
        ("referrers", 0, "mediaType"),
        ("referrers", 0, "size"),
    ),
    "DescribeRepositories": (
        ("repositories",),
        ("repositories", 0, "registryId"),
        ("repositories", 0, "repositoryUri"),
        ("repositories", 0, "imageTagMutability"),
    ),
    "GetDownloadUrlForLayer": (("downloadUrl",),),
    "PutImage": (("image",),),
}
_OTHER_UPLOAD = "00000000-0000-0000-0000-000000000000"
_CONTRADICTIONS: dict[str, dict[Path, tuple[t.Any, ...]]] = {
    "BatchCheckLayerAvailability": {
        ("layers", 0, "layerDigest"): ("sha256:" + "1" * 64,),
        ("layers", 0, "layerAvailability"): ("\x1b[2J", "Available", "", "A" * 65),
        ("layers", 0, "layerSize"): (1.5, True, "7", -5),
        ("failures",): ({}, "abc", [None]),
    },
    "InitiateLayerUpload": {("partSize",): (0, -1, 1, 15 * 2**20, 2**40), ("uploadId",): ("", "no-uuid", "<html>")},
    "UploadLayerPart": {("lastByteReceived",): (-1, 10**12), ("uploadId",): (_OTHER_UPLOAD,)},
    "CompleteLayerUpload": {
        ("layerDigest",): ("", "text", "sha256:xyz", "md5:abc", "sha256:abc"),
        ("uploadId",): (_OTHER_UPLOAD,),
    },
    "BatchGetImage": {
        ("images", 0, "imageId", "imageDigest"): ("", "text", "sha256:xyz"),
        ("failures",): ([{"imageId": {}, "failureCode": "ImageNotFound"}], [{"failureCode": "x"}]),
    },
    "BatchDeleteImage": {
        ("imageIds", 0, "imageTag"): ("another",),
        ("imageIds", 0, "imageDigest"): (5, True, "", "sha256:<html>"),
        ("failures",): ({}, "abc", [None], [{"imageId": {"imageTag": "another"}, "failureCode": "KmsError"}]),
    },
    "ListImageReferrers": {
        ("nextToken",): (5, True, [], {}),
        ("referrers", 0, "digest"): ("", "text", "sha256:xyz"),
        ("referrers", 0, "size"): (-1,),
        ("referrers", 0, "annotations"): ([], "abc", {"a": 5}),
        ("referrers", 0, "artifactStatus"): (5, []),
    },
    "DescribeImages": {
        ("nextToken",): (5, True, [], {}),
        ("imageDetails", 0, "imageDigest"): ("", "text", "sha256:xyz"),
        ("imageDetails", 0, "imagePushedAt"): (
            True,
            "yesterday",
            [],
            1e300,
            "0001-01-01T00:00:00",
            "0001-01-01T00:00:00+14:00",
            "9999-12-31T23:59:59-12:00",
        ),
        ("imageDetails", 0, "imageTags"): ("abc", {}, [5], [None]),
        ("imageDetails", 0, "imageSizeInBytes"): (1.5, True, "7", -5),
    },
    "DescribeRepositories": {("repositories",): ([],)},
    "GetDownloadUrlForLayer": {
        ("downloadUrl",): (
            "",
            "text",
            "ftp://127.0.0.1/",
            "http://127.0.0.1:99999/",
            "http://127.0.0.1/\n",
            "http://[",
        ),
        ("layerDigest",): ("", "sha256:" + "1" * 64),
    },
    "PutImage": {("image", "imageId", "imageDigest"): (5, True, "sha256:" + "0" * 64)},
}


def _at(document: t.Any, path: Path) -> t.Any:
    for step in path:
        document = document[step]
    return document


def _edited(path: Path, value: t.Any, remove: bool = False) -> Answer:
    def answer(true: bytes) -> bytes:
        document = json.loads(true)
        try:
            parent = _at(document, path[:-1])
        except (IndexError, KeyError):
            # The true answer has no such entry: an image that is not there has none.
            return http_answer(200, b"{}")
        if remove:
            parent.pop(path[-1], None)
        else:
            parent[path[-1]] = copy.deepcopy(value)
        return http_answer(200, as_json(document))

    return answer


def _pages() -> t.Iterator[Kind]:
    for status in (*FINAL_STATUSES, *PASSING_STATUSES):
        for page in _PAGES if status in (403, 502) else ("ascii", "empty"):
            content = http_answer(status, _PAGES[page], "text/html; charset=iso-8859-1")
            forwarded = status not in NOT_FORWARDED
            yield Kind(f"{status} {page}", _constant(content), status in FINAL_STATUSES, forwarded)


def _errors(operation: str) -> t.Iterator[Kind]:
    bodies = (
        "[]",
        "null",
        '"text"',
        "5",
        "{}",
        '{"__type": 5}',
        '{"__type": ""}',
        '{"__type": null}',
        '{"message": 5}',
    )
    for status in (400, 500):
        for body in (*bodies, '{"__type": "ThrottlingException", "message": [5]}', "[" * 5000):
            yield Kind(f"{status} {body[:30]}", _constant(http_answer(status, body.encode())))
    error = as_json({"__type": "RepositoryNotFoundException", "message": "x" * 100})
    for status in (300, 304, 399):
        yield Kind(f"{status} with an error", _constant(http_answer(status, error)), is_final=True)
    for status in (301, 302, 303, 307, 308):
        page = http_answer(status, _PAGES["ascii"], "text/html", Location="http://portal.test/sign-in?for=ecr")
        yield Kind(f"{status} to a portal", _constant(page), is_final=True)
    yield Kind("error cut", _constant(http_answer(400, error[:50], Content_Length=str(len(error)))))
    if operation == "UploadLayerPart":
        for wrong in t.cast("tuple[t.Any, ...]", (1.5, True, "10", [], {})):
            garbled = {"__type": "InvalidLayerPartException", "message": "no", "lastValidByteReceived": wrong}
            yield Kind(f"position {wrong}", _constant(http_answer(400, as_json(garbled))))


def _no_http() -> t.Iterator[Kind]:
    for name, content in (
        ("nothing", b""),
        ("ssh", b"SSH-2.0-OpenSSH_9.2p1\r\n"),
        ("tls", b"\x15\x03\x01\x00\x02\x02\x46"),
        ("binary", bytes(range(256)) * 4),
        ("status text", b"HTTP/1.1 many words\r\n\r\n"),
        ("status 1000", b"HTTP/1.1 1000 No\r\n\r\n"),
        ("version", b"HTTP/7.3 200 OK\r\n\r\n"),
        ("head cut", b"HTTP/1.1 200 OK\r\nContent-Ty"),
        ("long line", b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70000 + b"\r\n\r\n{}"),
        ("many headers", b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n{}"),
        ("two lengths", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 9\r\n\r\n{}"),
        ("length of words", b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n{}"),
        ("header without end", b"HTTP/1.1 200 OK\r\n\xff\xfe: \xff\r\nno colon\r\n\r\n{}"),
    ):
        yield Kind(f"no HTTP: {name}", _constant(content))


def _delays() -> t.Iterator[Kind]:
    for status in (429, 503):
        later = email.utils.formatdate(time.time() + 3600, usegmt=True)
        for value in ("2", later, "-1", "soon", "9" * 400, "Thu, 01 Jan 1970 00:00:00 GMT", "\xb2"):
            content = http_answer(status, b"<html>later</html>", "text/html", Retry_After=value)
            yield Kind(f"{status} after {value[:12]}", _constant(content), may_be_applied=status not in NOT_FORWARDED)
