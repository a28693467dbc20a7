# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The changelog tells users of the last release what changed for them, and nothing of what they never had."""

from __future__ import annotations

from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
FRAGMENTS = sorted((ROOT / "changelogs/fragments").glob("*.yml"))


def released() -> set[str]:
    """Return the modules and roles of all releases."""
    releases = yaml.safe_load((ROOT / "changelogs/changelog.yaml").read_text(encoding="utf-8"))["releases"].values()
    modules = [module for release in releases for module in release.get("modules", [])]
    roles = [role for release in releases for role in release.get("objects", {}).get("role", [])]
    return {entry["name"] for entry in [*modules, *roles]}


def test_no_entry_is_about_a_module_or_role_before_its_first_release() -> None:
    present = {path.stem for path in (ROOT / "plugins/modules").glob("*.py")}
    present |= {path.name for path in (ROOT / "roles").iterdir()}
    new = present - released()
    assert present - new, "the changelog has no release"
    found = [
        f"{path.name}: {entry}"
        for path in FRAGMENTS
        for entries in yaml.safe_load(path.read_text(encoding="utf-8")).values()
        for entry in ([entries] if isinstance(entries, str) else entries)
        if new & set(entry.partition(" - ")[0].split(", "))
    ]
    assert found == []
