# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a module's ``main()`` as Ansible does, and reads the JSON result from standard output."""

from __future__ import annotations

import contextlib
import gc
import io
import json
import typing as t
from types import ModuleType

from ansible.module_utils import basic
from ansible.module_utils.common import warnings
from ansible.module_utils.common.text.converters import to_bytes

CREDENTIALS = {
    "region": "eu-west-1",
    "access_key": "AKIAUNITTESTS",
    "secret_key": "not-a-secret-0nly-for-unit-tests",
}


class ModuleFailedError(Exception):
    """The module failed; ``result`` is the JSON that it printed."""

    def __init__(self, result: dict[str, t.Any]) -> None:
        super().__init__(result["msg"])
        self.result = result
        self.msg: str = result["msg"]


@contextlib.contextmanager
def module_arguments(arguments: dict[str, t.Any]) -> t.Iterator[None]:
    """Give the module that runs in the block these arguments, as Ansible does."""
    try:
        from ansible.module_utils.testing import patch_module_args
    except ImportError:  # ansible-core before 2.19
        basic._ANSIBLE_ARGS = to_bytes(json.dumps({"ANSIBLE_MODULE_ARGS": arguments}))
        yield
    else:
        with patch_module_args(arguments):
            yield


def run_module(
    module: ModuleType,
    /,
    *,
    check: bool = False,
    connection: dict[str, t.Any] | None = None,
    **options: t.Any,
) -> dict[str, t.Any]:
    """Run the module and return its result.

    :param connection: the common AWS options; CREDENTIALS by default
    :raises ModuleFailedError: the module failed
    """
    arguments = {
        "_ansible_check_mode": check,
        "_ansible_diff": True,
        "_ansible_remote_tmp": "/nonexistent",
        "_ansible_no_log": False,
        **(CREDENTIALS if connection is None else connection),
        **options,
    }
    # Ansible runs one module per process. Here, clear the globals with its warnings, and unfreeze what it froze.
    warnings._global_warnings.clear()
    warnings._global_deprecations.clear()
    printed = io.StringIO()
    try:
        with module_arguments(arguments), contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
            module.main()
    finally:
        gc.unfreeze()
    result = t.cast("dict[str, t.Any]", json.loads(printed.getvalue()))
    if result.get("failed"):
        raise ModuleFailedError(result)
    return result


def warnings_of(result: dict[str, t.Any]) -> list[str]:
    """Return the warnings as text; ansible-core 2.19 and later wrap them."""
    return [str(warning) for warning in result.get("warnings", [])]
