# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tasks that the faults strike: each module with each kind of source or target, and what is right after it."""

from __future__ import annotations

import base64
import gzip
import typing as t
import uuid
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.layerkit.ecr.tests.faults.content import (
    Content,
    Contents,
    View,
    check_files,
    check_image,
    check_names,
    files_of,
)
from ansible_collections.layerkit.ecr.tests.strict_ecr.fixtures import REGION, ecr_client
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import (
    OCI_MANIFEST,
    config_of,
    digest_of,
    docker_archive,
    tar_of,
    write_directory,
)
from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import LayoutWriter
from ansible_collections.layerkit.ecr.tests.unit.support.stored_images import store_image

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.server import StrictECR
    from ansible_collections.layerkit.ecr.tests.unit.support.image_files import Document

SOURCE_REGION = "us-west-2"
ACCESS_KEY = "AKIATRUSTNEEDSNONE00"
SECRET_KEY = "planted-canary-of-a-secret-key-0000000000"
TAGS = ("1.0", "latest")
PART = 4_000
LAYERS = (b"the first layer, which has three parts " * 300, b"the second layer " * 100)
CONFIG = config_of(LAYERS)
IMAGE: Contents = {"": Content(CONFIG, LAYERS)}
_OTHER_LAYERS = (LAYERS[1], b"a layer of another image " * 100)
OTHER_IMAGE: Contents = {"": Content(config_of(_OTHER_LAYERS), _OTHER_LAYERS)}


@dataclass(frozen=True)
class Place:
    """A server, its clients, how modules reach it, and an empty directory."""

    server: StrictECR
    url: str
    directory: Path

    def client(self, region: str = REGION) -> t.Any:
        """Return a client that does not retry, past whatever stands between."""
        return ecr_client(self.server.url, region=region)


class Scenario:
    """A task, and what is right after it."""

    module = ""
    # Whether a run after a good one changes nothing.
    is_idempotent = True

    def __init__(self, place: Place) -> None:
        self.place = place
        self.repository = f"faults/{uuid.uuid4().hex[:12]}"
        self.client = place.client()
        self.directory = place.directory / self.repository.rpartition("/")[2]
        self.directory.mkdir()
        self.create(self.repository, self.client)
        self.prepare()
        for repository in self.repositories().values():
            place.server.control.calls.clear(repository)

    @classmethod
    def title(cls) -> str:
        """Name the task in tables."""
        return cls.module

    def create(self, repository: str, client: t.Any) -> None:
        """Create a repository that accepts parts of any size."""
        client.create_repository(repositoryName=repository)
        rules = self.place.server.control.rules(repository)
        rules.min_part_bytes, rules.part_size = 1, PART

    def repositories(self) -> dict[str, str]:
        """Return the repositories that the task calls, by the side on which they are."""
        return {"": self.repository}

    def connection(self) -> dict[str, t.Any]:
        """Return the options that connect the module."""
        return {
            "endpoint_url": self.place.url,
            "region": REGION,
            "access_key": ACCESS_KEY,
            "secret_key": SECRET_KEY,
        }

    def prepare(self) -> None:
        """Make what the task needs."""

    def options(self) -> dict[str, t.Any]:
        """Return the options of the task besides those of the connection."""
        raise NotImplementedError

    def check_done(self, result: dict[str, t.Any]) -> None:
        """Assert that a task that succeeded did what it should."""
        raise NotImplementedError

    def check_left(self) -> None:
        """Assert that nothing is wrong after a task that failed."""
        self.view().check_layers()

    def recover(self) -> None:
        """Do what the user of a task must do by hand before its next run."""

    def view(self) -> View:
        """Return what the repository has."""
        return View(self.client, self.place.server.control, self.repository)


class Initiate(Scenario):
    """Opens an upload."""

    module = "ecr_initiate_layer_upload"
    is_idempotent = False

    def options(self) -> dict[str, t.Any]:
        return {"repository_name": self.repository}

    def check_done(self, result: dict[str, t.Any]) -> None:
        assert self.place.server.control.uploads(self.repository)[result["upload_id"]] == 0


