# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with the name of a repository, the ID of a registry or of an upload, as people write them."""

from __future__ import annotations

import re

from .._core.spelling import Fault, fault_of_length, fault_of_text

# https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html
_HOST = re.compile(r"(\d{12})\.dkr[.-]ecr(?:-fips)?\.[a-z0-9.-]+")
_ARN = re.compile(r"arn:[^:]*:[^:]*:[^:]*:(\d{12}):(?:repository/)?(.*)", re.DOTALL)
_URL = re.compile("[a-z]+://[^/]*/?(.*)", re.DOTALL)
# What stands behind a name in the reference of an image.
_TAG_OR_DIGEST = re.compile("(.+?)(?:(@[a-z0-9]+:[a-f0-9]+)|(:[A-Za-z0-9_.-]+))")
_NAME = re.compile("[a-z0-9]+(?:(?:[.]|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[.]|_|__|-+)[a-z0-9]+)*)*")
_SEPARATORS = re.compile("[._/-]{2,}")
_QUOTE = "Quote the registry ID in YAML, because a leading 0 makes it another number"


def fault_of_repository(name: str) -> Fault | None:
    """Return what a text is instead of the name of a repository, None if its letters alone are wrong.

    The host of a registry can be a part of a name, and is nobody's intention.
    """
    arn, url, host = _ARN.fullmatch(name), _URL.fullmatch(name), _HOST.match(name)
    if arn:
        return Fault("is an ARN", _alone(arn[2]))
    if url:
        return Fault("is a URL", _alone(url[1]))
    if host and host.end() == len(name):
        return Fault("is a registry host, not a repository", "Give the name of a repository in this registry")
    reference = _TAG_OR_DIGEST.fullmatch(name)
    found, extra = (reference[1], reference[2] or reference[3]) if reference else (name, "")
    front, slash, rest = found.partition("/")
    if slash and _NAME.fullmatch(rest) and (host or (not _NAME.fullmatch(found) and set(".:") & set(front))):
        return Fault(f"has a registry host: leave out {front}/", _alone(rest))
    if extra and _NAME.fullmatch(found):
        kind = "digest" if extra.startswith("@") else "tag"
        return Fault(f"has a {kind}: leave out {extra}", _alone(found))
    return None


def _alone(name: str) -> str:
    name = name.partition("@")[0].partition(":")[0]
    return f"Give the name of the repository alone{f': {name}' if _NAME.fullmatch(name) else ''}"


def fault_of_repository_letters(name: str, least: int, most: int) -> Fault:
    """Return what is wrong with the letters of a name that Amazon ECR does not accept.

    :param least: how many letters it must have
    :param most: how many it can have
    """
    fault = fault_of_text(name) or fault_of_length(name, least, most)
    if fault:
        return fault
    if name != name.lower():
        lower = f": {name.lower()}" if _NAME.fullmatch(name.lower()) else ""
        return Fault("has upper-case letters", f"Write it in lower case{lower}")
    other = re.search("[^a-z0-9._/-]", name)
    if other:
        return Fault(f"has {other[0]!r}")
    if not name[0].isalnum():
        return Fault(f"begins with {name[0]!r}")
    doubled = [found[0] for found in _SEPARATORS.finditer(name) if not re.fullmatch("__|-+", found[0])]
    return Fault(f"has {doubled[0]!r}" if doubled else f"ends with {name[-1]!r}")


def fault_of_registry(registry_id: str) -> Fault:
    """Return what is wrong with a text that is not the ID of a registry."""
    arn, host = _ARN.match(registry_id), _HOST.match(registry_id)
    named = arn or host
    if named:
        return Fault("is an ARN" if arn else "is a registry host", f"Give the AWS account alone: {named[1]}")
    if not registry_id:
        return Fault("is empty", "Leave it out to use the registry of the caller's account")
    digits = re.sub(r"[\s-]", "", registry_id)
    if re.fullmatch("[0-9]{12}", digits):
        what = "has hyphens" if "-" in registry_id else "has a blank"
        return Fault(what, f"Give the digits alone: {digits}")
    if registry_id.isdigit():
        return Fault(f"has {len(registry_id)} digits", _QUOTE)
    is_number = re.fullmatch("[0-9.e+]+", registry_id)
    return fault_of_text(registry_id) or Fault("has other letters", _QUOTE if is_number else "An alias cannot be used")


def fault_of_upload(upload_id: str) -> Fault | None:
    """Return what is wrong with a text that is not the ID of an upload, None if only the rule tells it."""
    if upload_id.startswith("{") and ":" in upload_id:
        return Fault("is a complete result", "Give the ID in the result alone")
    return fault_of_text(upload_id)
