# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The equivalents of other tools in guide_migrate.rst, compared with what these tools say about themselves."""

from __future__ import annotations

import importlib
import re
import subprocess
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.layerkit.ecr.plugins.modules import ecr_complete_layer_upload
from ansible_collections.layerkit.ecr.tests.strict_ecr.fixtures import ecr_client

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs/docsite/rst/guide_migrate.rst"

# Every command of the AWS CLI has these options, https://docs.aws.amazon.com/cli/latest/reference/. The last one is
# from version 1.
CLI_OPTIONS = set(
    re.findall(
        r"\S+",
        """
        --cli-input-json --cli-input-yaml --generate-cli-skeleton --debug --endpoint-url --no-verify-ssl --no-paginate
        --output --query --profile --region --version --color --no-sign-request --ca-bundle --cli-read-timeout
        --cli-connect-timeout --cli-binary-format --no-cli-pager --cli-auto-prompt --no-cli-auto-prompt
        --cli-error-format --help --v2-debug
        """,
    )
)

DOCKER = "From ``community.docker.docker_image_push``"
SKOPEO = "From ``skopeo``"
CRANE = "From ``crane``"
COMPLETE_LAYER_UPLOAD = "Options of ``aws ecr complete-layer-upload``"

Rows = list[tuple[str, str]]


def rows_of(section: str) -> Rows:
    """Return both columns of the table in a section, without its head."""
    text = GUIDE.read_text(encoding="utf-8")
    after = text.split(f"\n{section}\n", 1)[1]
    table = re.split(r"\n\S.*\n[-=~]{4,}\n", after.split("\n", 1)[1])[0]
    cells = [" ".join(cell.split()) for cell in re.findall(r"^ {4}[* ] - ((?:.|\n {8})*)$", table, re.MULTILINE)]
    assert len(cells) % 2 == 0, cells
    return list(zip(cells[2::2], cells[3::2], strict=True))


def literals(cells: t.Iterable[str]) -> set[str]:
    return {literal for cell in cells for literal in re.findall(r"``([^`]+)``", cell)}


def words(cells: t.Iterable[str]) -> set[str]:
    return {word for literal in literals(cells) for word in literal.split()}


def options_of(module: str) -> set[str]:
    """Return the documented options of a module, with those of its fragments."""
    collection, name = module.rsplit(".", 1)
    package = f"ansible_collections.{collection}.plugins.modules"
    documentation = yaml.safe_load(importlib.import_module(f"{package}.{name}").DOCUMENTATION)
    options = set(documentation.get("options", {}))
    for fragment in documentation.get("extends_documentation_fragment", []):
        namespace, of, file, section = [*fragment.split("."), "DOCUMENTATION"][:4]
        package = "ansible" if namespace == "ansible" else f"ansible_collections.{namespace}.{of}"
        found = importlib.import_module(f"{package}.plugins.doc_fragments.{file}")
        options |= set(yaml.safe_load(getattr(found.ModuleDocFragment, section.upper())).get("options", {}))
    return options


def test_every_option_of_docker_image_push() -> None:
    lefts = [left for left, _right in rows_of(DOCKER)]
    options = options_of("community.docker.docker_image_push")
    assert {"docker_host", "name"} <= options <= {word.rstrip(":") for word in words(lefts)}


@pytest.mark.parametrize("section", [DOCKER, SKOPEO, CRANE, COMPLETE_LAYER_UPLOAD])
def test_options_of_the_modules_exist(section: str) -> None:
    modules = [path.stem for path in (ROOT / "plugins/modules").glob("ecr_*.py")]
    options = {option for module in modules for option in options_of(f"layerkit.ecr.{module}")}
    rights = [right for _left, right in rows_of(section)]
    named = {match[1] for literal in literals(rights) if (match := re.match(r"([a-z_]+)(?:[.]|: |$)", literal))}
    # A value, a key of results or options of a dictionary, and filters.
    others = {"input", "error", "result", "images", "source", "to_nice_yaml", "json_query", "ansible"}
    assert named & options
    assert named - options <= {*modules, *others}


def test_options_of_skopeo_exist() -> None:
    lefts = [left for left, _right in rows_of(SKOPEO)]
    commands = ["copy", "inspect", "list-tags", "delete", "sync", "login"]
    printed = "".join(
        subprocess.run(["skopeo", *command, "--help"], check=True, capture_output=True, text=True).stdout
        for command in ([], *([command] for command in commands))
    )
    known = set(re.findall(r"--[a-z-]+", printed))
    assert {word.partition("=")[0] for word in words(lefts) if word.startswith("--")} <= known
    assert {literal.split()[1] for literal in literals(lefts) if literal.startswith("skopeo ")} <= set(commands)


def test_every_option_of_complete_layer_upload() -> None:
    model = ecr_client("http://127.0.0.1", region="eu-west-1").meta.service_model
    shape = model.operation_model("CompleteLayerUpload").input_shape
    assert shape
    parameters = {"--" + re.sub("[A-Z]", lambda letter: "-" + letter[0].lower(), member) for member in shape.members}
    lefts = [left for left, _right in rows_of(COMPLETE_LAYER_UPLOAD)]
    named = words(lefts) - {"help"}
    assert named == parameters | CLI_OPTIONS
    rights = " ".join(right for _left, right in rows_of(COMPLETE_LAYER_UPLOAD))
    options = yaml.safe_load(ecr_complete_layer_upload.DOCUMENTATION)["options"]
    assert all(f"``{name}``" in rights for name in options)


def test_operations_of_the_aws_cli_exist() -> None:
    lefts = [left for left, _right in rows_of("From the AWS CLI")]
    operations = ecr_client("http://127.0.0.1", region="eu-west-1").meta.service_model.operation_names
    commands = {re.sub("(?!^)([A-Z])", r"-\1", operation).lower() for operation in operations}
    assert literals(lefts) - {"aws ecr"} <= commands
