# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs every documented example with Ansible against the strict server.

The examples of the modules, README.md, the guides and the READMEs of the roles run as they are printed, with these
exceptions:

- ``endpoint_url`` of a VPC endpoint is replaced by the URL of the strict server.
- Of the files of CI services, the commands run in a shell, with the variables that the service sets.
- The commands in ``NOT_RUN`` do not run, for the reasons given there.
- A policy is compared with the form of policies and with the operations of AWS. test_permissions.py runs modules with
  the policies of guide_permissions.rst.

Each document has a test marked with ``runs``. That test fails if a snippet of the document neither ran in it nor has a
reason, and ``test_every_document_runs`` fails if a document has no such test.

``Host`` prepares what an example finds on a user's machine: a working directory with the files that it names, AWS
credentials, and the repositories that exist. ``AWS_URL`` leads to the strict server.
"""

from __future__ import annotations

import functools
import gzip
import importlib
import io
import itertools
import json
import os
import re
import shlex
import subprocess
import sys
import tarfile
import textwrap
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

import boto3
import botocore.session
import pytest
import yaml
from ansible_collections.layerkit.ecr.plugins.modules import (
    ecr_complete_layer_upload,
    ecr_image,
    ecr_image_copy,
    ecr_image_download,
    ecr_image_info,
    ecr_initiate_layer_upload,
    ecr_layer,
    ecr_layer_info,
    ecr_upload_layer_part,
)
from ansible_collections.layerkit.ecr.tests.strict_ecr.fixtures import ecr_client
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import Files, digest_of, docker_archive, tar_of
from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import LayoutWriter
from ansible_collections.layerkit.ecr.tests.unit.support.permission_guide import policies
from ansible_collections.layerkit.ecr.tests.unit.support.pushing import image_manifest, index_manifest

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.server import StrictECR
    from mypy_boto3_ecr import ECRClient

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
GUIDES = ROOT / "docs/docsite/rst"
# Every document that users read snippets in, by its name below the root.
DOCUMENTS = {
    path.relative_to(ROOT).as_posix(): path
    for pattern in ("*.md", "roles/*/README.md", "docs/docsite/rst/*.rst", "plugins/modules/*.py")
    for path in sorted(ROOT.glob(pattern))
    if path.name != "CONTRIBUTING.md"
}
ROLE_README = "roles/push_image/README.md"
PROMOTION_README = "roles/promote_image/README.md"

# The commands that do not run here, and why.
NOT_RUN = {
    "git clone https://github.com/layerkit/layerkit.ecr": "Needs the network.",
    "cd layerkit.ecr": "Follows the clone.",
    "make demo": "Runs in continuous integration; the target must exist.",
    "make test": "Runs this test; the target must exist.",
    "ansible-galaxy collection install layerkit.ecr": "Runs in tests/tools/package.sh, with a Galaxy server there.",
    "python3 -m pip install boto3 packaging": "Needs the network, and would change the environment.",
    "aws ecr create-repository --repository-name my-app": "Needs the AWS CLI; Host creates this repository.",
    "aws ecr create-repository --repository-name my-app --image-tag-mutability IMMUTABLE": "Needs the AWS CLI.",
    "docker pull docker.io/library/alpine:3": "Needs Docker.",
    "docker save --output build/app.tar docker.io/library/alpine:3": "Needs Docker; Host writes such a file.",
    "docker buildx build --provenance=false --platform linux/arm64 --output type=oci,dest=build/function.tar .": (
        "Needs Docker; Host writes such a file."
    ),
    "ansible-builder build --file execution-environment.yml --tag registry.example.com/ee-ecr:1": (
        "Needs a container engine; test_sample_of_an_execution_environment creates its files."
    ),
    "dnf install --assumeyes python3-pip": "Would change the machine.",
    "python3 -m pip install ansible-core boto3 packaging": "Needs the network, and would change the environment.",
}

# The files of CI services, and the variables that the services set.
CI_FILES = (".github/workflows/push.yml", ".gitlab-ci.yml")
CI_VARIABLES = {
    "GITHUB_SHA": "on-github",
    "CI_COMMIT_SHA": "on-gitlab",
    "GIT_COMMIT": "on-jenkins",
    "AWS_ID_TOKEN": "an-id-token-of-a-job",
}

REGION = "eu-west-1"
# The AWS account of staging. The moto server knows the accounts of roles.
STAGING = "210987654321"
HOST_KEYS = {"aws_access_key_id": "AKIAEXAMPLES", "aws_secret_access_key": "not-a-secret-0nly-for-examples"}
# The repositories that the examples expect. They create others themselves.
REPOSITORIES = ("my-app", "my-function", "my-worker")
LAYER = gzip.compress(b"the files of a layer" * 100, mtime=0)
MODEL = b"a large layer" * 10_000
DIGEST = digest_of(LAYER)
PLATFORMS = ("linux/amd64", "linux/arm64/v8")
VPC_ENDPOINT = re.compile(rf"https://vpce-[a-z0-9-]+\.api\.ecr\.{REGION}\.vpce\.amazonaws\.com")

# A repository's tags, and the digests that they point to; None for a digest that only the run knows.
Tags = dict[str, dict[str, str | None]]


class Block(t.NamedTuple):
    """A block of code in a document."""

    language: str
    text: str

    @property
    def file(self) -> str | None:
        """The name that the first line gives the file, as in ``# push.yml``."""
        match = re.match(r"# (\S+\.yml)\n", self.text)
        return match[1] if match else None

    @property
    def is_ci_job(self) -> bool:
        return self.file in CI_FILES or self.language == "groovy"

    @property
    def commands(self) -> list[str]:
        """The commands of a block of shell code, without comments, or of the job of a CI service."""
        if self.language == "groovy":
            return re.findall(r"^ *sh '(.*)'$", self.text, flags=re.MULTILINE)
        if self.is_ci_job:
            jobs = yaml.safe_load(self.text)
            steps = jobs["jobs"]["push"]["steps"] if "jobs" in jobs else []
            gitlab = jobs.get("push", {})
            return [step["run"] for step in steps if "run" in step] + [
                *gitlab.get("before_script", []),
                *gitlab.get("script", []),
            ]
        return [line.partition("  #")[0].strip() for line in self.text.splitlines() if line.strip()]


