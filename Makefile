PYTHON ?= python3
OUT ?= runs/default
DIAGNOSTICS ?= runs/diagnostics
BIN := .venv/bin
OLDEST := build/oldest

.PHONY: report test nightly plant oldest lint docs linkcheck paper reference clean

report: .venv/ready  ## Run the packaged default sweep and write its report
	$(BIN)/qntk sweep --out $(OUT)
	$(BIN)/qntk report $(OUT)

test: .venv/ready  ## Run the tests and the doctests
	$(BIN)/python -m pytest -n auto --dist loadfile

nightly: oldest  ## What takes too long for every change: lowest versions, a plain processor, long fuzz, kills
	QNTK_FUZZ=500 $(BIN)/python -m pytest -p no:xdist tests/validation/commands/test_malformed.py
	QNTK_KILLS=100 $(BIN)/python -m pytest -p no:xdist -s tests/validation/commands/test_kills.py
	$(BIN)/python tests/support/machines.py
	NUMBA_CPU_NAME=generic NUMBA_CPU_FEATURES= NUMBA_CACHE_DIR=build/generic $(BIN)/python -m pytest -n auto --dist loadfile
	$(MAKE) plant

plant: .venv/ready  ## Plant over 300 faults one at a time, and print those that no test notices; some hours
	$(BIN)/python tests/planted/plant.py

oldest: .venv/ready  ## The lowest versions that pyproject.toml allows: tests of theory, sampling, inputs and commands
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(OLDEST)
	$(BIN)/uv pip install --quiet --python $(OLDEST)/bin/python --resolution lowest-direct .
	$(BIN)/uv pip install --quiet --python $(OLDEST)/bin/python pytest hypothesis
	$(BIN)/uv pip list --python $(OLDEST)/bin/python
	$(OLDEST)/bin/python -m pytest -p no:xdist tests/theory tests/sampling tests/inputs tests/validation/commands

lint: .venv/ready  ## Style, types, and the import contract
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: .venv/ready  ## Build the documentation site, build/docs/index.html; warnings are errors
	rm -rf build/docs docs/reference/api
	$(BIN)/sphinx-build -W --keep-going -n -b html docs build/docs

linkcheck: .venv/ready  ## Follow the links to other sites; needs the network
	$(BIN)/sphinx-build -b linkcheck docs build/linkcheck

paper: .venv/ready  ## Typeset the article on the committed reports, build/paper/article.pdf
	$(BIN)/python reports/paper/article.py

reference: .venv/ready  ## Refresh the committed reports: the default sweep with a calibration, and the diagnostics
	rm -rf $(OUT)/figures $(DIAGNOSTICS)
	$(BIN)/qntk sweep --out $(OUT)
	$(BIN)/qntk calibrate --json > $(OUT)/calibration.json
	$(BIN)/qntk diagnose --out $(DIAGNOSTICS)
	$(BIN)/qntk report $(OUT)
	$(BIN)/python reports/refresh.py $(OUT) $(DIAGNOSTICS)

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14) and "qntk needs Python 3.11 to 3.14, this is " + sys.version.split()[0] + "; try make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

clean:  ## Remove the environment and all caches
	rm -rf .venv build docs/reference/api .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
