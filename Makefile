# The development of layerkit.ecr: `make help` lists the targets, CONTRIBUTING.md explains them.
# Needed are Python 3.11 or later, make, git and a Python package registry. The environment is made in .venv and kept;
# whatever else the targets write is below .work. Git ignores both.

# The Python that the environment is made with.
PYTHON ?= python3
# What `make demo` uploads: a file, or a directory to be packed.
LAYER ?=
# The only molecule scenario to run.
SCENARIO ?=
# More arguments for pytest, for example PYTEST_ARGS='-k digest -x', or PYTEST_ARGS='-n0 --pdb' for one process.
PYTEST_ARGS ?=

ENVIRONMENT := .venv/made-for
MADE_FOR := $(CURDIR) $(PYTHON)
STEP := tests/tools/step.sh
# Three steps at a time, as each waits for its servers now and then, and the output of each in one piece, where make can
# do that.
PARALLEL := $(if $(filter output-sync,$(.FEATURES)),--jobs=3 --output-sync=target)

# A repository around the checkout that ignores it would hide its files from the tools.
export GIT_CEILING_DIRECTORIES := $(CURDIR)
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export HYPOTHESIS_STORAGE_DIRECTORY := $(CURDIR)/.work/hypothesis
export ANSIBLE_HOME := $(CURDIR)/.work/ansible
# Hundreds of Python processes start, and compiling what they import takes longer than most of them run.
export PYTHONPYCACHEPREFIX := $(CURDIR)/.work/bytecode
unexport PYTHONDONTWRITEBYTECODE
# With it, Python reads a module that Ansible pipes into it byte by byte.
unexport PYTHONUNBUFFERED
# The tests talk to servers on this machine alone, and with nobody's settings and credentials.
comma := ,
export NO_PROXY := $(if $(NO_PROXY),$(NO_PROXY)$(comma))127.0.0.1
export no_proxy := $(NO_PROXY)
export AWS_CONFIG_FILE := /dev/null
export AWS_SHARED_CREDENTIALS_FILE := /dev/null
export AWS_EC2_METADATA_DISABLED := true
unexport ANSIBLE_CONFIG ANSIBLE_COLLECTIONS_PATH
unexport AWS_PROFILE AWS_DEFAULT_PROFILE AWS_ACCESS_KEY_ID AWS_ACCESS_KEY AWS_SECRET_ACCESS_KEY AWS_SECRET_KEY
unexport AWS_SESSION_TOKEN AWS_REGION AWS_DEFAULT_REGION AWS_URL AWS_ENDPOINT_URL AWS_ENDPOINT_URL_ECR AWS_CA_BUNDLE

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@sed -nE 's/^([a-z]+):.*## (.*)/make \1	\2/p' $(MAKEFILE_LIST) | expand -t 16

.PHONY: demo
demo: $(ENVIRONMENT) ## Upload a layer to a moto server, twice; LAYER=path for one of your own
	@tests/tools/demo.sh $(if $(LAYER),"$(LAYER)")

.PHONY: bench bench-quick
bench: $(ENVIRONMENT) ## Compare speed with the AWS CLI, boto3 and skopeo, and write docs/benchmarks.md
	@tests/tools/bench.sh
bench-quick: $(ENVIRONMENT) tools
	@$(STEP) 'benchmarks, quick' python -m ansible_collections.layerkit.ecr.tests.benchmarks --quick \
		--without aws-cli docker-registry --work .work/bench-quick --report .work/bench-quick/benchmarks.md

.PHONY: test
test: $(ENVIRONMENT) ## Everything below
	@echo 'The steps run three at a time; the output of a step appears when it has ended.'
	@NO_COLOR=1 $(MAKE) --no-print-directory $(PARALLEL) molecule-strict molecule-moto unit lint sanity package bench-quick

.PHONY: unit
unit: $(ENVIRONMENT) tools ## The pytest tests; PYTEST_ARGS='-k digest' for some of them
	@$(STEP) pytest pytest --numprocesses=2 --dist=worksteal $(PYTEST_ARGS)

.PHONY: molecule molecule-moto molecule-strict
molecule: $(ENVIRONMENT) ## The molecule scenarios, on plain moto and on the strict backend
	@$(MAKE) --no-print-directory $(PARALLEL) molecule-moto molecule-strict
molecule-moto molecule-strict: molecule-%: $(ENVIRONMENT) tools
	@$(STEP) 'molecule on the $* server' tests/tools/molecule.sh $* $(SCENARIO)

.PHONY: sanity
sanity: $(ENVIRONMENT) ## ansible-test sanity, without ignores
	@$(STEP) 'ansible-test sanity' python tests/tools/sanity.py

.PHONY: lint
lint: $(ENVIRONMENT) ## ruff, mypy, ansible-lint, antsibull-docs, antsibull-changelog, shellcheck and galaxy-importer
	@$(STEP) 'ruff check' ruff check
	@$(STEP) 'ruff format' ruff format --check
	@$(STEP) 'mypy' mypy -p ansible_collections.layerkit.ecr.plugins -p ansible_collections.layerkit.ecr.tests
	@$(STEP) 'shellcheck' shellcheck .ci/run tests/tools/*.sh tests/benchmarks/clients/*.sh
	@$(STEP) 'ansible-lint' ansible-lint
	@$(STEP) 'antsibull-docs' python tests/tools/lint_docs.py
	@$(STEP) 'antsibull-changelog' antsibull-changelog lint
	@$(STEP) 'galaxy-importer' tests/tools/importer.sh

.PHONY: package
package: $(ENVIRONMENT) ## Build the tarball, install it into an empty path, and use it from there
	@$(STEP) 'package' tests/tools/package.sh

.PHONY: tools
tools: ## See to it that umoci, skopeo, buildah and busybox are there, with apt-get
	@tests/tools/system_packages.sh buildah busybox skopeo umoci

.PHONY: clean
clean: ## Remove the environment and everything that was written at run time
	rm -rf .venv .work

# An environment of another checkout or another Python is made anew.
ifneq ($(shell cat $(ENVIRONMENT) 2>/dev/null),$(MADE_FOR))
.PHONY: $(ENVIRONMENT)
endif
$(ENVIRONMENT): requirements-dev.txt tests/tools/environment.sh
	@$(STEP) 'environment in .venv' tests/tools/environment.sh '$(PYTHON)'
	@echo '$(MADE_FOR)' >$@
