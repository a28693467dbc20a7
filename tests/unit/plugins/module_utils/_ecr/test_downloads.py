# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Layers of a repository, read through every fault of a download."""

from __future__ import annotations

import logging
import traceback
import typing as t
from concurrent.futures import ThreadPoolExecutor

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.failure import facts, message, words_of_aws
from ansible_collections.layerkit.ecr.plugins.module_utils._core.errors import TaskError
from ansible_collections.layerkit.ecr.plugins.module_utils._core.task import Task
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.call import Repository
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.client import EcrClient
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.download_url import DownloadUrl
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.downloads import StoredLayer
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.errors import CallError, DownloadError
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.layers import Layers
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.object_store import ObjectStore
from ansible_collections.layerkit.ecr.tests.strict_ecr.faults import DOWNLOAD, Fault
from ansible_collections.layerkit.ecr.tests.strict_ecr.fixtures import ecr_client
from ansible_collections.layerkit.ecr.tests.unit.support import canaries
from ansible_collections.layerkit.ecr.tests.unit.support.canaries import shown
from ansible_collections.layerkit.ecr.tests.unit.support.pushing import digest_of, image_manifest, push_layer, put
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.faults import Kind
    from ansible_collections.layerkit.ecr.tests.strict_ecr.server import StrictECR
    from mypy_boto3_ecr import ECRClient

# Several chunks of 128 KiB.
DATA = bytes(range(251)) * 4000
URL = "GetDownloadUrlForLayer"


class DownloadBench:
    """A layer in a repository of the strict server, and blobs that read it."""

    def __init__(self, ecr: ECRClient, server: StrictECR, repository: str) -> None:
        self.server = server
        self.control = server.control
        self.repository = repository
        self.digest = push_layer(ecr, repository, DATA)
        put(ecr, repository, image_manifest(self.digest, self.digest))
        self.control.calls.clear(repository)

    def blob(self, size: int = len(DATA), read_timeout: float = 5.0, url: str | None = None) -> StoredLayer:
        warnings: list[str] = []
        task = Task(warnings.append)
        client = ecr_client(url or self.server.url, read_timeout=read_timeout)
        connected = EcrClient(client, Repository(self.repository, role="source"), task)
        return StoredLayer(Layers(connected), ObjectStore(connected, 4), self.digest, size, task)

    def strike(self, *kinds: Kind, **options: t.Any) -> None:
        for kind in kinds:
            self.control.faults.add(Fault(kind, DOWNLOAD, self.repository, **options))

    def calls(self) -> tuple[int, int]:
        """Return how many URLs were asked for, and how many requests were made with them."""
        counts = self.control.calls.counts(self.repository)
        return counts.get(URL, 0), counts.get(DOWNLOAD, 0)

    @property
    def bytes_served(self) -> int:
        return self.control.calls.bytes_served(self.repository)


@pytest.fixture
def bench(ecr: ECRClient, strict_ecr: StrictECR, repository: str, delays: list[float]) -> t.Iterator[DownloadBench]:
    assert not delays
    yield DownloadBench(ecr, strict_ecr, repository)
    strict_ecr.control.faults.clear(repository)


def failed(bench: DownloadBench, **options: t.Any) -> TaskError:
    with pytest.raises(TaskError) as caught:
        bench.blob(**options).read(0, options.get("size", len(DATA)))
    return caught.value


def test_a_layer_is_read_in_one_request(bench: DownloadBench) -> None:
    chunks = list(bench.blob().chunks(0, len(DATA)))
    assert b"".join(chunks) == DATA
    assert max(map(len, chunks)) == 64 * 1024
    assert bench.calls() == (1, 1)


def test_a_range_is_read_alone_and_the_url_used_again(bench: DownloadBench) -> None:
    blob = bench.blob()
    assert blob.read(1000, 500_000) == DATA[1000:501_000]
    buffer = bytearray(10)
    blob.read_into(len(DATA) - 10, memoryview(buffer))
    assert buffer == DATA[-10:]
    assert (bench.calls(), bench.bytes_served) == ((1, 2), 500_010)


