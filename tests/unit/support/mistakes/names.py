# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mistakes in names: repositories, registries, tags, digests, uploads."""

from __future__ import annotations

import typing as t

from ansible_collections.layerkit.ecr.tests.unit.support.mistakes.mistake import Mistake

HEX = "0123456789abcdef" * 4
DIGEST = f"sha256:{HEX}"
UPLOAD = "5e9ba2c1-1a3d-4b36-8c2e-5a4d5c1bb9d7"
HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
ARN = "arn:aws:ecr:eu-west-1:123456789012:repository/my-app"
SHA256_RULE = "must be sha256: and 64 lower-case hexadecimal digits"


def _repository(what: str, name: t.Any, *names: str, module: str = "ecr_layer_info") -> Mistake:
    options = {"layer_digests": [DIGEST]} if module == "ecr_layer_info" else {}
    return Mistake(f"repository name: {what}", module, {"repository_name": name, **options}, names)


def _registry(what: str, registry_id: t.Any, *names: str, module: str = "ecr_initiate_layer_upload") -> Mistake:
    return Mistake(f"registry id: {what}", module, {"repository_name": "app", "registry_id": registry_id}, names)


def _tags(what: str, tags: t.Any, *names: str, module: str = "ecr_image") -> Mistake:
    sources: dict[str, dict[str, t.Any]] = {
        "ecr_image": {"src": "image.tar", "tags": tags},
        "ecr_image_info": {"tags": tags},
        "ecr_image_copy": {"source": {"repository_name": "base", "tag": "1"}, "tags": tags},
        "ecr_image_download": {"tag": tags, "dest": "image"},
    }
    return Mistake(f"tag: {what} ({module})", module, {"repository_name": "app", **sources[module]}, names)


def _absent(what: str, *names: str, **options: t.Any) -> Mistake:
    return Mistake(f"removal: {what}", "ecr_image", {"repository_name": "app", "state": "absent", **options}, names)


def _digest(what: str, digest: str, *names: str, lacks: tuple[str, ...] = ()) -> list[Mistake]:
    rows: dict[str, dict[str, t.Any]] = {
        "ecr_layer_info": {"layer_digests": [digest]},
        "ecr_image_info": {"digests": [digest]},
        "ecr_image_download": {"digest": digest, "dest": "image"},
        "ecr_layer": {"src": "layer.tar", "layer_digest": digest},
    }
    return [
        Mistake(f"digest: {what} ({module})", module, {"repository_name": "app", **options}, names, lacks)
        for module, options in rows.items()
    ]


def _upload(what: str, upload_id: str, *names: str, module: str = "ecr_complete_layer_upload") -> Mistake:
    options: dict[str, t.Any] = {"repository_name": "app", "upload_id": upload_id}
    if module == "ecr_layer":
        options["src"] = "layer.tar"
    elif module == "ecr_upload_layer_part":
        options |= {"part_first_byte": 0, "part_last_byte": 1, "src": "layer.tar"}
    else:
        options["layer_digests"] = [DIGEST]
    return Mistake(f"upload id: {what} ({module})", module, options, names)


