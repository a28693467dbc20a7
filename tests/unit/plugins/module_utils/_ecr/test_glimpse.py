# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small blob that is worth one attempt to read."""

from __future__ import annotations

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.task import Task
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.call import Repository
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.client import EcrClient
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.glimpse import glimpse
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.object_store import ObjectStore
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import digest_of
from ansible_collections.layerkit.ecr.tests.unit.support.stubbed_registry import StubbedRegistry

CONFIG = b'{"rootfs": {"diff_ids": []}}'


@pytest.mark.parametrize(("content", "expected"), [(CONFIG, CONFIG), (CONFIG.replace(b"diff", b"other"), None)])
def test_bytes_without_the_digest_are_none(
    monkeypatch: pytest.MonkeyPatch, content: bytes, expected: bytes | None
) -> None:
    monkeypatch.setattr(ObjectStore, "read", lambda *_arguments: iter([content]))
    registry = StubbedRegistry()
    request = {"repositoryName": "app", "layerDigest": digest_of(CONFIG)}
    registry.answers("GetDownloadUrlForLayer", request, downloadUrl="https://bucket/layer")
    with registry.stubber:
        client = EcrClient(registry.client, Repository("app"), Task(pytest.fail))
        assert glimpse(client, digest_of(CONFIG), len(CONFIG)) == expected
