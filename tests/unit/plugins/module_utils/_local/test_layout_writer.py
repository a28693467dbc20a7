# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An OCI image layout that is written: what stands in it after each kind of run."""

from __future__ import annotations

import json
import os
import resource
import signal
import typing as t
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.errors import InvalidInputError, TaskError
from ansible_collections.layerkit.ecr.plugins.module_utils._local import layout_writer, space
from ansible_collections.layerkit.ecr.plugins.module_utils._local.layout_writer import WORK
from ansible_collections.layerkit.ecr.plugins.module_utils._transfer.download_plan import FetchAction, FetchReason
from ansible_collections.layerkit.ecr.tests.unit.support.downloading import (
    BrokenConnectionError,
    Faults,
    download,
    files_in,
    target_of,
)
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import REF_NAME, blob_name, digest_of
from ansible_collections.layerkit.ecr.tests.unit.support.image_reader import read_image
from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import LayoutWriter

MIB = 1024 * 1024
SMALL, BIG = b"small layer", os.urandom(9 * MIB + 17)


class Sources(t.NamedTuple):
    """A layout with the images ``old`` and ``new``, which share a layer, and the descriptors of both."""

    path: Path
    old: dict[str, t.Any]
    new: dict[str, t.Any]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    layout = LayoutWriter(tmp_path_factory.mktemp("source"))
    old = layout.image(SMALL, BIG)
    new = layout.image(SMALL, b"another layer" * 1000)
    return Sources(layout.finish(old=old, new=new), old, new)


@pytest.fixture
def dest(tmp_path: Path) -> Path:
    return tmp_path / "layout"


def listed(dest: Path) -> dict[str | None, str]:
    """Return the digest of each image of a layout, by name."""
    entries = json.loads((dest / "index.json").read_bytes())["manifests"]
    return {entry.get("annotations", {}).get(REF_NAME): entry["digest"] for entry in entries}


def fetched(result: t.Any) -> set[str]:
    return {step.blob.digest for step in result.plan.blobs if step.action is FetchAction.FETCHED}


def test_layout_has_the_files_of_the_image_and_nothing_else(sources: Sources, dest: Path) -> None:
    result = download(sources.path, target_of(dest), "old")
    assert result.changed
    source = files_in(sources.path)
    assert listed(dest) == {"1.0": sources.old["digest"]}
    assert json.loads((dest / "oci-layout").read_bytes()) == {"imageLayoutVersion": "1.0.0"}
    blobs = {name: content for name, content in files_in(dest).items() if name.startswith("blobs/")}
    manifest = json.loads(source[blob_name(sources.old["digest"])])
    digests = [sources.old["digest"], manifest["config"]["digest"], *(layer["digest"] for layer in manifest["layers"])]
    assert blobs == {blob_name(digest): source[blob_name(digest)] for digest in digests}
    assert {path.name for path in dest.iterdir()} == {"oci-layout", "index.json", "blobs"}
    assert read_image(dest).root.digest == sources.old["digest"]


def test_second_run_reads_nothing_and_writes_nothing(sources: Sources, dest: Path) -> None:
    download(sources.path, target_of(dest), "old")
    before = {path: path.stat().st_mtime_ns for path in dest.rglob("*")}
    faults = Faults()
    result = download(sources.path, target_of(dest), "old", faults=faults)
    assert not result.changed
    assert not faults.asked
    assert {path: path.stat().st_mtime_ns for path in dest.rglob("*")} == before


@pytest.mark.parametrize("damage", ["missing", "short", "long", "other bytes", "a link"])
def test_damaged_blob_alone_is_fetched_again(sources: Sources, dest: Path, tmp_path: Path, damage: str) -> None:
    download(sources.path, target_of(dest), "old")
    path = dest / blob_name(digest_of(BIG))
    content = {"short": BIG[:-1], "long": BIG + b"x", "other bytes": b"x" + BIG[1:]}.get(damage)
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    outside = tmp_path / "outside"
    if damage == "a link":
        outside.write_bytes(b"precious")
        path.symlink_to(outside)
    result = download(sources.path, target_of(dest), "old")
    assert fetched(result) == {digest_of(BIG)}
    assert result.bytes_fetched == len(BIG)
    reason = FetchReason.MISSING if damage == "missing" else FetchReason.DAMAGED
    assert {step.reason for step in result.plan.blobs_to_fetch} == {reason}
    assert path.read_bytes() == BIG
    assert not path.is_symlink()
    assert damage != "a link" or outside.read_bytes() == b"precious"


