#!/usr/bin/env bash
# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Run the molecule scenarios against one kind of server, and fail also when a step of theirs did not run.
# Usage: molecule.sh moto|strict [SCENARIO]
set -euo pipefail
export LAYERKIT_BACKEND="$1" NO_COLOR=1
work="$PWD/.work/molecule/$LAYERKIT_BACKEND"
export ANSIBLE_HOME="$work/ansible"
if [ $# -gt 1 ]; then
  selection=(--scenario-name "$2")
  scenarios=("$2")
else
  selection=(--all)
  mapfile -t scenarios < <(cd extensions/molecule && printf '%s\n' */molecule.yml | sed 's|/.*||')
fi
mkdir -p "$work"

# After a run that was killed, molecule would take the dead server for a living one.
molecule destroy --scenario-name default --no-command-borders
molecule test "${selection[@]}" --report --no-command-borders 2>&1 | tee "$work/test.log"

for scenario in "${scenarios[@]}" default; do
  steps='converge verify'
  [ "$scenario" != default ] || steps='create destroy'
  for step in $steps; do
    if ! grep -Eq "^$scenario > $step: Executed: Successful" "$work/test.log"; then
      echo "FAILED: molecule did not run $step of the scenario $scenario" >&2
      exit 1
    fi
  done
done