class UploadPart(Scenario):
    """Sends a part, which is the complete layer."""

    module = "ecr_upload_layer_part"

    def prepare(self) -> None:
        self.upload_id = self.client.initiate_layer_upload(repositoryName=self.repository)["uploadId"]

    def options(self) -> dict[str, t.Any]:
        return {
            "repository_name": self.repository,
            "upload_id": self.upload_id,
            "part_first_byte": 0,
            "part_last_byte": len(LAYERS[1]) - 1,
            "layer_part_blob": base64.b64encode(LAYERS[1]).decode(),
        }

    def check_done(self, result: dict[str, t.Any]) -> None:
        assert result["last_byte_received"] == len(LAYERS[1]) - 1
        assert self.place.server.control.uploads(self.repository) == {self.upload_id: len(LAYERS[1])}

    def recover(self) -> None:
        """Open another upload if this one is gone, which another module does."""
        if self.upload_id not in self.place.server.control.uploads(self.repository):
            self.prepare()


class Complete(UploadPart):
    """Completes an upload."""

    module = "ecr_complete_layer_upload"

    def prepare(self) -> None:
        super().prepare()
        self.client.upload_layer_part(
            repositoryName=self.repository,
            uploadId=self.upload_id,
            partFirstByte=0,
            partLastByte=len(LAYERS[1]) - 1,
            layerPartBlob=LAYERS[1],
        )

    def recover(self) -> None:
        if not self.place.server.control.layers(self.repository):
            super().recover()

    def options(self) -> dict[str, t.Any]:
        return {
            "repository_name": self.repository,
            "upload_id": self.upload_id,
            "layer_digests": [digest_of(LAYERS[1])],
        }

    def check_done(self, result: dict[str, t.Any]) -> None:
        assert result["layer_digest"] == digest_of(LAYERS[1])
        assert self.view().read(digest_of(LAYERS[1])) == LAYERS[1]


class PushLayer(Scenario):
    """Pushes a layer of three parts."""

    module = "ecr_layer"
    layer = LAYERS[0]

    def prepare(self) -> None:
        (self.directory / "layer.tar").write_bytes(self.layer)

    def options(self) -> dict[str, t.Any]:
        return {
            "repository_name": self.repository,
            "src": str(self.directory / "layer.tar"),
            "part_size": PART,
            "state_dir": str(self.directory / "state"),
        }

    def check_done(self, result: dict[str, t.Any]) -> None:
        assert result["layer_digest"] == digest_of(self.layer)
        assert self.view().read(digest_of(self.layer)) == self.layer
        assert_nothing_kept(self.directory / "state")


class PushImage(Scenario):
    """Pushes an image of two layers with two tags."""

    module = "ecr_image"
    source = "OCI image layout"
    contents: Contents = IMAGE
    # The digest of the other image, which has one of the tags before.
    former = ""

    @classmethod
    def title(cls) -> str:
        return f"{cls.module}, {cls.source}"

    def prepare(self) -> None:
        self.src = self.make()

    def make(self) -> Path:
        """Make the source."""
        return write_directory(self.directory / "image", layout_of(self.contents).complete())

    def options(self) -> dict[str, t.Any]:
        return {
            "repository_name": self.repository,
            "src": str(self.src),
            "tags": list(TAGS),
            "part_size": PART,
            "state_dir": str(self.directory / "state"),
        }

    def check_done(self, result: dict[str, t.Any]) -> None:
        tags = self.view().tags()
        assert tags == dict.fromkeys(TAGS, result["image"]["digest"])
        self.check_tagged()
        self.check_state(result)

    def check_state(self, _result: dict[str, t.Any]) -> None:
        """Assert that no state is kept of what is done."""
        assert_nothing_kept(self.directory / "state")

    def check_left(self) -> None:
        super().check_left()
        self.check_tagged()

    def check_tagged(self) -> None:
        """Assert that what has a tag is the image."""
        view = self.view()
        for digest in view.tags().values():
            manifest = view.read(digest)
            assert digest_of(manifest) == digest
            check_image(OTHER_IMAGE if digest == self.former else self.contents, manifest, view.read)


