# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every example that people may copy is run as it stands, by Ansible itself, against the strict server."""

from __future__ import annotations

import gzip
import itertools
import os
import re
import subprocess
import sys
import tarfile
import textwrap
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.layerkit.ecr.plugins.modules import (
    ecr_complete_layer_upload,
    ecr_image,
    ecr_image_info,
    ecr_initiate_layer_upload,
    ecr_layer,
    ecr_layer_info,
    ecr_upload_layer_part,
)
from ansible_collections.layerkit.ecr.tests.strict_ecr.fixtures import ecr_client
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import digest_of
from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import LayoutWriter

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.server import StrictECR

ROOT = Path(__file__).parents[2]
# The name that the examples give the repository, and the region that they give or leave to the environment.
REPOSITORY = "my-app"
REGION = "eu-west-1"
LAYER = gzip.compress(b"the files of a layer" * 100, mtime=0)
DIGEST = digest_of(LAYER)
# The platforms that the examples pick from.
PLATFORMS = ("linux/amd64", "linux/arm64/v8")


def readme_snippets(language: str) -> list[str]:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


def rst_snippets(document: Path, language: str) -> list[str]:
    text = document.read_text(encoding="utf-8")
    blocks = re.findall(rf"^\.\. code-block:: {language}\n\n((?:(?: {{4}}.*)?\n)+)", text, flags=re.MULTILINE)
    return [textwrap.dedent(block) for block in blocks]


