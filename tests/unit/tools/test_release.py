# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each way in which working tree, version, changelog and tag can disagree, in a small repository of git."""

from __future__ import annotations

import shutil
import subprocess
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.layerkit.ecr.tests.tools import release

INFO = "plugins/module_utils/_ansible/collection_info.py"
AUTHOR = ("-c", "user.name=a", "-c", "user.email=a@example.com")
FILES = {
    "galaxy.yml": "version: 2.1.0\n",
    INFO: 'COLLECTION_VERSION = "2.1.0"\n',
    "plugins/modules/ecr_image.py": "version_added: 1.0.0\n",
    "CHANGELOG.rst": "Notes\n\nv2.1.0\n======\n\nv2.0.0\n======\n",
    "changelogs/fragments/.keep": "",
    "changelogs/changelog.yaml": yaml.safe_dump(
        {"releases": {"2.0.0": {}, "2.1.0": {"changes": {"minor_changes": ["ecr_image - more."]}}}}
    ),
    ".gitignore": "/.work/\n",
}


def git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *AUTHOR, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("released")
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    git(root, "init", "--quiet")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "Release 2.1.0")
    git(root, "tag", "2.1.0")
    return root


@pytest.fixture
def checkout(released: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(released, tmp_path / "checkout"))


def commit(checkout: Path, name: str, text: str) -> None:
    """Change a file, and move the tag to the commit."""
    (checkout / name).write_text(text, encoding="utf-8")
    git(checkout, "add", "--all")
    git(checkout, "commit", "--quiet", "--message", "Change a file")
    git(checkout, "tag", "--force", "2.1.0")


def problem(checkout: Path) -> str:
    (only,) = release.inspect(checkout).problems
    return only


def test_a_checkout_that_agrees_can_be_released(checkout: Path) -> None:
    assert release.inspect(checkout) == release.Release("2.1.0", [])


def test_what_git_ignores_does_not_matter(checkout: Path) -> None:
    (checkout / ".work").mkdir()
    (checkout / ".work/left-over").touch()
    assert release.inspect(checkout).problems == []


@pytest.mark.parametrize("name", ["galaxy.yml", "forgotten.py"])
def test_a_file_that_is_not_committed(checkout: Path, name: str) -> None:
    with (checkout / name).open("a", encoding="utf-8") as file:
        file.write("# more\n")
    assert problem(checkout) == f"These files are not committed: {name}. Commit, ignore or remove them"


def test_a_file_that_is_only_added(checkout: Path) -> None:
    (checkout / "added.py").touch()
    git(checkout, "add", "added.py")
    assert "not committed: added.py" in problem(checkout)


def test_many_files_that_are_not_committed_are_counted(checkout: Path) -> None:
    for number in range(12):
        (checkout / f"file{number:02}").touch()
    assert "file09 and 2 more. Commit" in problem(checkout)


def test_a_directory_without_git(checkout: Path) -> None:
    shutil.rmtree(checkout / ".git")
    assert "is not a git repository" in problem(checkout)


def test_a_directory_in_the_repository_of_something_else(checkout: Path) -> None:
    inner = checkout / "inner"
    inner.mkdir()
    for name in FILES:
        (inner / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(checkout / name, inner / name)
    assert f"{inner} is not a git repository" in problem(inner)


@pytest.mark.parametrize("version", ["2.1", "v2.1.0", "2.1.0.dev1", "02.1.0", "null"])
def test_a_version_that_is_none(checkout: Path, version: str) -> None:
    commit(checkout, "galaxy.yml", f"version: {version}\n")
    assert "in galaxy.yml is not of the form 1.2.3" in problem(checkout)


@pytest.mark.parametrize("text", ['COLLECTION_VERSION = "2.0.0"\n', "COLLECTION_VERSION = None\n"])
def test_another_version_in_the_user_agent(checkout: Path, text: str) -> None:
    commit(checkout, INFO, text)
    assert problem(checkout).startswith("The version is 2.1.0 in galaxy.yml and ")
    assert INFO in problem(checkout)


def test_an_option_of_a_later_version(checkout: Path) -> None:
    commit(checkout, "plugins/modules/ecr_image.py", "    version_added: 2.10.0\nversion_added: 2.2.0\n")
    assert "version_added: 2.10.0, which is later than 2.1.0" in problem(checkout)


def test_fragments_that_are_left(checkout: Path) -> None:
    commit(checkout, "changelogs/fragments/more.yml", "bugfixes: [more]\n")
    assert problem(checkout).startswith("The changelog lacks the fragments in changelogs/fragments: more.yml. Run")


def test_a_version_that_is_not_in_the_changelog(checkout: Path) -> None:
    commit(checkout, "changelogs/changelog.yaml", "releases: {2.0.0: {}}\n")
    assert problem(checkout) == "changelogs/changelog.yaml has no version 2.1.0. Run antsibull-changelog release"


def test_a_version_that_is_not_in_the_release_notes(checkout: Path) -> None:
    commit(checkout, "CHANGELOG.rst", "v2.0.0\n======\n\nv2.1.0 is not here.\n")
    assert problem(checkout) == "CHANGELOG.rst has no version 2.1.0. Run antsibull-changelog generate"


def test_a_version_older_than_the_last_one(checkout: Path) -> None:
    commit(checkout, "changelogs/changelog.yaml", "releases: {2.1.0: {}, 2.9.0: {}, 2.10.0: {}}\n")
    assert "The version 2.1.0 is older than 2.10.0" in problem(checkout)


@pytest.mark.parametrize(
    ("before", "changes", "found"),
    [
        (
            "2.0.0",
            {"changes": {"breaking_changes": ["x"]}},
            "has breaking_changes, so it must be a new major version after 2.0.0",
        ),
        (
            "2.0.9",
            {"changes": {"removed_features": ["x"]}},
            "has removed_features, so it must be a new major version after 2.0.9",
        ),
        ("2.0.0", {"changes": {"bugfixes": ["x"], "minor_changes": ["x"]}}, None),
        ("2.0.0", {"modules": [{"name": "x"}]}, None),
        ("1.9.0", {"changes": {"bugfixes": ["x"]}}, None),
    ],
)
def test_what_a_version_can_change(checkout: Path, before: str, changes: dict[str, t.Any], found: str | None) -> None:
    commit(checkout, "changelogs/changelog.yaml", yaml.safe_dump({"releases": {before: {}, "2.1.0": changes}}))
    assert (found in problem(checkout)) if found else not release.inspect(checkout).problems


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"changes": {"bugfixes": ["x"]}}, None),
        ({"changes": {"minor_changes": ["x"]}}, "minor_changes"),
        ({"changes": {"deprecated_features": ["x"]}}, "deprecated_features"),
        ({"modules": [{"name": "x"}]}, "new modules"),
        ({"objects": {"role": [{"name": "x"}]}}, "new objects"),
    ],
)
def test_what_a_patch_version_can_change(checkout: Path, changes: dict[str, t.Any], found: str | None) -> None:
    for name, text in FILES.items():
        (checkout / name).write_text(text.replace("2.1.0", "2.0.1"), encoding="utf-8")
    commit(checkout, "changelogs/changelog.yaml", yaml.safe_dump({"releases": {"2.0.0": {}, "2.0.1": changes}}))
    git(checkout, "tag", "2.0.1")
    assert (
        (f"has {found}, so it must be a new minor version" in problem(checkout))
        if found
        else not release.inspect(checkout).problems
    )


