# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a module from its options to its result, and ends the task when it fails."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import sys
import typing as t

from ansible.module_utils.basic import _load_params
from ansible_collections.amazon.aws.plugins.module_utils.common import set_collection_info
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from .._core.errors import InvalidInputError, TaskError
from .._core.progress import PIPE_VARIABLE, Progress
from .._core.task import Task
from .._core.text import printable
from .._ecr.client import EcrClient
from .._ecr.skeleton import input_skeleton, output_skeleton
from . import failure
from .aws_config import check_aws_config
from .collection_info import COLLECTION_NAME, COLLECTION_VERSION
from .connection import check_connection
from .file_attributes import AttributeChanges, set_attributes

if t.TYPE_CHECKING:
    from .._ecr.call import Repository
    from .failure import Result


class Request(t.Protocol):
    """The checked options of a task."""

    @property
    def repository(self) -> Repository:
        """The repository that the task works on."""


# Characters of a message or a warning: more than the longest one has whose foreign parts are bounded.
_MAX_WORDS = 10_000

RequestT = t.TypeVar("RequestT", bound=Request)


class EcrModule(AnsibleAWSModule):
    """A module of this collection: AnsibleAWSModule under the collection's own user agent.

    :param sends: whether it can change the registry. Otherwise its failures do not say whether they did
    """

    def __init__(self, sends: bool = True, **kwargs: t.Any) -> None:
        self._sends = sends
        self._warned: set[str] = set()
        # AnsibleModule prints the errors of arguments itself.
        with _ResultWritten():
            _check_text(self.options_as_written)
            # amazon.aws does not annotate its constructors.
            super().__init__(supports_check_mode=True, **kwargs)  # type: ignore[no-untyped-call, unused-ignore]
        set_collection_info(collection_name=COLLECTION_NAME, collection_version=COLLECTION_VERSION)
        self.task = Task(self.warn, Progress(os.environ.get(PIPE_VARIABLE)))
        self._named: Result = {}

    @property
    def options_as_written(self) -> t.Mapping[str, t.Any]:
        """The options of the task before Ansible converts their values."""
        return t.cast("t.Mapping[str, t.Any]", _load_params() or {})

    def run(
        self,
        read: t.Callable[[EcrModule], RequestT],
        act: t.Callable[[EcrModule, EcrClient, RequestT], Result],
        connections: int = 1,
    ) -> t.NoReturn:
        """Read and check the request, act on it, and end the task.

        :param read: returns the checked request
        :param act: carries the request out, or predicts it in check mode, and returns the result of the task
        :param connections: how many threads will make calls
        """
        try:
            request = read(self)
            self._named = _named(request)
            check_connection(self.params)
            self.task.progress.name = request.repository.name
            check_aws_config(self.params["aws_config"])
            client = EcrClient.connect(self, request.repository, self.task, connections=connections)
            # What boto3 loaded lives as long as this process. Python would search it for garbage when the process ends.
            gc.freeze()
            self.exit_json(**_known(act(self, client, request)))
        except TaskError as error:
            self.fail(error)

    def run_operation(
        self,
        operation: str,
        read: t.Callable[[EcrModule], RequestT],
        act: t.Callable[[EcrModule, EcrClient, RequestT], Result],
    ) -> t.NoReturn:
        """Run one operation of the API, or return its skeleton if the task asks for one."""
        skeleton = self.params["generate_cli_skeleton"]

        def read_unless_skeleton(module: EcrModule) -> RequestT:
            if skeleton == "input":
                module.exit_json(
                    changed=False, msg=f"The input of {operation}, empty", cli_skeleton=input_skeleton(operation)
                )
            request = read(module)
            if skeleton == "output":
                module.exit_json(
                    changed=False, msg=f"A sample of the output of {operation}", cli_skeleton=output_skeleton(operation)
                )
            return request

        self.run(read_unless_skeleton, act)

    def fail(self, error: TaskError, **result: t.Any) -> t.NoReturn:
        """End the task with what the error says, and with what the request names.

        :param result: further keys, which win over those of the error
        """
        is_news = self._sends and not self.task.has_sent
        reported = error if is_news else failure.after_sending(error)
        stays = failure.what_stays(error, self.task.has_sent)
        words = printable(" ".join(filter(None, (failure.message(reported), stays))), _MAX_WORDS)
        keys = _known({**self._named, **failure.facts(error), **result})
        answer = failure.words_of_aws(error)
        if answer is None:
            self.fail_json(msg=words, **keys)
        # fail_json_aws would show the texts of AWS as they are, at whatever length.
        backtrace = failure.printable_traceback(error)
        self.fail_json(msg=f"{words} {answer}", exception=backtrace, **keys)

    def set_file_attributes(self, paths: t.Sequence[str], is_tree: bool) -> AttributeChanges:
        """Set owner, mode and so on of files as the options ask for it; parameters as in ``set_attributes``."""
        return set_attributes(self._module, paths, is_tree)

    def exit_json(self, *args: t.Any, **kwargs: t.Any) -> t.NoReturn:
        """Print the result of a task that succeeded, and end it."""
        with _ResultWritten():
            super().exit_json(*args, **kwargs)

    def fail_json(self, *args: t.Any, **kwargs: t.Any) -> t.NoReturn:
        """Print the result of a task that failed, and end it."""
        with _ResultWritten():
            super().fail_json(*args, **kwargs)

    def warn(self, warning: str) -> None:
        """Show a warning, a sentence with its period.

        The same warning is shown once. AnsibleAWSModule would collect warnings and pass them to ``exit_json``, which
        ansible-core 2.19 deprecates.
        """
        words = printable(warning, _MAX_WORDS)
        if words not in self._warned:
            self._warned.add(words)
            self._module.warn(words)


class _ResultWritten:
    """Ends the process with one sentence on standard error if the result cannot be printed within the block."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        # Python has no standard output if it was closed before the process began.
        if sys.stdout is None:
            return
        try:
            # Otherwise Python writes what is left when it exits, and reports a failure with a traceback.
            sys.stdout.flush()
        except OSError as failed:
            error = failed
        if isinstance(error, OSError):
            with contextlib.suppress(OSError):
                sys.stderr.write(f"The result of the task cannot be written to standard output: {error.strerror}.\n")
            # What Python still writes at its exit goes nowhere.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(1)


def _check_text(options: t.Mapping[str, t.Any]) -> None:
    """End the task if an option has half of a surrogate pair, because AnsibleModule stops when it logs the option."""
    for name, value in options.items():
        if not _is_text([name, value]):
            error = InvalidInputError(f"{printable(name)} is not text. It has half of a surrogate pair")
            words = failure.message(error)
            sys.stdout.write(json.dumps({"failed": True, "msg": words}) + "\n")
            raise SystemExit(1)


def _is_text(value: t.Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        return False
    return True


def _known(result: Result) -> Result:
    """Return a result without the account of the registry if nothing reported it."""
    return {key: value for key, value in result.items() if key != "registry_id" or value is not None}


def _named(request: Request) -> Result:
    """Return what a request names, which every failure reports."""
    named: Result = {"registry_id": request.repository.registry_id, "repository_name": request.repository.name}
    upload_id = getattr(request, "upload_id", None)
    return named if upload_id is None else {**named, "upload_id": upload_id}
