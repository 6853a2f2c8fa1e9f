# Everything people and CI run. Each target does all of its own set-up.
#
#   make verify   the scenarios on real services, a verdict table, sr-report/
#   make test     all that CI checks
#   make prove    which claims can fail: every control of every scenario
#   make bench    how fast we are, as ratios to floors; bench/results.json and a plot
#   make faults   two minutes of faults under writers, and what is in the log (FAULT_SECONDS=120)
#   make fuzz     twenty minutes of made-up requests, as each kind of actor (FUZZ_SECONDS=1200)
#   make format   put the code into its form
#   make lock     make the locked requirements anew
#   make clean    take away what the others made

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python -P
WORKERS ?= 2

.PHONY: verify test prove bench faults fuzz format lock clean
.DELETE_ON_ERROR:

verify: $(VENV)/verify.stamp
	@$(RUN) -m sr_core.cli verify scenarios --report sr-report -n $(WORKERS)

prove: $(VENV)/verify.stamp
	@$(RUN) -m sr_core.cli verify scenarios --prove --report sr-report -n $(WORKERS)

test: $(VENV)/dev.stamp
	@$(VENV)/bin/python tests/run.py

bench: $(VENV)/bench.stamp
	@$(VENV)/bin/python -m bench

FAULT_SECONDS ?= 120
faults: $(VENV)/dev.stamp
	@$(VENV)/bin/python -m bench.faults --seconds $(FAULT_SECONDS)

FUZZ_SECONDS ?= 1200
fuzz: $(VENV)/dev.stamp
	@$(VENV)/bin/python tests/fuzz/fuzz.py --seconds $(FUZZ_SECONDS)

format: $(VENV)/dev.stamp
	@$(RUN) -m ruff format .
	@$(RUN) -m ruff check --fix .

LOCK := $(VENV)/bin/uv pip compile --universal --python-version 3.11 --generate-hashes \
	--no-strip-extras --no-emit-index-url --no-header --quiet pyproject.toml
lock: $(VENV)/dev.stamp
	@$(LOCK) --extra embedded --extra build -o requirements/verify.txt
	@$(LOCK) --extra embedded --extra build --extra dev -o requirements/dev.txt
	@$(LOCK) --extra embedded --extra build --extra bench -o requirements/bench.txt

clean:
	@rm -rf $(VENV) sr-report .pytest_cache .mypy_cache .ruff_cache .import_linter_cache \
		.hypothesis .coverage

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$(PYTHON) is older than 3.11; say which to use: make PYTHON=python3.12" >&2; \
		exit 2; }
	@echo "making $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/%.stamp: requirements/%.txt pyproject.toml | $(VENV)/bin/python
	@echo "installing requirements/$*.txt"
	@$(RUN) -m pip install --quiet --disable-pip-version-check --no-input \
		--require-hashes --only-binary :all: -r requirements/$*.txt
	@$(RUN) -m pip install --quiet --disable-pip-version-check --no-input \
		--no-deps --no-build-isolation -e .
	@touch $@