def blocks_of(document: Path) -> list[Block]:
    """Return all blocks of code in a Markdown or reStructuredText document."""
    text = document.read_text(encoding="utf-8")
    if document.suffix == ".md":
        found = re.findall(r"^( *)```(\w*)\n(.*?)^\1```$", text, flags=re.DOTALL | re.MULTILINE)
        blocks = [Block(language, textwrap.dedent(code)) for _indent, language, code in found]
        marks = len(re.findall(r"^ *(?:```|~~~)", text, flags=re.MULTILINE)) / 2
    else:
        found = re.findall(r"^\.\. code-block:: (\w+)\n\n((?:(?: {4}.*)?\n)+)", text, flags=re.MULTILINE)
        blocks = [Block(language, textwrap.dedent(code)) for language, code in found]
        marks = len(re.findall(r"code(?:-block)?::|sourcecode::|literalinclude::|parsed-literal::|prompt::", text))
        marks += len(re.findall(r"^ *(?!\.\. )\S.*::$", text, flags=re.MULTILINE))
    assert len(blocks) == marks, f"{document} has a block that is not recognized"
    return blocks


def leaves(tasks: list[dict[str, t.Any]]) -> int:
    """Count the tasks, without the blocks that group them."""
    groups = [task.get(part, []) for task in tasks for part in ("block", "rescue", "always")]
    return sum("block" not in task for task in tasks) + sum(map(leaves, groups))


def in_a_play(tasks: str) -> str:
    """Return a playbook with the text of tasks, indented."""
    text = textwrap.indent(tasks.replace("---\n", "", 1), "    ")
    return f"- hosts: localhost\n  gather_facts: false\n  tasks:\n{text}"


@functools.cache
def operations_of(service: str) -> frozenset[str]:
    """Return the operations of a service of AWS."""
    model = botocore.session.get_session().get_service_model(service)
    return frozenset(model.operation_names)


def snippets_of(document: Path) -> list[str]:
    """Return what a user runs: the examples of a module, or the playbooks, tasks, commands and policies of a text."""
    if document.suffix == ".py":
        return [importlib.import_module(f"{ecr_image.__package__}.{document.stem}").EXAMPLES]
    snippets: list[str] = []
    for block in blocks_of(document):
        snippets += block.commands if block.language == "sh" or block.is_ci_job else [block.text]
    return snippets


def left_out(document: Path, ran: t.Collection[str]) -> list[str]:
    """Return the snippets of a document that did not run and have no reason for that."""
    return [snippet for snippet in snippets_of(document) if snippet not in ran and snippet not in NOT_RUN]


# The documents that have a test that runs them.
RUN: list[str] = []


def runs(*documents: str) -> pytest.MarkDecorator:
    """Mark the test that runs all snippets of these documents, with the fixture ``host``."""
    RUN.extend(documents)
    return pytest.mark.runs(*documents)


@dataclass
class Recap:
    """What ansible-playbook printed, and the counts at its end."""

    printed: str

    def __getitem__(self, count: str) -> int:
        return self.all(count)[-1]

    def all(self, count: str) -> list[int]:
        """Return a count after each playbook of the run: of all that ran so far."""
        return [int(found) for found in re.findall(rf"^localhost .*\b{count}=(\d+)", self.printed, flags=re.MULTILINE)]


