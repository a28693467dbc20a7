# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Let Ctrl-C end a script and its commands without a traceback. Source this, then:
#   when_interrupted 'What the user reads'
#   interruptible python slow.py
# shellcheck shell=bash

message=
group=

when_interrupted() {
  message="$1"
  trap end_interrupted INT TERM
}

# Run a command or a function in a process group of its own, which Ctrl-C does not reach.
interruptible() {
  local status=0
  # $(interruptible command) runs in a subshell, which has no traps.
  trap end_interrupted INT TERM
  set -m
  (trap - INT TERM; set +m; "$@") </dev/null &
  group=$!
  set +m
  wait "$group" || status=$?
  group=
  return "$status"
}

# End the command with SIGTERM, which ends Python silently, and ansible-playbook with its workers.
end_interrupted() {
  trap '' INT TERM
  if [ -n "$group" ]; then
    kill -TERM -- "-$group" 2>/dev/null || true
    wait "$group" 2>/dev/null || true
  fi
  [ "$BASH_SUBSHELL" -gt 0 ] || echo "$message" >&2
  exit 130
}