ROWS = [
    _repository("ARN", ARN, "repository_name", "is an ARN", "my-app", "Nothing was sent"),
    _repository("registry host", f"{HOST}/my-app", "has a registry host: leave out", f"{HOST}/", "my-app"),
    _repository("host alone", HOST, "registry host"),
    _repository("URL", f"https://{HOST}/my-app", "is a URL", "my-app"),
    _repository("tag", "my-app:1.4", "has a tag", "my-app"),
    _repository("digest", f"my-app@{DIGEST}", "has a digest", "my-app"),
    _repository("host and tag", f"{HOST}/my-app:1.4", "registry host", "my-app"),
    _repository("upper case", "My-App", "has upper-case letters", "'My-App'", "my-app"),
    _repository("blank at the end", "my-app ", "has a blank"),
    _repository("blank inside", "my app", "has a blank"),
    _repository("tab", "my-app\t", "has a blank"),
    _repository("line break", "my-app\n", "has a line break"),
    _repository("empty", "", "repository_name '' must", "is empty"),
    _repository("one character", "a", "has 1 character", "at least 2"),
    _repository("257 characters", "a" * 257, "has 257 characters", "at most 256"),
    _repository("slash first", "/my-app", "begins with '/'"),
    _repository("slash last", "my-app/", "ends with '/'"),
    _repository("hyphen first", "-app", "begins with '-'"),
    _repository("two slashes", "team//app", "'//'"),
    _repository("two periods", "team..app", "'..'"),
    _repository("three underscores", "team___app", "'___'"),
    _repository("backslash", "team\\app", "'\\\\'"),
    _repository("umlaut", "schön", "'ö'"),
    _repository("template left over", "{{ app }}", "has a template"),
    _repository("ARN for a push", ARN, "is an ARN", module="ecr_initiate_layer_upload"),
    _registry("leading 0 lost", 1402433619, "has 10 digits", "12 digits", "Quote", "registry_id"),
    _registry("11 digits", "12345678901", "has 11 digits", "12", "Quote"),
    _registry("13 digits", "1234567890123", "has 13 digits", "12"),
    _registry("hyphens", "1234-5678-9012", "has hyphens", "123456789012"),
    _registry("host", HOST, "registry host", "123456789012"),
    _registry("alias", "my-account", "12 digits", "alias"),
    _registry("ARN", ARN, "is an ARN", "123456789012"),
    _registry("blank", " 123456789012", "has a blank"),
    _registry("fraction", 1234567890.12, "12 digits", "Quote"),
    _registry("empty", "", "registry_id ''", "is empty", "Leave it out"),
    _tags("with a name", ["my-app:1.4"], "is a tag with a name", "give the tag alone", "1.4"),
    _tags("reference", [f"{HOST}/my-app:1.4"], "is a tag with a name", "1.4"),
    _tags("digest", [DIGEST], "is a digest"),
    _tags("name and digest", [f"my-app@{DIGEST}"], "digest"),
    _tags("blank", ["1.4 "], "has a blank"),
    _tags("blank inside", ["my tag"], "has a blank"),
    _tags("line break", ["1.4\n"], "has a line break"),
    _tags("empty", [""], "is empty"),
    _tags("130 characters", ["a" * 130], "has 130 characters, at most 128"),
    _tags("hyphen first", ["-latest"], "begins with '-'"),
    _tags("period first", [".1"], "begins with '.'"),
    _tags("plus", ["1.4+build7"], "'+'", "semantic version"),
    _tags("slash", ["feature/login"], "'/'"),
    _tags("umlaut", ["schön"], "'ö'"),
    _tags("fraction", [1.10], "1.1", "quote"),
    _tags("boolean", [True], "True", "quote"),
    _tags("with a name", ["my-app:1.4"], "is a tag with a name", module="ecr_image_info"),
    _tags("blank", ["1.4 "], "has a blank", module="ecr_image_info"),
    _tags("fraction", [1.10], "quote", module="ecr_image_info"),
    _tags("with a name", "my-app:1.4", "is a tag with a name", module="ecr_image_download"),
    _tags("fraction", 1.10, "quote", module="ecr_image_download"),
    _tags("digest", DIGEST, "is a digest", module="ecr_image_download"),
    _tags("with a name", ["my-app:1.4"], "is a tag with a name", module="ecr_image_copy"),
    _tags("fraction", 1.10, "quote", module="ecr_image_copy"),
    *_digest("sha512", "sha512:" + HEX * 2, SHA256_RULE, "sha512"),
    *_digest("upper-case algorithm", "SHA256:" + HEX, SHA256_RULE, "upper-case letters"),
    *_digest("upper-case digits", "sha256:" + HEX.upper(), SHA256_RULE, "upper-case letters"),
    *_digest("without its algorithm", HEX, SHA256_RULE, "lacks sha256:"),
    *_digest("short", "sha256:0123456789ab", SHA256_RULE, "has 12"),
    *_digest("tag", "latest", SHA256_RULE, "looks like a tag"),
    *_digest("blank", f"{DIGEST} ", SHA256_RULE, "has a blank"),
    *_digest("with a name", f"my-app@{DIGEST}", SHA256_RULE, "Give the digest alone"),
    *_digest("empty", "", "is empty"),
    _upload("text", "my-upload", "the UUID that ecr_initiate_layer_upload returns"),
    _upload("empty", "", "upload_id ''", "is empty", "ecr_initiate_layer_upload"),
    _upload("blank", f"{UPLOAD} ", "has a blank"),
    _upload("result", "{'upload_id': 'x'}", "ecr_initiate_layer_upload", "is a complete result", "Give the ID"),
    _upload("text", "my-upload", "the UUID that ecr_initiate_layer_upload returns", module="ecr_layer"),
    _upload("text", "my-upload", "the UUID that ecr_initiate_layer_upload returns", module="ecr_upload_layer_part"),
    _absent("nothing named", "tags or digests"),
    _absent("tag with a name", "is a tag with a name", tags=["app:1"]),
    _absent("digest among the tags", "is a digest", tags=[DIGEST]),
    _absent("tag among the digests", SHA256_RULE, "looks like a tag", digests=["latest"]),
    _absent("fraction", "quote", tags=[1.10]),
    _absent("source", "src", "cannot be used with state absent", src="image.tar", tags=["1"]),
    _absent("glob", "'*'", tags=["v1.*"]),
]
