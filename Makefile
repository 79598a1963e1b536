# Every verb sets up what it needs, in .venv and the user's cache; a second run takes seconds.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PIP := --disable-pip-version-check --quiet
COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links \
	--custom-compile-command 'make lock'
ENGINE ?= $(shell for each in docker podman buildah; do $$each info >/dev/null 2>&1 && echo $$each && break; done)
VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
REVISION = $(shell git rev-parse HEAD 2>/dev/null)
CREATED = $(shell git log -1 --format=%cI 2>/dev/null)
# Tests wait for processes half of their time: so there are more of them than processors.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(os.cpu_count() * 3 // 2)')
ROOMS := controller infra emulator sandbox deploy tests examples benchmarks

.PHONY: help demo test e2e check bench coverage crds image sbom lock clean

help: ## This list
	@grep -hE '^[a-z0-9]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

demo: $(READY) ## The main job on this machine; ONCE=1 exits when it is done, CONTEXT=NAME uses your cluster
	@$(BIN)/python -m sandbox demo $(if $(ONCE),--once) $(if $(CONTEXT),--context $(CONTEXT))

test: $(READY) ## Every test that takes less than minutes
	@$(BIN)/python -m sandbox cluster build
	@$(BIN)/python -m tests.prebuilt
	@$(BIN)/pytest --numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder $(ARGS)

e2e: $(READY) ## The tests that take minutes
	@$(BIN)/python -m sandbox cluster build
	@$(BIN)/python -m tests.prebuilt
	@$(BIN)/pytest -m e2e --timeout=1800 --numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder $(ARGS)

check: $(READY) ## Style, types, layers, generated files
	@$(BIN)/ruff check $(ROOMS)
	@$(BIN)/ruff format --check --quiet $(ROOMS) || { echo "not formatted: run $(BIN)/ruff format $(ROOMS)"; exit 1; }
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache > $(VENV)/layers.log 2>&1 || { cat $(VENV)/layers.log; exit 1; }
	@$(BIN)/imm-operator crds --out crds --check
	@$(BIN)/imm-operator crds --out deploy/helm/imm-operator/files/crds --check
	@$(BIN)/python -m tests.deploy.chart_files --check
	@$(BIN)/imm-operator docs --out docs --check
	@$(BIN)/python -m tests.docs_diagrams --check
	@! grep -rnE '\b(TODO|FIXME|XXX)\b' --include='*.py' --include='*.go' --include='*.yaml' $(ROOMS) crds || \
		{ echo "finish it or say in docs/decisions why not"; exit 1; }
	@echo "check: all good"

bench: $(READY) ## Ratios, measured side by side in one run; NAMES="observe …" picks some
	@$(BIN)/python -m benchmarks $(NAMES)

crds: $(READY) ## Write crds/, the chart's copies, and the pages and diagrams of docs/ that are made from code
	@$(BIN)/imm-operator crds --out crds
	@$(BIN)/imm-operator crds --out deploy/helm/imm-operator/files/crds
	@$(BIN)/python -m tests.deploy.chart_files
	@$(BIN)/imm-operator docs --out docs
	@$(BIN)/python -m tests.docs_diagrams

coverage: $(READY) ## Write emulator/coverage.json: which tests call which operation
	@$(BIN)/pytest tests/emulator tests/contract --quiet --numprocesses=$(WORKERS) --dist=loadfile -p emulator.recording \
		--deselect tests/emulator/test_cli_help.py

image: $(READY) ## The container image, by ENGINE (docker, podman, buildah); where there is none, its files are proven
	@if [ -n "$(ENGINE)" ]; then \
		$(ENGINE) build --tag imm-operator:$(VERSION) --build-arg VERSION=$(VERSION) --build-arg REVISION=$(REVISION) \
			--build-arg CREATED=$(CREATED) $(ARGS) .; \
	else $(BIN)/python -m sandbox image --revision "$(REVISION)"; fi

sbom: $(READY) ## Write dist/sbom.cdx.json: what is in the image
	@$(BIN)/python -m sandbox image --sbom dist/sbom.cdx.json

lock: $(READY) ## Upgrade every dependency within pyproject.toml's bounds
	@$(COMPILE) --upgrade --all-extras --group image pyproject.toml --output-file requirements.lock
	@$(COMPILE) --no-annotate --constraint requirements.lock --extra tracing pyproject.toml \
		--output-file deploy/image/requirements.lock
	@$(COMPILE) --no-annotate --constraint requirements.lock --group image --output-file deploy/image/build.lock

clean: ## Remove the environment and everything the sandbox left in the tree
	rm -rf $(VENV) .sandbox

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed and $(PYTHON) is older or missing: make PYTHON=/path/to/python3.11 …"; exit 1; }
	@echo "setting up $(VENV), once"
	@$(PYTHON) -m venv $(VENV) || { echo "python3 cannot make environments here: apt-get install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install $(PIP) --require-hashes \
		--requirement <(awk '/^[a-z]/ {ours = /^uv==/} ours && !/#/' requirements.lock)
	@$(BIN)/uv pip sync --quiet --require-hashes --python $(BIN)/python requirements.lock || { \
		echo "uv could not install; pip tries with its own settings (about two minutes)"; \
		$(BIN)/python -m pip install $(PIP) --require-hashes --no-deps --requirement requirements.lock; }
	@$(BIN)/uv pip install --quiet --no-deps --python $(BIN)/python --editable . || \
		$(BIN)/python -m pip install $(PIP) --no-deps --editable .
	@$(BIN)/python -c 'import crcmod._crcfunext' 2>/dev/null || \
		echo -e "\n*** crcmod was built without a C compiler: OSS checksums are forty times slower." \
		"\n*** apt-get install gcc python3-dev, then make clean and try again.\n"
	@touch $@
