# Everything sets itself up: `make check` or `make test` on a fresh clone needs Python 3.11+ and make, nothing else.

PYTHON ?= python3
BIN := .venv/bin
PROTOCOL ?=
TARGET ?=
LAUNCH ?=
OPTIONS ?=
SERVE ?= chat
SEEDS ?= 1
FAULTS ?=
RANDOM_RUNS ?= 25000
SERVERS ?=
SECONDS ?= 60

.PHONY: help check test slow coverage sweep matrix interop lint serve spec demo schedules bench soak fuzz error-rates mutation pythons docs wheel job clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

check: .venv/check  ## check the reference, or another server: make check TARGET=tcp://host:port PROTOCOL=chat
ifeq ($(PROTOCOL)$(TARGET)$(LAUNCH),)
	@$(BIN)/python ci/check_reference.py $(OPTIONS)
else
	@$(if $(PROTOCOL),:,echo "make check: say what the server serves: PROTOCOL=echo or PROTOCOL=chat" >&2; exit 2)
	@$(BIN)/socketserver-reference check $(PROTOCOL) $(TARGET) $(if $(value LAUNCH),--launch "$$LAUNCH") $(OPTIONS)
endif

WORKERS := --numprocesses=10 --dist=loadgroup
TESTS := -m 'not sweep' $(WORKERS)

test: .venv/dev  ## run the tests; those of the HTML report need chromium
	$(BIN)/pytest -m 'not slow and not sweep' $(WORKERS)

slow: .venv/dev  ## run the slow tests, which make test leaves out
	$(BIN)/pytest -m 'slow and not sweep' $(WORKERS) $(OPTIONS)

coverage: .venv/dev  ## run both, and print the coverage, branches included
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(TESTS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

sweep: .venv/dev  ## run the tests that take long: every dialect, bad server, network and seed
	$(BIN)/pytest -m sweep $(WORKERS) $(OPTIONS)

matrix: .venv/dev  ## check that each planted bug breaks its clauses and no others: all, or FAULTS='greets'; SEEDS=20
	$(BIN)/socketserver-faults matrix $(if $(FAULTS),$(FAULTS),--markdown faults/MATRIX.md) --seeds $(SEEDS)

interop: .venv/check  ## check servers of other projects, fetched for this checkout alone: all, or SERVERS='node-chat xinetd-echo'
	@$(BIN)/python ci/interop/check.py $(SERVERS)

lint: .venv/dev  ## check formatting, lint, imports between folders, and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/mypy

serve: .venv/check  ## serve the chat, or SERVE=echo|overthreaded, until Ctrl-C
	@$(BIN)/socketserver-reference serve $(SERVE) $(OPTIONS)

spec: .venv/check  ## print the clauses
	@$(BIN)/socketserver-reference spec $(OPTIONS)

demo: .venv/check  ## play the closed-request bug, row by row, and its fix
	@$(BIN)/socketserver-faults demo closed-request

schedules: .venv/check  ## play the reference under one schedule of each kind, and under 50,000 random ones
	$(BIN)/socketserver-faults schedule chat --seconds 900 $(OPTIONS)
	$(BIN)/socketserver-faults schedule overthreaded --seconds 900 $(OPTIONS)
	$(BIN)/socketserver-faults schedule echo $(OPTIONS)
	$(BIN)/socketserver-faults schedule chat --random $(RANDOM_RUNS)
	$(BIN)/socketserver-faults schedule overthreaded --random $(RANDOM_RUNS)

bench: .venv/bench  ## measure servers, checks and schedules beside others: OPTIONS=--short, OPTIONS='--only rooms'
	@$(BIN)/python ci/bench/bench.py --json build/bench.json --html build/bench.html $(OPTIONS)

soak: .venv/check  ## let crowds come and go in the chat, and see what is lost or left: SECONDS=3600, OPTIONS='--members 100'
	@$(BIN)/python ci/soak/soak.py --seconds $(SECONDS) --json build/soak.json $(OPTIONS)

fuzz: .venv/check  ## try random input at readers, random clients at the reference, random servers at the suite: SECONDS=3600
	@$(BIN)/python ci/fuzz/fuzz.py --seconds $(SECONDS) $(OPTIONS)

error-rates: .venv/dev  ## count wrong verdicts on good servers, idle and busy, and on planted bugs: SEEDS=100
	@$(BIN)/python ci/error_rates.py --seeds $(SEEDS) $(OPTIONS)

mutation: .venv/dev  ## count the small changes of the reference that its check finds: all, or OPTIONS='--only chat.py --sample 20'
	@$(BIN)/python ci/mutation/mutation.py $(OPTIONS)

pythons: .venv/pythons  ## run the quick tests on every Python from 3.11 on that is here: all, or OPTIONS='-e 3.12,3.13'
	@$(BIN)/tox run --discover $(wildcard $(HOME)/.pyenv/versions/*/bin/python3) $(OPTIONS)

docs: .venv/docs  ## build the site in build/docs/html, and run the commands that its pages show
	@$(BIN)/python -m docs.derive

wheel:  ## build the wheel, and try it with a sample project in an empty environment
	PYTHON=$(PYTHON) ci/wheel

job:  ## try the CI job for users' servers, with the wheel
	PYTHON=$(PYTHON) ci/job

clean:  ## remove everything that make made
	rm -rf .venv .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The commands start many Python processes: modules are compiled once, even if the environment says otherwise.
export PYTHONDONTWRITEBYTECODE :=

# LAUNCH may contain quotes and braces, so it is passed in the environment, and no shell parses it.
export LAUNCH

.venv/check: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=...")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[check]'
	@touch $@

.venv/bench: .venv/check
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[bench]'
	@touch $@

.venv/pythons: .venv/check
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[pythons]'
	@touch $@

.venv/docs: .venv/check
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[docs]'
	@touch $@

.venv/dev: .venv/docs
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	-@$(BIN)/pytest --collect-only -qq >/dev/null 2>&1  # compiles each module once, not in every worker
	@touch $@
