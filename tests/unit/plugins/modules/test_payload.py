# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Ansible sends to the host with a module: every file that is imported, also for the type checker alone."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parents[4] / "plugins"
MODULE_UTILS = "ansible_collections.layerkit.ecr.plugins.module_utils."
LAYER_MODULES = sorted(path.stem for path in (PLUGINS / "modules").glob("ecr_*.py") if "image" not in path.stem)
ONLY_FOR_IMAGES = {
    "_descriptor",
    "_image_repository",
    "_json_document",
    "_manifest",
    "_pace",
    "_platform",
    "_repository_settings",
    "_stored_image",
}
ONLY_FOR_WHOLE_LAYERS = {"_layer_repository", "_layer_upload", "_part_body", "_upload_state"}


def imported(path: Path) -> set[str]:
    """Return the files of module_utils that a file imports, wherever in it the import stands."""
    nodes = ast.walk(ast.parse(path.read_bytes()))
    modules = [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    return {module.removeprefix(MODULE_UTILS) for module in modules if module.startswith(MODULE_UTILS)}


def payload(module: str) -> set[str]:
    found: set[str] = set()
    ahead = imported(PLUGINS / "modules" / f"{module}.py")
    while ahead:
        found |= ahead
        ahead = {name for file in ahead for name in imported(PLUGINS / "module_utils" / f"{file}.py")} - found
    return found


@pytest.mark.parametrize("module", LAYER_MODULES)
def test_modules_of_layers_are_sent_without_the_files_for_images(module: str) -> None:
    files = payload(module)
    assert "_repository" in files
    assert not files & ONLY_FOR_IMAGES


@pytest.mark.parametrize("module", sorted({*LAYER_MODULES} - {"ecr_layer"}))
def test_modules_of_single_calls_are_sent_without_the_files_for_whole_layers(module: str) -> None:
    assert not payload(module) & ONLY_FOR_WHOLE_LAYERS


def test_module_of_layers_is_sent_with_its_files() -> None:
    assert payload("ecr_layer") >= ONLY_FOR_WHOLE_LAYERS


def test_module_of_images_is_sent_with_both() -> None:
    assert payload("ecr_image") >= ONLY_FOR_WHOLE_LAYERS | ONLY_FOR_IMAGES