def test_a_commit_without_a_tag(checkout: Path) -> None:
    git(checkout, "tag", "--delete", "2.1.0")
    assert problem(checkout).startswith("There is no tag 2.1.0.")
    assert problem(checkout).endswith("git tag --annotate --message 'Release 2.1.0' 2.1.0")


def test_a_branch_named_like_the_version_is_no_tag(checkout: Path) -> None:
    git(checkout, "tag", "--delete", "2.1.0")
    git(checkout, "branch", "2.1.0")
    assert problem(checkout).startswith("There is no tag 2.1.0.")


def test_an_annotated_tag(checkout: Path) -> None:
    git(checkout, "tag", "--force", "--annotate", "--message", "Release 2.1.0", "2.1.0")
    assert release.inspect(checkout).problems == []


def test_a_tag_on_another_commit(checkout: Path) -> None:
    tagged = git(checkout, "rev-parse", "HEAD")[:12]
    git(checkout, "commit", "--quiet", "--allow-empty", "--message", "One more")
    assert problem(checkout).startswith(f"The tag 2.1.0 is on commit {tagged}, and ")


def test_all_problems_are_listed_at_once(checkout: Path) -> None:
    commit(checkout, INFO, "\n")
    (checkout / "changelogs/fragments/more.yml").touch()
    assert len(release.inspect(checkout).problems) == 3


def test_nothing_is_published_without_the_argument(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commands = built(checkout, monkeypatch, [])
    assert [command[2] for command in commands] == ["build"]
    assert "Nothing is published." in capsys.readouterr().out


def test_the_tarball_of_the_tag_is_published(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands = built(checkout, monkeypatch, ["--publish"])
    assert [command[2] for command in commands] == ["build", "publish"]
    assert commands[1][3] == str(checkout / ".work/release/layerkit-ecr-2.1.0.tar.gz")


def test_nothing_is_built_of_a_checkout_that_disagrees(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (checkout / "forgotten.py").touch()
    with pytest.raises(
        SystemExit, match=r"2\.1\.0 cannot be released:\n  - These files are not committed: forgotten\.py"
    ):
        built(checkout, monkeypatch, ["--publish"])
    assert not (checkout / ".work").exists()


def built(checkout: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> list[list[str]]:
    """Run the command with a program in place of ansible-galaxy, and return what it was called with."""
    program = checkout.parent / "bin/ansible-galaxy"
    program.parent.mkdir()
    called = checkout.parent / "called"
    # Builds what the release gives it to build, if that is the tagged commit without git's files.
    program.write_text(
        f'#!/bin/sh\necho "$@" >>{called}\n[ "$2" = build ] || exit 0\n'
        'test -e "$5/galaxy.yml" && test ! -e "$5/.git" && touch "$4/layerkit-ecr-2.1.0.tar.gz"\n',
        encoding="utf-8",
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    monkeypatch.chdir(checkout)
    monkeypatch.setattr("sys.argv", ["release.py", *arguments])
    release.main()
    return [["ansible-galaxy", *line.split()] for line in called.read_text(encoding="utf-8").splitlines()]
