# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sink answers as registries do, and the report shows the measurements."""

from __future__ import annotations

import time
import typing as t
import urllib.error
import urllib.request
from pathlib import Path
from xml.etree import ElementTree

import pytest
from ansible_collections.layerkit.ecr.tests.benchmarks.chart import Chart
from ansible_collections.layerkit.ecr.tests.benchmarks.contenders import PEERS, MissingPeerError, Tools
from ansible_collections.layerkit.ecr.tests.benchmarks.layouts import image_layout
from ansible_collections.layerkit.ecr.tests.benchmarks.measure import FailedRunError, Run, interleaved, timed
from ansible_collections.layerkit.ecr.tests.benchmarks.report import Gain, Section, Target, report, summary
from ansible_collections.layerkit.ecr.tests.benchmarks.sink import Sink
from ansible_collections.layerkit.ecr.tests.strict_ecr.fixtures import ecr_client
from botocore.exceptions import ClientError

if t.TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

MIB = 1024 * 1024
DIGEST = "sha256:" + "a" * 64
MANIFEST = '{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json"}'


@pytest.fixture(scope="module")
def sink() -> t.Iterator[Sink]:
    with Sink.running() as running:
        yield running


@pytest.fixture
def client(sink: Sink) -> ECRClient:
    sink.tally()
    return ecr_client(sink.url)


def push_layer(client: ECRClient, repository: str, sizes: t.Sequence[int]) -> list[int]:
    """Upload parts of zeros, and return the last byte that the sink has after each."""
    upload_id = client.initiate_layer_upload(repositoryName=repository)["uploadId"]
    received = []
    first = 0
    for size in sizes:
        answer = client.upload_layer_part(
            repositoryName=repository,
            uploadId=upload_id,
            partFirstByte=first,
            partLastByte=first + size - 1,
            layerPartBlob=bytes(size),
        )
        received.append(answer["lastByteReceived"])
        first += size
    client.complete_layer_upload(repositoryName=repository, uploadId=upload_id, layerDigests=[DIGEST])
    return received


class TestSink:
    def test_layer_is_available_once_it_is_complete(self, client: ECRClient) -> None:
        def availability() -> list[tuple[str, int | None]]:
            answer = client.batch_check_layer_availability(repositoryName="layers", layerDigests=[DIGEST])
            return [(layer["layerAvailability"], layer.get("layerSize")) for layer in answer["layers"]]

        assert availability() == [("UNAVAILABLE", None)]
        assert push_layer(client, "layers", [6 * MIB, 10]) == [6 * MIB - 1, 6 * MIB + 9]
        assert availability() == [("AVAILABLE", 6 * MIB + 10)]

    def test_manifest_is_kept_byte_for_byte(self, client: ECRClient) -> None:
        stored = client.put_image(repositoryName="images", imageManifest=MANIFEST, imageTag="v1")["image"]
        found = client.batch_get_image(repositoryName="images", imageIds=[{"imageTag": "v1"}, {"imageTag": "v2"}])
        assert [image["imageManifest"] for image in found["images"]] == [MANIFEST]
        assert found["images"][0]["imageId"]["imageDigest"] == stored["imageId"]["imageDigest"]
        assert [failure["imageId"] for failure in found["failures"]] == [{"imageTag": "v2"}]

    def test_unknown_operation_is_an_error(self, client: ECRClient) -> None:
        with pytest.raises(ClientError, match="UnknownOperationException"):
            client.delete_repository(repositoryName="layers")

    def test_tally_counts_requests_and_bytes_since_the_last(self, client: ECRClient, sink: Sink) -> None:
        push_layer(client, "tally", [MIB, MIB])
        tally = sink.tally()
        assert tally.requests == {"InitiateLayerUpload": 1, "UploadLayerPart": 2, "CompleteLayerUpload": 1}
        assert 2 * MIB * 4 // 3 < tally.body_bytes < 2 * MIB * 4 // 3 + 2000
        assert sink.tally().requests == {}

    def test_blobs_are_accepted_over_the_registry_protocol(self, sink: Sink) -> None:
        sink.tally()
        blobs = f"{sink.url}/v2/app/blobs"
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(urllib.request.Request(f"{blobs}/{DIGEST}", method="HEAD"))
        location = send("POST", f"{blobs}/uploads/").headers["Location"]
        headers = {"Content-Type": "application/octet-stream"}
        location = send("PATCH", sink.url + location, (bytes(70_000) for _piece in range(3)), headers).headers[
            "Location"
        ]
        assert send("PUT", f"{sink.url}{location}?digest={DIGEST}").status == 201
        assert send("HEAD", f"{blobs}/{DIGEST}").status == 200
        assert sink.tally().body_bytes == 210_000

    def test_latency_and_bandwidth_are_kept(self) -> None:
        with Sink.running(latency=0.05, bandwidth=4e6) as slow:
            client = ecr_client(slow.url)
            started = time.monotonic()
            push_layer(client, "slow", [750_000])
            # Three answers, and a million bytes of base64.
            assert 0.15 + 0.24 <= time.monotonic() - started < 3

    def test_layers_of_an_image_are_served_whole_and_in_ranges(self, tmp_path: Path) -> None:
        layout = image_layout(tmp_path / "image", 1, 300_000)
        content = layout.blobs[1].read_bytes()
        digest = f"sha256:{layout.blobs[1].name}"
        with Sink.running(served=layout.path) as serving:
            (image,) = ecr_client(serving.url).batch_get_image(repositoryName="source", imageIds=[{"imageTag": "v1"}])[
                "images"
            ]
            url = ecr_client(serving.url).get_download_url_for_layer(repositoryName="source", layerDigest=digest)[
                "downloadUrl"
            ]
            with urllib.request.urlopen(f"{serving.url}/v2/source/manifests/v1") as pulled:
                assert pulled.read() == image["imageManifest"].encode() == layout.manifest.read_bytes()
            with urllib.request.urlopen(url) as whole:
                assert (whole.status, whole.read()) == (200, content)
            request = urllib.request.Request(url, headers={"Range": "bytes=10-280000"})
            with urllib.request.urlopen(request) as part:
                assert (part.status, part.read()) == (206, content[10:280_001])
                assert part.headers["Content-Range"] == f"bytes 10-280000/{len(content)}"


