#!/usr/bin/env bash
# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Build the documentation site in .work/docs/build/html. Every warning is an error, so no link within the site is broken.
# Usage: docs.sh. With DOCS_ONLINE=1, the site links to the documentation of Ansible and of other collections.
set -euo pipefail
work="$PWD/.work/docs"
source="$PWD/docs/docsite"
python="$work/environment/bin/python"

if ! cmp --quiet "$source/requirements.txt" "$work/made-for"; then
  rm -rf "$work"
  mkdir -p "$work"
  uv venv --quiet --python "$(command -v python)" "$work/environment"
  uv pip install --quiet --python "$python" --requirement "$source/requirements.txt"
  cp "$source/requirements.txt" "$work/made-for"
fi

# antsibull-docs writes only into a directory that nobody else can write to.
mkdir -p "$work/rst"
chmod go-w "$work/rst"
antsibull-docs --config-file "$source/antsibull-docs.cfg" collection --use-current --squash-hierarchy \
  --cleanup everything --dest-dir "$work/rst" layerkit.ecr
# antsibull-docs capitalizes the name of the collection in its title.
sed -i 's/^Layerkit\.Ecr$/layerkit.ecr/' "$work/rst/index.rst"
rm -rf "$work/rst/images"
cp -R "$source/images" "$work/rst/images"
COLLECTION_VERSION="$(sed -n 's/^version: //p' galaxy.yml)"
export COLLECTION_VERSION
"$python" -m sphinx -M html "$work/rst" "$work/build" -c "$source" -W --keep-going --quiet
echo "The site is in $work/build/html/index.html"