class PushIndex(PushImage):
    """Pushes an index of two images."""

    source = "OCI image layout with an index"
    contents: Contents = {  # noqa: RUF012  # a mapping, which cannot be changed
        f"linux/{architecture}": Content(config_of(layers, architecture=architecture), layers)
        for architecture, layers in (("amd64", LAYERS), ("arm64", (LAYERS[1], b"a layer for arm64 " * 90)))
    }


class PushArchive(PushImage):
    """Pushes an archive of a layout."""

    source = "OCI archive"

    def make(self) -> Path:
        path = self.directory / "image.tar"
        path.write_bytes(tar_of(layout_of(self.contents).complete()))
        return path


class PushDockerArchive(PushImage):
    """Pushes what docker save writes."""

    source = "docker archive"

    def make(self) -> Path:
        path = self.directory / "image.tar"
        path.write_bytes(tar_of(docker_archive(self.contents[""].layers)))
        return path


class PushCompressed(PushDockerArchive):
    """Pushes what docker save writes, with gzip around it."""

    source = "docker archive, gzip"

    def make(self) -> Path:
        path = self.directory / "image.tar.gz"
        path.write_bytes(gzip.compress(tar_of(docker_archive(LAYERS)), mtime=0))
        return path


class PushUncompressed(PushDockerArchive):
    """Pushes what docker save writes, its layers as they are."""

    source = "docker archive, compress: none"

    def options(self) -> dict[str, t.Any]:
        return {**super().options(), "compress": "none"}


class PushBothFormats(PushDockerArchive):
    """Pushes what docker save writes since version 25: a layout and a docker archive in one."""

    source = "archive of both formats"

    def make(self) -> Path:
        path = self.directory / "image.tar"
        path.write_bytes(tar_of({**layout_of(self.contents).complete(), **docker_archive(LAYERS)}))
        return path


class PushUpdate(PushDockerArchive):
    """Pushes an image to a repository where one of its tags is on another image, which has one layer in common."""

    source = "docker archive, a tag moves"

    def prepare(self) -> None:
        super().prepare()
        layout = layout_of(OTHER_IMAGE)
        self.former = store_image(self.client, self.repository, layout, layout.entries[0], TAGS[1])

    def check_left(self) -> None:
        super().check_left()
        assert TAGS[1] in self.view().tags(), "the tag is on neither image"

    def check_state(self, result: dict[str, t.Any]) -> None:
        # A run that could not look the layers of the other image up compresses the common one. The next run finds it
        # there, compresses nothing, and so cannot know the state of that compression, which goes after 14 days.
        done = {layer["digest"].partition(":")[2] for layer in result["layers"]}
        state = self.directory / "state"
        assert not [path for path in (state.iterdir() if state.exists() else ()) if path.name.partition("-")[0] in done]


class Remove(Scenario):
    """Removes a tag, and an image by its digest; what is not named stays."""

    module = "ecr_image"

    @classmethod
    def title(cls) -> str:
        return f"{cls.module}, state: absent"

    def prepare(self) -> None:
        stored: list[str] = []
        for contents, tag in ((IMAGE, TAGS[0]), (IMAGE, TAGS[1]), (OTHER_IMAGE, "other")):
            layout = layout_of(contents)
            stored.append(store_image(self.client, self.repository, layout, layout.entries[0], tag))
        self.kept, _same, self.named = stored

    def options(self) -> dict[str, t.Any]:
        return {"repository_name": self.repository, "state": "absent", "tags": [TAGS[0]], "digests": [self.named]}

    def check_done(self, result: dict[str, t.Any]) -> None:
        assert self.view().tags() == {TAGS[1]: self.kept}
        self.check_left()
        assert {"tag": TAGS[0], "after": None}.items() <= result["tags"][0].items()
        assert {each["digest"] for each in result["images"] if each["action"] != "kept"} == {self.named}

    def check_left(self) -> None:
        super().check_left()
        view = self.view()
        tags = view.tags()
        assert tags[TAGS[1]] == self.kept
        assert tags.items() <= {TAGS[0]: self.kept, TAGS[1]: self.kept, "other": self.named}.items()
        for digest, contents in ((self.kept, IMAGE), (self.named, OTHER_IMAGE)):
            if digest in tags.values():
                check_image(contents, view.read(digest), view.read)


