# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import random
import typing as t

import pytest
from ansible_collections.layerkit.ecr.tests.faults.matrix import Bench, bench

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.server import StrictECR


@pytest.fixture(scope="package")
def running(strict_ecr: StrictECR) -> t.Iterator[Bench]:
    """The server of the session behind a proxy, and processes of modules."""
    with bench(strict_ecr) as running:
        yield running


@pytest.fixture
def seed() -> int:
    """What draws the samples; the output of a test that fails shows it."""
    seed = int(os.environ.get("FAULTS_SEED", random.randrange(10**6)))
    print(f"FAULTS_SEED={seed} draws the same sample.")
    return seed
