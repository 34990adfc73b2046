# Stafett. `make` lists what can be asked for.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:

VENV := .venv
BIN := $(VENV)/bin
# Two test processes use two cores without starving the browser and the servers under test.
JOBS ?= 2
# Extra words for pytest, e.g. `make test T="tests/test_db.py -k locked"`.
T ?=
CHECKED = $(foreach folder,bti web workflows migrations tests bench,$(if $(wildcard $(folder)/*.py),$(folder)))

.PHONY: help demo demo-reset test check bench browser words lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.runtime ## Serve an invented municipality on http://127.0.0.1:8000
	@exec $(BIN)/bti demo $(if $(BIND),--bind $(BIND))

demo-reset: $(VENV)/.runtime ## The same, thrown away and seeded anew
	@exec $(BIN)/bti demo --reset $(if $(BIND),--bind $(BIND))

test: $(VENV)/.dev browser ## Run every test; BTI_REQUIRE=pg,browser turns a skip into a failure
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile $(T)

check: $(VENV)/.dev ## Style, types and import contracts
	$(BIN)/ruff check $(CHECKED)
	$(BIN)/ruff format --check $(CHECKED)
	$(BIN)/mypy $(CHECKED)
	$(BIN)/lint-imports --config setup.cfg

bench: $(VENV)/.dev ## Measure the speed promises; writes var/bench.json
	$(BIN)/python -m bench

# Never fails: a test that finds no browser says so itself, and BTI_REQUIRE decides what that means.
browser: ## Install Chromium from Debian's packages, when that is allowed
	@if [ -n "$${BTI_CHROMIUM:-}" ] || command -v chromium chromium-browser google-chrome >/dev/null; then exit 0; fi; \
	if ! command -v apt-get >/dev/null; then echo "No Chromium, and no apt-get to install it with: set BTI_CHROMIUM to its path."; exit 0; fi; \
	as_root=; \
	if [ "$$(id -u)" != 0 ]; then \
		if sudo -n true 2>/dev/null; then as_root="sudo -n env"; \
		else echo "No Chromium: ask an administrator for 'apt-get install chromium', or set BTI_CHROMIUM."; exit 0; fi; \
	fi; \
	echo "Installing Chromium from the system's packages …"; \
	install="$$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium"; \
	if ! $$install >/dev/null 2>&1; then \
		{ $$as_root apt-get update -qq && $$install >/dev/null; } || echo "Chromium could not be installed: browser tests will be skipped."; \
	fi

words: $(VENV)/.dev ## Collect the sentences people read into web/translations, and compile them
	$(BIN)/pybabel -q extract -F web/babel.cfg -k _ -k ngettext:1,2 --no-location --sort-output \
		--project Stafett --copyright-holder Stafett -o $(VENV)/messages.pot web
	for language in nn en; do \
		file=web/translations/$$language/LC_MESSAGES/messages.po; \
		if [ -f "$$file" ]; then verb="update --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date"; else verb=init; fi; \
		$(BIN)/pybabel -q $$verb -i $(VENV)/messages.pot -d web/translations -l $$language; \
	done
	$(BIN)/pybabel -q compile -d web/translations

lock: $(VENV)/.python ## Resolve the locked requirements anew (Python 3.11 and up, with hashes)
	@$(BIN)/python -m pip install --quiet uv
	@# The lock names packages and hashes only; where they come from is each machine's own setting.
	@export UV_CUSTOM_COMPILE_COMMAND="make lock"; \
	compile="$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-annotate setup.cfg"; \
	$$compile --extra build --output-file requirements.lock; \
	$$compile --extra build --extra dev --constraint requirements.lock --output-file requirements-dev.lock

clean: ## Remove the environment, caches and build products (never var/)
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

# The environment is touched again only when a lock, or what is installed beside it, has changed.
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# "compat" puts the checkout on the path as it is, so that a new package is found without installing again.
EDITABLE := $(INSTALL) --no-deps --no-build-isolation --config-settings editable_mode=compat --editable .

$(VENV)/.python:
	@for python in $${PYTHON:-python3 python3.13 python3.12 python3.11}; do \
		if "$$python" -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
			echo "Making $(VENV) with $$("$$python" --version) …"; \
			"$$python" -m venv --clear $(VENV) && touch $@ && exit 0; \
		fi; \
	done; \
	echo "Python 3.11 or newer with its venv module is needed (on Debian: apt-get install python3-venv)." >&2; exit 1

$(VENV)/.runtime: $(VENV)/.python requirements.lock setup.cfg pyproject.toml
	@echo "Installing what requirements.lock names …"
	@$(INSTALL) --require-hashes -r requirements.lock
	@$(EDITABLE)
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.lock
	@echo "Installing what requirements-dev.lock names …"
	@$(INSTALL) --require-hashes -r requirements-dev.lock
	@touch $@
