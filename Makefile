# One command for everyone: each target sets up what it needs, from a fresh clone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Tests start hundreds of processes: what these import is compiled once, whatever the environment says.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo lab test torture bench soak check format lock screenshots browser clean

help: ## Show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: $(READY) ## Make .venv from the locked, hashed requirements

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; name it with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	@echo "Setting up $(VENV) (once; about a minute) ..."
	@$(PYTHON) -m venv $(VENV) || { echo "Python cannot make virtual environments; on Debian: apt-get install python3-venv"; exit 2; }
	@$(BIN)/pip install -q --require-hashes --only-binary :all: -r requirements.lock
	@$(BIN)/pip install -q --no-deps --no-build-isolation -e .
	@touch $@

demo: setup ## Run the sandbox's tickets and show how each ended
	@$(BIN)/glhelpers demo

lab: setup ## Open JupyterLab on the runbooks, with the sandbox as target
	@$(BIN)/glhelpers lab

test: setup browser ## Run all tests
	@$(BIN)/pytest -n 2 --no-loadscope-reorder

torture: setup ## Try for hours to lose or double a write; BATTERIES="crash network" ROUNDS=50 for some of it
	@$(BIN)/python -m tests.torture $(BATTERIES) $(if $(ROUNDS),--rounds $(ROUNDS)) --docs docs/reliability.md

# A peer that is no dependency: apart, on top of the same versions of everything else.
bench: setup ## Run all ways to execute many notebooks side by side; ROUNDS=3 TICKETS=200
	@[ -d .venv-bench ] || { $(BIN)/python -m venv .venv-bench && $(BIN)/python -c 'import sysconfig; print("import site; site.addsitedir(%r)" % sysconfig.get_path("purelib"))' > "$$(.venv-bench/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/with_the_package.pth"; }
	@.venv-bench/bin/pip install -q ploomber-engine==0.0.33 || echo "ploomber-engine could not be installed; its row says so."
	@$(BIN)/python -m bench.light --out docs/performance.md
	@$(BIN)/python -m bench $(if $(TICKETS),--tickets $(TICKETS)) $(if $(ROUNDS),--rounds $(ROUNDS)) --out docs/performance.md
	@$(BIN)/python -m bench $(if $(TICKETS),--tickets $(TICKETS)) $(if $(ROUNDS),--rounds $(ROUNDS)) --only ours,ours-2,floor,floor-2 --delay 100 --out docs/performance.md

soak: setup ## Launch 5,000 forked kernels of all kinds of misfortune, then batches of growing size; LAUNCHES=500 SIZES=100,1000
	@$(BIN)/python -m bench.soak $(if $(LAUNCHES),--launches $(LAUNCHES)) --out docs/performance.md
	@$(BIN)/python -m bench.memory $(if $(SIZES),--tickets $(SIZES)) --out docs/performance.md

check: setup ## Format, lint, types, layers, notebooks
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/pytest -q tests/runbooks/test_contract.py

format: setup ## Format the code
	@$(BIN)/ruff check --fix-only -q . ; $(BIN)/ruff format -q .

screenshots: setup browser ## Take the pictures of docs/ from the running product
	@$(BIN)/pytest -q tests/browser --screenshots artefacts/screenshots
	@rm -f docs/images/*.png
	@for name in $$(grep -hoE 'images/[0-9a-z-]+\.png' README.md docs/*.md | sort -u); do cp "artefacts/screenshots/$$(basename "$$name")" "docs/$$name" || exit 1; done

lock: setup ## Lock the newest versions that pyproject.toml allows
	@$(BIN)/pip install -q uv && $(BIN)/uv pip compile -q -U --python-version 3.11 --generate-hashes --extra dev --no-header --no-annotate --no-emit-index-url pyproject.toml -o requirements.lock

# Tests of pages need a Chromium; as root on Debian it is installed, elsewhere a sentence says how.
browser:
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && { apt-get update -qq; DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; }; } || { echo "The browser tests need Chromium: install Debian's package chromium."; exit 2; }

clean: ## Remove what setup and runs have made
	@rm -rf $(VENV) .venv-bench runs artefacts
