# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build the tarball of a release. Refuse if the working tree, the version, the changelog and the tag disagree.

The tarball is built from the tagged commit, in ``.work/release``. Without ``--publish``, nothing leaves the machine.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tarfile
import typing as t
from pathlib import Path

import yaml

_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
_INFO = "plugins/module_utils/_ansible/collection_info.py"
# A message lists so many files.
_MAX_LISTED = 10

# What changes of each section require of the version: the index of the number to raise.
_MAJOR, _MINOR, _PATCH = range(3)
_SECTIONS = {
    "breaking_changes": _MAJOR,
    "removed_features": _MAJOR,
    "major_changes": _MINOR,
    "minor_changes": _MINOR,
    "deprecated_features": _MINOR,
}
_RAISED = ("major version", "minor version", "patch version")

Version = tuple[int, int, int]


class Release(t.NamedTuple):
    """What a checkout says about its release."""

    version: str
    problems: list[str]


def git(root: Path, *arguments: str) -> str:
    """Return what git prints, and nothing if it fails."""
    ran = subprocess.run(["git", "-C", str(root), *arguments], check=False, capture_output=True, text=True)
    return ran.stdout.strip("\n") if ran.returncode == 0 else ""


def inspect(root: Path) -> Release:
    """Compare working tree, version, changelog and tag of a checkout."""
    version = str(_read_yaml(root / "galaxy.yml").get("version"))
    if _parse(version) is None:
        return Release(version, [f"The version {version} in galaxy.yml is not of the form 1.2.3"])
    problems = [
        *_problems_of_tree(root),
        *_problems_of_version(root, version),
        *_problems_of_changelog(root, version),
    ]
    # A tag of a commit that has to change would have to move.
    return Release(version, problems or _problems_of_tag(root, version))


def _problems_of_tree(root: Path) -> list[str]:
    if Path(git(root, "rev-parse", "--show-toplevel") or os.devnull).resolve() != root.resolve():
        return [f"{root} is not a git repository. A release is built from a tagged commit"]
    changed = git(root, "status", "--porcelain", "--untracked-files=all").splitlines()
    if not changed:
        return []
    return [f"These files are not committed: {_listed([line[3:] for line in changed])}. Commit, ignore or remove them"]


def _listed(names: list[str]) -> str:
    rest = f" and {len(names) - _MAX_LISTED} more" if len(names) > _MAX_LISTED else ""
    return ", ".join(names[:_MAX_LISTED]) + rest


def _problems_of_version(root: Path, version: str) -> t.Iterator[str]:
    found = re.search(r'^COLLECTION_VERSION = "(.*)"$', (root / _INFO).read_text(encoding="utf-8"), re.MULTILINE)
    if found is None or found[1] != version:
        stated = found[1] if found else "none"
        yield f"The version is {version} in galaxy.yml and {stated} in {_INFO}. Set the same version in both"
    later = sorted(set(_added_versions(root)) - {version}, key=lambda added: _parse(added) or (0, 0, 0))
    if later and (_parse(later[-1]) or (0, 0, 0)) > (_parse(version) or (0, 0, 0)):
        yield f"The documentation has version_added: {later[-1]}, which is later than {version}. Correct one of them"


def _added_versions(root: Path) -> t.Iterator[str]:
    for directory in ("plugins", "roles"):
        for path in sorted((root / directory).rglob("*")):
            if path.suffix in {".py", ".yml"}:
                yield from re.findall(r"^ *version_added: (\S+)$", path.read_text(encoding="utf-8"), re.MULTILINE)


def _problems_of_changelog(root: Path, version: str) -> t.Iterator[str]:
    fragments = [path.name for path in sorted((root / "changelogs/fragments").glob("*")) if path.name[0] != "."]
    if fragments:
        yield (
            f"The changelog lacks the fragments in changelogs/fragments: {_listed(fragments)}. Run antsibull-changelog"
            " release, and commit what it changes"
        )
    releases = _read_yaml(root / "changelogs/changelog.yaml").get("releases") or {}
    if version not in releases:
        yield f"changelogs/changelog.yaml has no version {version}. Run antsibull-changelog release"
        return
    if f"\nv{version}\n===" not in (root / "CHANGELOG.rst").read_text(encoding="utf-8"):
        yield f"CHANGELOG.rst has no version {version}. Run antsibull-changelog generate"
    yield from _problems_of_order(version, releases)