def send(method: str, url: str, body: t.Any = None, headers: dict[str, str] | None = None) -> t.Any:
    request = urllib.request.Request(url, data=body, headers=headers or {}, method=method)
    with urllib.request.urlopen(request) as answer:
        return answer


class TestTools:
    def test_peer_that_is_missing_is_an_error(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(MissingPeerError, match="--without skopeo"):
            Tools(tmp_path, without=["aws-cli", "docker-registry"], system=tmp_path)
        assert not Tools(tmp_path, without=PEERS).has("skopeo")

    def test_other_programs_on_the_path_are_named_with_their_versions(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        programs = {
            "system/skopeo": "1.9.3",
            "a/crane": "0.20.6",
            "a/skopeo": "skopeo version 1.20.0",
            "b/crane": "9.1",
        }
        for name, said in programs.items():
            program = tmp_path / name
            program.parent.mkdir(exist_ok=True)
            program.write_text(f"#!/bin/sh\necho {said}\n")
            program.chmod(0o755)
        monkeypatch.setenv("PATH", ":".join(str(tmp_path / name) for name in ("a", "system", "b")))
        tools = Tools(tmp_path, without=["aws-cli", "docker-registry"], system=tmp_path / "system")
        assert [copier.name for copier in tools.copiers] == ["skopeo", "skopeo 1.20.0", "crane 0.20.6", "crane 9.1"]
        commands = {copier.name: copier.command(Path("layout"), "host/app:v1") for copier in tools.copiers}
        assert commands["crane 0.20.6"] == f"{tmp_path}/a/crane push --insecure layout host/app:v1"
        assert commands["skopeo 1.20.0"].startswith(f"{tmp_path}/a/skopeo ")
        assert commands["skopeo"].startswith(f"{tmp_path}/system/skopeo ")
        assert commands["skopeo"].endswith(" oci:layout docker://host/app:v1")


class TestMeasure:
    def test_command_is_timed_and_its_json_is_kept(self, tmp_path: Path) -> None:
        run = timed(["sh", "-c", 'sleep 0.1; echo noise; echo "{\\"seconds\\": 7}"'], {}, tmp_path / "log")
        assert 0.1 <= run.seconds < 5
        assert run.printed == {"seconds": 7}

    def test_failure_is_an_error_with_the_output(self, tmp_path: Path) -> None:
        with pytest.raises(FailedRunError, match=r"status 3(?s:.*)what went wrong"):
            timed(["sh", "-c", "echo what went wrong; exit 3"], {}, tmp_path / "log")

    def test_contenders_run_in_turn_and_the_first_round_does_not_count(self) -> None:
        order: list[str] = []

        def contender(name: str, seconds: list[float]) -> t.Callable[[], Run]:
            def run() -> Run:
                order.append(name)
                return Run(seconds.pop(0), 0.0)

            return run

        runs = interleaved({"a": contender("a", [9, 1, 5, 2]), "b": contender("b", [9, 4, 3, 8])}, rounds=3)
        assert order == ["a", "b", "a", "b", "b", "a", "a", "b"]
        assert {name: run.seconds for name, run in runs.items()} == {"a": 2, "b": 4}


class TestReport:
    def test_it_says_which_targets_are_missed(self) -> None:
        targets = [
            Target("time", 1.1, 1.0, why="Nothing was tried."),
            Target("speed", 2.6, 2.5, at_most=False, why="It is fast."),
            Target("calls", 2, 0, unit=""),
        ]
        text = report([Section("One", "Text.", ["a", "b"], [["1", "2"]], targets)], "a machine", 5)
        assert "3 measured, 2 missed." in text
        missed = "**missed** by 10%. Nothing was tried."
        assert f"| time | at most 1 \N{MULTIPLICATION SIGN} | 1.100 \N{MULTIPLICATION SIGN} | {missed} |" in text
        assert "| calls | at most 0 | 2 | **missed** by 2. |" in text
        assert "| speed | at least 2.5 \N{MULTIPLICATION SIGN} | 2.600 \N{MULTIPLICATION SIGN} | holds |" in text
        assert "| 1 | 2 |" in text

    def test_what_users_gain_comes_first(self) -> None:
        saved = [Gain("a push", 1.5, "skopeo", 4.0), Gain("memory", 70.2, "boto3", 512.0, "MiB")]
        text = report([Section("One", "Text.", ["a"], [], [Target("time", 1, 2)], gains=saved)], "a machine", 5)
        assert "| a push | 1.50 s | 4.00 s, skopeo | 2.50 s |" in text
        assert "| memory | 70 MiB | 512 MiB, boto3 | 442 MiB |" in text
        assert text.index("| a push |") < text.index("| time |")
        assert "Saved" not in report([Section("One", "Text.", ["a"], [])], "a machine", 5)

    def test_summary_of_the_targets_comes_before_the_sections(self) -> None:
        sections = [Section(title, "Text.", ["a"], [], [Target(title, 0.9, 1.0)]) for title in ("One", "Two")]
        text = report(sections, "a machine", 5, "## Remarks\n")
        top, remarks, rest = text.partition("## Remarks\n")
        assert top.endswith(f"{summary(sections, 'a machine')}\n")
        assert "Measured on: a machine.\n\n2 measured, 0 missed." in top
        assert remarks
        assert rest.index("## One") < rest.index("## Two")

    def test_chart_draws_each_point_at_its_height(self) -> None:
        lines = {"a < b": [(1.0, 100.0), (10.0, 50.0)], "c": [(1.0, 0.0)]}
        chart = Chart("Speed", "size", "MB/s", [(1.0, "1"), (10.0, "10")], lines)
        circles = ElementTree.fromstring(chart.svg()).iter("{http://www.w3.org/2000/svg}circle")
        (x1, top), (x2, middle), (x3, bottom) = [(float(dot.get("cx", 0)), float(dot.get("cy", 0))) for dot in circles]
        assert x1 == x3 < x2
        assert middle == pytest.approx((top + bottom) / 2)


def test_layout_is_made_once_and_holds_what_its_manifest_says(tmp_path: Path) -> None:
    layout = image_layout(tmp_path / "image", 3, 2 * MIB + 1)
    made = {path: path.stat().st_mtime_ns for path in (tmp_path / "image").rglob("*")}
    assert image_layout(tmp_path / "image", 3, 2 * MIB + 1) == layout
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "image").rglob("*")} == made
    assert len({blob.name for blob in layout.blobs}) == 4
    assert all(2 * MIB < blob.stat().st_size < 2 * MIB + 4096 for blob in layout.blobs[1:])