@pytest.mark.parametrize("damage", ["missing", "short", "other bytes"])
def test_damaged_manifest_is_written_again(sources: Sources, dest: Path, damage: str) -> None:
    download(sources.path, target_of(dest), "old")
    path = dest / blob_name(sources.old["digest"])
    content = path.read_bytes()
    path.unlink()
    if damage != "missing":
        path.write_bytes(b"{}" if damage == "short" else content.replace(b"2", b"3", 1))
    result = download(sources.path, target_of(dest), "old")
    assert result.changed
    assert result.bytes_fetched == 0
    assert read_image(dest).root.digest == sources.old["digest"]


def test_manifest_is_given_out_only_if_it_is_whole(sources: Sources, dest: Path) -> None:
    digest, size = sources.old["digest"], sources.old["size"]
    assert target_of(dest).content(digest, size) is None
    download(sources.path, target_of(dest), "old")
    path = dest / blob_name(digest)
    content = path.read_bytes()
    assert target_of(dest).content(digest, size) == content
    for damaged in (content[:-1], content.replace(b"2", b"3", 1)):
        path.write_bytes(damaged)
        assert target_of(dest).content(digest, size) is None


def test_other_images_stay_and_share_their_layers(sources: Sources, dest: Path) -> None:
    download(sources.path, target_of(dest), "old", name="old")
    result = download(sources.path, target_of(dest), "new", name="new")
    assert digest_of(SMALL) not in fetched(result)
    assert listed(dest) == {"old": sources.old["digest"], "new": sources.new["digest"]}
    for name in ("old", "new"):
        read_image(dest, name)


def test_entry_of_the_same_name_is_replaced(sources: Sources, dest: Path) -> None:
    download(sources.path, target_of(dest), "old", name="latest")
    result = download(sources.path, target_of(dest), "new", name="latest")
    assert result.plan.before == sources.old["digest"]
    assert listed(dest) == {"latest": sources.new["digest"]}


def test_what_other_tools_wrote_into_the_index_stays(sources: Sources, dest: Path) -> None:
    download(sources.path, target_of(dest), "old", name="old")
    index = json.loads((dest / "index.json").read_bytes())
    strange = {"mediaType": "application/vnd.example", "digest": "sha512:" + "0" * 128, "size": 3, "data": "YWJj"}
    index = {**index, "manifests": [strange, *index["manifests"]], "annotations": {"by": "another tool"}}
    (dest / "index.json").write_text(json.dumps(index), encoding="utf-8")
    download(sources.path, target_of(dest), "new", name="old")
    after = json.loads((dest / "index.json").read_bytes())
    assert after["manifests"][0] == strange
    assert {**after, "manifests": []} == {**index, "manifests": []}
    assert listed(dest)["old"] == sources.new["digest"]


def test_image_without_a_name_is_listed_once(sources: Sources, dest: Path) -> None:
    download(sources.path, target_of(dest), "old", name=None)
    assert listed(dest) == {None: sources.old["digest"]}
    assert not download(sources.path, target_of(dest), "old", name=None).changed
    assert download(sources.path, target_of(dest), "old", name="1.0").changed
    assert not download(sources.path, target_of(dest), "old", name=None).changed
    assert listed(dest) == {None: sources.old["digest"], "1.0": sources.old["digest"]}


def test_prediction_is_what_the_run_does_and_writes_nothing(sources: Sources, dest: Path) -> None:
    predicted = download(sources.path, target_of(dest), "old", is_dry=True)
    assert predicted.plan.changed
    assert not dest.exists()
    done = download(sources.path, target_of(dest), "old")
    assert done.outcome.blobs == predicted.plan.blobs
    assert done.outcome.manifests == predicted.plan.manifests
    assert done.bytes_fetched == predicted.plan.bytes_to_fetch
    assert not download(sources.path, target_of(dest), "old", is_dry=True).plan.changed


def test_next_run_resumes_from_the_pieces_that_are_there(sources: Sources, dest: Path) -> None:
    with pytest.raises(BrokenConnectionError):
        download(sources.path, target_of(dest), "old", faults=Faults(break_after=6 * MIB))
    assert not (dest / "index.json").exists()
    predicted = download(sources.path, target_of(dest), "old", is_dry=True)
    assert FetchReason.RESUMED in {step.reason for step in predicted.plan.blobs_to_fetch}
    result = download(sources.path, target_of(dest), "old")
    # A piece of each connection may be lost.
    assert 0 < result.bytes_fetched <= len(BIG) - 2 * MIB
    assert result.bytes_fetched == predicted.plan.bytes_to_fetch
    assert read_image(dest).root.digest == sources.old["digest"]
    assert not (dest / WORK).exists()


