#!/usr/bin/env bash
# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Create the environment of the Makefile in .venv, and link the checkout into it as the collection layerkit.ecr.
# Usage: environment.sh PYTHON
set -euo pipefail
cd "$(dirname "$0")/../.."

# Find the real interpreter: PYTHON can be the shim of a version manager, or belong to a virtual environment.
python="$("$1" -c '
import sys
if sys.version_info < (3, 11):
    sys.exit(f"Python 3.11 or later is required; this is {sys.version.split()[0]}. Select another one: make PYTHON=python3.12")
print(getattr(sys, "_base_executable", sys.executable))
')"

rm -rf .venv
"$python" -m venv .venv
.venv/bin/python -m pip install -qq --disable-pip-version-check uv
.venv/bin/uv pip install --quiet --python .venv/bin/python -r requirements-dev.txt
# botocore's other signer, for its test alone: if awscrt were in the environment, every process would import it.
.venv/bin/uv pip install --quiet --python .venv/bin/python --target .venv/awscrt 'awscrt>=0.27'

collections="$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/ansible_collections"
mkdir -p "$collections/layerkit"
ln -sfn "$PWD" "$collections/layerkit/ecr"
.venv/bin/ansible --version | sed -n '1p;/python version/p'
