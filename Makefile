# Development of layerkit.ecr: `make help` lists the targets, CONTRIBUTING.md explains them.
# Requires Python 3.11 or later, make, git and a Python package registry. The targets create an environment in .venv and
# reuse it; they write everything else to .work. Git ignores both.

# The Python of the environment.
PYTHON ?= python3
# The layer that `make demo` uploads: a file, or a directory to pack.
LAYER ?=
# The one molecule scenario to run. Default: all.
SCENARIO ?=
# The one ansible-core that `make matrix` tests. Default: all. Additional arguments, such as MATRIX_ARGS='--end oldest'.
CORE ?=
MATRIX_ARGS ?=
# Additional arguments for pytest, for example PYTEST_ARGS='-k digest -x', or PYTEST_ARGS='-n0 --pdb' for one process.
PYTEST_ARGS ?=

# Additional arguments for `make sanity`.
SANITY_ARGS ?=

# Additional arguments for `make faults`, for example FAULTS_ARGS='matrix --cells 500 --seed 7'.
FAULTS_ARGS ?=
# PUBLISH=yes lets `make release` publish the tarball.
PUBLISH ?=

# Additional arguments for `make fuzz`, for example FUZZ_ARGS='layout tar --runs 1000000'.
FUZZ_ARGS ?=

# Additional arguments for `make mutants`, for example MUTANTS_ARGS='_upload/state.py', or MUTANTS_ARGS=--resume.
MUTANTS_ARGS ?=

ENVIRONMENT := .venv/made-for
MADE_FOR := $(CURDIR) $(PYTHON)
STEP := tests/tools/step.sh
# A prerequisite of its own would let the steps that need it start after the others.
TOOLS := tests/tools/system_packages.sh buildah busybox skopeo umoci
# Three steps at a time, because each sometimes waits for its servers. Needs a make that can group the output of a step.
PARALLEL := $(if $(filter output-sync,$(.FEATURES)),--jobs=3 --output-sync=target)

# If a repository around the checkout ignored it, the tools would not see the files.
export GIT_CEILING_DIRECTORIES := $(CURDIR)
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export HYPOTHESIS_STORAGE_DIRECTORY := $(CURDIR)/.work/hypothesis
export ANSIBLE_HOME := $(CURDIR)/.work/ansible
# The tests start hundreds of Python processes; compiling their imports would take longer than most of them run.
export PYTHONPYCACHEPREFIX := $(CURDIR)/.work/bytecode
unexport PYTHONDONTWRITEBYTECODE
# With it, Python reads the module that Ansible sends through a pipe byte by byte.
unexport PYTHONUNBUFFERED
# The tests connect only to servers on this machine, without the user's settings and credentials.
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
demo: $(ENVIRONMENT) ## Push a layer and an image to a local server, twice; LAYER=path for a layer of your own
	@tests/tools/demo.sh $(if $(LAYER),"$(LAYER)")

.PHONY: bench bench-quick
bench: $(ENVIRONMENT) ## Compare speed with the AWS CLI, boto3 and skopeo, and write docs/benchmarks.md
	@tests/tools/bench.sh
bench-quick: $(ENVIRONMENT)
	@$(TOOLS)
	@$(STEP) 'benchmarks, quick' python -m ansible_collections.layerkit.ecr.tests.benchmarks --quick \
		--without aws-cli docker-registry --work .work/bench-quick --report .work/bench-quick/benchmarks.md

.PHONY: answers
answers: $(ENVIRONMENT) ## Every operation with every answer that is not Amazon ECR's, which takes half an hour
	@$(STEP) 'every kind of answer' pytest --numprocesses=2 --dist=worksteal -m table $(PYTEST_ARGS)

.PHONY: faults
faults: $(ENVIRONMENT) .work/microburst ## Every fault, killed runs, many at once and microburst, which takes an hour; writes docs/faults.md
	@$(STEP) 'faults' python -m ansible_collections.layerkit.ecr.tests.faults --report docs/faults.md $(FAULTS_ARGS)

.PHONY: fuzz
fuzz: $(ENVIRONMENT) .work/fuzz/atheris ## Fuzz every parser with atheris, which takes half an hour; writes docs/fuzz.md
	@PYTHONPATH=.work/fuzz/atheris $(STEP) 'fuzzing' python -m ansible_collections.layerkit.ecr.tests.fuzz \
		--report docs/fuzz.md $(FUZZ_ARGS)

