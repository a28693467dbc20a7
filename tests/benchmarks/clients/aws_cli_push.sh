#!/usr/bin/env bash
# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Push an image with the AWS CLI, part by part, as its reference documents it.
# Usage: aws_cli_push.sh URL REPOSITORY MANIFEST PARTS, where PARTS/DIGEST/NUMBER are the parts of each blob, in order.
set -euo pipefail
url="$1" repository="$2" manifest="$3" parts="$4"

ecr() {
  aws --endpoint-url "$url" --output text ecr "$@" --repository-name "$repository"
}

for blob in "$parts"/*; do
  upload_id="$(ecr initiate-layer-upload --query uploadId)"
  first=0
  for part in "$blob"/*; do
    last=$((first + $(stat --format=%s "$part") - 1))
    ecr upload-layer-part --upload-id "$upload_id" --part-first-byte "$first" --part-last-byte "$last" \
      --layer-part-blob "fileb://$part" >/dev/null
    first=$((last + 1))
  done
  ecr complete-layer-upload --upload-id "$upload_id" --layer-digests "sha256:$(basename "$blob")" >/dev/null
done
ecr put-image --image-tag v1 --image-manifest "file://$manifest" >/dev/null
