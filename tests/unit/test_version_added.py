# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever version 1.0.0 did not have is documented with the version that added it."""

from __future__ import annotations

import json
import typing as t
from importlib import import_module
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
RELEASED = json.loads((Path(__file__).parent / "names_of_version_1.0.0.json").read_text(encoding="utf-8"))
MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py"))
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir())


def later(documented: t.Mapping[str, t.Any], released: t.Collection[str], parent: str = "") -> t.Iterator[str]:
    """Return the names of options or return values that are documented as if version 1.0.0 had had them."""
    for key, entry in documented.items():
        name = f"{parent}{key}"
        if "version_added" in entry:
            continue
        if name not in released:
            yield name
        inner = entry.get("suboptions") or entry.get("options") or entry.get("contains") or {}
        yield from later(inner, released, f"{name}.")


@pytest.mark.parametrize("name", MODULES)
def test_options_and_return_values_of_a_module(name: str) -> None:
    module = import_module(f"ansible_collections.layerkit.ecr.plugins.modules.{name}")
    documentation = yaml.safe_load(module.DOCUMENTATION)
    if name not in RELEASED:
        assert documentation["version_added"] != "1.0.0"
        return
    assert documentation["version_added"] == "1.0.0"
    assert list(later(documentation.get("options", {}), RELEASED[name]["options"])) == []
    assert list(later(yaml.safe_load(module.RETURN), RELEASED[name]["values"])) == []


@pytest.mark.parametrize("name", ROLES)
def test_options_of_a_role(name: str) -> None:
    text = (ROOT / "roles" / name / "meta/argument_specs.yml").read_text(encoding="utf-8")
    main = yaml.safe_load(text)["argument_specs"]["main"]
    assert (main["version_added"] == "1.0.0") == (name in RELEASED)
    if name in RELEASED:
        assert list(later(main["options"], RELEASED[name]["options"])) == []
