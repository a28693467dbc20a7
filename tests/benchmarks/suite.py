# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is compared with what, and which targets that decides."""

from __future__ import annotations

import itertools
import typing as t
from dataclasses import dataclass
from pathlib import Path

from . import limits
from .chart import Chart
from .contenders import AWS_CLI, DOCKER_REGISTRY, SKOPEO, Contenders, Tools
from .layouts import MIB, ImageLayout, docker_archive, image_layout, sparse_file
from .measure import Link, RunOnce, Runs, interleaved
from .report import TIMES, Section, Target
from .sink import Sink

SLOW = Link(latency=0.03, bandwidth=20e6)
# Base64 makes four bytes of three.
_API_SHARE = 0.75

COMPARISONS = (
    "physical_limits",
    "one_call",
    "one_layer",
    "image",
    "slow_link",
    "parallelism",
    "memory",
    "planning",
    "growth",
)


@dataclass(frozen=True)
class Scale:
    """How much is pushed how often; sizes are in bytes, images are (layers, size of each)."""

    rounds: int
    warm_up: bool
    layer: int
    growth: t.Sequence[int]
    boto3_growth: int
    image: tuple[int, int]
    small_layers: tuple[int, int]
    big_layer: int
    link: Link
    parallel: t.Sequence[int]
    module_parallel: t.Sequence[int]
    archive: tuple[int, int]
    many_layers: int
    limits: float


