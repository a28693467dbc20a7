# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/threat_model.md: what each module writes and connects to, and that all documents name the same actions.

test_permissions.py proves the actions of guide_permissions.rst, with which the others are compared.
"""

from __future__ import annotations

import re
import sys
import threading
import typing as t
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from ansible_collections.layerkit.ecr.tests.unit.support.every_module import TASKS, Site
from ansible_collections.layerkit.ecr.tests.unit.support.permission_guide import ROOT, Row, rows

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.server import StrictECR
    from mypy_boto3_ecr import ECRClient

ROWS = rows()
MODEL = (ROOT / "docs/threat_model.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
# The directories, below that of the test, where a task may write. What has no name in the end is there for a while.
WRITES = {
    "ecr_image": {"state", "temporary"},
    "ecr_image_copy, source": {"state"},
    "ecr_image_copy, target": {"state"},
    "ecr_image_download": {"download"},
    "ecr_layer": {"state"},
}


class Watch:
    """Python's audit events of one run: the paths that are written, the addresses and the programs."""

    current: t.ClassVar[Watch | None] = None

    def __init__(self) -> None:
        self.written: set[str] = set()
        self.addresses: set[t.Any] = set()
        self.programs: list[str] = []

    def __enter__(self) -> t.Self:
        Watch.current = self
        return self

    def __exit__(self, *_exception: object) -> None:
        Watch.current = None

    def note(self, event: str, arguments: tuple[t.Any, ...]) -> None:
        if event == "open":
            path, _mode, flags = arguments
            if isinstance(path, (str, bytes, Path)) and flags & 3:
                self.written.add(str(path if not isinstance(path, bytes) else path.decode()))
        elif event in ("os.mkdir", "os.remove", "os.rename", "os.symlink", "os.link", "os.truncate", "os.chmod"):
            self.written.add(str(arguments[0]))
        elif event == "socket.connect":
            self.addresses.add(arguments[1][:2])
        elif event in ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn"):
            self.programs.append(str(arguments[0]))


def audit(event: str, arguments: tuple[t.Any, ...]) -> None:
    # The server of the tests answers in threads of this process.
    if Watch.current and "process_request_thread" not in threading.current_thread().name:
        Watch.current.note(event, arguments)


@pytest.fixture(scope="module", autouse=True)
def hooked() -> None:
    # A hook stays for the life of the process, and does nothing without a watch.
    sys.addaudithook(audit)


@pytest.fixture
def site(strict_ecr: StrictECR, ecr: ECRClient, repository: str, connection: dict[str, t.Any], tmp_path: Path) -> Site:
    return Site(strict_ecr, ecr, repository, connection, tmp_path)


def place_of(path: str, site: Site) -> str:
    """Return the directory below that of the test."""
    return Path(path).relative_to(site.path).parts[0] if path.startswith(str(site.path)) else path


@pytest.mark.usefixtures("temporary")
@pytest.mark.parametrize("task", TASKS)
def test_module_writes_and_calls_what_the_model_says(site: Site, task: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run = TASKS[task](site)
    real_run = site.run
    if "state" in WRITES.get(task, ()):
        state = str(site.path / "state")
        monkeypatch.setattr(site, "run", lambda module, **options: real_run(module, **options, state_dir=state))
    # A relative path of a stray file would lead here.
    monkeypatch.chdir(site.path)
    before = set(site.path.rglob("*"))
    with Watch() as watch:
        run()
    appeared = {str(path) for path in set(site.path.rglob("*")) - before}
    # Python's own files of compiled code, and devices.
    own = (".pyc", "/dev/")
    written = {path for path in watch.written if not any(part in path for part in own) and path.startswith("/")}
    assert {place_of(path, site) for path in written | appeared} <= WRITES.get(task, set())
    registry = urlsplit(str(site.connection["endpoint_url"]))
    assert watch.addresses == {(registry.hostname, registry.port)}
    assert watch.programs == []


def test_watch_notices(site: Site) -> None:
    with Watch() as watch:
        (site.path / "stray").write_text("x", encoding="utf-8")
    assert {place_of(path, site) for path in watch.written} == {"stray"}


Actions = tuple[frozenset[str], frozenset[str]]


def actions_in(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\becr:(\w+)", text))


def proved(row: Row) -> Actions:
    return frozenset(row.required), frozenset(row.optional)


def test_model_has_the_actions_that_are_proved() -> None:
    rows = re.findall(r"^\| `([^`]+)` \| [^|]+ \| [^|]+ \| ([^|(]+)(?:\(([^)]+)\))? \|$", MODEL, re.MULTILINE)
    assert {task: (actions_in(first), actions_in(second)) for task, first, second in rows} == {
        row.task: proved(row) for row in ROWS
    }


def of_module(module: str) -> frozenset[str]:
    """Return all actions of a module that are proved."""
    return frozenset({action for row in ROWS if row.module == module for action in row.required + row.optional})


def test_readme_has_the_actions_that_are_proved() -> None:
    cells = re.findall(r"^\| `(ecr_\w+)`([^|]*)\| [^|]+ \| [^|]+ \| ([^|]+) \|$", README, re.MULTILINE)
    by_task = {row.task: proved(row) for row in ROWS}
    found: dict[str, set[str]] = {}
    for module, _state, text in cells:
        named = re.findall(r"those of `(\w+)`", text)
        found.setdefault(module, set()).update(
            actions_in(text), *(by_task[task][0] | by_task[task][1] for task in named)
        )
    modules = {row.module for row in ROWS}
    # What a copy does with its target, which needs no download, is described as a push.
    assert found == {module: set(of_module(module)) for module in modules}
    for module, state, text in cells:
        task = f"{module}, state: absent" if state.strip() else module
        if task in by_task and "those of" not in text:
            required, _optional, optional = text.partition("optional")
            assert (actions_in(required), actions_in(optional)) == by_task[task], task


@pytest.mark.parametrize("module", sorted({row.module for row in ROWS}))
def test_documentation_of_a_module_has_the_actions_that_are_proved(module: str) -> None:
    source = (ROOT / "plugins/modules" / f"{module}.py").read_text(encoding="utf-8")
    documentation = re.search(r'DOCUMENTATION = r"""\n(.*?)"""', source, re.DOTALL)
    assert documentation
    notes = " ".join(yaml.safe_load(documentation[1])["notes"])
    assert actions_in(notes) == of_module(module)


@pytest.mark.parametrize(("role", "module"), [("push_image", "ecr_image")])
def test_role_names_the_actions_of_its_module(role: str, module: str) -> None:
    of_repositories = {"CreateRepository", "GetRepositoryPolicy", "PutImageScanningConfiguration"}
    text = (ROOT / "roles" / role / "README.md").read_text(encoding="utf-8")
    pushed = {action for row in ROWS if row.task == module for action in row.required + row.optional}
    assert actions_in(text) == pushed | of_repositories


def test_every_test_that_the_model_names_exists() -> None:
    files = {path.name for path in (ROOT / "tests").rglob("test_*.py")}
    named = set(re.findall(r"`(test_\w+\.py)`", MODEL))
    assert named
    assert named <= files
