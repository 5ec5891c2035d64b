# Each goal does all of its own set-up: Python 3.11 or newer, make and a package registry are enough.

PYTHON ?= python3
WORKERS ?= 2
LANGUAGES := id
CATALOGUES := views/translations

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --no-input --disable-pip-version-check
BABEL := $(BIN)/python -m babel.messages.frontend --quiet

# Written when an installation is complete, so that only changed requirements are installed again.
RUN := $(VENV)/installed-run
TEST := $(VENV)/installed-test
# Tools that look at the requirements, apart from what they look at.
TOOLS := $(VENV)/installed-tools
# The requirements with the hashes of all files of each version: nothing else is installed, whichever index is asked.
RUN_HASHES := requirements-hashes.txt
TEST_HASHES := requirements-test-hashes.txt
COMPILE := $(VENV)/tools/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-annotate \
	--custom-compile-command 'make hashes'

FUZZ_ROUNDS ?= 20000

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help install run test coverage check bench format translations migration guides browser hashes sbom audit fuzz clean

help: ## print this list
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/make \1|\2/p' Makefile | while IFS='|' read -r goal text; do \
		printf '%-20s %s\n' "$$goal" "$$text"; done

install: $(RUN) ## install what the program needs into .venv, and nothing else

run: $(RUN) ## install, prepare the demo on first start, and serve it on http://127.0.0.1:5000
	@$(BIN)/python app.py

# The rules are run by themselves, since measuring them makes the rest take more than twice as long.
test: $(TEST) browser ## all tests: the rules with their branch coverage; SQLite, PostgreSQL and the browser
	@status=0; \
	$(BIN)/python -m pytest -n $(WORKERS) -m rules --cov=lpse_admin --cov-report= || status=1; \
	echo 'Branch coverage of lpse_admin, where all of it is asked for:'; \
	$(BIN)/python -m coverage report --include='lpse_admin/*' --skip-covered --fail-under=100 || status=1; \
	$(BIN)/python -m pytest -n $(WORKERS) -m 'not rules' || status=1; \
	exit $$status

coverage: $(TEST) browser ## all tests once more, with the coverage of everything; takes more than twice as long
	$(BIN)/python -m pytest -n $(WORKERS) --cov --cov-report=term:skip-covered

check: $(TEST) ## format, lint, types, import rules
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m ruff check .
	$(BIN)/python -m mypy
	$(BIN)/python -c 'from importlinter.cli import lint_imports_command; lint_imports_command()'

bench: $(TEST) ## the benchmark, beside stock Flask-Admin; BENCH='--sizes 1000,10000' for less
	$(BIN)/python -m bench.run $(BENCH)

format: $(TEST) ## put the code in order, as far as the tools can
	$(BIN)/python -m ruff check --fix-only .
	$(BIN)/python -m ruff format .

translations: $(TEST) ## collect the texts of the screens into the catalogues, and compile those
	$(BABEL) extract --mapping-file=babel.cfg --keywords=lazy_gettext --sort-by-file --add-location=file \
		--output-file=$(CATALOGUES)/messages.pot .
	@for language in $(LANGUAGES); do \
		test -f $(CATALOGUES)/$$language/LC_MESSAGES/messages.po || \
		$(BABEL) init --input-file=$(CATALOGUES)/messages.pot --output-dir=$(CATALOGUES) --locale=$$language \
		|| exit 1; done
	$(BABEL) update --input-file=$(CATALOGUES)/messages.pot --output-dir=$(CATALOGUES) --no-fuzzy-matching \
		--ignore-obsolete --ignore-pot-creation-date
	$(BABEL) compile --directory=$(CATALOGUES) --domain='messages admin'

migration: $(TEST) ## draft the next migration from the models: make migration NAME='add a column'
	@$(BIN)/python -m tools.migration "$(NAME)"

guides: $(TEST) browser ## take the pictures of the guides anew, from the running program
	$(BIN)/python -m tests.support.pages.guide_pictures

hashes: $(TOOLS) ## write the requirements anew with the hashes of their files, after one was changed
	@$(COMPILE) requirements.txt --output-file $(RUN_HASHES)
	@$(COMPILE) requirements-test.txt --output-file $(TEST_HASHES)

sbom: $(TOOLS) ## the bill of materials of what the program runs on, as CycloneDX: sbom.json
	@$(VENV)/tools/bin/cyclonedx-py requirements requirements.txt --output-reproducible --of JSON -o sbom.json
	@echo 'sbom.json'

audit: $(TEST) $(TOOLS) ## known holes of what the program runs on; says so where their list cannot be reached
	@$(VENV)/tools/bin/pip-audit --no-deps --disable-pip --format json -r requirements.txt 2>/dev/null | $(BIN)/python -m tools.known_holes

fuzz: $(TEST) ## garbage to every address for long: make fuzz FUZZ_ROUNDS=20000
	LPSE_FUZZ_ROUNDS=$(FUZZ_ROUNDS) $(BIN)/python -m pytest -n $(WORKERS) tests/app/http/test_http_fuzz.py

clean: ## remove what the goals made, but not the data in instance/
	rm -rf $(VENV) .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

browser: $(TEST)
	@$(BIN)/python -m tests.support.pages.browser
	@$(BIN)/python -m tests.support.servers.nginx
	@$(BIN)/python -m tests.support.servers.pgbouncer
	@$(BIN)/python -m tests.support.servers.libreoffice

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed. Name another one: make PYTHON=python3.11 ..." if sys.version_info < (3, 11) else 0)'
	@echo 'Making $(VENV) and installing into it; the first time this takes about a minute.'
	@$(PYTHON) -m venv --clear $(VENV) || { rm -rf $(VENV); exit 1; }

$(RUN): $(RUN_HASHES) | $(BIN)/python
	@$(PIP) --require-hashes -r $(RUN_HASHES)
	@touch $@

$(TOOLS): Makefile | $(BIN)/python
	@$(PYTHON) -m venv $(VENV)/tools
	@$(VENV)/tools/bin/python -m pip install --quiet --no-input --disable-pip-version-check cyclonedx-bom==7.5.0 pip-audit==2.10.1 uv==0.13.9
	@touch $@

$(TEST): $(TEST_HASHES) | $(BIN)/python
	@$(PIP) --require-hashes -r $(TEST_HASHES)
	@touch $@
