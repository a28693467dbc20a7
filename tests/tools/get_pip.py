# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Replace get-pip.py, which ansible-test would download: install pip into the environment that runs it.

Environments of the same Python as the project's share its pip (see ``sanity.py``); the others use ensurepip, which
takes some seconds each.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

shared = Path.home() / "pip" / f"{sys.version_info.major}.{sys.version_info.minor}"
if shared.is_dir():
    Path(sysconfig.get_path("purelib"), "pip.pth").write_text(str(shared), encoding="utf-8")
else:
    subprocess.run([sys.executable, "-m", "ensurepip"], check=True, stdout=subprocess.DEVNULL)
Path(sys.prefix, "pip.conf").write_text("[global]\nquiet = 2\n", encoding="utf-8")
