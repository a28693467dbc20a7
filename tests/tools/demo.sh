#!/usr/bin/env bash
# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Run the demo playbook twice against a moto server: the first run uploads a layer and pushes an image, the second must
# change nothing.
# Usage: demo.sh [LAYER], where LAYER is a file, or a directory to pack. Default: the botocore package, which has two parts.
set -euo pipefail
tools="$(dirname "$0")"
work=.work/demo
layer="${1:-$(python -c 'import botocore; print(*botocore.__path__)')}"

if [ -d "$layer" ]; then
  python "$tools/make_layer.py" "$layer" "$work/layer.tar.gz"
  layer="$work/layer.tar.gz"
elif [ ! -f "$layer" ]; then
  echo "$layer is neither a file nor a directory" >&2
  exit 2
fi

python "$tools/make_image.py" plugins "$work/image.tar"

trap 'python "$tools/ecr_server.py" stop "$work"' EXIT
url="$(python "$tools/ecr_server.py" start moto "$work")"
export AWS_REGION=eu-central-1 AWS_ACCESS_KEY_ID=AKIADEMOOFLAYERKIT AWS_SECRET_ACCESS_KEY=made-up-for-the-demo-of-layerkit
export ANSIBLE_LOCALHOST_WARNING=false ANSIBLE_INVENTORY_UNPARSED_WARNING=false

play() {
  ansible-playbook layerkit.ecr.demo -e "demo_layer='$layer'" -e demo_image="$work/image.tar" \
    -e demo_endpoint_url="$url" -e demo_create_repository=true | tee "$work/$1.log"
}

printf '\n==> First run: the layer is uploaded to the moto server on %s\n' "$url"
play first
printf '\n==> Second run: nothing to do\n'
play second

if ! grep -Eq '^localhost .* changed=0 ' "$work/second.log"; then
  echo 'FAILED: the second run changed something' >&2
  exit 1
fi
uri="$(grep -Eo "[0-9]{12}\.dkr\.ecr\.[^ \"]+@sha256:[0-9a-f]{64}" "$work/second.log" | tail -n 1)"
if [ -z "$uri" ]; then
  echo 'FAILED: no image was pushed' >&2
  exit 1
fi
printf '==> Success: the layer and the image are in the registry, and the second run changed nothing. Image:\n%s\n' "$uri"
