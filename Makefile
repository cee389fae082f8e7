# make run     set up, and serve a demo on 127.0.0.1:8080 (another port: make run PORT=8081)
# make test    set up, and run every test
# make check   lint and types
# make setup   set up alone: leaves .venv/bin/wallet-service
# make bench   set up, and measure the wallet beside the database alone (needs wrk; make bench ARGS=--quick)
# make timing  set up, and measure whether the time of a check tells right credentials from wrong ones
# make fuzz    set up, and feed the readers of requests what coverage suggests (make fuzz ARGS="--seconds 600")
# make chaos   set up, and run the wallet under load and faults (all of it, in 25 minutes: make chaos ARGS=--long)
# make docs    write the pages that are made from code
# make audit-dependencies  ask the advisory database about every dependency (needs the internet)
# make lock    compile the requirements again (needs uv on the PATH)

PYTHON ?= python3
PORT ?= 8080
VENV := .venv
READY := $(VENV)/.ready

.PHONY: run test check bench timing fuzz schedules audit-dependencies chaos setup docs lock

run: setup
	@exec $(VENV)/bin/wallet-service demo --port $(PORT)

test: setup
	$(VENV)/bin/pytest -n auto --maxprocesses 4 --dist loadfile

check: setup
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy

setup: $(READY)

$(READY): pyproject.toml requirements/development.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or later is needed; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "Setting up $(VENV) (once) ..."
	$(PYTHON) -m venv --clear $(VENV)
	$(VENV)/bin/pip install --disable-pip-version-check --require-hashes -r requirements/development.txt
	$(VENV)/bin/pip install --disable-pip-version-check --no-deps --no-index --no-build-isolation --editable .
	@touch $@

bench: setup
	$(VENV)/bin/python benchmarks/wallet.py $(ARGS)

timing: setup
	$(VENV)/bin/python benchmarks/timing.py $(ARGS)

fuzz: setup
	$(VENV)/bin/pip install -q --disable-pip-version-check --require-hashes -r requirements/fuzz.txt
	$(VENV)/bin/python -m tests.fuzz $(ARGS)

schedules: setup
	$(VENV)/bin/python -m tests.schedules $(ARGS)

chaos: setup
	$(VENV)/bin/python -m tests.chaos $(ARGS)

docs: setup
	$(VENV)/bin/python -m wallet_service.versions.outcome_page > docs/outcomes.md

audit-dependencies:
	$(PYTHON) -m venv --clear .venv-audit
	.venv-audit/bin/pip install --disable-pip-version-check --require-hashes -r requirements/audit.txt
	.venv-audit/bin/pip-audit --strict --require-hashes --disable-pip -r requirements/production.txt -r requirements/development.txt

lock:
	uv pip compile --group build --universal --python-version 3.11 --generate-hashes \
		--no-annotate --no-header -q -o requirements/build.txt
	uv pip compile pyproject.toml --extra traces --universal --python-version 3.11 --generate-hashes \
		--no-annotate --no-header -q -o requirements/production.txt
	uv pip compile --group fuzz --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
		-q -o requirements/fuzz.txt
	uv pip compile pyproject.toml --extra embedded --extra traces --group dev --universal --python-version 3.11 --generate-hashes \
		--no-annotate --no-header -q -o requirements/development.txt
	uv pip compile --group audit --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
		-q -o requirements/audit.txt
