# SPDX-License-Identifier: Apache-2.0
# Every target first installs what it needs into this folder (dao/local/install.py; a second time nothing).
#
#   make demo            the whole product on this machine, until Ctrl-C; MANDATE_PORT=8000 make demo for a port of your choice
#   make demo-reset      forget the demo's data
#   make test            all tests but the browser's; each time with the same values, and with others by
#                        MANDATE_PROPERTIES=random make test
#   make packages        contracts that other projects published, from npm (140 MB): with them `make test` leaves out none of its
#                        tests against a Safe, Uniswap's governor and UNI; .ci/run has them
#   make test-browser    the pages and the wallet in a real Chromium
#   make story           the story without a person; `make story JSON=1` or `make story ARGS=--json` for machines
#                        (`make story --json` can't be: make keeps options for itself)
#   make lives           states held against state() of governors of many kinds, other DAOs' own among them (installs npm
#                        packages of their contracts); MANDATE_STATE_LIVES=2000 make lives
#   make check           style, types, layers, migrations, lock files
#   make functions       read again the npm packages whose functions, addresses and tokens the agent knows; ARGS=--check
#   make bench-gas       gas of acts by our module and by others; bench/results/gas.json (installs its own npm packages)
#   make verify-deployment ARGS="1 --rpc URL"   rebuild what deployments/1.json records and compare every byte (docs/deployments.md)
#   make bench-sync      how fast a DAO's past is read, beside the floor and Ponder (needs node 20 and half an hour)
#   make bench-queries   the pages' queries at 10,000 proposals and 1,000,000 votes, with their plans
#   make bench-web       how fast pages (also signed in) and API answers come in such a DAO, for one reader and eight; their first load;
#                        bench/results/bench-web.json; ARGS="--proposals 1000 --votes 20000 --delegates 4000 --rounds 6" for a try
#   make bench-digest    how fast 10,000 readers get a digest of 20 open proposals; bench/results/bench-digest.json;
#                        ARGS="--readers 200" for a try
#   make bench-migration how long a site of aece923 with 1,000,000 votes takes to migrate
#   make bench-text      how long reading a proposal's text of 200 kB takes; bench/results/text.json
#   make bench-freshness from the node having a block to the page showing it
#   make eval            how right the verdict of text against calls is, on proposals that others wrote (read from ../shared,
#                        skipped without it); bench/results/eval.json; make eval ARGS="--part mutants --details"
#   make crash           kill -9 at every step of a payment x faults of the node x faults of the model, 216 runs: paid exactly once
#                        (about half an hour; bench/results/crash.json); CRASH_ROUNDS=1 make crash for each cell once
#   make attack          an attacker in the model's place, and published injections as requests (from ../shared): nothing may be
#                        paid that nobody signed; at least 2,000 cases; bench/results/attack.json
#   make stolen-key      10,000 attempts with the agent's key on a real chain: value outside the policy must be 0, and planted
#                        faults must be found; bench/results/stolen-key.json
#   make eval-planner    what the planner makes of 226 requests in six languages; bench/results/planner-MODEL.json; without a
#                        model, or ARGS=--embedded for the demo's
#   make slither         slither's findings, each explained in contracts/assurance/slither.toml (these five: docs/assurance.md)
#   make prove           the ring's properties for every input, with halmos, and that each proof can fail
#   make coverage        lines and branches of the policy module that the tests reach; fails where one is missed
#   make fuzz            at least 200,000 calls under the invariants, and the policy code's fuzzers; ARGS="--calls N"
#   make runs            500 random lives of a chain, its nodes and workers, against the mirror; make runs RUNS=100
#   make mutate          which small mistakes in the contracts the tests notice; ARGS="--sample 200 --minutes 30"
#   make lock            resolve requirements/base.in and requirements/assurance.in anew

.DEFAULT_GOAL := help
.PHONY: help demo demo-reset test packages test-browser story lives runs check functions bench-sync bench-queries bench-web bench-digest bench-migration bench-freshness bench-text bench-gas eval crash attack stolen-key eval-planner verify-deployment slither prove coverage fuzz mutate lock install install-browser python

