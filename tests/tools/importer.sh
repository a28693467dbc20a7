#!/usr/bin/env bash
# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Check the tarball as Galaxy does at import, but for ansible-lint, which `make lint` runs more strictly on the checkout.
# galaxy-importer exits with 0 despite warnings, so check its output.
# Usage: importer.sh
set -euo pipefail
checkout="$PWD"
work="$PWD/.work/importer"
rm -rf "$work"
mkdir -p "$work"

ansible-galaxy collection build --output-path "$work"
cd "$work"
export GALAXY_IMPORTER_CHECK_REQUIRED_TAGS=true GALAXY_IMPORTER_ANSIBLE_LOCAL_TMP="$work/tmp" GALAXY_IMPORTER_TMP_ROOT_DIR="$work"
export GALAXY_IMPORTER_RUN_ANSIBLE_LINT=false
python -m galaxy_importer.main layerkit-ecr-*.tar.gz 2>&1 | tee importer.log

if grep -Eq '^(WARNING|ERROR|CRITICAL)|Traceback' importer.log; then
  echo 'FAILED: galaxy-importer reported warnings or errors' >&2
  exit 1
fi
for line in 'Getting doc strings via ansible-doc' 'Importer processing completed successfully'; do
  grep -q "$line" importer.log || { echo "FAILED: galaxy-importer did not print: $line" >&2; exit 1; }
done
python - "$checkout" <<'PYTHON'
import json
import pathlib
import sys

result = json.loads(pathlib.Path("importer_result.json").read_text(encoding="utf-8"))
imported = {content["name"] for content in result["contents"] if content["content_type"] == "module"}
modules = {path.stem for path in pathlib.Path(sys.argv[1], "plugins/modules").glob("*.py")}
if not modules or imported != modules:
    sys.exit(f"FAILED: the importer saw the modules {sorted(imported)}, the checkout has {sorted(modules)}")
PYTHON
