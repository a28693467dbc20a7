# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images in a docker archive, as ``docker save``, ``podman save`` and ``skopeo copy … docker-archive:`` write it.

It has no manifests, so they are made here, Docker's schema 2, the same bytes from run to run. Sources:
https://github.com/moby/docker-image-spec/blob/main/spec.md#combined-image-json--filesystem-changeset-format and
https://distribution.github.io/distribution/spec/manifest-v2-2/.
"""

from __future__ import annotations

import contextlib
import json
import re
import threading
import typing as t
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

from .._core.json_document import JsonObject
from .._core.task import is_waited_for, while_it_goes_on
from .._ecr.records import SHA256_DIGEST, sha256_of
from .._oci.descriptor import Descriptor
from .._oci.manifest import DOCKER_MANIFEST, MOST_IMAGES, MOST_LAYERS
from .._oci.platform import Platform
from .._oci.reference import NamedImage, choose
from .._oci.store import ImageSource
from .compression import CompressedStream, Summed, compressed
from .decompression import GZIP, compression, inflated
from .stream import ForwardBlob

if t.TYPE_CHECKING:
    from .._core.blob import Blob
    from .files import SourceFiles

MANIFEST = "manifest.json"

_CONFIG = "application/vnd.docker.container.image.v1+json"
_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
_GZIP_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"

# Names that state the digest of the file.
_STATED_DIGEST = re.compile("(?:blobs/sha256/|sha256:)([a-f0-9]{64})|([a-f0-9]{64})[.]json")


@dataclass(frozen=True)
class _Blob:
    """A file of the archive as it is sent: as it stands there, or compressed while it is sent."""

    name: str
    digest: str
    size: int
    media_type: str
    is_compressed_here: bool = False

    def descriptor(self) -> dict[str, t.Any]:
        """Return its descriptor in a manifest."""
        return {"mediaType": self.media_type, "size": self.size, "digest": self.digest}


class DockerArchive(ImageSource):
    """A docker archive, or what was unpacked from one.

    :param compress: whether layers that are not compressed are sent compressed, by gzip
    :param parallel: how many layers are compressed and hashed at once
    """

    def __init__(self, files: SourceFiles, compress: bool, parallel: int) -> None:
        self._files = files
        self._compress = compress
        self._parallel = parallel
        self._manifests: dict[str, bytes] = {}
        self._blobs: dict[str, _Blob] = {}

    def choose(self, image: str | None) -> Descriptor:
        """Return the manifest of one image, which is made here.

        It takes a pass over every layer that is compressed, or is to be; of the others the configuration tells the
        digest.

        :param image: a tag, with or without the repository, or an image id; None for the only one
        :raises InvalidInputError: there is no such image, or more than one; or the archive is damaged
        """
        entries = self._entries()
        configs = [self._config(entry) for entry in entries]
        named = [
            NamedImage(config.digest, tuple(entry.strings("RepoTags")))
            for entry, (config, _document) in zip(entries, configs)
        ]
        chosen = choose(named, image, str(self._files))
        position = next(index for index, (config, _document) in enumerate(configs) if config.digest == chosen.digest)
        return self._describe(entries[position], *configs[position])

    def manifest(self, descriptor: Descriptor) -> bytes:
        """Return the bytes of the manifest of an image that was chosen."""
        return self._manifests[descriptor.digest]

    def size(self, digest: str) -> int | None:
        """Return the size of a blob, as it is sent, of an image that was chosen."""
        blob = self._blobs.get(digest)
        return None if blob is None else blob.size

    @contextlib.contextmanager
    def open(self, digest: str) -> t.Iterator[Blob]:
        """Open a blob of an image that was chosen."""
        blob = self._blobs[digest]
        with self._files.open(blob.name) as file:
            if not blob.is_compressed_here:
                yield file
                return
            with ForwardBlob.opened(f"{file}, compressed,", CompressedStream(file), 0, blob.size) as compressed_file:
                yield compressed_file

    def _entries(self) -> list[JsonObject]:
        return JsonObject.parse_list(self._files.read(MANIFEST), self._files.where(MANIFEST), MOST_IMAGES)

    def _config(self, entry: JsonObject) -> tuple[_Blob, JsonObject]:
        name = entry.get("Config", str)
        content = self._files.read(name)
        digest = sha256_of([content])
        self._check_stated(name, digest)
        return _Blob(name, digest, len(content), _CONFIG), JsonObject.parse(content, self._files.where(name))

    def _check_stated(self, name: str, digest: str) -> None:
        stated = _STATED_DIGEST.fullmatch(name)
        if stated and digest != f"sha256:{stated[1] or stated[2]}":
            raise self._files.refused(name, f"is damaged, or of another image: its digest is {digest}")

    def _describe(self, entry: JsonObject, config: _Blob, document: JsonObject) -> Descriptor:
        """Make the manifest of an image, and return its descriptor."""
        layers = self._layers(entry, document)
        content = _manifest(config, layers)
        descriptor = Descriptor(
            DOCKER_MANIFEST,
            sha256_of([content]),
            len(content),
            platform=Platform.from_json(document),
        )
        self._blobs.update((blob.digest, blob) for blob in (config, *layers))
        self._manifests[descriptor.digest] = content
        return descriptor

    def _layers(self, entry: JsonObject, config: JsonObject) -> list[_Blob]:
        names = entry.strings("Layers")
        rootfs = config.object("rootfs")
        digests = rootfs.strings("diff_ids")
        if len(names) != len(digests):
            raise entry.refused("Layers", f"has {len(names)} entries, but {rootfs.where} diff_ids has {len(digests)}")
        if len(names) > MOST_LAYERS:
            raise entry.refused("Layers", f"has {len(names)} entries, of which {MOST_LAYERS} at most are read")
        for digest in digests:
            if not SHA256_DIGEST.fullmatch(digest):
                raise rootfs.refused("diff_ids", f"{digest!r:.200} must match {SHA256_DIGEST.pattern}")
        pairs = list(zip(names, digests))
        stopped = threading.Event()

        def goes_on() -> bool:
            return not stopped.is_set() and is_waited_for()

        with ThreadPoolExecutor(self._parallel) as pool:
            layers = {pair: pool.submit(self._layer, *pair, goes_on) for pair in dict.fromkeys(pairs)}
            try:
                for ended in as_completed(layers.values()):
                    ended.result()
            except BaseException:
                stopped.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return [layers[pair].result() for pair in pairs]

    def _layer(self, name: str, diff_id: str, goes_on: t.Callable[[], bool]) -> _Blob:
        """Return a layer as it is sent; its bytes without compression must have the digest ``diff_id``."""
        kind = compression(self._files.head(name))
        if kind not in (None, GZIP):
            raise self._files.refused(name, f"is compressed by {kind}, for which a docker image has no media type")
        with self._files.open(name) as file:
            if kind == GZIP:
                digest = sha256_of(while_it_goes_on(goes_on, file.chunks(0, file.size)))
                self._check_stated(name, digest)
                self._check_diff_id(name, sha256_of(while_it_goes_on(goes_on, inflated(file))), diff_id)
                return _Blob(name, digest, file.size, _GZIP_LAYER)
            if self._compress:
                plain = Summed(while_it_goes_on(goes_on, file.chunks(0, file.size)))
                sent = Summed(compressed(plain)).finish()
                self._check_diff_id(name, plain.digest, diff_id)
                return _Blob(name, sent.digest, sent.size, _GZIP_LAYER, is_compressed_here=True)
        # That it has this digest is seen when it is sent, if it has to be.
        self._check_stated(name, diff_id)
        return _Blob(name, diff_id, file.size, _LAYER)

    def _check_diff_id(self, name: str, digest: str, diff_id: str) -> None:
        if digest != diff_id:
            rule = f"is damaged: its layer has the digest {digest}, not {diff_id} as the configuration says"
            raise self._files.refused(name, rule)


def _manifest(config: _Blob, layers: t.Iterable[_Blob]) -> bytes:
    document = {
        "schemaVersion": 2,
        "mediaType": DOCKER_MANIFEST,
        "config": config.descriptor(),
        "layers": [layer.descriptor() for layer in layers],
    }
    return json.dumps(document, separators=(",", ":")).encode()
