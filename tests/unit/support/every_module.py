# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A task of every module that succeeds, named as guide_permissions.rst names it, on the strict server."""

from __future__ import annotations

import base64
import importlib
import typing as t
from pathlib import Path

from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import LayoutWriter
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import run_module
from ansible_collections.layerkit.ecr.tests.unit.support.pushing import ABSENT, digest_of, index_manifest, upload

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.server import StrictECR
    from mypy_boto3_ecr import ECRClient


class Site:
    """A repository with an image, one without, and the files to push.

    :param content: the bytes of the layer
    """

    def __init__(
        self,
        server: StrictECR,
        ecr: ECRClient,
        repository: str,
        connection: dict[str, t.Any],
        path: Path,
        content: bytes = b"the bytes of a layer",
    ):
        server.control.rules(repository).min_part_bytes = 1
        self.content = content
        self.control, self.ecr, self.repository, self.path = server.control, ecr, repository, path
        self.connection = {**connection, "aws_config": {"read_timeout": 30}}
        self.layer = path / "layer.tar.gz"
        self.layer.write_bytes(content)
        layout = LayoutWriter(path / "layout")
        self.src = str(layout.finish(layout.image(content)))

    def run(
        self, module: str, check: bool = False, repository: str | None = None, **options: t.Any
    ) -> dict[str, t.Any]:
        task = {"repository_name": repository or self.repository, **options}
        found = importlib.import_module(f"ansible_collections.layerkit.ecr.plugins.modules.{module}")
        return run_module(found, check=check, connection=self.connection, **task)

    def push(self) -> None:
        self.run("ecr_image", src=self.src, tags=["1"])

    def open_upload(self) -> str:
        return str(self.ecr.initiate_layer_upload(repositoryName=self.repository)["uploadId"])

    def other_repository(self) -> str:
        name = f"{self.repository}-source"
        if name not in [found["repositoryName"] for found in self.ecr.describe_repositories()["repositories"]]:
            self.ecr.create_repository(repositoryName=name)
            self.run("ecr_image", repository=name, src=self.src, tags=["1"])
        return name


Task = t.Callable[[], dict[str, t.Any]]


def push(site: Site) -> Task:
    return lambda: site.run("ecr_image", src=site.src, tags=["1"])


def remove(site: Site) -> Task:
    site.push()
    site.control.seed_image(site.repository, index_manifest(ABSENT), "index")
    return lambda: site.run("ecr_image", state="absent", tags=["1"])


def look_up(site: Site) -> Task:
    site.push()
    return lambda: site.run("ecr_image_info", tags=["1"], referrers=True)


def list_all(site: Site) -> Task:
    site.push()
    return lambda: site.run("ecr_image_info")


def copy(site: Site) -> Task:
    source = {"repository_name": site.other_repository(), "tag": "1"}
    return lambda: site.run("ecr_image_copy", source=source)


def download(site: Site) -> Task:
    site.push()
    return lambda: site.run("ecr_image_download", tag="1", dest=str(site.path / "download"))


def push_layer(site: Site) -> Task:
    return lambda: site.run("ecr_layer", src=str(site.layer))


def look_up_layer(site: Site) -> Task:
    return lambda: site.run("ecr_layer_info", layer_digests=[digest_of(site.content)])


def initiate(site: Site) -> Task:
    return lambda: site.run("ecr_initiate_layer_upload")


def send_part(site: Site) -> Task:
    part: dict[str, t.Any] = {
        "part_first_byte": 0,
        "part_last_byte": len(site.content) - 1,
        "layer_part_blob": base64.b64encode(site.content).decode(),
    }
    upload_id = site.open_upload()
    return lambda: site.run("ecr_upload_layer_part", upload_id=upload_id, **part)


def complete(site: Site) -> Task:
    upload_id = upload(site.ecr, site.repository, site.content)
    return lambda: site.run("ecr_complete_layer_upload", upload_id=upload_id, layer_digests=[digest_of(site.content)])


TASKS: dict[str, t.Callable[[Site], Task]] = {
    "ecr_image": push,
    "ecr_image, state: absent": remove,
    "ecr_image_info": look_up,
    "ecr_image_info, all images": list_all,
    "ecr_image_copy, source": copy,
    "ecr_image_copy, target": copy,
    "ecr_image_download": download,
    "ecr_layer": push_layer,
    "ecr_layer_info": look_up_layer,
    "ecr_initiate_layer_upload": initiate,
    "ecr_upload_layer_part": send_part,
    "ecr_complete_layer_upload": complete,
}
