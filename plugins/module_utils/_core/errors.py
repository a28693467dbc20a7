# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The failures that end a task, as facts; ``_ansible/failure.py`` words them.

.. code-block:: text

    TaskError                     what failed and why, and what to do next
    ├── InvalidInputError         options or files that cannot be used
    │   ├── NoSuchImageError      _oci/reference.py
    │   └── AmbiguousImageError   _oci/reference.py
    ├── ContentChangedError       a file changed while the task read it
    ├── TaskStoppedError          Ansible no longer waits for the task
    ├── LayerUploadError          an upload that another failure interrupted
    ├── ImmutableTagError         _ecr/errors.py: a tag that cannot be moved
    └── EcrError                  _ecr/errors.py: a call to Amazon ECR
        ├── CallError             no attempt succeeded
        │   ├── DownloadError       bytes of a layer could not be read
        │   └── ForeignAnswerError  something else than Amazon ECR answered
        ├── ConnectionOptionsError  it cannot even be made
        ├── ProxyError            it cannot even be made, because of the URL of the proxy
        ├── AnswerError           it succeeded, and the answer is not the one expected
        ├── NotReturnedError      it succeeded without the image that was asked for
        ├── NotDeletedError       it succeeded without the deletion of some images
        └── ExplainedError        a CallError whose cause the task knows
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class TaskError(Exception):
    """A failure that ends the task.

    :param problem: what failed, on what, and why: a sentence without its period
    :param remedy: what to do next: a sentence without its period
    """

    def __init__(self, problem: str, remedy: str | None = None) -> None:
        super().__init__(problem, remedy)
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return self.problem


class InvalidInputError(TaskError):
    """The options, or the files that they name, cannot be used. ``Task.has_sent`` says whether something was sent."""


class ContentChangedError(TaskError):
    """A file no longer has the bytes that it had, or that its digest promises."""


class TaskStoppedError(TaskError):
    """The task stopped before its next step."""


class Resume(enum.Enum):
    """How the next run can resume an upload."""

    BY_STATE = "by its state file"
    BY_UPLOAD_ID = "by its id"
    NEEDS_STATE = "only if a state file is kept"


class Unanswered(enum.Enum):
    """The step of an upload that may have been carried out, because its answer was lost."""

    PART = "a part"
    COMPLETION = "the completion"


@dataclass(frozen=True)
class UploadProgress:
    """How far the upload of a layer is; sizes are in bytes.

    ``bytes_sent`` and ``part_count`` count what the registry received from this run. ``next_byte`` is the position of
    the first byte that the registry is not known to have, None when the upload cannot be resumed. ``receiver`` names
    that registry in messages.
    """

    digest: str
    size: int
    upload_id: str | None
    bytes_sent: int
    part_count: int
    next_byte: int | None = None
    resume: Resume = Resume.BY_UPLOAD_ID
    unanswered: Unanswered | None = None
    receiver: str = "registry"


class LayerUploadError(TaskError):
    """The upload of a layer failed because of ``cause``, after it got as far as ``progress``."""

    def __init__(self, cause: TaskError, progress: UploadProgress) -> None:
        super().__init__(cause.problem, cause.remedy)
        self.cause = cause
        self.progress = progress
