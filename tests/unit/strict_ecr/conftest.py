# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from ansible_collections.layerkit.ecr.tests.strict_ecr.fixtures import ecr_client

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient


@pytest.fixture(scope="session")
def plain_moto() -> Iterator[ECRClient]:
    """Run moto without the strict backend, in a process of its own, and return a client of it."""
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        url = next((line.split()[-1] for line in process.stderr if "Running on" in line), "")
        yield ecr_client(url)
        process.terminate()
        process.communicate()
