# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets to plant, and where they are found again."""

from __future__ import annotations

import base64
import typing as t
from pathlib import Path

ACCESS_KEY = "AKIACANARYOFTHETESTS"
SECRET_KEY = "canary-0f-the-secret-key"
SESSION_TOKEN = "canary-0f-the-session-token"
CREDENTIALS = (ACCESS_KEY, SECRET_KEY, SESSION_TOKEN)
"""A key that names the user counts as well: it is of no use to others, but of none in an output either."""

URL = ("X-Amz", "Signature=", "strict-s3")
"""Parts of every download URL of the strict server. Whoever has the URL can read the layer."""

CONTENT = b"the canary in the bytes of a layer, which nothing but the layer itself may show"


def profile(directory: Path) -> dict[str, str]:
    """Write a profile with the credentials, and return the environment variables that lead to it.

    Ansible masks the values of options wherever they appear. It does not know those of a profile.
    """
    file = directory / "canary-credentials"
    keys = {"aws_access_key_id": ACCESS_KEY, "aws_secret_access_key": SECRET_KEY, "aws_session_token": SESSION_TOKEN}
    file.write_text("[canary]\n" + "".join(f"{name} = {value}\n" for name, value in keys.items()), encoding="utf-8")
    return {"AWS_SHARED_CREDENTIALS_FILE": str(file), "AWS_PROFILE": "canary"}


def shown(text: str | bytes, secrets: t.Iterable[str] = (*CREDENTIALS, *URL), content: bytes = CONTENT) -> set[str]:
    """Return the secrets that a text shows.

    :param content: bytes of a layer, which are found as they are and in base64; none if empty
    """
    data = text.encode(errors="surrogateescape") if isinstance(text, str) else text
    found = {secret for secret in secrets if secret.encode() in data}
    # Three bytes are four characters, so the bytes around these decide on three possible spellings.
    spellings = [content, *(base64.b64encode(content[skip:])[4:-8] for skip in range(3))] if content else []
    return found | {"content" for spelling in spellings if spelling in data}


def shown_in_files(directory: Path, **options: t.Any) -> dict[str, set[str]]:
    """Return the secrets that the files below a directory have, by the names of the files; none if there are none."""
    found = {}
    for path in directory.rglob("*"):
        try:
            if path.is_file() and (secrets := shown(path.read_bytes(), **options)):
                found[str(path.relative_to(directory))] = secrets
        except OSError:
            # It was removed meanwhile.
            continue
    return found
