# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images in a docker archive, as ``docker save``, ``podman save`` and ``skopeo copy … docker-archive:`` write it.

A docker archive has no manifests. They are made here, in the format of Docker's schema 2; equal archives give equal
manifests. To compress layers takes long, and is often for nothing: an image that a registry has is recognised by its
configuration. So the image that is chosen is a draft. Sources:
https://github.com/moby/docker-image-spec/blob/main/spec.md#combined-image-json--filesystem-changeset-format and
https://distribution.github.io/distribution/spec/manifest-v2-2/.
"""

from __future__ import annotations

import contextlib
import json
import re
import typing as t
from dataclasses import dataclass
from functools import partial

from .._core.digest import SHA256_DIGEST, SHA256_RULE, HashingReader, sha256_of
from .._core.errors import InvalidInputError
from .._core.json_document import MAX_DOCUMENT, JsonObject
from .._core.text import MIB, printable, quoted
from .._oci.descriptor import Descriptor
from .._oci.manifest import DOCKER_MANIFEST, MAX_LAYERS
from .._oci.platform import Platform
from .._oci.reference import NamedImage, choose
from .._oci.store import COPY_AGAIN, DraftImage, ImageReader, SourceImage
from .compression import CompressedStream, compressed
from .decompression import GZIP, detect_compression, inflated
from .files import MANIFEST
from .stream import ForwardBlob

if t.TYPE_CHECKING:
    from .._core.blob import Blob
    from .._core.growing import GrowingBlob
    from .._core.task import Task
    from .._oci.store import LayerFollower
    from .files import SourceFiles
    from .spool import Spool

# Entries that name an image are not shorter.
_MAX_ENTRIES = MAX_DOCUMENT // 100
# Of the configurations of images that one is chosen among, in bytes.
_MAX_SEARCHED = 32 * MIB

_CONFIG = "application/vnd.docker.container.image.v1+json"
_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
_GZIP_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"

# The media types of layers that need not be made, and what they are in a manifest of Docker's schema 2.
_SAME_LAYER = {
    _LAYER: _LAYER,
    _GZIP_LAYER: _GZIP_LAYER,
    "application/vnd.oci.image.layer.v1.tar": _LAYER,
    "application/vnd.oci.image.layer.v1.tar+gzip": _GZIP_LAYER,
}

# File names that state the digest of the file.
_STATED_DIGEST = re.compile("(?:blobs/sha256/|sha256:)([a-f0-9]{64})|([a-f0-9]{64})[.]json")


@dataclass(frozen=True)
class _Blob:
    """A file of the archive as it is sent: unchanged, or compressed. ``size`` is in bytes.

    ``was_read`` says whether its bytes were compared with the digest. ``kept`` are the compressed bytes, None if they
    are made while they are sent. ``is_elsewhere`` says whether the source does not contain them.
    """

    name: str
    digest: str
    size: int
    media_type: str
    was_read: bool = False
    is_compressed_here: bool = False
    kept: GrowingBlob | None = None
    is_elsewhere: bool = False

    def descriptor(self) -> dict[str, t.Any]:
        """Return its descriptor in a manifest."""
        return {"mediaType": self.media_type, "size": self.size, "digest": self.digest}


class DockerImage(SourceImage):
    """An image of a docker archive, whose manifest was made here."""

    def __init__(self, files: SourceFiles, root: Descriptor, content: bytes, blobs: t.Iterable[_Blob]) -> None:
        super().__init__(root)
        self._files = files
        self._content = content
        self._blobs = {blob.digest: blob for blob in blobs}

    def manifest(self, _descriptor: Descriptor) -> bytes:
        """Return the bytes of the only manifest."""
        return self._content

    def size(self, digest: str) -> int | None:
        """Return the size in bytes of a blob as it is sent, None if the source does not contain it."""
        blob = self._blobs.get(digest)
        return None if blob is None or blob.is_elsewhere else blob.size

    def was_read(self, digest: str) -> bool:
        """Return whether the blob was read from its beginning to its end, and has its digest."""
        return self._blobs[digest].was_read

    @contextlib.contextmanager
    def open(self, digest: str) -> t.Iterator[Blob]:
        """Open a blob as it is sent."""
        blob = self._blobs[digest]
        if blob.kept:
            yield blob.kept.completed()
            return
        with self._files.open(blob.name) as file:
            if not blob.is_compressed_here:
                yield file
                return
            with ForwardBlob.opened(_compressed_name(file), CompressedStream(file), 0, blob.size) as compressed_file:
                yield compressed_file


class _Settle(t.Protocol):
    """Makes a draft final."""

    def __call__(self, follower: LayerFollower | None, known: t.Mapping[str, Descriptor], /) -> DockerImage: ...


class DockerDraft(DockerImage, DraftImage):
    """An image of a docker archive before its layers are compressed. Its manifest states them as they are stored.

    The digest of a layer that is stored compressed is not known yet; that of its content stands in for it.
    """

    def __init__(self, image: DockerImage, settle: _Settle) -> None:
        super().__init__(image._files, image.root, image._content, image._blobs.values())
        self._settle = settle

    def settled(self, follower: LayerFollower | None, known: t.Mapping[str, Descriptor]) -> DockerImage:
        """Return the image with its layers as they are sent, after a pass over each that is not known."""
        return self._settle(follower, known)


class DockerArchive(ImageReader):
    """A docker archive, or a directory with the content of one.

    :param compress: whether uncompressed layers are sent compressed, with gzip
    :param parallel: how many layers are hashed at once
    :param spool: keeps compressed layers until they are sent
    """

    def __init__(self, files: SourceFiles, compress: bool, parallel: int, task: Task, spool: Spool) -> None:
        self._files = files
        self._compress = compress
        self._parallel = parallel
        self._task = task
        self._spool = spool

    def choose(self, image: str | None, platforms: t.Sequence[Platform] = ()) -> DockerImage:
        """Return one image: a draft if layers will be compressed, otherwise after a pass over each compressed layer.

        The digests of uncompressed layers are those in the configuration.

        :param image: a tag, with or without the repository, or an image id; None for the only image
        :param platforms: choose among images that share a name
        :raises TaskStoppedError: Ansible no longer waits for the result
        """
        entries = list(zip(self.images(), self._entries()))
        chosen = choose([named for named, _entry in entries], image, str(self._files), platforms)
        return self._image(next(entry for named, entry in entries if named.digest == chosen.digest))

    def images(self) -> list[NamedImage]:
        """Return the images that can be chosen. The digest of one is that of its configuration, its image id.

        :raises InvalidInputError: the list of images is damaged
        """
        found = []
        left = _MAX_SEARCHED
        for entry in self._entries():
            named, read = self._named(entry, left)
            left -= read
            found.append(named)
        return found

    def _entries(self) -> list[JsonObject]:
        entries = JsonObject.parse_list(self._files.read(MANIFEST), self._files.where(MANIFEST), _MAX_ENTRIES)
        return list(map(_with_known_names, entries))

    def _named(self, entry: JsonObject, most: int) -> tuple[NamedImage, int]:
        """Return how an entry can be chosen. What is wrong with one that is not chosen does not matter.

        :param most: how many bytes of a configuration may be read
        :returns: with it, how many bytes were read
        """
        tags = entry.members.get("RepoTags")
        names = tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else ()
        stated = str(entry.members.get("Config"))
        with contextlib.suppress(InvalidInputError):
            if (self._files.size(stated) or 0) <= most:
                config, content = self._config(entry)
                return NamedImage(config.digest, names, _stated_platform(content, config.name)), len(content)
        digest = _STATED_DIGEST.fullmatch(stated)
        return NamedImage(f"sha256:{digest[1] or digest[2]}" if digest else printable(stated), names), 0

    def _config(self, entry: JsonObject) -> tuple[_Blob, bytes]:
        name = entry.get("Config", str)
        content = self._files.read(name)
        digest = sha256_of([content])
        self._check_stated(name, digest)
        return _Blob(name, digest, len(content), _CONFIG), content

    def _check_stated(self, name: str, digest: str) -> None:
        stated = _STATED_DIGEST.fullmatch(name)
        if stated and digest != f"sha256:{stated[1] or stated[2]}":
            rule = "is damaged or belongs to another image: its content does not match the digest in its name"
            raise self._files.refused(name, rule, COPY_AGAIN)

    def _image(self, entry: JsonObject) -> DockerImage:
        config, content = self._config(entry)
        document = JsonObject.parse(content, self._files.where(config.name))
        # Its names must be names.
        entry.strings("RepoTags")
        platform = Platform.from_json(document)
        stored = self._stored_layers(entry, document)

        def settle(follower: LayerFollower | None, known: t.Mapping[str, Descriptor]) -> DockerImage:
            return self._with_manifest(config, self._sent_layers(stored, follower, known), platform)

        draft = self._with_manifest(config, stored, platform)
        return DockerDraft(draft, settle) if self._compress else settle(None, {})

    def _with_manifest(self, config: _Blob, layers: t.Sequence[_Blob], platform: Platform) -> DockerImage:
        content = _manifest(config, layers)
        root = Descriptor(DOCKER_MANIFEST, sha256_of([content]), len(content), platform=platform)
        return DockerImage(self._files, root, content, (config, *layers))

    def _stored_layers(self, entry: JsonObject, config: JsonObject) -> list[_Blob]:
        return [self._stored_layer(*pair) for pair in zip(*_checked_layers(entry, config))]

    def _stored_layer(self, name: str, diff_id: str) -> _Blob:
        """Return a layer as it is stored, with the digest of its uncompressed content, without reading it."""
        kind = detect_compression(self._files.head(name))
        if kind not in (None, GZIP):
            rule = f"is compressed with {kind}; layers of a docker archive are uncompressed or compressed with gzip"
            raise self._files.refused(name, rule)
        if kind is None:
            # The upload checks the digest, if the layer has to be sent.
            self._check_stated(name, diff_id)
        return _Blob(name, diff_id, self._files.size(name) or 0, _LAYER if kind is None else _GZIP_LAYER)

    def _sent_layers(
        self, stored: t.Sequence[_Blob], follower: LayerFollower | None, known: t.Mapping[str, Descriptor]
    ) -> list[_Blob]:
        """Return the layers as they are sent, after a pass over each that is compressed or will be, and is not known.

        What was compressed before is checked first. Then one layer after the other is compressed by all processors:
        several at once would only need more memory.
        """
        layers = {layer: _known_layer(layer, known) for layer in stored if self._compress and _is_known(layer, known)}
        rest = [layer for layer in dict.fromkeys(stored) if layer not in layers]
        plain = self._files_of_plain_layers(rest) if self._compress else []
        will_be_compressed = {layer for files in plain for layer in files}

        def check(layer: _Blob) -> None:
            layers[layer] = self._checked_layer(layer)

        checks = [partial(check, layer) for layer in rest if layer not in will_be_compressed]
        copies = [partial(self._check_copy, copy) for files in plain for copy in files[1:]]
        self._task.run_all([*checks, *copies], self._parallel)
        for files in plain:
            layers.update(dict.fromkeys(files, self._compressed_layer(files[0], follower)))
        return [layers[layer] for layer in stored]

    def _files_of_plain_layers(self, stored: t.Iterable[_Blob]) -> t.Collection[list[_Blob]]:
        """Return each uncompressed layer once, with all its files, which can be links to one."""
        files: dict[str, list[_Blob]] = {}
        for layer in stored:
            if layer.media_type == _LAYER:
                files.setdefault(layer.digest, []).append(layer)
        return files.values()

    def _check_copy(self, stored: _Blob) -> None:
        """Check another file of a layer that is compressed from the first one."""
        with self._files.open(stored.name) as file:
            self._check_diff_id(stored.name, sha256_of(self._task.guard(file.chunks(0, file.size))), stored.digest)

    def _checked_layer(self, stored: _Blob) -> _Blob:
        """Return a layer that is sent as it is stored, after a pass over it if it is compressed."""
        if stored.media_type == _LAYER:
            return stored
        name, guard = stored.name, self._task.guard
        with self._files.open(name) as file:
            digest = sha256_of(guard(file.chunks(0, file.size)))
            self._check_stated(name, digest)
            self._check_diff_id(name, sha256_of(guard(inflated(file))), stored.digest)
            return _Blob(name, digest, file.size, _GZIP_LAYER, was_read=True)

    def _compressed_layer(self, stored: _Blob, follower: LayerFollower | None) -> _Blob:
        with self._files.open(stored.name) as file:
            plain = HashingReader(self._task.guard(file.chunks(0, file.size)))
            sent = HashingReader(compressed(plain))
            growing = self._begun(file, follower)
            try:
                for chunk in sent:
                    if growing and not self._spool.append(growing, chunk):
                        _drop(growing, follower)
                        growing = None
                self._check_diff_id(stored.name, plain.digest, stored.digest)
            except BaseException:
                _drop(growing, follower)
                raise
            if follower and growing:
                growing.finish(sent.digest)
                follower.finish(growing)
            return _Blob(stored.name, sent.digest, sent.size, _GZIP_LAYER, True, is_compressed_here=True, kept=growing)

    def _begun(self, file: Blob, follower: LayerFollower | None) -> GrowingBlob | None:
        """Return where a compressed layer is kept, None if nobody follows it or there is no space for it."""
        growing = self._spool.begin(_compressed_name(file), file.size) if follower else None
        if follower and growing:
            follower.begin(growing)
        return growing

    def _check_diff_id(self, name: str, digest: str, diff_id: str) -> None:
        if digest != diff_id:
            rule = f"is damaged or belongs to another image: its uncompressed content is not {diff_id}"
            raise self._files.refused(name, rule, COPY_AGAIN)


def _drop(growing: GrowingBlob | None, follower: LayerFollower | None) -> None:
    if follower and growing:
        follower.drop(growing)


def _is_known(stored: _Blob, known: t.Mapping[str, Descriptor]) -> bool:
    """Return whether a layer need not be compressed."""
    if stored.media_type != _LAYER or stored.digest not in known:
        return False
    return known[stored.digest].media_type in _SAME_LAYER


def _known_layer(stored: _Blob, known: t.Mapping[str, Descriptor]) -> _Blob:
    layer = known[stored.digest]
    media_type = _SAME_LAYER[layer.media_type]
    return _Blob(stored.name, layer.digest, layer.size, media_type, was_read=True, is_elsewhere=True)


def _compressed_name(file: Blob) -> str:
    """Return the name of a compressed layer in messages."""
    return f"{file} (compressed)"


def _stated_platform(config: bytes, where: str) -> Platform | None:
    """Return the platform of a configuration, None if it states none."""
    try:
        platform = Platform.from_json(JsonObject.parse(config, where))
    except InvalidInputError:
        return None
    return platform if platform.is_known else None


def _with_known_names(entry: JsonObject) -> JsonObject:
    """Return an entry with the names of its members as docker writes them. Docker reads them in any case."""
    known = {name.lower(): name for name in ("Config", "RepoTags", "Layers")}
    members: dict[str, t.Any] = {}
    for written, value in entry.members.items():
        name = known.get(written.lower(), written)
        if name in members:
            return JsonObject({}, entry.where, entry.refused(name, "occurs twice, in different case"))
        members[name] = value
    return JsonObject(members, entry.where, entry.fault)


def _checked_layers(entry: JsonObject, config: JsonObject) -> tuple[list[str], list[str]]:
    """Return the file names of the layers, and the digests of their uncompressed content."""
    names = entry.strings("Layers")
    rootfs = config.object("rootfs")
    digests = rootfs.strings("diff_ids")
    if len(names) != len(digests):
        raise entry.refused("Layers", f"has {len(names)} entries, but {rootfs.where} diff_ids has {len(digests)}")
    if len(names) > MAX_LAYERS:
        raise entry.refused("Layers", f"has {len(names)} entries; the limit is {MAX_LAYERS}")
    for digest in digests:
        if not SHA256_DIGEST.fullmatch(digest):
            raise rootfs.refused("diff_ids", f"{quoted(digest)} {SHA256_RULE}")
    return names, digests


def _manifest(config: _Blob, layers: t.Iterable[_Blob]) -> bytes:
    document = {
        "schemaVersion": 2,
        "mediaType": DOCKER_MANIFEST,
        "config": config.descriptor(),
        "layers": [layer.descriptor() for layer in layers],
    }
    return json.dumps(document, separators=(",", ":")).encode()
