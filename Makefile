# Two Smiles, One Law: `make book` and `make test` need nothing typed before them. GNU make 3.81 suffices.
BUDGET ?= quick
CHAIN  ?=
PYTHON ?= python3
PORT   ?= 8000
export PYTHON

RUN      = .venv/bin/python
CHAPTERS = $(RUN) -m smilebridge.chapters

.PHONY: help env book test test-full serve reference lint bench lock clean

help:                   ## this list
	@echo "make TARGET [BUDGET=quick|full] [CHAIN=own quotes, file or folder] [PYTHON=python3] [PORT=8000]"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' Makefile

env: .venv/.ready       ## .venv with the locked environment and the `smilebridge` command

.venv/.ready: pyproject.toml requirements.lock .ci/env
	@sh .ci/env

book: env               ## execute what changed and draw the pages: _build/BUDGET/html/index.html
	@$(CHAPTERS) render --budget "$(BUDGET)" $(if $(CHAIN),--chain "$(CHAIN)")

test: env               ## unit tests, doctests, layout, chapters, stored outputs, browser
	@sh .ci/test

test-full: env          ## the same with full budgets
	@sh .ci/test -m "slow or not slow"

serve: book             ## the book on http://127.0.0.1:PORT
	@$(RUN) -m http.server --bind 127.0.0.1 --directory "_build/$(BUDGET)/html" $(PORT)

reference: env          ## renew the stored outputs that the tests believe
	@$(CHAPTERS) reference

lint: env               ## ruff over library, tests, benchmarks
	@$(RUN) -m ruff check lib tests bench _ext

bench: env              ## run the benchmarks; JSON with device and versions in _build/bench
	@$(RUN) bench

lock:                   ## renew requirements.lock (needs uv and a package registry)
	@uv export --quiet --no-header --extra book --extra test --no-emit-project --format requirements.txt -o requirements.lock
	@rm -f uv.lock

clean:                  ## remove what was built (.venv stays)
	@rm -rf _build
