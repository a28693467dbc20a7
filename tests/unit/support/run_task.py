# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a module as a program of its own, and reports its result and its peak memory.

The first argument is a JSON object with the name of the ``module``, its ``options`` and its ``connection``. Prints a
JSON object with the ``result``, also of a module that failed, and the ``peak_kib`` of the process. Without a module, it
makes one call with a bare client, for comparison.
"""

from __future__ import annotations

import importlib
import json
import sys
import typing as t

from ansible_collections.layerkit.ecr.tests.unit.support.peak_memory import peak_kib


def main() -> None:
    task = json.loads(sys.argv[1])
    result = {}
    if "module" in task:
        from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import ModuleFailedError, run_module

        module = importlib.import_module(f"ansible_collections.layerkit.ecr.plugins.modules.{task['module']}")
        try:
            result = run_module(module, connection=task["connection"], **task["options"])
        except ModuleFailedError as failed:
            result = failed.result
    else:
        import boto3

        keys: t.Any = {
            "aws_access_key_id": "AKIAUNITTESTS",
            "aws_secret_access_key": "not-a-secret-0nly-for-unit-tests",
        }
        boto3.client("ecr", **task["connection"], **keys).describe_repositories()
    print(json.dumps({"result": result, "peak_kib": peak_kib()}))


if __name__ == "__main__":
    main()
