# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads options: what a task asks for, checked by the rules of the service model."""

from __future__ import annotations

import contextlib
import re
import typing as t
from dataclasses import dataclass

from .._core.errors import InvalidInputError
from .._core.text import listed, quoted
from .._ecr.call import Repository
from .._ecr.limits import MAX_PART, MIN_PART
from .._ecr.service_model import input_shape, repository_shapes, upload_id_shape
from .._ecr.validation import Breach, BrokenRule, broken_rules, broken_sha256, broken_value
from .argspec import option_of

_MAX_BREACHES = 10
# Longer than any name of a member, and any value of one but the name of a repository. What is longer is something else,
# such as a part of a layer.
_MAX_SHORT = 64
# What can be a misspelled name. Base64 of a few bytes has digits or signs.
_NAME = re.compile("[A-Za-z_-]{1,40}")

_KINDS = {list: "a list", str: "a string", int: "a number", float: "a number", bool: "a boolean", type(None): "null"}

Members = dict[str, t.Any]


@contextlib.contextmanager
def advising(remedy: str) -> t.Iterator[None]:
    """Add what else can be done, a sentence without its period, to the remedy of bad input that the block finds."""
    try:
        yield
    except InvalidInputError as error:
        raise InvalidInputError(error.problem, ". ".join(filter(None, (error.remedy, remedy)))) from error


@dataclass(frozen=True)
class RepositoryRequest:
    """The request of a module that needs no more than the repository."""

    repository: Repository


def repository_of(members: t.Mapping[str, t.Any]) -> Repository:
    """Return the repository that a request in the API's spelling names."""
    return Repository(members["repositoryName"], members.get("registryId"))


def build_members(operation: str, options: t.Mapping[str, t.Any]) -> Members:
    """Return the request in the API's spelling. An option of the task wins over ``cli_input_json``.

    The values are not checked yet.

    :raises InvalidInputError: ``cli_input_json`` is not a JSON object
    """
    members = parse_cli_input(options.get("cli_input_json"))
    for member in input_shape(operation).members:
        value = options.get(option_of(member))
        if value is not None:
            members[member] = _trimmed(value)
    return members


def checked_members(operation: str, options: t.Mapping[str, t.Any]) -> Members:
    """Return the request in the API's spelling, ready to be sent.

    :raises InvalidInputError: the request breaks a rule of the service model
    """
    members = build_members(operation, options)
    check_members(operation, members)
    return members


def check_members(
    operation: str, members: t.Mapping[str, t.Any], pending: t.Collection[str] = (), has_content: bool = False
) -> None:
    """Check a request in the API's spelling.

    :param pending: required members that are filled in later
    :param has_content: whether a part of a layer can stand in the wrong place of the request. It is never shown
    :raises InvalidInputError: the request breaks a rule of the service model
    """
    known = f"{operation} accepts {', '.join(input_shape(operation).members)}"
    _refuse(f"The input of {operation}", broken_rules(operation, members, pending), known, has_content)


def too_long_members(operation: str, members: t.Mapping[str, t.Any]) -> Members:
    """Return the members whose values are longer than they can be, so that they may be a part of a layer."""
    broken = {rule.member for rule in broken_rules(operation, members) if rule.breach is Breach.RULE}
    return {member: members[member] for member in broken & set(members) if len(str(members[member])) > _MAX_SHORT}


def checked_repository(
    options: t.Mapping[str, t.Any],
    layer_digest: str | None = None,
    layer_digests: t.Sequence[str] = (),
    upload_id: str | None = None,
    subject: str = "The input",
    role: str | None = None,
) -> Repository:
    """Check the options that modules of several calls share, and return the repository that they name.

    :param subject: names the options in errors
    :param role: a word before the name of the repository in messages
    :raises InvalidInputError: an option breaks a rule of the service model
    """
    values = [
        *((shape, options[option_of(member)], member) for member, shape in repository_shapes().items()),
        (upload_id_shape(), upload_id, "uploadId"),
    ]
    digests = [*([(layer_digest, "layerDigest")] if layer_digest is not None else [])]
    digests += [(digest, f"layerDigests[{index}]") for index, digest in enumerate(layer_digests)]
    given = [(shape, value, member) for shape, value, member in values if value is not None]
    broken = [rule for value in given for rule in broken_value(*value)]
    _refuse(subject, [*broken, *(rule for digest in digests for rule in broken_sha256(*digest))])
    return Repository(options["repository_name"], options["registry_id"], role)


