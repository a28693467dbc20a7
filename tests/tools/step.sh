#!/usr/bin/env bash
# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Run one step under a heading, and print its outcome and duration.
# Usage: step.sh TITLE COMMAND [ARGUMENT...]
set -euo pipefail
title="$1"
shift
printf '\n==> %s\n' "$title"
SECONDS=0
if "$@"; then
  printf '==> %s: ok, %d s\n' "$title" "$SECONDS"
else
  status=$?
  printf '==> %s: FAILED (exit status %d), %d s\n' "$title" "$status" "$SECONDS"
  exit "$status"
fi
