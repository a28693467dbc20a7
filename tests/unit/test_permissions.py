# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The policies of guide_permissions.rst: each task runs on a server that denies every other action.

The rows of modules that do not exist are not run.
"""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.tests.unit.support.every_module import TASKS, Site
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import ModuleFailedError, warnings_of
from ansible_collections.layerkit.ecr.tests.unit.support.permission_guide import ROOT, Row, policies, rows

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.server import StrictECR
    from mypy_boto3_ecr import ECRClient

ROWS = rows()
pytestmark = pytest.mark.usefixtures("delays")


@pytest.fixture
def site(strict_ecr: StrictECR, ecr: ECRClient, repository: str, connection: dict[str, t.Any], tmp_path: Path) -> Site:
    return Site(strict_ecr, ecr, repository, connection, tmp_path)


RUN = [row for row in ROWS if row.is_there]


def allow(site: Site, row: Row, actions: set[str]) -> None:
    """Deny everything but these actions on the repository of the row."""
    repository = site.other_repository() if row.task.endswith("source") else site.repository
    # An operation without an action of its own.
    operations = {"ListImageReferrers"} if "BatchGetImage" in actions else set()
    site.control.allow(repository, actions | operations)


def denials(result: dict[str, t.Any]) -> list[str]:
    return [warning for warning in warnings_of(result) if "Missing permission" in warning]


@pytest.mark.parametrize("row", RUN, ids=str)
def test_policy_is_enough(site: Site, row: Row) -> None:
    run = TASKS[row.task](site)
    (statement,) = row.policy["Statement"]
    allow(site, row, {action.removeprefix("ecr:") for action in statement["Action"]})
    assert denials(run()) == []


@pytest.mark.parametrize("row", RUN, ids=str)
def test_required_actions_are_enough(site: Site, row: Row) -> None:
    run = TASKS[row.task](site)
    allow(site, row, set(row.required))
    run()


@pytest.mark.parametrize(("row", "action"), [(row, action) for row in RUN for action in row.required], ids=str)
def test_each_required_action_is_required(site: Site, row: Row, action: str) -> None:
    run = TASKS[row.task](site)
    allow(site, row, {*row.required, *row.optional} - {action})
    with pytest.raises(ModuleFailedError) as failed:
        run()
    assert failed.value.result["error"]["code"] == "AccessDeniedException"
    assert f"ecr:{action}" in failed.value.msg


@pytest.mark.parametrize(
    "row", [row for row in RUN if "BatchCheckLayerAvailability" in row.optional or "absent" in row.task], ids=str
)
def test_optional_action_is_used_in_check_mode(site: Site, row: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    run = TASKS[row.task](site)
    real_run = site.run
    monkeypatch.setattr(site, "run", lambda module, **options: real_run(module, check=True, **options))
    site.control.calls.clear(site.repository)
    run()
    assert set(row.optional) & set(site.control.calls.counts(site.repository))


def test_policies_have_the_actions_of_the_table() -> None:
    assert {row.task for row in ROWS} == set(TASKS) == set(policies())
    for row in ROWS:
        (statement,) = row.policy["Statement"]
        assert statement["Action"] == [f"ecr:{action}" for action in (*row.required, *row.optional)]
        assert (statement["Effect"], statement["Resource"].partition("/")[0]) == (
            "Allow",
            "arn:aws:ecr:eu-west-1:123456789012:repository",
        )


def test_every_module_has_a_policy(ecr: ECRClient) -> None:
    assert {path.stem for path in (ROOT / "plugins/modules").glob("*.py")} <= {row.module for row in ROWS}
    named = {action for row in ROWS for action in (*row.required, *row.optional)}
    assert named <= set(ecr.meta.service_model.operation_names)
