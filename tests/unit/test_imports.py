# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which package may import which: the table of docs/architecture.md.

Imports for the type checker count. Ansible sends them to the host, too.
"""

from __future__ import annotations

import ast
import functools
import re
import sys
import typing as t
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLUGINS = ROOT / "plugins"
MODULE_UTILS = PLUGINS / "module_utils"
COLLECTION = "ansible_collections.layerkit.ecr.plugins"

# A package, and the packages whose files it may import.
ALLOWED = {
    "_core": set(),
    "_oci": {"_core"},
    "_local": {"_core", "_oci"},
    "_ecr": {"_core", "_oci"},
    "_upload": {"_core", "_ecr"},
    "_transfer": {"_core", "_oci", "_ecr", "_upload"},
    "_ansible": {"_core", "_ecr", "_upload"},
    "modules": {"_core", "_oci", "_local", "_ecr", "_upload", "_transfer", "_ansible"},
    "plugin_utils": {"_core"},
    "action": {"plugin_utils"},
}
# The directories of plugins/ beside module_utils. What is in them is no package that modules can import.
PLUGIN_DIRECTORIES = {"modules", "plugin_utils", "action"}
# What the controller may import of the packages for the hosts.
CONTROLLER = {"_core/progress.py"}
# The only files of packages that import more than the standard library.
BOTOCORE = {"_ecr"}
ANSIBLE = {
    "ansible": {"plugin_utils"},
    "ansible.module_utils.basic": {"_ansible"},
    "ansible.module_utils.common.dict_transformations": {"_ansible"},
    "ansible.module_utils.parsing.convert_bool": {"plugin_utils"},
    "ansible.plugins.action.normal": {"plugin_utils"},
    "ansible.utils.display": {"plugin_utils"},
    "ansible_collections.amazon.aws.plugins.module_utils.botocore": {"_ecr"},
    "ansible_collections.amazon.aws.plugins.module_utils.common": {"_ansible"},
    "ansible_collections.amazon.aws.plugins.module_utils.modules": {"_ansible"},
    "ansible_collections.amazon.aws.plugins.module_utils.retries": {"_ecr"},
}
# The packages that a module needs, and so those that Ansible sends with it.
PAYLOADS = {
    "ecr_complete_layer_upload": {"_ansible", "_core", "_ecr", "_upload"},
    "ecr_image": set(ALLOWED) - PLUGIN_DIRECTORIES,
    "ecr_image_copy": set(ALLOWED) - PLUGIN_DIRECTORIES - {"_local"},
    # It sends nothing, so no code that sends layers.
    "ecr_image_download": {"_ansible", "_core", "_ecr", "_local", "_oci", "_transfer"},
    "ecr_image_info": {"_ansible", "_core", "_ecr", "_oci"},
    "ecr_initiate_layer_upload": {"_ansible", "_core", "_ecr"},
    "ecr_layer": {"_ansible", "_core", "_ecr", "_upload"},
    "ecr_layer_info": {"_ansible", "_core", "_ecr"},
    "ecr_upload_layer_part": {"_ansible", "_core", "_ecr", "_upload"},
}
# Files of packages that a module is sent with, which only some of the modules need.
WHOLE_LAYERS = {"_ecr/encoding.py", "_ecr/part_body.py", "_upload/layer.py", "_upload/state.py", "_upload/upload.py"}
IMAGES = {"_ecr/acceptance.py", "_ecr/images.py", "_ecr/rate_limiter.py", "_ecr/image_records.py"}
# What only some tasks of a module use, and so what is compiled in these tasks alone.
LATE = {
    "_core/json_document.py": ["ecr_complete_layer_upload", "ecr_initiate_layer_upload", "ecr_layer", "ecr_layer_info"],
    "_ecr/object_store.py": ["ecr_image"],
    "_core/missing_file.py": ["ecr_layer", "ecr_upload_layer_part"],
    "_core/spelling.py": sorted(PAYLOADS),
    "_ecr/names.py": sorted(PAYLOADS),
    "_local/archive.py": ["ecr_image"],
    "_local/compression.py": ["ecr_image"],
    "_local/decompression.py": ["ecr_image"],
    "_local/docker_archive.py": ["ecr_image"],
    "_local/tar_entries.py": ["ecr_image"],
    "_transfer/remover.py": ["ecr_image"],
    "_upload/state.py": ["ecr_image", "ecr_layer"],
}
# The options whose names are no ordinary words.
OPTION_NAMES = re.compile(
    r"\b(src|access_key|aws_ca_bundle|aws_config|cli_input_json|endpoint_url|generate_cli_skeleton|layer_digests?"
    r"|layer_part_blob|part_first_byte|part_last_byte|part_size|registry_id|repository_name|secret_key"
    r"|session_token"
    r"|state_dir|upload_id|validate_certs)\b"
)


def package_of(path: Path) -> str:
    return path.relative_to(MODULE_UTILS if path.is_relative_to(MODULE_UTILS) else PLUGINS).parts[0]


@functools.cache
def imported(path: Path) -> frozenset[str]:
    """Return the modules that a file imports, by their full names."""
    return frozenset(name for node in ast.walk(ast.parse(path.read_bytes())) for name in names_in(node, path))


def names_in(node: ast.AST, path: Path) -> set[str]:
    """Return the modules that a statement of a file imports, none if it imports nothing."""
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    if not isinstance(node, ast.ImportFrom):
        return set()
    place = ".".join([COLLECTION, *path.relative_to(PLUGINS).with_suffix("").parts]).split(".")
    parents = place[: -node.level] if node.level else []
    module = ".".join([*parents, *([node.module] if node.module else [])])
    submodules = {f"{module}.{alias.name}" for alias in node.names}
    return {name for name in submodules if file_of(name)} or {module}


def file_of(module: str) -> Path | None:
    """Return the file of a module of this collection."""
    if not module.startswith(f"{COLLECTION}."):
        return None
    path = PLUGINS.joinpath(*module.removeprefix(f"{COLLECTION}.").split(".")).with_suffix(".py")
    return path if path.is_file() else None


@functools.cache
def files_imported(path: Path) -> frozenset[Path]:
    return frozenset(file for file in map(file_of, imported(path)) if file)


def payload(module: str) -> set[Path]:
    """Return the files that Ansible sends with a module."""
    found: set[Path] = set()
    ahead = {PLUGINS / "modules" / f"{module}.py"}
    while ahead:
        found |= ahead
        ahead = {file for path in ahead for file in files_imported(path)} - found
    return found


FILES = sorted(MODULE_UTILS.rglob("*.py"))
MODULE_FILES = sorted((PLUGINS / "modules").glob("ecr_*.py"))
MODULES = [path.stem for path in MODULE_FILES]


CONTROLLER_FILES = sorted(path for name in ("action", "plugin_utils") for path in (PLUGINS / name).rglob("*.py"))
ALL_FILES = [*FILES, *MODULE_FILES, *CONTROLLER_FILES]


def name_of(path: Path) -> str:
    return str(path.relative_to(PLUGINS))


def test_every_file_is_in_a_package_of_the_table() -> None:
    assert {package_of(path) for path in FILES} == set(ALLOWED) - PLUGIN_DIRECTORIES
    assert not list(MODULE_UTILS.glob("*.py"))
    # Whatever such a file imports would be sent with every file of its package.
    assert not [path for path in MODULE_UTILS.rglob("__init__.py") if path.read_text()]


@pytest.mark.parametrize("path", ALL_FILES, ids=name_of)
def test_packages_import_only_what_the_table_allows(path: Path) -> None:
    package = package_of(path)
    packages = {package_of(file) for file in files_imported(path)}
    # Modules do not import each other.
    assert packages <= ALLOWED[package] | ({package} - {"modules"})


@pytest.mark.parametrize("path", CONTROLLER_FILES, ids=name_of)
def test_controller_shares_one_file_with_the_modules(path: Path) -> None:
    shared = {file.relative_to(MODULE_UTILS) for file in files_imported(path) if file.is_relative_to(MODULE_UTILS)}
    assert {str(file) for file in shared} <= CONTROLLER


@pytest.mark.parametrize("path", ALL_FILES, ids=name_of)
def test_foreign_packages_are_imported_where_the_table_allows_it(path: Path) -> None:
    package = package_of(path)
    for module in imported(path):
        top = module.partition(".")[0]
        if top in ("botocore", "boto3"):
            assert package in BOTOCORE, module
        elif module in ANSIBLE:
            assert package in ANSIBLE[module], module
        else:
            assert top in sys.stdlib_module_names or file_of(module), module


@pytest.mark.parametrize("path", ALL_FILES, ids=name_of)
def test_files_do_not_import_each_other_in_circles(path: Path) -> None:
    found: set[Path] = set()
    ahead: t.AbstractSet[Path] = files_imported(path)
    while ahead:
        assert path not in ahead
        found |= ahead
        ahead = {file for inner in ahead for file in files_imported(inner)} - found


@pytest.mark.parametrize("module", MODULES)
def test_modules_are_sent_with_the_packages_that_they_need(module: str) -> None:
    sent = payload(module)
    assert {package_of(path) for path in sent} - {"modules"} == PAYLOADS[module]
    files = {str(path.relative_to(MODULE_UTILS)) for path in sent if path.is_relative_to(MODULE_UTILS)}
    assert WHOLE_LAYERS & files == (WHOLE_LAYERS if module in ("ecr_layer", "ecr_image", "ecr_image_copy") else set())
    assert "image" in module or not IMAGES & files


@functools.cache
def loaded(path: Path) -> set[Path]:
    """Return the files that Python loads when it imports a file."""
    tree = ast.parse(path.read_bytes())
    late: list[ast.AST] = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    late += [node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)]
    left_out = {id(inner) for node in late for inner in ast.walk(node)}
    return {
        file
        for node in ast.walk(tree)
        if id(node) not in left_out
        for file in map(file_of, names_in(node, path))
        if file
    }


@pytest.mark.parametrize(("file", "module"), [(file, module) for file, modules in LATE.items() for module in modules])
def test_what_some_tasks_need_is_loaded_in_these_tasks_alone(file: str, module: str) -> None:
    late = MODULE_UTILS / file
    assert late in payload(module)
    found: set[Path] = set()
    ahead = {PLUGINS / "modules" / f"{module}.py"}
    while ahead:
        found |= ahead
        ahead = {file for path in ahead for file in loaded(path)} - found
    assert late not in found


@pytest.mark.parametrize("path", ALL_FILES, ids=name_of)
def test_names_of_packages_have_the_only_underscore(path: Path) -> None:
    assert not path.name.startswith("_")


def words(path: Path) -> t.Iterator[str]:
    """Yield the strings of a file without its documentation."""
    tree = ast.parse(path.read_bytes())
    documented = [node for node in ast.walk(tree) if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))]
    documentation = {id(node.body[0].value) for node in documented if isinstance(node.body[0], ast.Expr)}
    # The blocks that ansible-doc reads.
    documentation |= {id(node.value) for node in tree.body if isinstance(node, ast.Assign) and path in MODULE_FILES}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node.value


@pytest.mark.parametrize("path", [path for path in FILES if package_of(path) != "_ansible"], ids=name_of)
def test_options_are_named_on_the_ansible_side_alone(path: Path) -> None:
    assert not [text for text in words(path) if OPTION_NAMES.search(text)]


def test_one_file_says_that_nothing_was_sent() -> None:
    saying = [path for path in ALL_FILES if any("othing was sent" in text for text in words(path))]
    assert saying == [MODULE_UTILS / "_ansible/failure.py"]


def test_map_of_the_code_has_the_table_and_every_file() -> None:
    text = (ROOT / "docs/architecture.md").read_text()
    rows = re.findall(r"^\| `(_\w+)` \| ([^|]*) \|", text, re.MULTILINE)
    assert {package: set(re.findall(r"`(_\w+)`", imports)) for package, imports in rows} == {
        package: allowed for package, allowed in ALLOWED.items() if package not in PLUGIN_DIRECTORIES
    }
    (tree,) = re.findall(r"```text\n(.*?)```", text, re.DOTALL)
    listed = set()
    package = ""
    for line in tree.splitlines():
        package = line.split("/")[0] if line.startswith("_") else package
        listed |= {f"{package}/{name}" for name in re.findall(r"\b\w+\.py\b", line)}
    assert listed == {str(path.relative_to(MODULE_UTILS)) for path in FILES}
