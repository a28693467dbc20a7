#!/usr/bin/env bash
# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Install missing programs with apt-get, as root or with a sudo that needs no password. Prints nothing if all exist.
# Usage: system_packages.sh PROGRAM...
set -euo pipefail

missing=()
for program in "$@"; do
  if ! command -v "$program" >/dev/null; then missing+=("${program/busybox/busybox-static}"); fi
done
if [ ${#missing[@]} -eq 0 ]; then exit 0; fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then as_root=(sudo --non-interactive); fi
if ! command -v apt-get >/dev/null || ! "${as_root[@]}" true 2>/dev/null; then
  echo "These packages are missing and cannot be installed automatically: ${missing[*]}" >&2
  echo "Install them with your package manager. On Debian: apt-get install --no-install-recommends ${missing[*]}" >&2
  exit 2
fi

printf '\n==> Installing %s\n' "${missing[*]}"
options=(--quiet=2 -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120 -o Acquire::Retries=3)
apt_get() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get "${options[@]}" "$@" </dev/null
}
apt_get update
apt_get install --yes --no-install-recommends "${missing[@]}"
