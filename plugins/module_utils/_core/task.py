# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether anybody still waits for the task."""

from __future__ import annotations

import select
import typing as t

from .errors import TaskError

_STDOUT = 1


def is_waited_for() -> bool:
    """Tell whether the reader of the module's output is still there.

    Ansible reads it through a pipe, which it closes when a task's ``timeout`` has passed, while the module goes on
    running.
    """
    poll = select.poll()
    poll.register(_STDOUT, 0)
    return not any(event & (select.POLLERR | select.POLLHUP) for _descriptor, event in poll.poll(0))


def nobody_waits() -> TaskError:
    """Make the error of a task that has come to its next step when nobody waits for it any more."""
    return TaskError("Nobody waits for this task any more, as its time is over: it was stopped")


def while_it_goes_on(goes_on: t.Callable[[], bool], chunks: t.Iterable[bytes]) -> t.Iterator[bytes]:
    """Yield chunks as long as ``goes_on`` says so.

    :raises TaskError: it says no
    """
    for chunk in chunks:
        if not goes_on():
            raise nobody_waits()
        yield chunk