.PHONY: mutants
mutants: $(ENVIRONMENT) ## Break the code in hundreds of places, one by one, and run the tests, which takes an hour; writes docs/mutants.md
	@$(STEP) 'mutants' python -m ansible_collections.layerkit.ecr.tests.mutants --report docs/mutants.md $(MUTANTS_ARGS)

# Programs of others, each apart from the environment, because they bring packages that are in it, too.
.work/microburst: PACKAGE := microburst==0.10.0
.work/fuzz/atheris: PACKAGE := atheris>=3.0,<4
.work/microburst .work/fuzz/atheris: | $(ENVIRONMENT)
	@$(STEP) '$(PACKAGE)' uv pip install --quiet --python .venv/bin/python --target $@ '$(PACKAGE)'

.PHONY: matrix
matrix: $(ENVIRONMENT) tools ## Every supported ansible-core with the oldest and newest versions around it, in an hour; CORE=2.19 for one
	@python tests/tools/matrix.py $(if $(CORE),--core $(CORE)) $(MATRIX_ARGS)

.PHONY: test
test: $(ENVIRONMENT) tools ## Run all targets below
	@echo 'Three steps run at a time; the output of a step appears when it ends.'
	@# The longest first. The pytest tests use two processors also when the others have ended.
	@NO_COLOR=1 $(MAKE) --no-print-directory $(PARALLEL) SANITY_ARGS=--sample \
		unit molecule-strict sanity lint molecule-moto bench-quick package docs

.PHONY: unit
unit: $(ENVIRONMENT) ## The pytest tests; PYTEST_ARGS='-k digest' selects some
	@$(TOOLS)
	@$(STEP) pytest python tests/tools/warm_python.py .work/warm-python \
		pytest --numprocesses=2 --dist=worksteal $(PYTEST_ARGS)

.PHONY: molecule molecule-moto molecule-strict
molecule: $(ENVIRONMENT) tools ## The molecule scenarios, on plain moto and on the strict server
	@$(MAKE) --no-print-directory $(PARALLEL) molecule-moto molecule-strict
molecule-moto molecule-strict: molecule-%: $(ENVIRONMENT)
	@$(TOOLS)
	@$(STEP) 'molecule on the $* server' tests/tools/molecule.sh $* $(SCENARIO)

.PHONY: sanity
sanity: $(ENVIRONMENT) ## ansible-test sanity, without ignores; SANITY_ARGS=--sample leaves out most files of the tests
	@$(STEP) 'ansible-test sanity' python tests/tools/sanity.py $(SANITY_ARGS)

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

.PHONY: docs
docs: $(ENVIRONMENT) ## Build the documentation site in .work/docs; DOCS_ONLINE=1 links to other sites
	@$(STEP) 'documentation site' tests/tools/docs.sh

.PHONY: package
package: $(ENVIRONMENT) ## Build the tarball, install it from files, Galaxy and git into empty paths, and use it
	@$(STEP) 'package' tests/tools/package.sh

.PHONY: release
release: $(ENVIRONMENT) ## Test and build the release that is tagged; PUBLISH=yes publishes it to Galaxy
	@$(STEP) 'what the release needs' python tests/tools/release.py --check
	@$(MAKE) --no-print-directory test
	@$(STEP) 'release' python tests/tools/release.py $(if $(filter yes,$(PUBLISH)),--publish)

.PHONY: tools
tools: ## Install umoci, skopeo, buildah and busybox with apt-get if they are missing
	@$(TOOLS)

.PHONY: clean
clean: ## Remove .venv and .work
	rm -rf .venv .work

# Recreate the environment for another checkout or another Python.
ifneq ($(shell cat $(ENVIRONMENT) 2>/dev/null),$(MADE_FOR))
.PHONY: $(ENVIRONMENT)
endif
$(ENVIRONMENT): requirements-dev.txt tests/tools/environment.sh
	@$(STEP) 'environment in .venv' tests/tools/environment.sh '$(PYTHON)' '$(MADE_FOR)'
	@touch $@