def test_pieces_that_are_wrong_are_fetched_again(sources: Sources, dest: Path) -> None:
    with pytest.raises(BrokenConnectionError):
        download(sources.path, target_of(dest), "old", faults=Faults(break_after=6 * MIB))
    partial_file = dest / WORK / f"{digest_of(BIG)[7:]}.partial"
    content = bytearray(partial_file.read_bytes())
    # As after a power failure: the marks reached the disk, the bytes did not.
    content[: len(BIG)] = bytes(len(BIG))
    partial_file.write_bytes(content)
    download(sources.path, target_of(dest), "old")
    assert (dest / blob_name(digest_of(BIG))).read_bytes() == BIG


def test_file_that_only_lacks_its_name_is_not_fetched_again(sources: Sources, dest: Path) -> None:
    (dest / WORK).mkdir(parents=True)
    (dest / WORK / f"{digest_of(BIG)[7:]}.partial").write_bytes(BIG)
    predicted = download(sources.path, target_of(dest), "old", is_dry=True)
    result = download(sources.path, target_of(dest), "old")
    assert result.bytes_fetched == predicted.plan.bytes_to_fetch < len(BIG)
    assert (dest / blob_name(digest_of(BIG))).read_bytes() == BIG


@pytest.mark.parametrize("content", [b"", b"rubbish", bytes(len(BIG)), bytes(len(BIG) + 42)])
def test_partial_file_that_is_none_is_begun_again(sources: Sources, dest: Path, content: bytes) -> None:
    (dest / WORK).mkdir(parents=True)
    (dest / WORK / f"{digest_of(BIG)[7:]}.partial").write_bytes(content)
    result = download(sources.path, target_of(dest), "old")
    assert result.bytes_fetched == sum(step.blob.size for step in result.plan.blobs)
    read_image(dest)


def test_bytes_that_arrive_wrong_are_fetched_again(sources: Sources, dest: Path) -> None:
    download(sources.path, target_of(dest), "old", faults=Faults(lies={digest_of(BIG): 1}))
    assert (dest / blob_name(digest_of(BIG))).read_bytes() == BIG


def test_bytes_that_are_always_wrong_get_no_name(sources: Sources, dest: Path) -> None:
    with pytest.raises(TaskError, match=f"do not have the digest of layer {digest_of(BIG)}"):
        download(sources.path, target_of(dest), "old", faults=Faults(lies={digest_of(BIG): 1000}))
    assert not (dest / blob_name(digest_of(BIG))).exists()
    assert not (dest / "index.json").exists()


def test_second_task_is_refused(sources: Sources, dest: Path) -> None:
    first = target_of(dest)
    content = download(sources.path, first, "old", is_dry=True).plan.content
    refused = pytest.raises(InvalidInputError, match="Another task is writing to dest")
    with first.opened(content, first.survey(content)), refused:
        download(sources.path, target_of(dest), "old")
    download(sources.path, target_of(dest), "old")


def test_what_another_task_wrote_meanwhile_is_not_fetched(sources: Sources, dest: Path) -> None:
    target = target_of(dest)
    late = download(sources.path, target, "old", is_dry=True)
    download(sources.path, target_of(dest), "old")
    late.run()
    assert not late.changed
    assert not late.plan.changed
    assert late.bytes_fetched == 0
    assert {step.reason for step in late.plan.blobs} == {FetchReason.ARRIVED}


@pytest.mark.parametrize("link", ["blobs", "blobs/sha256", "index.json", "oci-layout", WORK])
def test_links_in_the_layout_are_not_followed(sources: Sources, dest: Path, tmp_path: Path, link: str) -> None:
    download(sources.path, target_of(dest), "old")
    outside = tmp_path / "outside"
    (dest / WORK).mkdir(exist_ok=True)
    (dest / link).rename(outside)
    (dest / link).symlink_to(outside)
    before = files_in(outside) if outside.is_dir() else outside.read_bytes()
    with pytest.raises(TaskError):
        download(sources.path, target_of(dest), "new")
    assert (files_in(outside) if outside.is_dir() else outside.read_bytes()) == before


@pytest.mark.parametrize("link", ["blobs", "blobs/sha256", WORK])
def test_link_in_place_of_a_directory_is_named(sources: Sources, dest: Path, tmp_path: Path, link: str) -> None:
    download(sources.path, target_of(dest), "old")
    (dest / WORK).mkdir()
    (dest / link).rename(tmp_path / "outside")
    (dest / link).symlink_to(tmp_path / "outside")
    with pytest.raises(InvalidInputError, match=rf": {link} is a symbolic link, which could lead out of the layout$"):
        download(sources.path, target_of(dest), "new")