class Host:
    """A machine with the files that the examples name, and AWS credentials that lead to the strict server."""

    def __init__(self, directory: Path, server: StrictECR) -> None:
        self.directory = directory / "project"
        self.home = directory / "home"
        self.server = server
        self.ran: set[str] = set()
        self.client = ecr_client(server.url, region=REGION)
        (self.directory / "build").mkdir(parents=True)
        self.home.mkdir()
        self.images = self.write_images()
        self.environment = {
            **os.environ,
            **self.write_credentials(),
            **self.write_storage_of_buildah(),
            "HOME": str(self.home),
            "AWS_REGION": REGION,
            "AWS_URL": server.url,
            "ANSIBLE_HOME": str(self.home / ".ansible"),
            "ANSIBLE_INVENTORY": str(self.write_inventory()),
            # Five processes fewer for each task.
            "ANSIBLE_PIPELINING": "true",
        }

    def write_inventory(self) -> Path:
        """Write an inventory of this host alone; for the implicit one, Ansible would choose the interpreter."""
        variables = {
            "ansible_connection": "local",
            "ansible_python_interpreter": os.environ.get("WARM_PYTHON", sys.executable),
        }
        path = self.home / "inventory.yml"
        path.write_text(yaml.safe_dump({"all": {"hosts": {"localhost": variables}}}), encoding="utf-8")
        return path

    def write_images(self) -> dict[str, str]:
        """Write images and layers, and return the digests of app.tar by platform, and of its index as "all"."""
        build = self.directory / "build"
        (build / "layer.tar.gz").write_bytes(LAYER)
        (build / "model.tar").write_bytes(MODEL)
        (build / "docker-save.tar").write_bytes(tar_of(docker_archive(tags=["my-app:1.4.2"])))
        (build / "images.tar").write_bytes(tar_of(joined("localhost/my-app:1.4.2", "localhost/my-worker:1.4.2")))
        (self.directory / "Containerfile").write_text("FROM scratch\nCOPY hello /\n", encoding="utf-8")
        (self.directory / "hello").write_text("hello", encoding="utf-8")
        self.write_archive(build / "function.tar", b"the files of a function")
        return self.write_archive(build / "app.tar", LAYER)

    def write_archive(self, archive: Path, layer: bytes) -> dict[str, str]:
        layout = LayoutWriter(self.home / archive.name)
        images = {platform: layout.image(layer, platform=platform) for platform in PLATFORMS}
        index = layout.index(images)
        layout.finish(index)
        with tarfile.open(archive, "w") as tar:
            tar.add(layout.path, arcname=".")
        return {name: image["digest"] for name, image in {**images, "all": index}.items()}

    def write_credentials(self) -> dict[str, str]:
        secret = "aws_access_key_id = AKIAEXAMPLES\naws_secret_access_key = not-a-secret-0nly-for-examples\n"
        (self.home / "credentials").write_text(
            f"[default]\n{secret}[ci]\n{secret}[production]\n{secret}", encoding="utf-8"
        )
        return {"AWS_SHARED_CREDENTIALS_FILE": str(self.home / "credentials")}

    def write_storage_of_buildah(self) -> dict[str, str]:
        """Let buildah run without an overlay file system and a container runtime, and keep its files below home."""
        storage = {"driver": "vfs", "graphroot": str(self.home / "images"), "runroot": str(self.home / "containers")}
        lines = ["[storage]", *(f'{name} = "{value}"' for name, value in storage.items())]
        (self.home / "storage.conf").write_text("\n".join(lines), encoding="utf-8")
        as_root = {"_CONTAINERS_USERNS_CONFIGURED": "done", "_CONTAINERS_ROOTLESS_UID": "1"}
        return {
            "CONTAINERS_STORAGE_CONF": str(self.home / "storage.conf"),
            "STORAGE_DRIVER": "vfs",
            "BUILDAH_ISOLATION": "chroot",
            "XDG_RUNTIME_DIR": str(self.home),
            **(as_root if os.geteuid() == 0 else {}),
        }

    def run(self, *command: str, fails: bool = False) -> str:
        ran = subprocess.run(
            command,
            cwd=self.directory,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (ran.returncode != 0) == fails, ran.stdout + ran.stderr
        return ran.stdout

    def play(self, text: str, *, fails: bool = False) -> Recap:
        """Play a playbook, or the tasks of an example in a play of their own."""
        return self.play_all([text], fails=fails)

    def play_all(self, texts: t.Sequence[str], *, fails: bool = False) -> Recap:
        """Play playbooks and tasks one after the other, in one run of Ansible."""
        names = [f"example-{number}.yml" for number, _text in enumerate(texts)]
        for name, text in zip(names, texts, strict=True):
            reachable = VPC_ENDPOINT.sub(self.server.url, text)
            is_playbook = any("hosts" in item for item in yaml.safe_load(text))
            (self.directory / name).write_text(reachable if is_playbook else in_a_play(reachable), encoding="utf-8")
        recap = Recap(self.run("ansible-playbook", *names, fails=fails))
        self.ran.update(texts)
        return recap

    def play_tasks(self, *texts: str) -> None:
        """Play examples of modules; every task must run, and none may fail without being rescued."""
        recap = self.play_all(texts)
        assert recap["ok"] + recap["rescued"] == sum(leaves(yaml.safe_load(text)) for text in texts), recap.printed
        assert recap["failed"] == recap["skipped"] == recap["ignored"] == 0, recap.printed

    def play_document(self, document: Path, tested: t.Collection[str] = (), *, twice: bool = False) -> None:
        """Run all blocks of a document in their order, but for the commands that another test runs.

        With ``twice``, its plays run once more after the last block, which must change nothing.
        """
        written: dict[str, str] = {}
        plays: list[str] = []
        for block in blocks_of(document):
            if plays and (block.language != "yaml" or block.file):
                self.play_all(plays)
                plays = []
            if block.is_ci_job or block.language == "sh":
                for command in block.commands:
                    # The jobs of CI services build the same image.
                    if command not in tested and not (command in self.ran and command.startswith("buildah ")):
                        self.run_command(command)
                    self.ran.update(written.pop(word) for word in shlex.split(command) if word in written)
            elif block.language == "yaml" and block.file:
                (self.directory / block.file).write_text(block.text, encoding="utf-8")
                written[block.file] = block.text
            elif block.language == "yaml":
                plays.append(block.text)
            else:
                self.check_policy(block)
        self.play_last(plays, again=self.plays_of(document) if twice else [])

    def play_last(self, plays: list[str], *, again: list[str]) -> None:
        """Play the last plays of a document, and those that must change nothing then, in one run of Ansible."""
        if plays or again:
            changed = [0, *self.play_all([*plays, *again]).all("changed")]
            assert changed[len(plays)] == changed[-1], "the second run changed something"

    def plays_of(self, document: Path) -> list[str]:
        return [block.text for block in blocks_of(document) if block.language == "yaml" and not block.file]

    def run_command(self, command: str) -> str:
        """Run a command in a shell, and return what it printed."""
        if command in NOT_RUN:
            return ""
        self.ran.add(command)
        if command.startswith("export "):
            assignments = (word.partition("=") for word in shlex.split(command)[1:])
            self.environment.update({name: value for name, _equals, value in assignments})
            return ""
        return self.run("sh", "-c", command)

    def check_policy(self, block: Block) -> None:
        """Compare a policy with the form of policies, and its actions with the operations of AWS."""
        assert block.language == "json", block
        policy = json.loads(block.text)
        assert policy.keys() == {"Version", "Statement"}
        assert policy["Version"] == "2012-10-17"
        for statement in policy["Statement"]:
            assert statement.keys() <= {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}
            assert statement["Effect"] == "Allow"
            assert "Principal" in statement or "Resource" in statement
            actions = statement["Action"]
            for action in [actions] if isinstance(actions, str) else actions:
                service, _colon, operation = action.partition(":")
                assert operation in operations_of(service), action
        self.ran.add(block.text)

    def repositories(self) -> list[str]:
        return [found["repositoryName"] for found in self.client.describe_repositories()["repositories"]]

    def tags(self) -> dict[str, dict[str, str]]:
        """Return the tags of each repository that has any, with their digests."""
        tags: dict[str, dict[str, str]] = {}
        for repository in self.repositories():
            for image in self.client.list_images(repositoryName=repository)["imageIds"]:
                if "imageTag" in image:
                    tags.setdefault(repository, {})[image["imageTag"]] = image["imageDigest"]
        return tags

    def layers(self) -> dict[str, int]:
        return self.server.control.layers("my-app")


def joined(*names: str) -> Files:
    """Return the files of a docker archive with an image for each name."""
    archives = [docker_archive([name.encode()], tags=[name]) for name in names]
    manifests = [entry for archive in archives for entry in json.loads(archive["manifest.json"])]
    files = {name: content for archive in archives for name, content in archive.items()}
    return {**files, "manifest.json": json.dumps(manifests).encode()}


def root_of(archive: Path) -> str:
    """Return the digest of the only image in an archive of an OCI image layout."""
    with tarfile.open(archive) as tar:
        index = json.load(tar.extractfile("index.json") or io.BytesIO())
    (image,) = index["manifests"]
    return str(image["digest"])


def assert_tags(found: dict[str, dict[str, str]], expected: Tags) -> None:
    known = {
        repository: {tag: digest if expected.get(repository, {}).get(tag) else None for tag, digest in tags.items()}
        for repository, tags in found.items()
    }
    assert known == expected


@pytest.fixture
def host(tmp_path: Path, strict_ecr: StrictECR, request: pytest.FixtureRequest) -> t.Iterator[Host]:
    host = Host(tmp_path, strict_ecr)
    for repository in REPOSITORIES:
        host.client.create_repository(repositoryName=repository)
    yield host
    for repository in host.repositories():
        host.client.delete_repository(repositoryName=repository, force=True)
    for mark in request.node.iter_markers("runs"):
        for document in mark.args:
            assert left_out(DOCUMENTS[document], host.ran) == [], f"{document} has snippets that did not run"


def test_every_document_runs() -> None:
    assert sorted(RUN) == sorted(name for name, path in DOCUMENTS.items() if left_out(path, ran=()))


def test_a_snippet_that_does_not_run_is_found(tmp_path: Path) -> None:
    document = tmp_path / "guide.rst"
    code = ".. code-block:: {}\n\n    {}\n\n"
    document.write_text(
        code.format("sh", "make demo\n    ls  # lists") + code.format("yaml", "- name: A"), encoding="utf-8"
    )
    assert left_out(document, ran=["- name: A\n\n"]) == ["ls"]
    assert left_out(document, ran=["ls"]) == ["- name: A\n\n"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("guide.rst", "Run this::\n\n    ls\n"),
        ("guide.rst", "- An item:\n\n  .. code-block:: sh\n\n      ls\n"),
        ("guide.rst", ".. code:: sh\n\n    ls\n"),
        ("README.md", "~~~sh\nls\n~~~\n"),
        ("README.md", "```sh\nls\n"),
    ],
)
def test_a_snippet_in_another_form_is_refused(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(AssertionError, match="is not recognized"):
        blocks_of(tmp_path / name)


@runs(
    "plugins/modules/ecr_layer_info.py",
    "plugins/modules/ecr_initiate_layer_upload.py",
    "plugins/modules/ecr_upload_layer_part.py",
    "plugins/modules/ecr_complete_layer_upload.py",
)
def test_examples_of_single_calls_and_of_look_ups(host: Host) -> None:
    # Only the last module makes a layer, which the others would find.
    modules = (ecr_layer_info, ecr_initiate_layer_upload, ecr_upload_layer_part, ecr_complete_layer_upload)
    host.play_tasks(*(module.EXAMPLES for module in modules))
    assert host.layers() == {DIGEST: len(LAYER)}


@runs("plugins/modules/ecr_layer.py")
def test_examples_of_ecr_layer(host: Host) -> None:
    host.play_tasks(ecr_layer.EXAMPLES)
    assert host.layers() == {DIGEST: len(LAYER), digest_of(MODEL): len(MODEL)}


@runs("plugins/modules/ecr_image.py")
def test_examples_of_ecr_image(host: Host) -> None:
    host.play_tasks(ecr_image.EXAMPLES)
    # An example removes the tag 1.4.2.
    everything = dict.fromkeys(("latest", "1.5.0", "1.6.0"), host.images["all"])
    built = root_of(host.directory / "build/app-1.7.0.tar")
    expected: Tags = {
        "my-app": {**everything, "1.4.2-plain": None, "1.7.0": built},
        "my-function": {"1.4.2": host.images["linux/amd64"]},
        "my-worker": {"1.4.2": None},
        "new-app": {"1.4.2": host.images["all"]},
    }
    assert_tags(host.tags(), expected)


@pytest.fixture
def staging(host: Host) -> t.Iterator[ECRClient]:
    """The registry of another account, which a profile of the host leads to, with an image in my-app."""
    sts = boto3.client(
        "sts",
        endpoint_url=host.server.url,
        region_name=REGION,
        aws_access_key_id=HOST_KEYS["aws_access_key_id"],
        aws_secret_access_key=HOST_KEYS["aws_secret_access_key"],
    )
    role = {"RoleArn": f"arn:aws:iam::{STAGING}:role/ecr-reader", "RoleSessionName": "tests"}
    keys = sts.assume_role(**role)["Credentials"]
    credentials = {
        "aws_access_key_id": keys["AccessKeyId"],
        "aws_secret_access_key": keys["SecretAccessKey"],
        "aws_session_token": keys["SessionToken"],
    }
    with (host.home / "credentials").open("a", encoding="utf-8") as file:
        file.writelines(["[staging]\n", *(f"{name} = {value}\n" for name, value in credentials.items())])
    client = boto3.client("ecr", endpoint_url=host.server.url, region_name=REGION, **credentials)
    client.create_repository(repositoryName="my-app")
    push = {"repository_name": "my-app", "src": "build/app.tar", "tags": ["1.4.2"], "profile": "staging"}
    host.play_tasks(yaml.safe_dump([{"name": "Push", "layerkit.ecr.ecr_image": push}]))
    yield client
    client.delete_repository(repositoryName="my-app", force=True)


@runs("plugins/modules/ecr_image_copy.py")
def test_examples_of_ecr_image_copy(host: Host, staging: ECRClient) -> None:
    assert staging
    elsewhere = ecr_client(host.server.url, region="us-east-1")
    elsewhere.create_repository(repositoryName="my-app")
    host.client.create_repository(repositoryName="testing/my-app")
    host.play_tasks(ecr_image_copy.EXAMPLES)
    elsewhere.delete_repository(repositoryName="my-app", force=True)
    everything = dict.fromkeys(("1.4", "1.4.2", "1.5.0", "stable"), host.images["all"])
    expected: Tags = {
        "my-app": {**everything},
        "my-function": {"1.4.2": host.images["linux/amd64"]},
        "testing/my-app": {"1.5.0": host.images["all"]},
    }
    assert_tags(host.tags(), expected)


@runs("docs/docsite/rst/guide_promote.rst")
def test_blocks_of_the_guide_to_promotion(host: Host, staging: ECRClient) -> None:
    assert staging
    host.client.create_repository(repositoryName="production/my-app")
    host.play_document(GUIDES / "guide_promote.rst", twice=True)
    digest = host.images["all"]
    expected: Tags = {"my-app": {"1.4.2": digest, "stable": digest}, "production/my-app": {"1.4.2": digest}}
    assert_tags(host.tags(), expected)


@runs(PROMOTION_README)
def test_blocks_of_the_readme_of_the_role_for_promotion(host: Host, staging: ECRClient) -> None:
    assert staging
    host.play_document(ROOT / PROMOTION_README)
    expected: Tags = {
        "my-app": dict.fromkeys(("1.4.2", "stable"), host.images["all"]),
        "my-function": {"1.4.2": host.images["linux/amd64"]},
    }
    assert_tags(host.tags(), expected)


def test_policy_of_the_guide_to_promotion() -> None:
    blocks = blocks_of(GUIDES / "guide_promote.rst")
    (policy,) = [json.loads(block.text) for block in blocks if block.language == "json"]
    note = yaml.safe_load(ecr_image_copy.DOCUMENTATION)["notes"][0]
    assert set(policy["Statement"][0]["Action"]) == set(re.findall(r"C\((ecr:\w+)\)", note))


@runs("plugins/modules/ecr_image_info.py")
def test_examples_of_ecr_image_info(host: Host) -> None:
    # The last example waits for an image that another pipeline pushes.
    image = {"repository_name": "my-app", "src": "build/app.tar", "tags": ["1.4.2"]}
    push = yaml.safe_dump([{"name": "Push", "layerkit.ecr.ecr_image": image}])
    host.play_tasks(push, ecr_image_info.EXAMPLES)


@runs("plugins/modules/ecr_image_download.py")
def test_examples_of_ecr_image_download(host: Host) -> None:
    host.client.create_repository(repositoryName="mirror/my-app")
    image = {"repository_name": "my-app", "src": "build/app.tar", "tags": ["1.4.2", "1.5.0"]}
    host.play_tasks(yaml.safe_dump([{"name": "Push", "layerkit.ecr.ecr_image": image}]))
    host.play_tasks(ecr_image_download.EXAMPLES)
    assert host.tags()["mirror/my-app"] == {"1.4.2": host.images["all"]}
    assert root_of(host.directory / "build/my-app-oci.tar") == host.images["all"]


def first_push() -> tuple[Block, list[str]]:
    """Return README's playbook, and the commands that run it."""
    (playbook,) = [block for block in blocks_of(README) if block.file]
    shell = [block for block in blocks_of(README) if block.language == "sh"]
    (commands,) = [block.commands for block in shell if playbook.file and playbook.file in block.text]
    return playbook, commands


@runs("README.md")
def test_blocks_of_the_readme(host: Host) -> None:
    playbook, commands = first_push()
    assert playbook.file
    (host.directory / playbook.file).write_text(playbook.text, encoding="utf-8")
    check, *pushes = commands
    assert Recap(host.run_command(check))["changed"] == 1
    assert host.tags() == {}
    first, second = (Recap(host.run_command(push)) for push in pushes)
    assert (first["changed"], second["changed"]) == (1, 0)
    assert f"amazonaws.com/my-app@{host.images['all']}" in first.printed
    host.play_document(README, tested=commands)
    assert_tags(host.tags(), {"my-app": dict.fromkeys(("1.4.2", "latest", "stable"), host.images["all"])})


def test_policy_for_ecr_image() -> None:
    policy = next(
        json.loads(block.text) for block in blocks_of(GUIDES / "guide_permissions.rst") if block.language == "json"
    )
    (statement,) = policy["Statement"]
    notes = [note for note in yaml.safe_load(ecr_image.DOCUMENTATION)["notes"] if "O(state=absent)" not in note]
    documented = set(re.findall(r"C\((ecr:\w+)\)", " ".join(notes)))
    assert set(statement["Action"]) == documented
    operations = ecr_client("http://127.0.0.1", region=REGION).meta.service_model.operation_names
    assert {action.partition(":")[2] for action in statement["Action"]} <= set(operations)


def test_policy_of_the_guide_to_air_gaps() -> None:
    blocks = blocks_of(GUIDES / "guide_air_gap.rst")
    (statement,) = [json.loads(block.text)["Statement"][0] for block in blocks if block.language == "json"]
    notes = " ".join(yaml.safe_load(ecr_image_download.DOCUMENTATION)["notes"])
    required, optional = notes.split("is optional", maxsplit=1)[0].rsplit("C(ecr:", 1)
    assert set(statement["Action"]) == set(re.findall(r"C\((ecr:\w+)\)", required))
    assert optional.startswith("DescribeImages")


def guide(name: str, tags: dict[str, dict[str, str]], layers: dict[str, int] | None = None) -> t.Any:
    """A guide, and what the repositories have after it."""
    document = f"docs/docsite/rst/{name}.rst"
    return pytest.param(ROOT / document, layers, tags, marks=runs(document), id=name)


@pytest.mark.parametrize(
    ("document", "layers", "tags"),
    [
        guide("guide_air_gap", {"my-app": {"1.4.2": "all"}, "my-worker": {"1.4.2": "all"}}),
        guide("guide_awx", {"my-app": {"1.4.2": "all"}}),
        guide("guide_images", {"my-app": {"latest": "all"}}),
        guide("guide_immutable_tags", {"my-app": {"1.4.2": "all"}}),
        guide("guide_layers", {}, layers={DIGEST: len(LAYER)}),
        guide("guide_platforms", {"my-function": {"1.4.2": "linux/amd64"}}),
        guide("guide_private_networks", {"my-app": {"1.4.2": "all"}}),
        guide("guide_resume", {"my-app": {"1.4.2": "all"}}),
    ],
)
def test_blocks_of_a_guide(
    host: Host, document: Path, layers: dict[str, int] | None, tags: dict[str, dict[str, str]]
) -> None:
    host.play_document(document, twice=True)
    assert layers is None or host.layers() == layers
    assert_tags(host.tags(), {name: {tag: host.images[key] for tag, key in of.items()} for name, of in tags.items()})


@runs("docs/docsite/rst/guide_docker_save.rst")
def test_blocks_of_the_guide_to_docker_save(host: Host) -> None:
    host.play_document(GUIDES / "guide_docker_save.rst", twice=True)
    assert_tags(host.tags(), {"my-app": {"1.4.2": None}})


@runs("docs/docsite/rst/guide_ci.rst")
def test_blocks_of_the_guide_to_ci(host: Host) -> None:
    document = GUIDES / "guide_ci.rst"
    (gitlab,) = [block for block in blocks_of(document) if block.file == ".gitlab-ci.yml"]
    # All jobs get their credentials as that of GitLab does: by its ID token, from the token service.
    variables = {
        name: value.replace("$CI_BUILDS_DIR", str(host.home))
        for name, value in yaml.safe_load(gitlab.text)["push"]["variables"].items()
    }
    del host.environment["AWS_SHARED_CREDENTIALS_FILE"]
    host.environment.update({**CI_VARIABLES, **variables, "AWS_ENDPOINT_URL_STS": host.server.url})
    Path(variables["AWS_WEB_IDENTITY_TOKEN_FILE"]).write_text("an-id-token", encoding="utf-8")
    host.play_document(document)
    assert set(host.tags()["my-app"]) == {"on-github", "on-gitlab", "on-jenkins"}


@runs("docs/docsite/rst/guide_troubleshooting.rst")
def test_blocks_of_the_guide_to_troubleshooting(host: Host) -> None:
    document = GUIDES / "guide_troubleshooting.rst"
    (block,) = blocks_of(document)
    recap = host.play(block.text)
    assert (recap["rescued"], recap["skipped"]) == (1, 0), recap.printed


def test_endpoints_that_environment_variables_choose(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (GUIDES / "guide_private_networks.rst").read_text(encoding="utf-8")
    rows = re.findall(r"    \* - (.*)\n      - ``(https://ecr\S*)``\n", text)
    variables = [re.findall(r"AWS_USE_\w+", first) for first, _url in rows]
    variables[-1] = [name for names in variables for name in names]
    assert list(map(len, variables)) == [1, 1, 2]
    for names, (_first, url) in zip(variables, rows, strict=True):
        with monkeypatch.context() as patch:
            for name in names:
                patch.setenv(name, "true")
            client = boto3.client(
                "ecr",
                region_name="us-east-1",
                aws_access_key_id=HOST_KEYS["aws_access_key_id"],
                aws_secret_access_key=HOST_KEYS["aws_secret_access_key"],
            )
            assert client.meta.endpoint_url == url


def test_sample_of_an_execution_environment(tmp_path: Path) -> None:
    sample = ROOT / "docs/execution-environment.yml"
    blocks = blocks_of(GUIDES / "guide_awx.rst")
    (printed,) = [block.text for block in blocks if block.file == "execution-environment.yml"]
    assert yaml.safe_load(printed) == yaml.safe_load(sample.read_text(encoding="utf-8"))
    command = ["ansible-builder", "create", "--file", str(sample), "--context", str(tmp_path)]
    created = subprocess.run(command, check=False, capture_output=True, text=True)
    assert created.returncode == 0, created.stdout + created.stderr
    wanted = yaml.safe_load((tmp_path / "_build/requirements.yml").read_text(encoding="utf-8"))
    assert wanted == {"collections": ["layerkit.ecr"]}


def seed(host: Host, name: str, days: int, *tags: str, **members: t.Any) -> str:
    """Store an image that was pushed so many days ago, and return its digest."""
    manifest = image_manifest(DIGEST, DIGEST, name=name, **members)
    return seed_manifest(host, manifest, days, *tags)


def tag_of(digest: str) -> str:
    return digest.replace(":", "-")


def seed_manifest(host: Host, manifest: str, days: int, *tags: str) -> str:
    digest = host.server.control.seed_image("my-app", manifest, *tags)
    host.server.control.set_image_times("my-app", digest, int(time.time()) - days * 86400)
    return digest


@runs("docs/docsite/rst/guide_cleanup.rst")
def test_blocks_of_the_guide_to_cleaning_up(host: Host) -> None:
    seed(host, "merged", 1, "my-branch")
    child = seed(host, "child", 90)
    kept = {
        child,
        seed_manifest(host, index_manifest(child), 0, "index"),
        seed(host, "signature", 90, subject={"digest": child}),
        seed(host, "young", 20),
        *(versions := [seed(host, f"version {number}", number, f"1.{number}") for number in range(1, 10)]),
        seed(host, "oldest", 99, "latest", "1.0"),
        # Signatures by tags are as new as the images, and are not among the ten.
        *(seed(host, f"signature of {digest}", 0, f"{tag_of(digest)}.sig") for digest in versions[:7]),
        seed_manifest(host, index_manifest(child, child), 0, tag_of(versions[0])),
        seed(host, "SBOM of the oldest", 98, f"{tag_of(versions[-1])}.sbom"),
    }
    removed = {seed(host, "left over", 40), (old := seed(host, "version 10", 10, "1.10", "old"))}
    removed |= {seed(host, "signature of old", 1, f"{tag_of(old)}.sig"), seed(host, "SBOM of old", 2, tag_of(old))}
    archived = seed(host, "archived", 30, "0.9")
    host.server.control.set_image_status("my-app", archived, "ARCHIVED")
    kept.add(seed(host, "signature of the archived", 30, f"{tag_of(archived)}.att"))
    document = GUIDES / "guide_cleanup.rst"
    host.play_document(document)
    left = {image["imageDigest"] for image in host.client.describe_images(repositoryName="my-app")["imageDetails"]}
    assert (left & removed, left) == (set(), kept)
    again = host.play_all([block.text for block in blocks_of(document)])
    assert again["changed"] == 0, "the second run changed something"


def test_upload_of_the_guide_in_single_calls(host: Host) -> None:
    block = blocks_of(GUIDES / "guide_layers.rst")[-1]
    assert host.play(block.text)["changed"] == 3
    assert host.layers() == {DIGEST: len(LAYER)}


@runs("docs/docsite/rst/guide_permissions.rst")
def test_policies_of_the_guide_to_permissions(host: Host) -> None:
    document = GUIDES / "guide_permissions.rst"
    host.play_document(document)
    assert [json.loads(block.text) for block in blocks_of(document)] == list(policies().values())


@runs(ROLE_README)
def test_blocks_of_the_readme_of_the_role(host: Host) -> None:
    host.play_document(ROOT / ROLE_README)
    expected: Tags = {
        "my-app": dict.fromkeys(("1.4.2", "latest"), host.images["all"]),
        "my-function": {"1.4.2": None},
        "my-worker": {"1.4.2": None},
        "new-app": {"1.4.2": host.images["all"]},
    }
    assert_tags(host.tags(), expected)


def test_readme_of_the_role_reports_images_that_were_not_pushed(host: Host) -> None:
    (block,) = [block for block in blocks_of(ROOT / ROLE_README) if "rescue:" in block.text]
    (host.directory / "build/function.tar").unlink()
    recap = host.play(block.text, fails=True)
    assert '"build/function.tar": ' in recap.printed.partition("Report the images")[2]
    assert host.tags() == {"my-app": {"1.4.2": host.images["all"]}}


def test_commands_that_do_not_run_are_documented() -> None:
    commands = {snippet for document in DOCUMENTS.values() for snippet in snippets_of(document)}
    assert set(NOT_RUN) <= commands
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = [command.split()[1] for command in NOT_RUN if command.startswith("make ")]
    assert all(re.search(rf"^{target}:", makefile, flags=re.MULTILINE) for target in targets)


def test_commands_of_the_aws_cli_that_do_not_run_are_operations_with_their_parameters() -> None:
    model = ecr_client("http://127.0.0.1", region=REGION).meta.service_model
    commands = [shlex.split(command)[2:] for command in NOT_RUN if command.startswith("aws ecr ")]
    assert commands
    for command, *arguments in commands:
        shape = model.operation_model(command.title().replace("-", "")).input_shape
        assert shape
        known = {"--" + re.sub("[A-Z]", lambda letter: "-" + letter[0].lower(), member) for member in shape.members}
        assert {argument for argument in arguments if argument.startswith("--")} <= known


def test_module_table_of_the_readme_has_every_module() -> None:
    lines = README.read_text(encoding="utf-8").splitlines()
    start = lines.index("| Module | API operation | Changes | IAM actions needed |") + 2
    table = list(itertools.takewhile(lambda line: line.startswith("|"), lines[start:]))
    listed = {line.split("`")[1] for line in table}
    assert listed == {path.stem for path in (ROOT / "plugins/modules").glob("*.py")}
