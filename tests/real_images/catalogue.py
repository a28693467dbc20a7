# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The images, and the order in which they are made from each other."""

from __future__ import annotations

from pathlib import Path

from . import archives, layouts
from .archives import REPOSITORY
from .image import RealImage, look_into
from .tools import Tools


def make_images(directory: Path) -> dict[str, RealImage]:
    """Make all images in a directory, which must be empty or absent, and return them by name.

    :raises RuntimeError: a tool is missing or failed
    """
    directory = directory.resolve()
    directory.mkdir(parents=True, exist_ok=True)
    if any(directory.iterdir()):
        raise RuntimeError(f"{directory} is not empty")
    tools = Tools(directory / "tools")
    return {**_make_layouts(tools, directory), **_make_archives(tools, directory)}


def _make_layouts(tools: Tools, directory: Path) -> dict[str, RealImage]:
    files = directory / "files"
    single, family, index, zstd, artifact = (
        directory / name for name in ("single", "family", "index", "zstd", "artifact")
    )
    layouts.make_single(tools, single, files)
    layouts.make_family(tools, family, files)
    layouts.make_index(tools, index, files)
    layouts.make_zstd(tools, zstd, single)
    layouts.make_artifact(artifact)
    return {
        "single": look_into(tools, single, f"oci:{single}:1.0"),
        "first_of_family": look_into(tools, family, f"oci:{family}:1.0", "1.0"),
        "second_of_family": look_into(tools, family, f"oci:{family}:2.0", "2.0"),
        "index": look_into(tools, index, f"oci:{index}:1.0"),
        "zstd": look_into(tools, zstd, f"oci:{zstd}:1.0"),
        "artifact": look_into(tools, artifact, f"oci:{artifact}:sbom"),
    }


def _make_archives(tools: Tools, directory: Path) -> dict[str, RealImage]:
    """Make archives of the layouts."""
    single, family, index = (directory / name for name in ("single", "family", "index"))
    oci, index_archive = directory / "oci.tar", directory / "index.tar"
    archives.make_oci_archive(tools, single, oci)
    archives.compress(oci, directory / "oci.tar.gz")
    archives.make_oci_archive(tools, index, index_archive)
    docker, first, second, both = (directory / f"docker_{name}.tar" for name in ("one", "first", "second", "both"))
    archives.make_docker_archive(tools, single, "1.0", docker)
    archives.make_docker_archive(tools, family, "1.0", first)
    archives.make_docker_archive(tools, family, "2.0", second)
    archives.join_docker_archives([first, second], both)
    saved, by_digest, without_layers, one_platform = (
        directory / f"docker_save_{name}.tar" for name in ("sound", "by_digest", "without_layers", "one_platform")
    )
    archives.make_docker_save(docker, saved)
    archives.make_docker_save(docker, by_digest, "by_digest")
    archives.make_docker_save(docker, without_layers, "without_layers")
    archives.make_docker_save_of_one_platform(index, one_platform)
    tags = {tag: f"{REPOSITORY}:{tag}" for tag in ("1.0", "2.0")}
    return {
        "oci_archive": look_into(tools, oci, f"oci-archive:{oci}:1.0"),
        "oci_archive_gzip": look_into(tools, directory / "oci.tar.gz", f"oci-archive:{directory / 'oci.tar.gz'}:1.0"),
        "index_archive": look_into(tools, index_archive, f"oci-archive:{index_archive}:1.0"),
        "docker_archive": look_into(tools, docker, f"docker-archive:{docker}"),
        "first_of_docker_archive": look_into(tools, both, f"docker-archive:{both}:{tags['1.0']}", tags["1.0"]),
        "second_of_docker_archive": look_into(tools, both, f"docker-archive:{both}:{tags['2.0']}", tags["2.0"]),
        "docker_save": look_into(tools, saved, f"oci-archive:{saved}:1.0"),
        "docker_save_by_digest": look_into(tools, by_digest, f"docker-archive:{by_digest}"),
        "docker_save_without_layers": look_into(tools, without_layers, f"docker-archive:{without_layers}"),
        "docker_save_of_one_platform": look_into(tools, one_platform, f"docker-archive:{one_platform}"),
    }
