# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The root of the errors that end a task."""

from __future__ import annotations

import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.exceptions import AnsibleAWSError


class TaskError(AnsibleAWSError):
    """An error that ends the task; ``kwargs`` are further keys of the task's result, such as the upload id.

    ``description`` says what was tried, and can be added to; ``message`` is what the task says in the end.
    """

    def __init__(self, message: str, exception: Exception | None = None, **result: t.Any) -> None:
        self.description = message
        # amazon.aws does not annotate its constructors.
        super().__init__(message, exception, **result)  # type: ignore[no-untyped-call, unused-ignore]

    @property
    def message(self) -> str:
        """What the task says."""
        return self._worded()

    @message.setter
    def message(self, description: str) -> None:
        self.description = description

    def _worded(self) -> str:
        return self.description
