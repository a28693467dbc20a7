#!/usr/bin/env bash
# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Run the demo playbook twice against a local server: the first run uploads a layer, pushes an image, gives it another tag
# and downloads it. The second run must change nothing.
# Usage: demo.sh [LAYER], where LAYER is a file, or a directory to pack. Default: the botocore package, which has two parts.
set -euo pipefail
tools="$(dirname "$0")"
# shellcheck source=tests/tools/interruptible.sh
source "$tools/interruptible.sh"
when_interrupted 'The demo was interrupted. Run make demo again: it starts from the beginning.'
all=.work/demo
layer="${1:-$(interruptible python -c 'import botocore; print(*botocore.__path__)')}"

if [ ! -e "$layer" ]; then
  echo "LAYER must be a file or a directory, and $layer does not exist." >&2
  exit 2
fi

# Each run has a directory of its own, named after its process, so two can run at once. Tidy up after those that were
# killed.
for left in "$all"/*/; do
  pid="$(basename "$left")"
  if [ -e "$left" ] && ! kill -0 "$pid" 2>/dev/null; then
    interruptible python "$tools/ecr_server.py" stop "$left"
    rm -rf "$left"
  fi
done
work="$all/$$"
mkdir -p "$work"
trap 'python "$tools/ecr_server.py" stop "$work"; rm -rf "$work"' EXIT

if [ -d "$layer" ]; then
  interruptible python "$tools/make_layer.py" "$layer" "$work/layer.tar.gz"
  layer="$work/layer.tar.gz"
fi
interruptible python "$tools/make_image.py" plugins "$work/image.tar"

echo 'Starting a local server that behaves like Amazon ECR. Nothing leaves this machine, and no AWS account is needed.'
interruptible python "$tools/ecr_server.py" start strict "$work" >"$work/url"
url="$(cat "$work/url")"
export AWS_REGION=eu-central-1 AWS_ACCESS_KEY_ID=AKIADEMOOFLAYERKIT AWS_SECRET_ACCESS_KEY=made-up-for-the-demo-of-layerkit
export ANSIBLE_LOCALHOST_WARNING=false ANSIBLE_INVENTORY_UNPARSED_WARNING=false
# Fewer processes for each task.
export ANSIBLE_PIPELINING=true

play() {
  ansible-playbook layerkit.ecr.demo -e "demo_layer='$layer'" -e demo_image="$work/image.tar" \
    -e demo_dest="$PWD/$work/downloaded" -e demo_endpoint_url="$url" -e demo_create_repository=true | tee "$work/$1.log"
}

printf '\n==> First run: push a layer and an image to the server on %s, give the image a tag, download it\n' "$url"
interruptible play first
printf '\n==> Second run: the same playbook again. Everything is there, so it changes nothing\n'
interruptible play second

if ! grep -Eq '^localhost .* changed=0 ' "$work/second.log"; then
  echo 'FAILED: the second run changed something' >&2
  exit 1
fi
uri="$(grep -Eo "[0-9]{12}\.dkr\.ecr\.[^ \"]+@sha256:[0-9a-f]{64}" "$work/second.log" | tail -n 1)"
if [ -z "$uri" ]; then
  echo 'FAILED: no image was pushed' >&2
  exit 1
fi
cat <<TEXT

==> Success. The first run pushed a layer and an image and downloaded the image. The second run changed nothing.
The reference of the image, pinned by digest, as you would deploy it:
  $uri

What to try next:
  less playbooks/demo.yml                   what the demo did, task by task
  make demo LAYER=path                      with a file or a directory of your own
  .venv/bin/ansible-doc layerkit.ecr.ecr_image
  README.md, "Push an image"                the same with Amazon ECR
TEXT