# The first of these that is Python 3.11 (a name on PATH may be a launcher for a version that is not there).
PYTHON ?= $(shell for name in python3.11 python3 python; do \
	if $$name -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' >/dev/null 2>&1; then echo $$name; break; fi; done)
RUN := .venv/bin/python
ARGS ?=
RUNS ?= 500
JSON ?=

help:
	@sed -n '/^#   make/s/^#   //p' Makefile

python:
	@if [ -z "$(PYTHON)" ]; then \
		echo "install: Python 3.11 is needed and not on PATH: install python3.11 (with venv) and run make again." >&2; exit 1; fi

install: python
	@$(PYTHON) dao/local/install.py

install-browser: python
	@$(PYTHON) dao/local/install.py --browser

demo: install
	@exec $(RUN) manage.py demo $(ARGS)

demo-reset: install
	@$(RUN) manage.py demo_reset $(ARGS)

story: install
	@$(RUN) manage.py story $(if $(JSON),--json) $(ARGS)

test: install
	$(RUN) -m pytest -q -n 3 -m "not browser" $(ARGS)

test-browser: install-browser
	$(RUN) -m pytest -q -m browser -n 2 --dist loadfile $(ARGS)

# Contracts that other projects published, from packages that nothing of the product needs.
published = cd $(1) && if ! cmp -s package-lock.json node_modules/installed.json; then \
	npm ci --ignore-scripts --loglevel=error && cp package-lock.json node_modules/installed.json; fi

packages: install
	@$(call published,tests/governance/governors/packages)
	@$(call published,bench/gas)

lives: install
	@$(call published,tests/governance/governors/packages)
	MANDATE_STATE_SEED=$${MANDATE_STATE_SEED:-random} $(RUN) -m pytest -q -s tests/governance/test_state_lives.py $(ARGS)

bench-sync: install
	$(RUN) -m bench.sync.run $(ARGS)

bench-queries: install
	$(RUN) -m bench.queries $(ARGS)

bench-web: install
	$(RUN) -m bench.web $(ARGS)

bench-digest: install
	$(RUN) -m bench.digest $(ARGS)

bench-migration: install
	$(RUN) -m bench.migration $(ARGS)

bench-text: install
	$(RUN) -m bench.text

bench-freshness: install
	$(RUN) -m bench.freshness $(ARGS)

eval: install
	$(RUN) -m bench.eval $(ARGS)

crash: install
	$(RUN) -m pytest -q -n 0 tests/agent/crash_matrix.py $(ARGS)

stolen-key: install
	$(RUN) -m pytest -q -s -n 0 tests/agent/stolen_key_run.py $(ARGS)

attack: install
	$(RUN) -m pytest -q -s -n 0 tests/agent/attack_run.py $(ARGS)

eval-planner: install
	$(RUN) -m bench.planner $(ARGS)

check: install
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/lint-imports
	.venv/bin/mypy policies
	$(RUN) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	$(RUN) -m dao.local.lock --check
	npm run --silent check:wallet

functions: install
	@$(RUN) -m agent.understanding.functions.make $(ARGS)
	@$(RUN) -m agent.understanding.functions.make.standing $(ARGS)

bench-gas: install
	@$(call published,bench/gas)
	@$(RUN) -m bench.gas $(ARGS)

verify-deployment: install
	@$(RUN) contracts/scripts/verify_deployment.py $(ARGS)

slither: install
	@$(RUN) contracts/assurance/assurance.py
	@$(RUN) contracts/assurance/slither_check.py

prove: install
	@$(RUN) contracts/assurance/assurance.py
	@$(RUN) contracts/assurance/prove.py $(ARGS)

coverage: install
	@$(RUN) contracts/assurance/line_coverage.py

fuzz: install
	@$(RUN) contracts/assurance/fuzz.py $(ARGS)

runs: install
	MANDATE_MODEL_RUNS=$(RUNS) $(RUN) -m pytest -q -s tests/governance/test_model_based.py $(ARGS)

mutate: install
	@$(RUN) contracts/assurance/mutation.py $(ARGS)

lock: install
	$(RUN) -m dao.local.lock
	$(RUN) contracts/assurance/assurance.py --lock
