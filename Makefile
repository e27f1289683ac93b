# make run      sets up what is missing, then starts the server with a demonstration lesson
# make test     sets up what is missing, then runs every check
# make test-quick   form, types, imports, unit tests, whole lessons in virtual time
# make fuzz     a million hostile inputs for every parser (about a quarter of an hour)
# make setup    only sets up: .venv, native build, npm packages, web pages
# make bench    what forwarding costs, beside Janus, aiortc and the floor (at most 30 minutes)
# make screens  pictures of every page in every state, on one sheet: var/screens/index.html
# make format   rewrites the sources in the house's form
# make api      makes the pages' types of the HTTP interface anew

PYTHON ?= python3
PY     := .venv/bin/python
STAMPS := .make

NATIVE := setup.py $(wildcard mixer/pump/*.pyx mixer/pump/*.px[di] \
            mixer/pump/native/*.c mixer/pump/native/*.h \
            benchmarks/*.pyx benchmarks/native/*.c benchmarks/native/*.h \
            benchmarks/floor/*.pyx benchmarks/floor/native/*.c benchmarks/floor/native/*.h)
PAGES  := web_client/package.json web_client/index.html \
          $(wildcard web_client/*.ts web_client/tsconfig*.json) \
          $(shell find web_client/src web_client/public -type f 2>/dev/null)

# Longest first; the HTTP interface has no parser of its own and keeps its short run.
FUZZ   := $(addprefix tests/fuzz/,transport server/test_hostile_tokens.py hardware_profiles signaling \
            rtp pump)

CHECKS := check-types check-web-tests check-web-form check-web-types check-imports check-api check-form

.PHONY: run test fuzz bench screens setup checks check check-web $(CHECKS) test-quick tests-quick test-core \
        test-browser core-beside core-alone browsers-beside browsers-alone api format clean

run: setup
	@exec .venv/bin/tongke demo

# Python's packages and the pages' beside each other: each keeps one processor busy.
setup:
	@$(MAKE) --no-print-directory --jobs=2 $(STAMPS)/native $(STAMPS)/web

$(STAMPS)/python: pyproject.toml constraints.txt scripts/need-python.sh
	@mkdir -p $(STAMPS)
	@scripts/need-python.sh $(PYTHON)
	@test -x $(PY) || $(PYTHON) -m venv .venv
	@echo "正在安装 Python 软件包（.venv）… Installing the Python packages into .venv …"
	@$(PY) -m pip install --quiet --disable-pip-version-check --constraint constraints.txt pip
	@$(PY) -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --group dev
	@$(PY) -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
	    --no-build-isolation --editable .
	@touch $@

$(STAMPS)/native: $(STAMPS)/python $(NATIVE)
	@echo "正在编译原生代码… Building the packet pump …"
	@$(PY) setup.py --quiet build_ext --inplace
	@touch $@

$(STAMPS)/node: web_client/package.json web_client/package-lock.json web_client/.npmrc
	@mkdir -p $(STAMPS)
	@scripts/need-node.sh
	@echo "正在安装网页所需的软件包… Installing the web client's packages …"
	@cd web_client && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(STAMPS)/web: $(STAMPS)/node $(PAGES)
	@echo "正在构建网页… Building the pages …"
	@cd web_client && npm run --silent build
	@touch $@

test: checks $(STAMPS)/native $(STAMPS)/web
	@scripts/need-browsers.sh
	@scripts/need-servers.sh
	@scripts/need-cameras.sh
	@scripts/need-encoders.sh
	@echo "Testing, browsers beside the rest: what each has to say comes when it is done …"
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target core-beside browsers-beside
	@$(MAKE) --no-print-directory core-alone
	@$(MAKE) --no-print-directory browsers-alone
	@echo "All checks passed."

# Two at a time, setting up among them: the types of one half are checked while the other half is
# still fetched. What each has to say comes when it is done.
checks:
	@echo "Setting up what is missing and checking form and types: some minutes on a fresh clone …"
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target \
	    $(STAMPS)/native $(STAMPS)/web $(CHECKS)

# One worker more than there are processors: many tests wait for a clock, and leave theirs idle.
# Files in the order of their names (else the few long ones come last).
WORKERS = -n $$(($$(nproc) + 1)) --dist loadfile --no-loadscope-reorder

# For every step: no real processes under fire, no fuzzing, no browsers, one database; of the scans
# and long plays that are marked `thorough` a short part each.
# Form, types and pages beside the tests, some of which wait for a clock.
test-quick: $(STAMPS)/native $(STAMPS)/web
	@echo "Checking and testing side by side: what each has to say comes when it is done …"
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target tests-quick $(CHECKS)
	@echo "All quick checks passed."

tests-quick: $(STAMPS)/native
	$(PY) -m pytest -q -m "not browser and not postgresql and not thorough" $(WORKERS) \
	    tests/contract tests/sim tests/unit

check: check-types check-form check-imports

check-form: $(STAMPS)/python
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .

check-types: $(STAMPS)/python
	.venv/bin/mypy

check-imports: $(STAMPS)/python
	.venv/bin/lint-imports

check-web: check-api check-web-types check-web-form check-web-tests

check-api: $(STAMPS)/node $(STAMPS)/native
	$(PY) -m server.api.description >$(STAMPS)/openapi.json
	cd web_client && npm run --silent api -- --check

check-web-types: $(STAMPS)/node
	cd web_client && npm run --silent types

check-web-form: $(STAMPS)/node
	cd web_client && npm run --silent lint

check-web-tests: $(STAMPS)/node
	cd web_client && npm run --silent test

# The pages' types of the HTTP interface, made anew after a change in server/api.
api: $(STAMPS)/node $(STAMPS)/native
	$(PY) -m server.api.description >$(STAMPS)/openapi.json
	cd web_client && npm run --silent api

# What needs no browser; then all that does.
test-core: $(STAMPS)/native
	@scripts/need-servers.sh
	@scripts/need-cameras.sh
	@scripts/need-encoders.sh
	@$(MAKE) --no-print-directory core-beside
	@$(MAKE) --no-print-directory core-alone

test-browser: $(STAMPS)/native $(STAMPS)/web
	@scripts/need-browsers.sh
	@scripts/need-servers.sh
	@scripts/need-cameras.sh
	@scripts/need-encoders.sh
	@$(MAKE) --no-print-directory browsers-beside
	@$(MAKE) --no-print-directory browsers-alone

# Several at a time where it is asked what comes, one by one where it is asked when; of browsers one.
core-beside:
	$(PY) -m pytest -q -m "not browser and not alone" $(WORKERS)

core-alone:
	$(PY) -m pytest -q -m "not browser and alone" tests/faults

browsers-beside:
	$(PY) -m pytest -q -m "browser and not alone" tests/browser tests/faults

browsers-alone:
	$(PY) -m pytest -q -m "browser and alone" tests/browser tests/faults

# Two harnesses at a time, and never in the way of what else the machine does.
fuzz: $(STAMPS)/native
	@printf '%s\n' $(FUZZ) | TONGKE_FUZZ_ROUNDS=$${TONGKE_FUZZ_ROUNDS:-1000000} \
	    xargs -P 2 -I '{}' nice -n 10 $(PY) -m pytest -q -p no:cacheprovider --durations=0 \
	    --durations-min=1 '{}'
	@echo "Every harness ran clean."

# Other cases, servers, seconds (docs/benchmarks.md): make bench BENCH="--cases 4-seats --seconds 10"
BENCH ?= --lessons tongke janus janus-2-loops
bench: $(STAMPS)/native
	@scripts/need-janus.sh
	$(PY) -m benchmarks.forward $(BENCH)

# Fewer sizes: make screens SCREENS="--sizes 390x844 1366x641"
screens: setup
	@scripts/need-browsers.sh
	@scripts/need-fonts.sh
	$(PY) -m tests.browser.every_state $(SCREENS)

format: $(STAMPS)/python
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

clean:
	rm -rf .venv $(STAMPS) build web_client/node_modules web_client/dist
	rm -f mixer/pump/*.so mixer/pump/_pump.c benchmarks/*.so benchmarks/_load.c
	rm -f benchmarks/floor/*.so benchmarks/floor/_floor.c