def test_several_threads_read_ranges_at_once(bench: DownloadBench) -> None:
    blob = bench.blob()
    with ThreadPoolExecutor(4) as pool:
        pieces = list(pool.map(lambda first: blob.read(first, 100_400), range(0, len(DATA), 100_400)))
    assert b"".join(pieces) == DATA
    assert bench.calls() == (1, 10)


def test_a_cut_download_is_resumed_where_the_last_byte_arrived(bench: DownloadBench) -> None:
    bench.strike("cut_body", "cut_body")
    assert bench.blob().read(0, len(DATA)) == DATA
    assert bench.calls() == (1, 3)
    assert bench.bytes_served < len(DATA) + 3 * 64 * 1024


def test_a_small_range_that_is_cut_is_resumed_as_well(bench: DownloadBench, delays: list[float]) -> None:
    bench.strike("cut_body")
    assert bench.blob().read(100, 1000) == DATA[100:1100]
    assert len(delays) == 1


def test_a_stalled_download_is_resumed_after_the_timeout(bench: DownloadBench) -> None:
    bench.strike("stall", seconds=3.0)
    assert bench.blob(read_timeout=0.3).read(0, len(DATA)) == DATA
    assert bench.calls() == (1, 2)


@pytest.mark.parametrize("kind", ["slow_down", "bare_503", "bare_500", "drop_before", "html", "ignore_range"])
def test_what_may_pass_is_tried_again(bench: DownloadBench, kind: Kind, delays: list[float]) -> None:
    bench.strike(kind, times=3)
    assert bench.blob().read(5, len(DATA) - 5) == DATA[5:]
    assert (bench.calls(), len(delays)) == ((1, 4), 3)


def test_the_whole_layer_is_accepted_for_its_beginning(bench: DownloadBench) -> None:
    bench.strike("ignore_range")
    assert bench.blob().read(0, 1000) == DATA[:1000]
    assert bench.calls() == (1, 1)


def test_an_expired_url_is_replaced_in_the_middle(bench: DownloadBench, delays: list[float]) -> None:
    bench.strike("cut_body")
    bench.strike("expire_url")
    assert bench.blob().read(0, len(DATA)) == DATA
    assert (bench.calls(), delays) == ((2, 3), [])


def test_urls_expire_between_the_ranges_of_many_threads(bench: DownloadBench) -> None:
    blob = bench.blob()
    blob.read(0, 10)
    bench.control.expire_urls(bench.repository)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda first: blob.read(first, 10), range(4))) == [DATA[n : n + 10] for n in range(4)]
    assert bench.calls()[0] == 2


def test_urls_that_are_all_refused_are_not_asked_for_without_end(bench: DownloadBench) -> None:
    bench.control.rules(bench.repository).url_lifetime = -1.0
    error = failed(bench)
    assert bench.calls() == (3, 3)
    assert isinstance(error, DownloadError)
    assert error.code == "AccessDenied"
    words = message(error)
    assert f"Failed to download bytes 0 to 1003999 of layer {bench.digest} of source repository" in words
    assert "S3 gateway endpoint" in words


@pytest.mark.parametrize(
    ("kind", "code", "attempts", "words"),
    [
        ("slow_down", "SlowDown", 7, "asks for fewer requests"),
        ("bare_503", "503", 7, "asks for fewer requests"),
        ("html", "UnreadableAnswer", 7, "not what Amazon S3 answers"),
        ("drop_before", "ConnectionClosedError", 7, "broke off"),
    ],
)
def test_attempts_are_bounded(bench: DownloadBench, kind: Kind, code: str, attempts: int, words: str) -> None:
    bench.strike(kind, times=99)
    error = failed(bench)
    assert isinstance(error, DownloadError)
    assert (error.code, error.attempts) == (code, attempts)
    assert words in message(error)
    assert f"are at {bench.server.url}." in message(error)
    assert facts(error)["error"]["code"] == code


