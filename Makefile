# Copyright (c) 2026, the mstr.migration authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Any Python 3.10 or newer: it only makes the environment of nox, which looks for the interpreters it needs.
PYTHON ?= python3
RUNNER = .cache/runner
NOX = $(RUNNER)/bin/python -m nox
# What is no gate cannot be left out for want of an interpreter.
SESSION = $(NOX) --error-on-missing-interpreters -s
# Three sessions at a time: tests wait for servers and time limits for a third of their time.
GATES = rm -f .cache/sessions.json; $(NOX) --parallel 3 --report .cache/sessions.json
SUMMARY = $(RUNNER)/bin/python tests/summary.py .cache/sessions.json .cache/reports

.DEFAULT_GOAL := help
.PHONY: help build demo servers docs test test-quick livetest soak fault-matrix bench release format clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name about; do \
		printf '%-18s %s\n' "$$name" "$$about"; done

# Made last, so that a half-made environment is made anew.
$(RUNNER)/made: tests/requirements/nox.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed: make PYTHON=...")'
	@rm -rf $(RUNNER)
	@$(PYTHON) -m venv $(RUNNER)
	@$(RUNNER)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

test: $(RUNNER)/made ## run all gates: tests, sanity, lint, types, documentation
	@$(GATES); $(SUMMARY)

test-quick: $(RUNNER)/made ## run the gates that a change to plugins needs most
	@$(GATES) --tags quick; $(SUMMARY)

build: $(RUNNER)/made ## build the collection and install it into .cache/collections
	@$(SESSION) build

demo: $(RUNNER)/made ## deploy examples/ to three environments, played by servers on this machine, and roll back
	@$(SESSION) demo

# Not by nox, which would keep others from the checkout meanwhile.
servers: $(RUNNER)/made ## start the servers of examples/ on this machine, until Ctrl-C
	@$(SESSION) double
	@.cache/nox/double/bin/python tests/servers.py examples/ca.pem

docs: $(RUNNER)/made ## build the documentation as a site, in .cache/docs/html
	@$(SESSION) docs_site

livetest: $(RUNNER)/made ## ask the server that MSTR_BASE_URL names how it answers (docs/livetest.md)
	@rm -f .cache/livetest/verdict; $(SESSION) livetest; code=$$?; cat .cache/livetest/verdict 2>/dev/null; exit $$code

soak: $(RUNNER)/made ## deploy 200 times to 10 environments, with faults and kills at random
	@$(SESSION) soak

fault-matrix: $(RUNNER)/made ## run every call with every fault, and write docs/fault-matrix.md
	@$(SESSION) fault_matrix

bench: $(RUNNER)/made ## measure what has a goal, and write docs/performance.md (20 minutes)
	@$(SESSION) bench

release: $(RUNNER)/made ## turn the changelog fragments into CHANGELOG.rst, for the version in galaxy.yml
	@$(SESSION) release

format: $(RUNNER)/made ## format the Python code
	@$(SESSION) format

clean: ## remove all that these targets made
	rm -rf .cache