class Host:
    """A directory with a layer file, and an environment that leads to the strict server by a profile alone."""

    def __init__(self, directory: Path, server: StrictECR) -> None:
        self.directory = directory
        self.server = server
        self.client = ecr_client(server.url, region=REGION)
        (directory / "layer.tar.gz").write_bytes(LAYER)
        self.images = self.write_image(directory / "layout", directory / "image.tar")
        secret = "aws_access_key_id = AKIAEXAMPLES\naws_secret_access_key = not-a-secret-0nly-for-examples\n"
        (directory / "credentials").write_text(f"[default]\n{secret}[ci]\n{secret}", encoding="utf-8")
        self.environment = {
            **os.environ,
            "AWS_SHARED_CREDENTIALS_FILE": str(directory / "credentials"),
            "AWS_REGION": REGION,
            "AWS_URL": server.url,
            "ANSIBLE_HOME": str(directory / ".ansible"),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        }

    @staticmethod
    def write_image(path: Path, archive: Path) -> dict[str, str]:
        """Write an image for several platforms, and return the digests by the platforms, and by "all" the index's."""
        layout = LayoutWriter(path)
        images = {platform: layout.image(LAYER, platform=platform) for platform in PLATFORMS}
        index = layout.index(images)
        layout.finish(index)
        with tarfile.open(archive, "w") as tar:
            tar.add(path, arcname=".")
        return {name: image["digest"] for name, image in {**images, "all": index}.items()}

    def run(self, *command: str, **environment: str) -> str:
        ran = subprocess.run(
            command,
            cwd=self.directory,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    def play(self, plays: list[dict[str, t.Any]]) -> str:
        (self.directory / "play.yml").write_text(yaml.safe_dump(plays, sort_keys=False), encoding="utf-8")
        return self.run("ansible-playbook", "play.yml")

    def layers(self) -> dict[str, int]:
        return self.server.control.layers(REPOSITORY)

    def tags(self) -> dict[str, str]:
        ids = self.client.list_images(repositoryName=REPOSITORY)["imageIds"]
        return {image["imageTag"]: image["imageDigest"] for image in ids if "imageTag" in image}

    def sent(self) -> str:
        upload_id = self.client.initiate_layer_upload(repositoryName=REPOSITORY)["uploadId"]
        self.client.upload_layer_part(
            repositoryName=REPOSITORY,
            uploadId=upload_id,
            partFirstByte=0,
            partLastByte=len(LAYER) - 1,
            layerPartBlob=LAYER,
        )
        return upload_id


@pytest.fixture
def host(tmp_path: Path, strict_ecr: StrictECR) -> t.Iterator[Host]:
    host = Host(tmp_path, strict_ecr)
    host.client.create_repository(repositoryName=REPOSITORY)
    yield host
    host.client.delete_repository(repositoryName=REPOSITORY, force=True)


@pytest.mark.parametrize(
    ("module", "layers"),
    [
        (ecr_complete_layer_upload, {DIGEST: len(LAYER)}),
        (ecr_image_info, {}),
        (ecr_initiate_layer_upload, {}),
        (ecr_layer, {DIGEST: len(LAYER)}),
        (ecr_layer_info, {}),
        (ecr_upload_layer_part, {}),
    ],
    ids=lambda value: value.__name__.rsplit(".", 1)[-1] if hasattr(value, "__name__") else "",
)
def test_examples_of_a_module(host: Host, module: t.Any, layers: dict[str, int]) -> None:
    tasks = yaml.safe_load(module.EXAMPLES)
    files = {"layer_file": "layer.tar.gz", "image_source": "image.tar"}
    printed = host.play([{"hosts": "localhost", "gather_facts": False, "vars": files, "tasks": tasks}])
    assert re.search(rf"ok={len(tasks)} .*failed=0 +skipped=0", printed), printed
    assert host.layers() == layers


def test_examples_of_the_image_module(host: Host) -> None:
    tasks = yaml.safe_load(ecr_image.EXAMPLES)
    files = {"image_source": "image.tar"}
    printed = host.play([{"hosts": "localhost", "gather_facts": False, "vars": files, "tasks": tasks}])
    assert re.search(rf"ok={len(tasks)} .*failed=0 +skipped=0", printed), printed
    assert host.tags() == {
        "1.4.2": host.images["all"],
        "latest": host.images["all"],
        "1.4.2-lambda": host.images["linux/amd64"],
    }


def test_playbooks_of_the_readme(host: Host) -> None:
    image, role, layer = readme_snippets("yaml")
    assert "pushed.image.uri" in host.play(yaml.safe_load(image))
    assert host.tags() == dict.fromkeys(("1.4.2", "latest"), host.images["all"])
    host.play(yaml.safe_load(role))
    assert (host.tags()["latest"], host.tags()["lambda"]) == (host.images["all"], host.images["linux/amd64"])
    assert "changed=0" in host.play(yaml.safe_load(layer))
    assert DIGEST in host.layers()


def test_ad_hoc_command_of_the_readme(host: Host) -> None:
    commands = [snippet for snippet in readme_snippets("sh") if snippet.startswith("ansible localhost")]
    assert len(commands) == 1
    upload = {"UPLOAD_ID": host.sent(), "LAYER_DIGEST": DIGEST}
    assert '"changed": true' in host.run("sh", "-c", commands[0], **upload)
    assert '"changed": false' in host.run("sh", "-c", commands[0], **upload)
    assert host.layers() == {DIGEST: len(LAYER)}


def test_make_targets_of_the_readme_exist() -> None:
    targets = {line.split()[1] for snippet in readme_snippets("sh") for line in snippet.splitlines() if "make " in line}
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert targets >= {"demo", "test"}
    assert all(re.search(rf"^{target}:", makefile, flags=re.MULTILINE) for target in targets)


def test_playbooks_of_the_guides(host: Host) -> None:
    guides = list((ROOT / "docs/docsite/rst").glob("*.rst"))
    playbooks = [playbook for guide in guides for playbook in rst_snippets(guide, "yaml")]
    assert len(playbooks) >= len(guides) > 0
    plays = [play for playbook in playbooks for play in yaml.safe_load(playbook)]
    host.play(plays)
    assert "changed=0" in host.play(plays), "the second run changed something"
    assert DIGEST in host.layers()
    assert host.tags() == {"latest": host.images["all"], "lambda": host.images["linux/amd64"]}


def test_module_table_of_the_readme_has_every_module() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    start = lines.index("| Module | API operation | Changes | IAM actions needed |") + 2
    table = list(itertools.takewhile(lambda line: line.startswith("|"), lines[start:]))
    listed = {line.split("`")[1] for line in table}
    assert listed == {path.stem for path in (ROOT / "plugins/modules").glob("*.py")}