FULL = Scale(
    rounds=5,
    warm_up=True,
    layer=200 * MIB,
    growth=(10_000_000, 50_000_000, 200_000_000, 1_000_000_000, 5_000_000_000),
    boto3_growth=1_000_000_000,
    image=(8, 25 * MIB),
    small_layers=(30, MIB // 4),
    big_layer=500 * MIB,
    link=SLOW,
    parallel=(1, 2, 4, 8),
    module_parallel=(1, 8, 32),
    archive=(5, 11 * MIB),
    many_layers=100,
    limits=1.0,
)
# Proves that everything runs; its figures mean nothing.
QUICK = Scale(
    rounds=1,
    warm_up=False,
    layer=MIB,
    growth=(100_000, 1_000_000),
    boto3_growth=1_000_000,
    image=(2, MIB),
    small_layers=(3, 1000),
    big_layer=MIB,
    link=Link(latency=0.001, bandwidth=100e6),
    parallel=(2,),
    module_parallel=(),
    archive=(2, MIB),
    many_layers=4,
    limits=0.01,
)


class Suite:
    """The comparisons, each a method that returns a section.

    :param work: a directory for layers, images and what the commands leave behind
    """

    def __init__(self, scale: Scale, tools: Tools, work: Path) -> None:
        self._scale = scale
        self._tools = tools
        self._work = work
        self._contenders = Contenders(tools, work)

    def compare(self, name: str) -> Section:
        """Run one of COMPARISONS."""
        section: Section = getattr(self, name)()
        return section

    def physical_limits(self) -> Section:
        """Measure what no client can exceed."""
        speeds = limits.measure(self._scale.rounds, self._scale.limits)
        return Section(
            "Physical limits",
            "What one core makes of the work that no push can do without: the layer is hashed, encoded and hashed "
            "again to be signed, and sent (to another core, as it takes a receiver). boto3's own `upload_layer_part` "
            "makes a JSON string of the base64 besides.",
            ["Work", "MB/s"],
            [[name, f"{speed:.0f}"] for name, speed in speeds.items()],
        )

    def one_call(self) -> Section:
        """Compare one call of the API as a task with other modules."""
        ping, ecs_ecr, ours = "`ansible -m ping`", "`community.aws.ecs_ecr`", "`ecr_complete_layer_upload`"
        runs = self._compare(
            {
                ping: self._contenders.ping(),
                ecs_ecr: self._contenders.ecs_ecr(),
                ours: self._contenders.complete_layer_upload(),
            }
        )
        return Section(
            "One call, ad hoc",
            "What a task costs before there is anything to send.",
            ["Command", "Seconds", "CPU seconds", "Requests", "against ping"],
            [
                [name, f"{run.seconds:.2f}", f"{_cpu(run):.2f}", f"{run.request_count}", _ratio(run, runs[ping])]
                for name, run in runs.items()
            ],
            [
                Target(f"{ours} against {ecs_ecr}", runs[ours].seconds / runs[ecs_ecr].seconds, 1.0),
                Target(f"{ours} against {ping}", runs[ours].seconds / runs[ping].seconds, 1.4),
            ],
        )

    def one_layer(self) -> Section:
        """Compare the upload path alone with a boto3 loop."""
        layer = self._layer(self._scale.layer)
        ours, naive = "layerkit.ecr", "boto3 loop over `upload_layer_part`"
        runs = self._compare(
            {naive: self._contenders.boto3_push(layer), ours: self._contenders.upload_path(layer)},
        )
        size = self._scale.layer / 1e6
        return Section(
            f"One layer of {_size(self._scale.layer)}, the upload path alone",
            "From opening the upload to its completion, measured inside the process, without Ansible.",
            ["Client", "Seconds", "MB/s", "Requests", "Peak memory, MiB"],
            [
                [
                    name,
                    f"{run.printed_seconds:.2f}",
                    f"{size / run.printed_seconds:.0f}",
                    f"{run.request_count}",
                    f"{_printed_peak(run):.0f}",
                ]
                for name, run in runs.items()
            ],
            [
                Target(
                    f"One layer of {_size(self._scale.layer)}, throughput against the boto3 loop",
                    runs[naive].printed_seconds / runs[ours].printed_seconds,
                    2.5,
                    at_most=False,
                )
            ],
        )

    def image(self) -> Section:
        """Compare the push of an image of large layers, to the sink and to docker-registry."""
        image = self._image(*self._scale.image)
        ours = "`ecr_image`, ad hoc"
        aws, to_sink, to_registry = (
            "AWS CLI, part by part",
            "`ansible -m command -a 'skopeo copy …'` to the sink",
            "`ansible -m command -a 'skopeo copy …'` to docker-registry",
        )
        contenders = {
            ours: self._contenders.ecr_image(image),
            "boto3 script, one layer at a time": self._contenders.boto3_push(image.path),
            "boto3 script, 8 threads": self._contenders.boto3_push(image.path, threads=8),
        }
        if self._tools.has(SKOPEO):
            contenders["skopeo to the sink"] = self._contenders.skopeo(image)
            contenders[to_sink] = self._contenders.skopeo(image, by_ansible=True)
        if self._tools.has(SKOPEO) and self._tools.has(DOCKER_REGISTRY):
            contenders["skopeo to docker-registry"] = self._contenders.skopeo_to_registry(image)
            contenders[to_registry] = self._contenders.skopeo_to_registry(image, by_ansible=True)
        if self._tools.has(AWS_CLI):
            contenders[aws] = self._contenders.aws_cli(image)
        runs = self._compare(contenders)
        name = _image_name(self._scale.image)
        bounds = {aws: 0.10, to_registry: 0.90, to_sink: 1.15}
        return Section(
            f"An image of {name}",
            "Whole commands. skopeo pushes over the registry protocol, which needs no base64; to a sink that "
            "understands both, and to Debian's docker-registry with an empty store on the disk.",
            ["Command", "Seconds", "CPU seconds", "MB/s", "Requests", "`ecr_image` against it"],
            [
                [
                    command,
                    f"{run.seconds:.2f}",
                    f"{_cpu(run):.2f}",
                    f"{image.size / 1e6 / run.seconds:.0f}",
                    f"{run.request_count or ''}",
                    _ratio(runs[ours], run),
                ]
                for command, run in runs.items()
            ],
            [
                Target(f"{name} by `ecr_image` against {peer}", runs[ours].seconds / runs[peer].seconds, bound)
                for peer, bound in bounds.items()
                if peer in runs
            ],
        )

    def slow_link(self) -> Section:
        """Compare pushes over a link with latency and little bandwidth."""
        link = self._scale.link
        rows, targets = [], []
        for shape in (self._scale.image, self._scale.small_layers):
            image = self._image(*shape)
            ours, peer = "`ecr_image`", "`ansible -m command -a 'skopeo copy …'`"
            contenders = {ours: self._contenders.ecr_image(image, link=link)}
            if self._tools.has(SKOPEO):
                contenders[peer] = self._contenders.skopeo(image, link=link, by_ansible=True)
            runs = self._compare(contenders)
            name = _image_name(shape)
            rows += [[f"{name}, {who}", f"{run.seconds:.2f}", f"{run.request_count}"] for who, run in runs.items()]
            if peer in runs:
                ratio = runs[ours].seconds / runs[peer].seconds
                targets.append(Target(f"Slow link: {name} against ansible with skopeo", ratio, 0.30))
        big = self._image(1, self._scale.big_layer)
        run = self._compare({"": self._contenders.ecr_image(big, link=link)})[""]
        share = big.size / run.seconds / (_API_SHARE * (link.bandwidth or 0))
        name = _image_name((1, self._scale.big_layer))
        rows.append([f"{name}, `ecr_image`", f"{run.seconds:.2f}", f"{run.request_count}"])
        targets.append(Target(f"Slow link: {name}, of the API's bound", share, 0.88, at_most=False))
        return Section(
            f"A link of {link.latency * 1000:.0f} ms a request and {(link.bandwidth or 0) / 1e6:.0f} MB/s a connection",
            "The sink takes so long to answer, and so much from one connection. The API's own bound is 0.75 of the "
            "link, as base64 makes four bytes of three. skopeo sends the layers of a layout one after the other over "
            "one connection, `ecr_image` eight at once, as it does by default. Whole commands.",
            ["Image and command", "Seconds", "Requests"],
            rows,
            targets,
        )

    def parallelism(self) -> Section:
        """Compare how layers at once pay over that link."""
        image = self._image(*self._scale.image)
        link = self._scale.link
        contenders: dict[str, RunOnce] = {}
        for parallel in self._scale.parallel:
            contenders[f"ours {parallel}"] = self._contenders.ecr_image(image, parallel, link)
            contenders[f"boto3 {parallel}"] = self._contenders.boto3_push(image.path, threads=parallel, link=link)
        runs = self._compare(contenders)
        speed = {name: image.size / 1e6 / run.seconds for name, run in runs.items()}
        lines = {
            "ecr_image, ad hoc": [(float(count), speed[f"ours {count}"]) for count in self._scale.parallel],
            "boto3 script": [(float(count), speed[f"boto3 {count}"]) for count in self._scale.parallel],
        }
        chart = Chart(
            f"Throughput against parallelism, {_image_name(self._scale.image)}",
            "layers at once",
            "MB/s",
            [(float(count), str(count)) for count in self._scale.parallel],
            lines,
        )
        return Section(
            "Parallelism",
            f"{_image_name(self._scale.image)} over the slow link, whole commands.",
            ["Layers at once", "`ecr_image`, s", "MB/s", "boto3 script, s", "MB/s"],
            [
                [
                    str(count),
                    f"{runs[f'ours {count}'].seconds:.2f}",
                    f"{speed[f'ours {count}']:.1f}",
                    f"{runs[f'boto3 {count}'].seconds:.2f}",
                    f"{speed[f'boto3 {count}']:.1f}",
                ]
                for count in self._scale.parallel
            ],
            charts={"throughput-parallelism": chart},
        )

    def memory(self) -> Section:
        """Compare the peak memory of the processes that push."""
        image = self._image(*self._scale.image)
        big = self._image(1, self._scale.big_layer)
        bare, threads = "boto3 client, one call", "boto3 script, 8 threads"
        ours = {
            f"`ecr_image`, {_image_name(self._scale.image)}, {parallel} at once": self._contenders.module_process(
                image.path, parallel
            )
            for parallel in self._scale.module_parallel
        }
        ours[f"`ecr_image`, {_image_name((1, self._scale.big_layer))}"] = self._contenders.module_process(big.path)
        many = self._image(4 * self._scale.image[0], self._scale.layer // 20)
        name = _image_name((4 * self._scale.image[0], self._scale.layer // 20))
        ours[f"`ecr_image`, {name}, 32 at once"] = self._contenders.module_process(many.path, 32)
        for kind in ("tar", "tar.gz"):
            archive = docker_archive(self._work / f"archive.{kind}", *self._scale.archive)
            push = f"`ecr_image` with `compress: gzip`, docker archive ({kind}) of {_image_name(self._scale.archive)}"
            ours[push] = self._contenders.module_process(archive, options="compress=gzip")
        runs = self._compare(
            {
                bare: self._contenders.bare_client(),
                threads: self._contenders.boto3_push(image.path, threads=8),
                **ours,
            }
        )
        peaks = {name: _printed_peak(run) for name, run in runs.items()}
        most = max(peaks[name] for name in ours)
        return Section(
            "Memory",
            "The peak of the process that pushes: of the module as Ansible runs it, and of scripts.",
            ["Process", "MiB", "above the bare client, MiB"],
            [[name, f"{peak:.0f}", f"{peak - peaks[bare]:.0f}"] for name, peak in peaks.items()],
            [
                Target("Peak memory of the module above a bare boto3 client", most - peaks[bare], 32, unit="MiB"),
                Target("Peak memory of the module against boto3 with 8 threads", most / peaks[threads], 0.15),
            ],
        )

    def planning(self) -> Section:
        """Count the requests for an image which is there already, or in part."""
        count = self._scale.many_layers
        image = self._image(count, 1000)
        with Sink.running() as sink:
            self._contenders.program("boto3_push.py", sink.url, "bench", "1", *image.blobs[1 : count // 2 + 1])
            sink.tally()
            self._contenders.push_image(sink, image.path)
            half = sink.tally()
            self._contenders.push_image(sink, image.path)
            whole = sink.tally().requests
        rows = {
            "half of it there: planning": half.before_upload,
            "half of it there: the whole push": half.requests,
            "there under its tag": whole,
        }
        operations = sorted({*half.requests, *whole})
        return Section(
            f"Requests for an image of {count} layers",
            "What is asked before anything is sent, what the push takes then, and what an image costs that is there.",
            ["Image", *operations],
            [[state, *(str(tally[name]) for name in operations)] for state, tally in rows.items()],
            [
                Target(f"Requests for {count} layers that are there", float(whole.total()), 1, unit=""),
                Target(
                    f"Availability calls to plan {count} layers, half of them there",
                    float(half.before_upload["BatchCheckLayerAvailability"]),
                    2,
                    unit="",
                ),
            ],
        )

    def growth(self) -> Section:
        """Compare small layers with large ones."""
        sizes = self._scale.growth
        contenders: dict[str, RunOnce] = {}
        for size in sizes:
            contenders[f"ours {size}"] = self._contenders.upload_path(self._layer(size))
            if size <= self._scale.boto3_growth:
                contenders[f"boto3 {size}"] = self._contenders.boto3_push(self._layer(size))
        runs = self._compare(contenders)
        speed = {name: float(name.split()[1]) / 1e6 / run.printed_seconds for name, run in runs.items()}
        lines = {
            label: [(float(size), speed[f"{who} {size}"]) for size in sizes if f"{who} {size}" in speed]
            for who, label in (("ours", "layerkit.ecr"), ("boto3", "boto3 loop"))
        }
        chart = Chart(
            "Throughput against the size of the layer, upload path alone",
            "size of the layer",
            "MB/s",
            [(float(size), _decimal(size)) for size in sizes],
            lines,
        )
        ours = {size: runs[f"ours {size}"] for size in sizes}
        smallest, largest = sizes[0], sizes[-1]
        span = f"{_decimal(smallest)} to {_decimal(largest)}"
        peaks = [_printed_peak(run) for run in ours.values()]
        per_byte = {size: run.printed_seconds / size for size, run in ours.items()}
        # One part more or less is not growth: calls beside the parts are the same at any size.
        beside = {size: run.request_count - run.runs[-1].requests["UploadLayerPart"] for size, run in ours.items()}
        return Section(
            f"Growth from {span}",
            "The upload path alone, measured inside the process. The layers are sparse files.",
            ["Layer", "Seconds", "MB/s", "ns per byte", "Requests", "of them parts", "Peak memory, MiB", "boto3, MB/s"],
            [
                [
                    _decimal(size),
                    f"{run.printed_seconds:.2f}",
                    f"{speed[f'ours {size}']:.0f}",
                    f"{per_byte[size] * 1e9:.2f}",
                    f"{run.request_count}",
                    f"{run.runs[-1].requests['UploadLayerPart']}",
                    f"{_printed_peak(run):.0f}",
                    f"{speed[f'boto3 {size}']:.0f}" if f"boto3 {size}" in speed else "",
                ]
                for size, run in ours.items()
            ],
            [
                Target(
                    f"Time per byte, {span}: of a layer against a smaller one, the most",
                    max(per_byte[larger] / per_byte[size] for size, larger in itertools.combinations(sizes, 2)),
                    1.1,
                ),
                Target(f"Memory, {span}: the most above the least", max(peaks) - min(peaks), 4, unit="MiB"),
                Target(
                    f"Calls beside the parts, {_decimal(largest)} above {_decimal(smallest)}",
                    float(beside[largest] - beside[smallest]),
                    0,
                    unit="",
                ),
            ],
            {"throughput-size": chart},
        )

    def _compare(self, contenders: dict[str, RunOnce]) -> dict[str, Runs]:
        return interleaved(contenders, self._scale.rounds, self._scale.warm_up)

    def _layer(self, size: int) -> Path:
        return sparse_file(self._work / f"layer-{size}", size)

    def _image(self, count: int, size: int) -> ImageLayout:
        return image_layout(self._work / f"image-{count}x{size}", count, size)


def _cpu(runs: Runs) -> float:
    return runs.median(lambda run: run.cpu_seconds)


def _printed_peak(runs: Runs) -> float:
    return runs.median(lambda run: float(run.printed["peak_kib"])) / 1024


def _ratio(ours: Runs, theirs: Runs) -> str:
    return f"{ours.seconds / theirs.seconds:.2f} {TIMES}"


def _size(size: int) -> str:
    return f"{size // MIB} MiB" if size >= MIB else f"{size // 1024} KiB"


def _decimal(size: int) -> str:
    return f"{size / 1e9:g} GB" if size >= 1e9 else f"{size / 1e6:g} MB"


def _image_name(shape: tuple[int, int]) -> str:
    count, size = shape
    return f"{count} {TIMES} {_size(size)}" if size >= 1024 else f"{count} small layers"
