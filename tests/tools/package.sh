#!/usr/bin/env bash
# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Build the collection, install it from a Galaxy server, a requirements file, git and its tarball into empty paths, and use
# it from the last one in a playbook, ad hoc and in a role. The only other collections on the path are amazon.aws and community.aws, so the checkout is not used.
# Usage: package.sh
set -euo pipefail
tools="$PWD/tests/tools"
work="$PWD/.work/package"

fail() {
  echo "FAILED: $1" >&2
  exit 1
}

rm -rf "$work"
mkdir -p "$work/dependencies/ansible_collections"
python "$tools/make_layer.py" plugins "$work/layer.tar.gz"
python "$tools/make_image.py" plugins "$work/plugins.tar"
python "$tools/make_image.py" roles "$work/roles.tar"

ansible-galaxy collection build --output-path "$work"
tarball="$(ls "$work"/layerkit-ecr-*.tar.gz)"
# Uses the checkout's .gitignore in a new repository, because the checkout need not be a repository.
git init --quiet "$work/repository"
ignored() {
  git --git-dir="$work/repository/.git" --work-tree=. check-ignore --no-index --stdin || [ $? -eq 1 ]
}
unwanted="$(tar -tzf "$tarball" | ignored)"
[ -z "$unwanted" ] || fail "the tarball contains files that git ignores:"$'\n'"$unwanted"

collections="$(python -c 'import ansible_collections.amazon.aws as aws; print(aws.__path__[0])')/../.."
ln -s "$collections/amazon" "$collections/community" "$work/dependencies/ansible_collections/"
export ANSIBLE_COLLECTIONS_SCAN_SYS_PATH=false ANSIBLE_COLLECTIONS_PATH="$work/collections:$work/dependencies"
ansible-galaxy collection install --offline --collections-path "$work/collections" "$tarball"
ansible-galaxy collection verify --offline --collections-path "$work/collections" layerkit.ecr

printf '\n==> The installation of the README, from a Galaxy server on this machine, with what the collection depends on\n'
# Runs a command that gets collections, and fails unless it leaves both collections in the path that is named.
installs() {
  ANSIBLE_COLLECTIONS_PATH="$work/$1" python "$tools/galaxy_server.py" "$tarball" "$collections/amazon/aws" -- "${@:2}" \
    2>"$work/$1.log" || fail "this did not install the collection: ${*:2}"$'\n'"$(cat "$work/$1.log")"
  for name in amazon/aws layerkit/ecr; do
    [ -e "$work/$1/ansible_collections/$name/MANIFEST.json" ] || fail "$name is not installed by: ${*:2}"
  done
}
command='ansible-galaxy collection install layerkit.ecr'
grep -qx "$command" README.md || fail "README.md has another command than: $command"
read -ra words <<<"$command"
installs from-galaxy "${words[@]}"
diff -r "$work/from-galaxy/ansible_collections/layerkit/ecr" "$work/collections/ansible_collections/layerkit/ecr" ||
  fail 'the installation from Galaxy differs from that of the tarball'
printf 'collections:\n  - name: layerkit.ecr\n    version: ">=2.0.0"\n' >"$work/requirements.yml"
installs from-requirements ansible-galaxy collection install --requirements-file "$work/requirements.yml"

printf '\n==> The installation from git\n'
in_repository() {
  git --git-dir="$work/repository/.git" --work-tree=. -c user.name=package -c user.email=package@example.com "$@"
}
in_repository add --all
in_repository commit --quiet --message 'The collection'
installs from-git ansible-galaxy collection install "git+file://$work/repository"
[ ! -e "$work/from-git/ansible_collections/layerkit/ecr/tests" ] || fail 'the installation from git holds the tests'
cd "$work"

trap 'python "$tools/ecr_server.py" stop "$work"' EXIT
url="$(python "$tools/ecr_server.py" start moto "$work")"
export AWS_REGION=eu-central-1 AWS_ACCESS_KEY_ID=AKIAPACKAGEOFLAYERKIT AWS_SECRET_ACCESS_KEY=made-up-for-the-package-of-layerkit
export ANSIBLE_LOCALHOST_WARNING=false ANSIBLE_INVENTORY_UNPARSED_WARNING=false

ansible-doc --list --json layerkit.ecr >modules.json
ansible-doc --type role --list --json layerkit.ecr >roles.json
python - "$work/collections" <<'PYTHON' || fail 'modules or roles are missing, installed elsewhere, or documented differently'
import json
import pathlib
import subprocess
import sys

