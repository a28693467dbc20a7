# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Applies the options for files that Ansible's modules share: owner, group, mode and others."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

_EXECUTE = 0o111
_OPTIONS = ("attributes", "group", "mode", "owner", "selevel", "serole", "setype", "seuser")


@dataclass
class AttributeChanges:
    """Whether attributes of files change, and which: those before and after, by path.

    What a file that does not exist yet will have is not known.
    """

    changed: bool = False
    before: dict[str, t.Any] = field(default_factory=dict)
    after: dict[str, t.Any] = field(default_factory=dict)


def set_attributes(module: AnsibleModule, paths: t.Sequence[str], is_tree: bool) -> AttributeChanges:
    """Set what the options ask for on files and directories, or predict it in check mode.

    :param is_tree: whether the mode is that of directories: the files in them do not get its execute permission
    """
    changes = AttributeChanges()
    if all(module.params[option] is None for option in _OPTIONS):
        return changes
    for path in paths:
        wanted = module.load_file_common_arguments(module.params, path=path)
        if is_tree and not Path(path).is_dir():
            wanted["mode"] = _mode_of_file(wanted["mode"])
        diff: dict[str, t.Any] = {}
        if module.set_fs_attributes_if_different(wanted, False, diff):
            changes.changed = True
            changes.before[path], changes.after[path] = diff.get("before", {}), diff.get("after", {})
    return changes


def _mode_of_file(mode: t.Any) -> t.Any:
    """Return a mode without the execute permission. Symbolic modes say it themselves, by X."""
    if isinstance(mode, int):
        return mode & ~_EXECUTE
    if isinstance(mode, str) and re.fullmatch("[0-7]+", mode):
        return f"{int(mode, 8) & ~_EXECUTE:04o}"
    return mode