def check_quoted(as_written: t.Mapping[str, t.Any], *options: str) -> None:
    """Check that YAML read no number with a fraction, and no boolean, where text was meant: 1.10 arrives as 1.1.

    :param as_written: the options of the task before their values are converted
    :raises InvalidInputError: YAML did
    """
    for option in options:
        value = as_written.get(option)
        for entry in value if isinstance(value, list) else [value]:
            if isinstance(entry, float):
                kind, example = "a number with a fraction", "1.10 as 1.1"
            elif isinstance(entry, bool):
                kind, example = "a boolean", "yes as true"
            else:
                continue
            raise InvalidInputError(
                f"{option} {entry} is {kind}, because it has no quotation marks: YAML reads {example}",
                "To use it as text, quote it as it should read",
            )


def checked_part_size(options: t.Mapping[str, t.Any]) -> int | None:
    """Return the option ``part_size`` in bytes, None if it is not given.

    :raises InvalidInputError: Amazon ECR does not accept parts of this size
    """
    part_size: int | None = options["part_size"]
    if part_size is not None and not MIN_PART <= part_size <= MAX_PART:
        raise InvalidInputError(f"part_size {part_size} must be {MIN_PART} (5 MiB) to {MAX_PART} bytes (10 MiB)")
    return part_size


def parse_cli_input(cli_input_json: str | None) -> Members:
    """Return the members that ``cli_input_json`` has, none if it is not given.

    :raises InvalidInputError: it is not a JSON object
    """
    if cli_input_json is None:
        return {}
    if cli_input_json.startswith(("file://", "fileb://")):
        raise InvalidInputError(
            "cli_input_json is the URL of a file, which is not read",
            "Read the file with a lookup: {{ lookup('ansible.builtin.file', 'request.json') }}",
        )
    members = _parsed(cli_input_json, "cli_input_json")
    if not isinstance(members, dict):
        # Its content may be a part of a layer, which is never shown.
        raise InvalidInputError(
            f"cli_input_json must be a JSON object with the members of the request, not {_KINDS[type(members)]}",
            "It is encoded twice. Remove the inner encoding" if _is_json(members) else None,
        )
    return members


def _parsed(text: str, name: str) -> t.Any:
    # Python compiles a file in every task that imports it, and few tasks have JSON in an option.
    from .._core.json_document import parse_json

    return parse_json(text.encode(errors="surrogatepass"), name)


def _is_json(value: t.Any) -> bool:
    try:
        return isinstance(value, str) and isinstance(_parsed(value, ""), dict)
    except InvalidInputError:
        return False


def _refuse(subject: str, broken: t.Sequence[BrokenRule], known_members: str = "", has_content: bool = False) -> None:
    if broken:
        rules = [_worded(rule, has_content) for rule in broken]
        hints = [rule.hint for rule in broken if rule.hint]
        if any(rule.breach is Breach.UNKNOWN for rule in broken):
            hints.append(known_members)
        problem = f"{subject} is invalid: {listed(rules, _MAX_BREACHES, '; ')}"
        raise InvalidInputError(problem, ". ".join(dict.fromkeys(hints)) or None)


def _worded(broken: BrokenRule, has_content: bool) -> str:
    if broken.breach is Breach.MISSING:
        return f"{option_of(broken.member)} is required, as an option or as {broken.member} in cli_input_json"
    if broken.breach is Breach.UNKNOWN:
        return f"cli_input_json has {_unknown_member(broken.member, has_content)}"
    return f"{_subject(broken, has_content)} {broken.rule}"


def _unknown_member(name: str, has_content: bool) -> str:
    if len(name) > _MAX_SHORT or (has_content and not _NAME.fullmatch(name)):
        return f"an unknown member, whose name has {len(name)} characters"
    return f"the unknown member {quoted(name)}"


def _subject(broken: BrokenRule, has_content: bool) -> str:
    option, size = option_of(broken.member), len(str(broken.value))
    if broken.counts_entries:
        return option
    if has_content and size > _MAX_SHORT:
        return f"{option}, a value of {size} characters,"
    return f"{option} {quoted(broken.value)}"


def _trimmed(value: t.Any) -> t.Any:
    """Drop blanks and empty entries from a list, as a comma-separated string can have them."""
    return [entry.strip() for entry in value if entry.strip()] if isinstance(value, list) else value
