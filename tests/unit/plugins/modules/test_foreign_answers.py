# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every operation times every kind of answer that is not Amazon ECR's, once and for ever, applied and not.

Each run ends in success with the right content, or in one clear message with nothing wrong left; where the answer was
lost once, in success. `make unit` draws a sample, `make answers` runs the complete table.
"""

from __future__ import annotations

import base64
import json
import os
import random
import re
import subprocess
import sys
import typing as t
import uuid
from pathlib import Path

import pytest
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
from ansible_collections.layerkit.ecr.tests.strict_ecr.faults import Fault
from ansible_collections.layerkit.ecr.tests.unit.support.foreign_answers import Kind, kinds
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import digest_of
from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import LayoutWriter
from ansible_collections.layerkit.ecr.tests.unit.support.meddling_proxy import Meddling, MeddlingProxy, as_json
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import ModuleFailedError, run_module

if t.TYPE_CHECKING:
    from types import ModuleType

    from ansible_collections.layerkit.ecr.tests.strict_ecr.control import Control
    from ansible_collections.layerkit.ecr.tests.strict_ecr.server import StrictECR
    from mypy_boto3_ecr import ECRClient

LAYER = b"the bytes of a layer"
DIGEST = digest_of(LAYER)
ABSENT = "sha256:" + "0" * 64
UPLOAD = "5e9ba2c1-1a3d-4b36-8c2e-5a4d5c1bb9d7"
ACCOUNT = "123456789012"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
FOR_EVER = 10**6
SAMPLE_SIZE = 40
# How many of the cells `make answers` runs as Ansible does.
PROCESSES = 20
# What looks like a connection that was closed, because it was.
BROKEN_CONNECTIONS = ("no HTTP: nothing", "chunk cut", "no chunk")
# Change it to draw another sample.
SEED = 20260101

pytestmark = pytest.mark.usefixtures("delays")

# Those that change more than an upload that nobody uses.
CHANGING = ("UploadLayerPart", "CompleteLayerUpload", "PutImage")

SAMPLES: dict[str, t.Any] = {
    "BatchCheckLayerAvailability": {
        "layers": [{"layerDigest": DIGEST, "layerAvailability": "AVAILABLE", "layerSize": 20, "mediaType": "a/b"}],
        "failures": [],
    },
    "InitiateLayerUpload": {"uploadId": UPLOAD, "partSize": 10485760},
    "UploadLayerPart": {"registryId": ACCOUNT, "uploadId": UPLOAD, "lastByteReceived": 19},
    "CompleteLayerUpload": {"registryId": ACCOUNT, "uploadId": UPLOAD, "layerDigest": DIGEST},
    "BatchGetImage": {
        "images": [{"imageId": {"imageDigest": DIGEST, "imageTag": "1"}, "imageManifest": "{}"}],
        "failures": [],
    },
    "BatchDeleteImage": {"imageIds": [{"imageDigest": DIGEST, "imageTag": "1"}], "failures": []},
    "DescribeImages": {"imageDetails": [{"imageDigest": DIGEST, "imageTags": ["1"], "imageSizeInBytes": 20}]},
    "ListImageReferrers": {
        "referrers": [{"digest": DIGEST, "mediaType": MANIFEST, "artifactType": "a/b", "size": 20}],
    },
    "DescribeRepositories": {
        "repositories": [
            {
                "registryId": ACCOUNT,
                "repositoryName": "app",
                "repositoryUri": "app",
                "imageTagMutability": "MUTABLE",
            }
        ]
    },
    "GetDownloadUrlForLayer": {"downloadUrl": "http://127.0.0.1/layer", "layerDigest": DIGEST},
    "PutImage": {"image": {"registryId": ACCOUNT, "imageId": {"imageDigest": DIGEST}}},
}


class Bench:
    """Repositories of the strict server behind the proxy."""

    def __init__(self, client: ECRClient, control: Control, proxy: MeddlingProxy, connection: dict[str, t.Any]) -> None:
        self.client = client
        self.control = control
        self.proxy = proxy
        self.connection = {**connection, "endpoint_url": proxy.url}

    def repository(self) -> str:
        name = f"answers/{uuid.uuid4().hex[:12]}"
        self.client.create_repository(repositoryName=name)
        return name

    def run(self, module: ModuleType, repository: str, check: bool = False, **options: t.Any) -> dict[str, t.Any]:
        return run_module(module, check=check, connection=self.connection, repository_name=repository, **options)

    def send(self, repository: str, complete: bool) -> str:
        upload_id = self.client.initiate_layer_upload(repositoryName=repository)["uploadId"]
        self.client.upload_layer_part(
            repositoryName=repository,
            uploadId=upload_id,
            partFirstByte=0,
            partLastByte=len(LAYER) - 1,
            layerPartBlob=LAYER,
        )
        if complete:
            self.client.complete_layer_upload(repositoryName=repository, uploadId=upload_id, layerDigests=[DIGEST])
        return upload_id


class Scenario:
    """A task, and what is right after it."""

    operations: tuple[str, ...] = ()
    # Whether the operation changes nothing, so that it does not matter whether it was applied.
    only_reads = False

    def __init__(self, bench: Bench, path: Path) -> None:
        self.bench = bench
        self.path = path
        self.repository = bench.repository()
        self.prepare()

    def prepare(self) -> None:
        """Make what the task needs."""

    def run(self) -> dict[str, t.Any]:
        """Run the task."""
        raise NotImplementedError

    def check(self, result: dict[str, t.Any]) -> None:
        """Assert that a successful task did what it should."""
        raise NotImplementedError

    def check_left(self) -> None:
        """Assert that nothing wrong is left."""
        assert set(self.bench.control.layers(self.repository)) <= {DIGEST}


class LayerInfo(Scenario):
    operations = ("BatchCheckLayerAvailability",)
    only_reads = True

    def prepare(self) -> None:
        self.bench.send(self.repository, complete=True)

    def run(self) -> dict[str, t.Any]:
        return self.bench.run(ecr_layer_info, self.repository, layer_digests=[DIGEST, ABSENT])

    def check(self, result: dict[str, t.Any]) -> None:
        found = [(layer["layer_availability"], layer["layer_size"]) for layer in result["layers"]]
        assert found == [("AVAILABLE", len(LAYER)), ("UNAVAILABLE", None)]


class ImageInfo(Scenario):
    operations: tuple[str, ...] = ("BatchGetImage", "DescribeImages")
    only_reads = True

    def prepare(self) -> None:
        self.bench.send(self.repository, complete=True)
        blob = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": DIGEST, "size": len(LAYER)}
        layer = {**blob, "mediaType": "application/vnd.oci.image.layer.v1.tar"}
        self.manifest = as_json({"schemaVersion": 2, "mediaType": MANIFEST, "config": blob, "layers": [layer]})
        self.bench.client.put_image(
            repositoryName=self.repository,
            imageManifest=self.manifest.decode(),
            imageManifestMediaType=MANIFEST,
            imageDigest=digest_of(self.manifest),
            imageTag="1",
        )

    def run(self) -> dict[str, t.Any]:
        return self.bench.run(ecr_image_info, self.repository, tags=["1"], digests=[ABSENT])

    def check(self, result: dict[str, t.Any]) -> None:
        [image] = result["images"]
        assert (image["digest"], image["tags"]) == (digest_of(self.manifest), ["1"])
        assert image["raw_manifest"].encode() == self.manifest
        assert result["missing"] == [ABSENT]


class ListImages(ImageInfo):
    operations = ("DescribeImages",)

    def run(self) -> dict[str, t.Any]:
        return self.bench.run(ecr_image_info, self.repository)

    def check(self, result: dict[str, t.Any]) -> None:
        [image] = result["images"]
        assert (image["digest"], image["tags"]) == (digest_of(self.manifest), ["1"])


class ListReferrers(ImageInfo):
    operations = ("ListImageReferrers",)

    def prepare(self) -> None:
        super().prepare()
        subject = {"mediaType": MANIFEST, "digest": digest_of(self.manifest), "size": len(self.manifest)}
        manifest = {**json.loads(self.manifest), "subject": subject}
        self.bench.client.put_image(repositoryName=self.repository, imageManifest=json.dumps(manifest))

    def run(self) -> dict[str, t.Any]:
        return self.bench.run(ecr_image_info, self.repository, tags=["1"], referrers=True)

    def check(self, result: dict[str, t.Any]) -> None:
        [image] = result["images"]
        [referrer] = image["referrers"]
        assert (image["digest"], referrer["tag"]) == (digest_of(self.manifest), None)


class RemoveTag(ImageInfo):
    operations = ("DescribeImages", "BatchDeleteImage")
    only_reads = False

    def prepare(self) -> None:
        super().prepare()
        self.bench.client.put_image(
            repositoryName=self.repository, imageManifest=self.manifest.decode(), imageTag="kept"
        )

    def run(self) -> dict[str, t.Any]:
        return self.bench.run(ecr_image, self.repository, state="absent", tags=["1"])

    def check(self, result: dict[str, t.Any]) -> None:
        assert (result["tags"][0]["after"], result["images"]) == (None, [])
        assert self.tags() == ["kept"]

    def check_left(self) -> None:
        assert "kept" in self.tags()

    def tags(self) -> list[str]:
        ids = self.bench.client.list_images(repositoryName=self.repository)["imageIds"]
        return [image["imageTag"] for image in ids]


class Initiate(Scenario):
    operations = ("InitiateLayerUpload",)

    def run(self) -> dict[str, t.Any]:
        return self.bench.run(ecr_initiate_layer_upload, self.repository)

    def check(self, result: dict[str, t.Any]) -> None:
        assert self.bench.control.uploads(self.repository)[result["upload_id"]] == 0
        assert result["part_size"] == 10485760


class UploadPart(Scenario):
    operations = ("UploadLayerPart",)

    def prepare(self) -> None:
        self.upload_id = self.bench.client.initiate_layer_upload(repositoryName=self.repository)["uploadId"]

    def run(self) -> dict[str, t.Any]:
        return self.bench.run(
            ecr_upload_layer_part,
            self.repository,
            upload_id=self.upload_id,
            part_first_byte=0,
            part_last_byte=len(LAYER) - 1,
            layer_part_blob=base64.b64encode(LAYER).decode(),
        )

    def check(self, result: dict[str, t.Any]) -> None:
        assert result["last_byte_received"] == len(LAYER) - 1
        assert self.bench.control.uploads(self.repository) == {self.upload_id: len(LAYER)}


class Complete(Scenario):
    operations = ("CompleteLayerUpload", "BatchCheckLayerAvailability")

    def prepare(self) -> None:
        self.upload_id = self.bench.send(self.repository, complete=False)

    def run(self) -> dict[str, t.Any]:
        return self.bench.run(
            ecr_complete_layer_upload, self.repository, upload_id=self.upload_id, layer_digests=[DIGEST]
        )

    def check(self, result: dict[str, t.Any]) -> None:
        assert result["layer_digest"] == DIGEST
        assert self.bench.control.layers(self.repository) == {DIGEST: len(LAYER)}


class PushLayer(Scenario):
    operations: tuple[str, ...] = (
        "BatchCheckLayerAvailability",
        "InitiateLayerUpload",
        "UploadLayerPart",
        "CompleteLayerUpload",
    )

    def prepare(self) -> None:
        (self.path / "layer").write_bytes(LAYER)

    def run(self) -> dict[str, t.Any]:
        state = str(self.path / self.repository.replace("/", "-"))
        return self.bench.run(ecr_layer, self.repository, src=str(self.path / "layer"), state_dir=state)

    def check(self, result: dict[str, t.Any]) -> None:
        assert result["layer_digest"] == DIGEST
        assert self.bench.control.layers(self.repository) == {DIGEST: len(LAYER)}


class PushImage(Scenario):
    operations: tuple[str, ...] = ("BatchGetImage", *PushLayer.operations, "PutImage")

    def prepare(self) -> None:
        layout = LayoutWriter(self.path / self.repository.replace("/", "-"))
        self.image = layout.image(LAYER)
        self.src = layout.finish(self.image)
        self.blobs = {path.name for path in self.src.glob("blobs/sha256/*")}

    def run(self) -> dict[str, t.Any]:
        return self.bench.run(ecr_image, self.repository, src=str(self.src), tags=["1", "2"], parallel=1)

    def check(self, result: dict[str, t.Any]) -> None:
        assert result["image"]["digest"] == self.image["digest"]
        assert self.tags() == {"1": self.image["digest"], "2": self.image["digest"]}

    def tags(self) -> dict[str, str]:
        ids = self.bench.client.list_images(repositoryName=self.repository)["imageIds"]
        return {image["imageTag"]: image["imageDigest"] for image in ids if "imageTag" in image}

    def check_left(self) -> None:
        assert {digest.partition(":")[2] for digest in self.bench.control.layers(self.repository)} <= self.blobs
        assert set(self.tags().values()) <= {self.image["digest"]}


class PredictImage(PushImage):
    operations = ("BatchGetImage", "BatchCheckLayerAvailability", "DescribeRepositories")
    only_reads = True

    def run(self) -> dict[str, t.Any]:
        return self.bench.run(ecr_image, self.repository, check=True, src=str(self.src), tags=["1"])

    def check(self, result: dict[str, t.Any]) -> None:
        assert result["changed"] is True
        assert self.tags() == {}


class DownloadImage(PushImage):
    operations = ("BatchGetImage", "ListImageReferrers", "GetDownloadUrlForLayer")
    only_reads = True

    def prepare(self) -> None:
        super().prepare()
        super().run()
        self.dest = self.src.with_suffix(".copy")

    def run(self) -> dict[str, t.Any]:
        return self.bench.run(ecr_image_download, self.repository, tag="1", dest=str(self.dest))

    def check(self, result: dict[str, t.Any]) -> None:
        assert result["image"]["digest"] == self.image["digest"]
        assert {path.name for path in self.dest.glob("blobs/sha256/*")} == self.blobs
        self.check_left()

    def check_left(self) -> None:
        for path in self.dest.glob("blobs/sha256/*"):
            assert digest_of(path.read_bytes()) == f"sha256:{path.name}"


class CopyImage(PushImage):
    operations = ("GetDownloadUrlForLayer",)
    only_reads = True

    def prepare(self) -> None:
        super().prepare()
        super().run()
        self.source, self.repository = self.repository, self.bench.repository()

    def run(self) -> dict[str, t.Any]:
        source = {"repository_name": self.source, "tag": "1"}
        return self.bench.run(ecr_image_copy, self.repository, source=source, tags=["1", "2"])


SCENARIOS: tuple[type[Scenario], ...] = (
    LayerInfo,
    ImageInfo,
    ListImages,
    ListReferrers,
    RemoveTag,
    Initiate,
    UploadPart,
    Complete,
    PushLayer,
    PushImage,
    PredictImage,
    DownloadImage,
    CopyImage,
)


class Case(t.NamedTuple):
    """One cell of the table."""

    scenario: type[Scenario]
    operation: str
    kind: Kind
    is_applied: bool
    times: int

    @property
    def is_looked_up(self) -> bool:
        """Whether the task finds out that the call was carried out, although nothing makes it call again."""
        return self.is_applied and self.operation in CHANGING and self.scenario is not UploadPart

    def __str__(self) -> str:
        applied = "applied" if self.is_applied else "not applied"
        times = "once" if self.times == 1 else "for ever"
        return f"{self.scenario.__name__}, {self.operation}, {self.kind.name}, {applied}, {times}"


def rows(scenario: type[Scenario], operation: str) -> list[Case]:
    return [
        Case(scenario, operation, kind, is_applied, times)
        for kind in kinds(operation, SAMPLES[operation])
        for is_applied in (True, False)
        if (is_applied or not scenario.only_reads) and (kind.may_be_applied or not is_applied or scenario.only_reads)
        for times in (1, FOR_EVER)
    ]


def kind_of(operation: str, name: str) -> Kind:
    [kind] = [kind for kind in kinds(operation, SAMPLES[operation]) if kind.name == name]
    return kind


ROWS = [(scenario, operation) for scenario in SCENARIOS for operation in scenario.operations]
TABLE = [case for scenario, operation in ROWS for case in rows(scenario, operation)]


@pytest.fixture(scope="module")
def proxy(strict_ecr: StrictECR) -> t.Iterator[MeddlingProxy]:
    with MeddlingProxy(strict_ecr.url).running() as proxy:
        yield proxy


@pytest.fixture
def bench(ecr: ECRClient, strict_ecr: StrictECR, proxy: MeddlingProxy, connection: dict[str, t.Any]) -> Bench:
    return Bench(ecr, strict_ecr.control, proxy, {**connection, "aws_config": {"read_timeout": 30}})


def try_out(bench: Bench, case: Case, path: Path) -> None:
    scenario = case.scenario(bench, path)
    sample = as_json(SAMPLES[case.operation])
    bench.proxy.meddle(Meddling(case.operation, case.kind.answer, case.is_applied, sample), case.times)
    try:
        scenario.check(scenario.run())
    except ModuleFailedError as failed:
        check_failure(failed, case, bench.proxy.url)
    else:
        # Where the registry is looked at after a lost answer, even one that is lost for ever is overcome.
        assert case.times == 1 or case.is_applied
    finally:
        assert bench.proxy.replaced
        bench.proxy.leave()
    scenario.check_left()
    # Nothing that is left stands in the way of the next run.
    scenario.check(scenario.run())


def check_failure(failed: ModuleFailedError, case: Case, url: str) -> None:
    assert case.times > 1 or (case.kind.is_final and not case.is_looked_up), failed.msg
    assert url in failed.msg
    may_be_carried_out = "may have been carried out" in failed.msg
    if case.kind.is_final and case.kind.may_be_applied and case.operation in CHANGING:
        # A look that finds nothing rules it out.
        assert may_be_carried_out or (case.scenario in (PushLayer, PushImage) and not case.is_applied)
    elif case.kind.is_final:
        assert not may_be_carried_out
    words = "No answer arrived" if case.kind.name in BROKEN_CONNECTIONS else "This was not Amazon ECR's answer"
    assert words in failed.msg
    assert "another layer" not in failed.msg
    assert "Traceback" not in failed.msg
    assert failed.msg.isprintable()
    assert len(failed.msg) < 2000


@pytest.mark.parametrize("case", random.Random(SEED).sample(TABLE, SAMPLE_SIZE), ids=str)
def test_lost_answer_does_no_harm(bench: Bench, tmp_path: Path, case: Case) -> None:
    try_out(bench, case, tmp_path)


class TestRefusalOfAProxy:
    """A proxy can refuse a call after it forwarded it, and nothing makes the task call again."""

    @pytest.mark.parametrize("is_applied", [True, False])
    @pytest.mark.parametrize("name", ["301 ascii", "403 utf-16", "404 empty", "399 with an error"])
    @pytest.mark.parametrize(
        ("scenario", "operation"),
        [
            (UploadPart, "UploadLayerPart"),
            (PushLayer, "UploadLayerPart"),
            (PushLayer, "CompleteLayerUpload"),
            (PushImage, "PutImage"),
        ],
    )
    def test_is_looked_up(
        self, bench: Bench, tmp_path: Path, scenario: type[Scenario], operation: str, name: str, is_applied: bool
    ) -> None:
        try_out(bench, Case(scenario, operation, kind_of(operation, name), is_applied, 1), tmp_path)

    def test_part_that_the_registry_has_is_counted(self, bench: Bench, tmp_path: Path) -> None:
        scenario = PushLayer(bench, tmp_path)
        refuse(bench, "UploadLayerPart")
        result = scenario.run()
        assert (result["changed"], result["bytes_sent"], result["part_count"]) == (True, len(LAYER), 1)

    def test_image_that_the_registry_has_is_this_runs_change(self, bench: Bench, tmp_path: Path) -> None:
        scenario = PushImage(bench, tmp_path)
        refuse(bench, "PutImage")
        result = scenario.run()
        assert result["changed"] is True
        assert [manifest["action"] for manifest in result["manifests"]] == ["put"]

    @pytest.mark.parametrize(
        ("operation", "look"), [("UploadLayerPart", "UploadLayerPart"), ("PutImage", "BatchGetImage")]
    )
    def test_outcome_is_unknown_if_the_registry_does_not_say(
        self, bench: Bench, tmp_path: Path, operation: str, look: t.Any
    ) -> None:
        scenario = PushImage(bench, tmp_path)
        refuse(bench, operation)
        bench.control.faults.add(Fault("access_denied", look, repository=scenario.repository, skip=1))
        with pytest.raises(
            ModuleFailedError, match=r"not Amazon ECR's answer.* may have been carried out all the same"
        ):
            scenario.run()


def refuse(bench: Bench, operation: str) -> None:
    answer = kind_of(operation, "403 ascii").answer
    bench.proxy.meddle(Meddling(operation, answer, is_applied=True, sample=b""), 1)


@pytest.mark.table
@pytest.mark.parametrize(("scenario", "operation"), ROWS)
def test_no_lost_answer_does_harm(bench: Bench, tmp_path: Path, scenario: type[Scenario], operation: str) -> None:
    failed = []
    for case in rows(scenario, operation):
        try:
            try_out(bench, case, tmp_path)
        except Exception as error:
            failed.append(f"{case}: {type(error).__name__}: {error}")
    assert not failed, "\n".join(failed)


@pytest.mark.parametrize(
    ("scenario", "name", "is_overcome"),
    [
        (LayerInfo, "page ascii", True),
        (ImageInfo, "502 latin-1", True),
        (Complete, "layerDigest missing", True),
        (UploadPart, "403 utf-16", False),
    ],
)
def test_process_of_ansible(
    bench: Bench, tmp_path: Path, scenario: type[Scenario], name: str, is_overcome: bool
) -> None:
    processes = Processes(bench.client, bench.control, bench.proxy, bench.connection)
    operation = scenario.operations[0]
    kind = kind_of(operation, name)
    assert kind.is_final is not is_overcome
    try_out(processes, Case(scenario, operation, kind, True, 1), tmp_path)


# A process really waits as long as an answer asks for.
WITHOUT_DELAYS = [case for case in TABLE if case.times == 1 or " after " not in case.kind.name]


@pytest.mark.table
@pytest.mark.parametrize("case", random.Random(SEED).sample(WITHOUT_DELAYS, PROCESSES), ids=str)
def test_lost_answer_does_no_harm_to_a_process(bench: Bench, tmp_path: Path, case: Case) -> None:
    try_out(Processes(bench.client, bench.control, bench.proxy, bench.connection), case, tmp_path)


class Processes(Bench):
    """Runs the modules as Ansible does."""

    def run(self, module: ModuleType, repository: str, check: bool = False, **options: t.Any) -> dict[str, t.Any]:
        arguments = {**self.connection, "repository_name": repository, **options}
        name = f"layerkit.ecr.{module.__name__.rpartition('.')[2]}"
        command = [str(Path(sys.executable).parent / "ansible"), "localhost", "-c", "local", "-m", name]
        command += ["-e", f"ansible_python_interpreter={os.environ.get('WARM_PYTHON', sys.executable)}"]
        command += ["-a", json.dumps(arguments)]
        environment = {**os.environ, "ANSIBLE_PIPELINING": "true"}
        printed = subprocess.run(command + ["-C"] * check, env=environment, capture_output=True, text=True, check=False)
        assert "Traceback" not in printed.stdout + printed.stderr
        # Before the result, ansible can print the message, which can have such an arrow.
        printed_result = re.search(r"^localhost \| [A-Z!]+ => (.*)", printed.stdout, re.MULTILINE | re.DOTALL)
        assert printed_result, printed.stdout
        result: dict[str, t.Any] = json.loads(printed_result[1])
        assert not result["msg"].startswith("Module failed") if "msg" in result else True
        if printed.returncode:
            raise ModuleFailedError(result)
        return result
