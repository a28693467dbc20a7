# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Applies the options for files that Ansible's modules share: owner, group, mode and others."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

_EXECUTE = 0o111
_OPTIONS = ("attributes", "group", "mode", "owner", "selevel", "serole", "setype", "seuser")


def set_attributes(module: AnsibleModule, paths: t.Sequence[str], is_tree: bool) -> bool:
    """Set what the options ask for on files and directories, or predict it in check mode. Return whether it changes.

    :param is_tree: whether the mode is that of directories: the files in them do not get its execute permission
    """
    if all(module.params[option] is None for option in _OPTIONS):
        return False
    changed = False
    for path in paths:
        wanted = module.load_file_common_arguments(module.params, path=path)
        if is_tree and not Path(path).is_dir():
            wanted["mode"] = _mode_of_file(wanted["mode"])
        changed |= module.set_fs_attributes_if_different(wanted, False)
    return changed


def _mode_of_file(mode: t.Any) -> t.Any:
    """Return a mode without the execute permission. Symbolic modes say it themselves, by X."""
    if isinstance(mode, int):
        return mode & ~_EXECUTE
    if isinstance(mode, str) and re.fullmatch("[0-7]+", mode):
        return f"{int(mode, 8) & ~_EXECUTE:04o}"
    return mode