@pytest.mark.parametrize("name", ["blobs", "blobs/sha256", WORK])
def test_file_in_place_of_a_directory_is_named(sources: Sources, dest: Path, tmp_path: Path, name: str) -> None:
    download(sources.path, target_of(dest), "old")
    (dest / WORK).mkdir()
    (dest / name).rename(tmp_path / "outside")
    (dest / name).write_bytes(b"precious")
    with pytest.raises(InvalidInputError, match=rf": {name} is not a directory$"):
        download(sources.path, target_of(dest), "new")
    assert (dest / name).read_bytes() == b"precious"


def test_dest_can_be_no_link_to_nothing(sources: Sources, dest: Path, tmp_path: Path) -> None:
    dest.symlink_to(tmp_path / "nothing")
    with pytest.raises(InvalidInputError, match=r"is a symbolic link to something that does not exist$"):
        download(sources.path, target_of(dest), "old")


def test_dest_can_be_a_link_to_a_directory(sources: Sources, dest: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    dest.symlink_to(tmp_path / "elsewhere")
    download(sources.path, target_of(dest), "old")
    read_image(tmp_path / "elsewhere")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("some/file.txt", "is not empty and not an OCI image layout. It contains some"),
        ("index.json", "is not valid JSON"),
    ],
)
def test_directory_that_is_something_else_is_left_alone(sources: Sources, dest: Path, name: str, words: str) -> None:
    (dest / name).parent.mkdir(parents=True)
    (dest / name).write_text("text", encoding="utf-8")
    before = files_in(dest)
    with pytest.raises(InvalidInputError, match=words):
        download(sources.path, target_of(dest), "old")
    assert files_in(dest) == before


def test_layout_of_another_version_is_left_alone(sources: Sources, dest: Path) -> None:
    dest.mkdir()
    (dest / "oci-layout").write_text('{"imageLayoutVersion": "2.0.0"}', encoding="utf-8")
    with pytest.raises(InvalidInputError, match=r"'2.0.0' is not supported"):
        download(sources.path, target_of(dest), "old")


def test_file_is_no_layout(sources: Sources, dest: Path) -> None:
    dest.write_bytes(b"")
    with pytest.raises(InvalidInputError, match="is not a directory"):
        download(sources.path, target_of(dest), "old")


def test_parent_directory_must_exist(sources: Sources, dest: Path) -> None:
    with pytest.raises(InvalidInputError, match="does not exist on this host"):
        download(sources.path, target_of(dest / "deeper"), "old")


def test_space_is_checked_first(sources: Sources, dest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(space, "_MARGIN", 10**18)
    faults = Faults()
    with pytest.raises(InvalidInputError, match=r"needs \d+ more bytes, and its file system has \d+ bytes free"):
        download(sources.path, target_of(dest), "old", faults=faults)
    assert not faults.asked
    assert not dest.exists()


def test_full_disk_is_one_clear_error(sources: Sources, dest: Path) -> None:
    download(sources.path, target_of(dest), "new", name="new")
    before = files_in(dest)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4 * MIB, limits[1]))
    try:
        with pytest.raises(TaskError, match=r"dest '.*' cannot be written: File too large"):
            download(sources.path, target_of(dest), "old")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    after = files_in(dest)
    assert after["index.json"] == before["index.json"]
    assert not [
        name for name in after if name.startswith("blobs/") and digest_of(after[name]) != f"sha256:{name[-64:]}"
    ]


def test_old_leftovers_are_removed(sources: Sources, dest: Path) -> None:
    (dest / WORK).mkdir(parents=True)
    for name, age in (("old.partial", layout_writer.MAX_AGE_SECONDS + 60), ("young.partial", 60)):
        path = dest / WORK / name
        path.write_bytes(b"")
        then = path.stat().st_mtime - age
        os.utime(path, (then, then))
    download(sources.path, target_of(dest), "old")
    assert [path.name for path in (dest / WORK).iterdir()] == ["young.partial"]


def test_replaced_index_keeps_its_permissions(sources: Sources, dest: Path) -> None:
    download(sources.path, target_of(dest), "old")
    (dest / "index.json").chmod(0o640)
    download(sources.path, target_of(dest), "new")
    assert (dest / "index.json").stat().st_mode & 0o777 == 0o640


def test_new_files_have_the_permissions_of_the_umask(sources: Sources, dest: Path) -> None:
    before = os.umask(0o027)
    try:
        download(sources.path, target_of(dest), "old")
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in dest.rglob("*") if path.is_file()} == {0o640}
    assert {path.stat().st_mode & 0o777 for path in (dest, *dest.rglob("*")) if path.is_dir()} == {0o750}
