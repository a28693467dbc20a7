# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What may come of foreign bytes: a value, or a failure that the task words; and no file but those of the source."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
import typing as t
from pathlib import Path

from ansible_collections.layerkit.ecr.plugins.module_utils._ansible import failure
from ansible_collections.layerkit.ecr.plugins.module_utils._core.errors import TaskError

# A message shows at most so many characters; what a problem quotes is bounded far below.
_MAX_WORDS = 5_000
# Python itself, and what it imports late.
_ALWAYS = (
    sys.prefix,
    sys.base_prefix,
    str(Path(__file__).parents[2]),
    *filter(None, (sys.pycache_prefix, *sys.path)),
    "/dev/null",
)


class WrongError(AssertionError):
    """The parser did what it must not."""


@contextlib.contextmanager
def worded() -> t.Iterator[list[str]]:
    """Accept a failure of the task, if it can be worded. Everything else that the block raises is a finding.

    Yield a list that gets the words of the failure.
    """
    said: list[str] = []
    try:
        yield said
    except TaskError as error:
        words = " ".join(filter(None, (failure.message(error), failure.words_of_aws(error))))
        words.encode()
        failure.facts(error)
        said.append(words)
        if len(words) > _MAX_WORDS:
            raise WrongError(f"the message has {len(words)} characters") from error


class Sandbox:
    """A directory for the files of one input, in memory if there is a file system in memory.

    It hears of every file that this process opens.
    """

    def __init__(self) -> None:
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.directory = Path(tempfile.mkdtemp(prefix="layerkit-fuzz-", dir=memory))
        self._is_listening = False
        self._others: list[str] = []
        sys.addaudithook(self._hear)

    def write(self, files: t.Mapping[str, bytes]) -> Path:
        """Write the files of an input in place of those of the last one, and return their directory."""
        root = self.directory / "source"
        shutil.rmtree(root, ignore_errors=True)
        for name, content in files.items():
            file = root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        return root

    @contextlib.contextmanager
    def listening(self, *readable: Path) -> t.Iterator[None]:
        """Fail if the block opens anything else than these, what is in them, and the temporary directory.

        :param readable: files and directories
        """
        # What is kept of compressed layers.
        os.environ["TMPDIR"] = str(self.directory)
        self._allowed = (*map(str, readable), str(self.directory))
        self._others.clear()
        self._is_listening = True
        try:
            yield
        finally:
            self._is_listening = False
        if self._others:
            raise WrongError(f"these files were opened: {self._others}")

    def _hear(self, event: str, arguments: tuple[t.Any, ...]) -> None:
        if not self._is_listening or event != "open" or not isinstance(arguments[0], (str, bytes)):
            return
        name, flags = os.fsdecode(arguments[0]), arguments[2] or 0
        # Only the parts of a name within a directory are opened without its path.
        is_part = "/" not in name and name != ".." and flags & os.O_NOFOLLOW
        is_allowed = any(name == place or name.startswith(f"{place}/") for place in self._allowed)
        if not (is_part or is_allowed or name.startswith(_ALWAYS)):
            self._others.append(name)
