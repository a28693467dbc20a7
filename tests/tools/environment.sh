#!/usr/bin/env bash
# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Create the environment of the Makefile in .venv, and link the checkout into it as the collection layerkit.ecr. Then
# write what it was made for to .venv/made-for. Two runs at once create it once.
# Usage: environment.sh PYTHON MADE_FOR
set -euo pipefail
cd "$(dirname "$0")/../.."
source tests/tools/interruptible.sh
when_interrupted 'The environment is not complete. Run make again: it starts from the beginning.'

# Find the real interpreter: PYTHON can be the shim of a version manager, or belong to a virtual environment.
command -v "$1" >/dev/null || {
  echo "There is no $1. Install Python 3.11 or later, or name another one: make PYTHON=python3.12" >&2
  exit 1
}
python="$(interruptible "$1" -c '
import sys
if sys.version_info < (3, 11):
    sys.exit(f"Python 3.11 or later is required; this is {sys.version.split()[0]}. Select another one: make PYTHON=python3.12")
print(getattr(sys, "_base_executable", sys.executable))
')"
interruptible "$python" -c 'import ensurepip, venv' 2>/dev/null || {
  echo "$python lacks the module venv or ensurepip." \
    "Install it (on Debian and Ubuntu: apt-get install python3-venv), or name another Python: make PYTHON=python3.12" >&2
  exit 1
}

mkdir -p .work
if command -v flock >/dev/null; then
  exec 9>.work/environment.lock
  flock --nonblock 9 || { echo 'Waiting for another make, which creates the environment.'; flock 9; }
  # The other one may have been the same.
  if [ .venv/made-for -nt requirements-dev.txt ] && [ "$(cat .venv/made-for)" = "$2" ]; then
    exit 0
  fi
fi

install() {
  interruptible "$@" || {
    echo 'The packages could not be installed. Check the network, the proxy (HTTPS_PROXY) and the package index' \
      '(PIP_INDEX_URL, UV_INDEX_URL), and run make again.' >&2
    exit 1
  }
}
echo 'Creating the environment in .venv. The first time, this downloads about 150 MB.'
rm -rf .venv
interruptible "$python" -m venv .venv
install .venv/bin/python -m pip install -qq --disable-pip-version-check uv
install .venv/bin/uv pip install --quiet --python .venv/bin/python -r requirements-dev.txt
# botocore's other signer, for its test alone: if awscrt were in the environment, every process would import it.
install .venv/bin/uv pip install --quiet --python .venv/bin/python --target .venv/awscrt 'awscrt>=0.27'

collections="$(interruptible .venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/ansible_collections"
mkdir -p "$collections/layerkit"
ln -sfn "$PWD" "$collections/layerkit/ecr"
interruptible .venv/bin/ansible --version | sed -n '1p;/python version/p'
echo "$2" >.venv/made-for
