# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Any Python 3.9 or newer: it only starts the two programs, which look for the interpreters they need.
PYTHON ?= python3
GATES = $(PYTHON) tests/gates.py
ENVIRONMENTS = $(PYTHON) tests/environments.py

.DEFAULT_GOAL := help
.PHONY: help venv build demo test test-unit test-integration soak fault-matrix bench lint format clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name about; do \
		printf '%-18s %s\n' "$$name" "$$about"; done

venv: ## make .venv: ansible-core, the server double's packages, pytest
	@$(ENVIRONMENTS) main

build: ## build the collection and install it into .cache/collections
	@$(GATES) --quiet build

demo: venv build ## deploy to two environments, played by servers on this machine, and roll back
	@ANSIBLE_COLLECTIONS_PATH=$(CURDIR)/.cache/collections .venv/bin/python tests/demo.py

test: ## run all gates: tests, sanity, lint, types, documentation
	@$(GATES)

test-unit: ## run the unit tests on every interpreter found
	@$(GATES) unit

test-integration: ## run ansible-playbook, newest and oldest, against the server double
	@$(GATES) integration

soak: venv build ## deploy 200 times to 10 environments, with faults and kills at random
	@ANSIBLE_COLLECTIONS_PATH=$(CURDIR)/.cache/collections .venv/bin/python tests/reliability/soak.py

fault-matrix: venv build ## run every call with every fault, and write docs/fault-matrix.md
	@ANSIBLE_COLLECTIONS_PATH=$(CURDIR)/.cache/collections .venv/bin/pytest tests/reliability/test_matrix.py -q -n 4 --dist worksteal --write-table

bench: venv build ## measure what has a goal, and write docs/performance.md (20 minutes)
	@$(ENVIRONMENTS) mstrio bench
	@ANSIBLE_COLLECTIONS_PATH=$(CURDIR)/.cache/collections .venv/bin/python tests/benchmarks/bench.py

lint: ## run the linters and the type checker
	@$(GATES) lint mypy

format: ## format the Python code
	@$(ENVIRONMENTS) lint
	@.cache/venvs/lint/bin/ruff check --fix .
	@.cache/venvs/lint/bin/ruff format .

clean: ## remove all that these targets made
	rm -rf .venv .cache
