#!/usr/bin/env bash
# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Run the molecule scenarios against one kind of server. Fail also if a step did not run.
# Usage: molecule.sh moto|strict [SCENARIO]
set -euo pipefail
export LAYERKIT_BACKEND="$1" NO_COLOR=1
work="$PWD/.work/molecule/$LAYERKIT_BACKEND"
export ANSIBLE_HOME="$work/ansible"
scenario="${2:-}"
# What these scenarios prove does not depend on the server, so `moto` leaves them to `strict`.
# moto does not serve layers, so images can be copied and downloaded on the strict server alone.
# The hosts of `remote` need an SSH server: `make matrix` runs it.
left_out=()
if [ -z "$scenario" ]; then left_out=(remote); fi
if [ "$1" = moto ] && [ -z "$scenario" ]; then
  left_out+=(ad_hoc bad_input facts module_defaults ecr_image_copy ecr_image_download promote_image referrers)
fi

# Remove the server of a killed run, and molecule's state, which would say that the server is running.
stop_server() {
  python tests/tools/ecr_server.py stop "$work"
}
stop_server
rm -rf "$ANSIBLE_HOME"
mkdir -p "$work"
trap stop_server EXIT

if [ -n "$scenario" ]; then selection="--scenario-name=$scenario"; else selection=--all; fi
python tests/tools/warm_python.py .work/warm-python \
  molecule test "$selection" "${left_out[@]/#/--exclude=}" --report --no-command-borders 2>&1 | tee "$work/test.log"

must_run() {
  if ! grep -q "^$1 > $2: Executed: Successful" "$work/test.log"; then
    echo "FAILED: molecule did not run $2 of scenario $1" >&2
    exit 1
  fi
}
must_run default create
must_run default destroy
for file in extensions/molecule/${scenario:-*}/molecule.yml; do
  name="$(basename "$(dirname "$file")")"
  if [[ "$name" != default && " ${left_out[*]} " != *" $name "* ]]; then
    must_run "$name" converge
    must_run "$name" verify
  fi
done