installed = pathlib.Path(sys.argv[1], "ansible_collections/layerkit/ecr/plugins/modules")
names = sorted(f"layerkit.ecr.{path.stem}" for path in installed.glob("*.py"))
listed = sorted(json.loads(pathlib.Path("modules.json").read_text(encoding="utf-8")))
print(*listed, sep="\n")
documented = json.loads(subprocess.run(["ansible-doc", "--json", *names], check=True, stdout=subprocess.PIPE).stdout)
files = {pathlib.Path(module["doc"]["filename"]).parent for module in documented.values()}
if not names or listed != names or files != {installed}:
    sys.exit(1)

# The roles pass their options to modules, so their documentation must agree.
roles = sorted(json.loads(pathlib.Path("roles.json").read_text(encoding="utf-8")))
print(*roles, sep="\n")
command = ["ansible-doc", "--type", "role", "--json", *roles]
documented_roles = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
of_roles = {name: role["entry_points"]["main"]["options"] for name, role in documented_roles.items()}
push, copy = (documented[f"layerkit.ecr.{name}"]["doc"]["options"] for name in ("ecr_image", "ecr_image_copy"))
source = copy["source"]["suboptions"]
promotion = of_roles["layerkit.ecr.promote_image"]
# A removal, which the role does not do, needs no source and may name no tags.
push.update(src={**push["src"], "required": True}, tags={**push["tags"], "default": []})
pairs = [
    (of_roles["layerkit.ecr.push_image"]["push_image_images"], push),
    (promotion["promote_image_images"], {**source, **copy, "source_repository_name": source["repository_name"]}),
    (promotion["promote_image_source"], source),
    # What is not given is that of the play, so there is no default.
    (promotion["promote_image_target"], {**copy, "validate_certs": source["validate_certs"]}),
]
compared = ("type", "elements", "choices", "default", "required")
differing = {
    name: option
    for of_role, of_module in pairs
    for name, option in of_role["options"].items()
    if any(option.get(key) != of_module[name].get(key) for key in compared)
}
sys.exit(str(differing) if differing or len(of_roles) != 2 else 0)
PYTHON

printf '\n==> The playbook of the installed collection\n'
ansible-playbook layerkit.ecr.demo -e demo_layer=layer.tar.gz -e demo_image=plugins.tar -e demo_endpoint_url="$url" \
  -e demo_create_repository=true | tee play.log
grep -q 'layerkit/demo has the layer sha256:' play.log || fail 'the playbook did not finish'
grep -q 'layerkit/demo-image@sha256:' play.log || fail 'the playbook did not push the image'

printf '\n==> An ad-hoc command with the installed collection\n'
digest="$(python -c 'import hashlib, pathlib; print(hashlib.sha256(pathlib.Path("layer.tar.gz").read_bytes()).hexdigest())')"
ansible localhost -m layerkit.ecr.ecr_complete_layer_upload -a "endpoint_url=$url repository_name=layerkit/demo
  upload_id=00000000-0000-0000-0000-000000000000 layer_digests=sha256:$digest" | tee ad-hoc.log
grep -q '"action": "already_exists"' ad-hoc.log || fail 'the ad-hoc command did not find the layer'

printf '\n==> The role of the installed collection, without community.aws\n'
mkdir -p "$work/alone/ansible_collections"
ln -s "$collections/amazon" "$work/alone/ansible_collections/"
export ANSIBLE_COLLECTIONS_PATH="$work/collections:$work/alone"
cat >push.yml <<'YAML'
- hosts: localhost
  gather_facts: false
  module_defaults:
    group/layerkit.ecr.aws:
      endpoint_url: "{{ url }}"
  roles:
    - role: layerkit.ecr.push_image
      vars:
        push_image_images:
          - src: "{{ playbook_dir }}/roles.tar"
            repository_name: layerkit/demo-image
  post_tasks:
    - ansible.builtin.debug:
        var: push_image_result
YAML
ansible-playbook push.yml -e url="$url" | tee role.log
grep -q '"changed": true' role.log || fail 'the role did not push the image'
if ansible-playbook push.yml -e url="$url" -e push_image_create_repositories=true >no-aws.log 2>&1; then
  fail 'the role created repositories without community.aws'
fi
grep -q 'community.aws.ecs_ecr' no-aws.log || fail 'the role does not name the missing collection'
