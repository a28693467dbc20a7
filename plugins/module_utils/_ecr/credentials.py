# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names the failures of what credentials come from: a program, a role, a session.

botocore lets through whatever exception a bad answer of these causes: the ValueError of a ``credential_process`` that
prints no JSON, the EOFError of a code for multi-factor authentication that nobody can type.
"""

from __future__ import annotations

import contextlib
import traceback
import typing as t

try:
    from botocore.exceptions import BotoCoreError, ClientError, CredentialRetrievalError, HTTPClientError
    from botocore.exceptions import ConnectionError as NoConnectionError
except ImportError:
    pass  # AnsibleAWSModule reports a missing SDK

from .._core.errors import TaskError

if t.TYPE_CHECKING:
    from types import FrameType

# botocore's modules that load credentials, and those that fail for a key that is not a string.
_LOADERS = ("botocore.credentials", "botocore.tokens")
_USERS = ("botocore.auth", "botocore.crt.auth")


@contextlib.contextmanager
def credential_failures_named() -> t.Iterator[None]:
    """Raise CredentialRetrievalError for other exceptions of botocore's sources of credentials."""
    try:
        yield
    except (ClientError, TaskError):
        raise
    except Exception as error:
        # Otherwise a service that gives credentials, and does not answer, would be taken for the registry.
        is_named = isinstance(error, BotoCoreError) and not isinstance(error, (HTTPClientError, NoConnectionError))
        if is_named:
            raise
        frames = [frame for frame, _line in traceback.walk_tb(error.__traceback__) if _module(frame) in _LOADERS]
        if frames:
            source = next(filter(None, map(_source, frames)), "the profile")
            raise CredentialRetrievalError(provider=source, error_msg=_reason(error)) from error
        if any(_module(frame) in _USERS for frame, _line in traceback.walk_tb(error.__traceback__)):
            raise CredentialRetrievalError(provider="the profile", error_msg="they are not text") from error
        raise


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__"))


def _source(frame: FrameType) -> str | None:
    """Return what botocore calls the source of credentials that runs in a frame, such as ``custom-process``."""
    return getattr(frame.f_locals.get("self"), "METHOD", None)


def _reason(error: Exception) -> str:
    if isinstance(error, EOFError):
        return "a code for multi-factor authentication is needed, which a task cannot enter"
    return f"{type(error).__name__}: {error}"
