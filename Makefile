# Every verb of the project. Needs python3 (3.11+, with venv), make, g++ and perl; the rest is set
# up in .venv by the first verb that is used. `make help` lists the verbs.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
HEED := $(BIN)/heed
STAMP := $(VENV)/.ready
FORMAL := $(VENV)/.formal

# Handed on: make sim PRESET=tiny IMAGES=3, make verilog PRESET=paper OUT=some/folder,
# make accuracy SEEDS=5, make test TESTS=verif/unit/tcdm, make campaign JOBS=20000 SEED=7 PRESET=half,
# make formal-core PROOFS="registers loops".
PRESET ?=
IMAGES ?=
OUT ?= build/verilog
SEEDS ?= 1
TESTS ?=
JOBS ?=
SEED ?=
PROOFS ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup sim test test-slow campaign lockstep formal formal-core lint format verilog area doctor accuracy bench generate clean distclean

help: ## list the verbs (this text)
	@echo "Heed: make VERB [PRESET=tiny|paper] [IMAGES=n]"
	@echo
	@sed -n 's/^\([a-z][a-z-]*\):[^#]*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) \
	    | while IFS='|' read -r verb text; do printf '  %-11s %s\n' "$$verb" "$$text"; done

setup: $(STAMP) ## create .venv with the pinned packages (the other verbs do it by themselves)

# The stamp goes first and comes back last: a set-up that failed is tried again.
$(STAMP): pyproject.toml
	@rm -f $@
	@command -v $(PYTHON) >/dev/null 2>&1 || { \
	    echo "heed: $(PYTHON) was not found; install it (Debian: apt install python3 python3-venv)" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "heed: $(PYTHON) is $$($(PYTHON) -V 2>&1), but 3.11 or newer is needed; name one with make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	    echo "heed: $(PYTHON) cannot make virtual environments; install python3-venv (Debian: apt install python3-venv)" >&2; exit 1; }
	@echo "heed: setting up $(VENV) (about 250 MB to download, once)"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --progress-bar off -e '.[dev]' || { \
	    echo "heed: the packages could not be installed; see pip's message above, then try again" >&2; exit 1; }
	@touch $@

ifeq ($(PRESET),)
sim: $(STAMP) ## run images through the network on the RTL: 8 on tiny, then 1 on paper
	$(HEED) sim --preset tiny --images $(or $(IMAGES),8)
	$(HEED) sim --preset paper --images $(or $(IMAGES),1)
else
sim: $(STAMP)
	$(HEED) sim --preset $(PRESET) $(if $(IMAGES),--images $(IMAGES))
endif

test: $(STAMP) ## lint, check that generated files are current, and run the tests
	@$(HEED) doctor --for test --quiet
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(HEED) generate --check
	$(BIN)/pytest -m "not slow" $(TESTS)

test-slow: $(STAMP) ## run the long suites that `make test` leaves out
	@$(HEED) doctor --for test --quiet
	$(BIN)/pytest -m slow $(TESTS)

campaign: $(STAMP) ## random jobs on the attention engine, with coverage (JOBS=n SEED=n; about a minute)
	@$(HEED) doctor --for test --quiet
	$(BIN)/python -m verif.block.attention.campaign $(if $(JOBS),--jobs $(JOBS)) \
	    $(if $(SEED),--seed $(SEED)) $(if $(PRESET),--config $(PRESET))

lockstep: $(STAMP) ## random programs on two cores, RTL against the simulator core (JOBS=programs SEED=n)
	$(BIN)/python -m verif.lockstep --programs $(or $(JOBS),100) $(if $(SEED),--seed $(SEED))

formal: $(FORMAL) ## prove the interconnect and the streams (docs/developer/formal.md; about 6 minutes)
	$(BIN)/pytest verif/formal

formal-core: $(FORMAL) ## bounded proofs of the core by its trace port (docs/developer/formal.md; about 10 minutes)
	$(BIN)/python -m verif.formal.core $(PROOFS)

$(FORMAL): $(STAMP)
	@rm -f $@
	$(BIN)/python -m pip install --disable-pip-version-check --progress-bar off -e '.[dev,formal]'
	@touch $@

lint: $(STAMP) ## check style and formatting of the Python files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(STAMP) ## put right what `make lint` can put right by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

verilog: $(STAMP) ## write synthesisable Verilog, linted and checked, to build/verilog/PRESET
	$(HEED) verilog --preset $(or $(PRESET),tiny) -o $(OUT)/$(or $(PRESET),tiny)

area: $(STAMP) ## gates and logic levels of the engine; fails above 60 levels (minutes on paper)
	$(HEED) area --preset $(or $(PRESET),paper) --check

generate: $(STAMP) ## regenerate the C header and the reference pages from the sources of truth
	$(HEED) generate

accuracy: $(STAMP) ## accuracy of the float and the int8 network (SEEDS=5 trains four more seeds)
	$(HEED) accuracy --seeds $(SEEDS)

bench: $(STAMP) ## measure cycles on the RTL and write docs/reference/benchmarks.md
	$(HEED) bench

doctor: $(STAMP) ## say which tools are there and what to install
	$(HEED) doctor

clean: ## remove what was built (simulators, firmware, Verilog); keeps .venv
	rm -rf build .pytest_cache .ruff_cache .hypothesis

distclean: clean ## remove .venv too
	rm -rf $(VENV)