class Copy(PushImage):
    """Copies an image from another region."""

    module = "ecr_image_copy"
    source = "image"

    def prepare(self) -> None:
        self.source_repository = f"{self.repository}-source"
        client = self.place.client(SOURCE_REGION)
        self.create(self.source_repository, client)
        self.store(self.source_repository, client)

    def store(self, repository: str, client: t.Any) -> None:
        """Put the image into a repository."""
        layout = layout_of(self.contents)
        [entry] = layout.entries
        store_image(client, repository, layout, entry, TAGS[0])

    def repositories(self) -> dict[str, str]:
        return {"source": self.source_repository, "target": self.repository}

    def options(self) -> dict[str, t.Any]:
        return {
            "repository_name": self.repository,
            "source": {"repository_name": self.source_repository, "region": SOURCE_REGION, "tag": TAGS[0]},
            "tags": list(TAGS),
            "part_size": PART,
            "state_dir": str(self.directory / "state"),
        }


class CopyIndex(Copy):
    """Copies an index of two images."""

    source = "index"
    contents: Contents = PushIndex.contents


class Download(Copy):
    """Downloads an image into a layout."""

    module = "ecr_image_download"
    source = "oci"
    is_one_file = False

    def prepare(self) -> None:
        self.store(self.repository, self.client)
        self.dest = self.directory / "target" / "image"
        self.dest.parent.mkdir()

    def repositories(self) -> dict[str, str]:
        return {"": self.repository}

    def options(self) -> dict[str, t.Any]:
        return {
            "repository_name": self.repository,
            "tag": TAGS[0],
            "dest": str(self.dest),
            "format": self.source,
        }

    def check_done(self, result: dict[str, t.Any]) -> None:
        assert [path.name for path in self.dest.parent.iterdir()] == ["image"]
        check_files(self.contents, files_of(self.dest))
        if not self.is_one_file:
            assert {path.name for path in self.dest.iterdir()} == {"blobs", "index.json", "oci-layout"}
        assert result["image"]["digest"] == self.view().tags()[TAGS[0]]

    def check_left(self) -> None:
        if not self.dest.exists():
            return
        files = files_of(self.dest)
        check_names(files)
        if self.is_one_file or "index.json" in files:
            check_files(self.contents, files)


class DownloadArchive(Download):
    """Downloads an image into an archive of a layout."""

    source = "oci-archive"
    is_one_file = True


class DownloadDockerArchive(Download):
    """Downloads an image as docker save would write it."""

    source = "docker-archive"
    is_one_file = True


SCENARIOS: tuple[type[Scenario], ...] = (
    Initiate,
    UploadPart,
    Complete,
    PushLayer,
    PushImage,
    PushIndex,
    PushArchive,
    PushDockerArchive,
    PushCompressed,
    PushUncompressed,
    PushBothFormats,
    PushUpdate,
    Remove,
    Copy,
    CopyIndex,
    Download,
    DownloadArchive,
    DownloadDockerArchive,
)


def layout_of(contents: Contents) -> LayoutWriter:
    """Return a layout with one entry, an image or an index of images."""
    layout = LayoutWriter()
    images: dict[str, Document] = {}
    for platform, content in contents.items():
        members = {"architecture": platform.rpartition("/")[2]} if platform else {}
        assert config_of(content.layers, **members) == content.config
        manifest = layout.manifest(content.layers)
        manifest["config"] = layout.blob(content.config, manifest["config"]["mediaType"])
        images[platform] = layout.document(manifest, OCI_MANIFEST)
    layout.entries.append(images[""] if "" in images else layout.index(images))
    return layout


def assert_nothing_kept(directory: Path) -> None:
    """Assert that a state directory is empty, if it is there."""
    assert not directory.exists() or list(directory.iterdir()) == []
