#!/usr/bin/env bash
# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Run the benchmarks. Installs below .work what they compare: Ansible and boto3 in the environment of a user, without
# development tools, and the AWS CLI. skopeo and docker-registry are system packages.
# Usage: bench.sh runs all benchmarks and writes docs/benchmarks.md;
# bench.sh ARGUMENT..., for example bench.sh --only one_call image --rounds 3, writes .work/bench/benchmarks.md
set -euo pipefail
cd "$(dirname "$0")/../.."

tests/tools/system_packages.sh docker-registry skopeo

environments=.work/bench/environments
python="$(.venv/bin/python -c 'import sys; print(sys._base_executable)')"
install() {
  if [ ! -e "$environments/$1/complete" ]; then
    .venv/bin/uv venv --quiet --clear --python "$python" "$environments/$1"
    .venv/bin/uv pip install --quiet --compile-bytecode --python "$environments/$1/bin/python" "${@:2}"
    touch "$environments/$1/complete"
  fi
}
install clients 'ansible>=12' boto3
install aws-cli awscli
collections="$("$environments/clients/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/ansible_collections"
mkdir -p "$collections/layerkit"
ln -sfn "$PWD" "$collections/layerkit/ecr"

if (($#)); then
  set -- --report .work/bench/benchmarks.md "$@"
else
  set -- --report docs/benchmarks.md
fi
.venv/bin/python -m ansible_collections.layerkit.ecr.tests.benchmarks --clients "$environments/clients/bin" \
  --aws "$environments/aws-cli/bin/aws" --work .work/bench/files "$@"