def test_a_download_that_never_gets_far_is_given_up(bench: DownloadBench) -> None:
    bench.strike("cut_body", times=99)
    with pytest.raises(DownloadError):
        bench.blob().read(0, 100_000)
    assert bench.calls()[1] == 7


def test_a_layer_of_another_size_is_refused(bench: DownloadBench) -> None:
    assert "stored layer is 1004000 bytes, and the manifest states 1004001" in str(failed(bench, size=len(DATA) + 1))


@pytest.mark.parametrize(
    ("kind", "words"),
    [("access_denied", "lacks permission"), ("upstream", "upstream registry"), ("throttle", "throttling")],
)
def test_the_registry_refuses_a_url(bench: DownloadBench, kind: Kind, words: str) -> None:
    bench.control.faults.add(Fault(kind, URL, bench.repository, times=99))
    error = failed(bench)
    assert isinstance(error, CallError)
    assert message(error).startswith(f"Failed to get a download URL for layer {bench.digest} of source repository")
    assert words in message(error)


def test_layers_that_cannot_be_read_are_explained(bench: DownloadBench) -> None:
    bench.digest = digest_of(b"absent")
    assert "refers to a layer that the repository does not have" in message(failed(bench))
    bench.digest = push_layer(ecr_client(bench.server.url), bench.repository, b"unreferenced")
    assert "no image that is active refers to it" in message(failed(bench))


def everything_said(error: BaseException) -> str:
    """Return what a message, a result and a traceback show of an error and of its causes."""
    words = ["".join(traceback.format_exception(type(error), error, error.__traceback__)), repr(error)]
    if isinstance(error, TaskError):
        words += [message(error), str(words_of_aws(error)), str(facts(error))]
    return "\n".join(words)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("slow_down", {}),
        ("html", {}),
        ("cut_body", {}),
        ("drop_before", {}),
        ("expire_url", {}),
        ("ignore_range", {}),
        ("stall", {"seconds": 2.0}),
    ],
)
def test_the_url_is_in_no_text(
    bench: DownloadBench, kind: Kind, options: dict[str, t.Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="ansible")
    bench.strike(kind, times=99, **options)
    with pytest.raises(TaskError) as caught:
        bench.blob(read_timeout=0.1).read(1, 100_000)
    said = everything_said(caught.value)
    assert shown(said, canaries.URL) == set()


def test_the_url_is_in_no_text_if_nothing_listens(bench: DownloadBench, unused_port: int) -> None:
    blob = bench.blob()
    blob._url = DownloadUrl(f"http://127.0.0.1:{unused_port}/strict-s3/layer?X-Amz-Signature=canary")
    with pytest.raises(DownloadError) as caught:
        blob.read(0, 10)
    assert caught.value.code == "EndpointConnectionError"
    said = everything_said(caught.value)
    assert "S3 gateway endpoint" in said
    assert shown(said, (*canaries.URL, "canary")) == set()


def test_a_url_shows_its_host_alone() -> None:
    url = DownloadUrl("https://user@bucket.s3.amazonaws.com/key?X-Amz-Signature=canary")
    for text in (str(url), repr(url), f"{url}", str([url])):
        assert text.strip("[]") == "<DownloadUrl of https://bucket.s3.amazonaws.com>"
    assert url.reveal().endswith("canary")


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    faults=st.lists(
        st.tuples(
            st.sampled_from(["cut_body", "slow_down", "drop_before", "expire_url", "html", "ignore_range", "bare_500"]),
            st.integers(0, 3),
        ),
        max_size=5,
        # The third URL in a row that is refused is the last one.
    ).filter(lambda faults: [kind for kind, _skip in faults].count("expire_url") < 3),
    first=st.integers(0, len(DATA) - 1),
    size=st.integers(1, len(DATA)),
)
def test_whatever_strikes_the_bytes_are_right(
    bench: DownloadBench, faults: list[tuple[Kind, int]], first: int, size: int
) -> None:
    bench.control.faults.clear(bench.repository)
    for kind, skip in faults:
        bench.strike(kind, skip=skip)
    end = min(first + size, len(DATA))
    assert bench.blob().read(first, end - first) == DATA[first:end]
