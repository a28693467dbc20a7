# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options: which values are refused before anything is asked for, and owner and permissions of what is written."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.layerkit.ecr.tests.unit.support.download_bench import LOOK, DownloadBench

DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tag": None}, "one of the following is required: tag, digest"),
        ({"digest": DIGEST}, "mutually exclusive: tag|digest"),
        ({"tag": "a/b"}, "tag 'a/b' has '/'"),
        ({"tag": 1.10}, "tag 1.1 is a number with a fraction"),
        ({"tag": None, "digest": "sha256:123"}, "digest 'sha256:123' must be sha256:"),
        ({"platforms": ["linux"]}, "platforms 'linux' must be os/architecture"),
        ({"dest": ""}, "dest is empty. Give the path of a directory or an archive."),
        ({"parallel": 0}, "parallel 0 must be 1 to 32"),
        ({"parallel": 33}, "parallel 33 must be 1 to 32"),
        ({"reference_name": "a b"}, "reference_name 'a b' is not a name for an image in an OCI image layout"),
        ({"reference_name": "-"}, "is not a name for an image in an OCI image layout"),
        ({"reference_name": "x" * 256}, "is not a name for an image in an OCI image layout"),
        ({"reference_name": "app", "format": "docker-archive"}, "'app' is not a name for an image in a docker archive"),
        ({"reference_name": "App:1", "format": "docker-archive"}, "is not a name for an image in a docker archive"),
        ({"format": "docker"}, "value of format must be one of: oci, oci-archive, docker-archive"),
    ],
)
def test_bad_values_are_refused_first(bench: DownloadBench, options: dict[str, t.Any], words: str) -> None:
    failed = bench.fails(**{"tag": "app", **options})
    assert words in failed.msg
    assert not bench.calls()
    assert not bench.dest.exists()


@pytest.mark.parametrize("name", ["1.0", "_", "a__b", "docker.io/library/app:1.0", "app@sha256:0", "v1--rc"])
def test_reference_names_that_tools_use_are_accepted(bench: DownloadBench, name: str) -> None:
    bench.run("next", reference_name=name)
    assert bench.listed() == {name: bench.next["digest"]}


def test_directory_of_dest_must_exist(bench: DownloadBench) -> None:
    bench.dest = bench.dest / "deeper"
    failed = bench.fails()
    assert f"The directory '{bench.dest.parent}' of dest '{bench.dest}' does not exist on this host" in failed.msg
    assert bench.calls() == {LOOK: 1}


def test_mode_of_a_layout_is_that_of_its_directories(bench: DownloadBench) -> None:
    bench.run("next", mode="0750")
    paths = [bench.dest, *bench.dest.rglob("*")]
    assert {path.stat().st_mode & 0o777 for path in paths if path.is_dir()} == {0o750}
    assert {path.stat().st_mode & 0o777 for path in paths if path.is_file()} == {0o640}
    assert not bench.run("next", mode="0750")["changed"]
    predicted = bench.run("next", mode="u=rwX,g=,o=", check=True)
    index = str(bench.dest / "index.json")
    assert predicted["changed"]
    assert f"{index}: mode 0640 -> 0600" in predicted["diff"]["prepared"].splitlines()
    assert bench.run("next", mode="u=rwX,g=,o=")["changed"]
    assert {path.stat().st_mode & 0o777 for path in paths if path.is_file()} == {0o600}
    assert not bench.run("next", mode="u=rwX,g=,o=")["changed"]


def test_mode_of_an_archive_is_its_own(bench: DownloadBench) -> None:
    assert bench.run("next", format="oci-archive", mode="0600")["mode"] == "0600"
    assert not bench.run("next", format="oci-archive", mode="0600")["changed"]
    assert bench.run("next", format="oci-archive", mode="0640")["changed"]
    bench.run("app", format="oci-archive")
    assert bench.dest.stat().st_mode & 0o777 == 0o640


def test_mode_in_check_mode_needs_no_files(bench: DownloadBench) -> None:
    predicted = bench.run("next", check=True, mode="0750")
    assert predicted["changed"]
    assert not bench.dest.exists()
    assert bench.run("next", mode="0750")["diff"] == predicted["diff"]


@pytest.mark.parametrize("kind", ["oci", "oci-archive"])
@pytest.mark.parametrize(("name", "words"), [("x" * 300, "File name too long"), ("a\0b", "embedded null")])
def test_dest_that_is_no_path_is_refused(bench: DownloadBench, kind: str, name: str, words: str) -> None:
    failed = bench.fails("next", dest=f"{bench.dest.parent}/{name}", format=kind)
    assert "cannot be read: " in failed.msg
    assert words in failed.msg


def test_layout_that_cannot_be_read_is_refused(bench: DownloadBench) -> None:
    bench.run("next")
    (bench.dest / "blobs").rename(bench.dest / "moved")
    (bench.dest / "blobs").write_bytes(b"")
    assert "blobs is not a directory" in bench.fails("app").msg