def _problems_of_order(version: str, releases: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    """Compare the version with the one before, by the rules of semantic versioning."""
    others = [other for name in releases if name != version and (other := _parse(name))]
    if not others:
        return
    latest, own = max(others), _parse(version) or (0, 0, 0)
    before = ".".join(map(str, latest))
    if own < latest:
        yield f"The version {version} is older than {before}, which changelogs/changelog.yaml has. Set a later version"
        return
    raised = [ours != theirs for ours, theirs in zip(own, latest, strict=True)].index(True)
    required, reason = _required(releases[version])
    if raised > required:
        yield (
            f"The changelog of {version} has {reason}, so it must be a new {_RAISED[required]} after {before}. Set a"
            " later version"
        )


def _required(release: t.Mapping[str, t.Any]) -> tuple[int, str]:
    """Return the number of the version that the changes of a release must raise, and their section."""
    changes = release.get("changes") or {}
    sections = [(index, name) for name, index in _SECTIONS.items() if changes.get(name)]
    new = [(_MINOR, f"new {name}") for name in ("modules", "plugins", "objects") if release.get(name)]
    return min([*sections, *new], default=(_PATCH, ""))


def _problems_of_tag(root: Path, version: str) -> list[str]:
    tagged = git(root, "rev-parse", "--verify", "--quiet", f"refs/tags/{version}^{{commit}}")
    head = git(root, "rev-parse", "HEAD")
    if not tagged:
        return [
            f"There is no tag {version}. If the commit is the one to release, run:"
            f" git tag --annotate --message 'Release {version}' {version}"
        ]
    if tagged != head:
        return [
            f"The tag {version} is on commit {tagged[:12]}, and {head[:12]} is checked out. Check out the tag, or set"
            " another version"
        ]
    return []


def _read_yaml(path: Path) -> dict[str, t.Any]:
    read = yaml.safe_load(path.read_text(encoding="utf-8"))
    return read if isinstance(read, dict) else {}


def _parse(version: str) -> Version | None:
    found = _VERSION.fullmatch(version)
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def build(root: Path, version: str, work: Path) -> Path:
    """Build the tarball from the tagged commit, and return its path."""
    shutil.rmtree(work, ignore_errors=True)
    source = work / "source"
    source.mkdir(parents=True)
    archive = work / "source.tar"
    with archive.open("wb") as file:
        subprocess.run(["git", "-C", str(root), "archive", f"refs/tags/{version}"], check=True, stdout=file)
    with tarfile.open(archive) as files:
        files.extractall(source, filter="data")
    archive.unlink()
    subprocess.run(["ansible-galaxy", "collection", "build", "--output-path", str(work), str(source)], check=True)
    shutil.rmtree(source)
    (tarball,) = work.glob(f"*-{version}.tar.gz")
    return tarball


def publish(tarball: Path) -> None:
    """Publish a tarball to Galaxy, with the user's settings and token."""
    # The Makefile has a directory of its own for what Ansible keeps.
    environment = {name: value for name, value in os.environ.items() if name != "ANSIBLE_HOME"}
    subprocess.run(["ansible-galaxy", "collection", "publish", str(tarball)], check=True, env=environment)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only check, build nothing")
    parser.add_argument("--publish", action="store_true", help="publish the tarball to Galaxy")
    arguments = parser.parse_args()
    root = Path.cwd()
    version, problems = inspect(root)
    if problems:
        sys.exit("\n".join([f"{version} cannot be released:", *(f"  - {problem}." for problem in problems)]))
    if arguments.check:
        print(f"Working tree, version, changelog and tag agree on {version}.")
        return
    tarball = build(root, version, root / ".work/release")
    if arguments.publish:
        publish(tarball)
    else:
        print(f"Nothing is published. To publish {tarball.name}, run: make release PUBLISH=yes")


if __name__ == "__main__":
    main()
