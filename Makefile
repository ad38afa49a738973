# `make` alone prints this help. Everything runs in .venv, which each target makes when needed.

PYTHON ?= python3
PORT ?= 8000
VEZA_DATA_DIR ?= $(CURDIR)/.veza
PG ?= found
T ?=
PY := .venv/bin/python
SERVICES := $(PY) deploy/services run --postgres $(PG) --
BOOTSTRAP := $(PYTHON) deploy/bootstrap.py

export PORT VEZA_DATA_DIR
# Hundreds of processes would compile the project anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup run test check lint format types imports migrations web pictures docs docs-check bench lock clean

help: ## print this help
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## start the whole platform on this machine (PORT=8000, VEZA_DATA_DIR=.veza)
	@$(BOOTSTRAP)
	@exec $(PY) manage.py up

test: setup ## make what the tests need and run them (T=path for some, PG=embedded for PostgreSQL 18)
	@$(SERVICES) $(PY) -m pytest -n auto --dist worksteal $(T)

check: lint types imports migrations docs-check test ## all that must hold before a change is proposed

setup: ## make .venv with everything for development
	@$(BOOTSTRAP) --dev

lint: setup ## style, and mistakes that a reader of the code can find
	@$(PY) -m ruff check --no-cache .
	@$(PY) -m ruff format --check .

format: setup ## put the code into the house style
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

types: setup ## check the types
	@$(PY) -m mypy

imports: setup ## check the borders between apps
	@.venv/bin/lint-imports

migrations: setup ## check that every change of a model has its migration
	@$(PY) manage.py makemigrations --check --dry-run

web: ## build the client at `/` anew from docs/examples/web, with the types of the API (needs Node)
	@cd docs/examples/web && npm ci --ignore-scripts --no-audit --no-fund && npm run types && npm run build

pictures: setup ## take the pictures of the documentation anew, in a real browser
	@PICTURES=$(CURDIR)/docs/images/client $(SERVICES) $(PY) -m pytest -p no:randomly tests/journeys/test_first_listen.py

docs: setup ## regenerate the reference pages and build the documentation into site/
	@$(PY) manage.py describe_config
	@$(PY) manage.py describe_events
	@$(PY) manage.py export_openapi
	@$(PY) manage.py export_requests
	@$(PY) manage.py export_asyncapi
	@$(PY) -m tests.policy.describe
	@NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict
	@echo "The documentation lies in site/index.html"

docs-check: setup ## check that the reference pages are up to date and the documentation builds
	@$(PY) manage.py describe_config --check
	@$(PY) manage.py describe_events --check
	@$(PY) manage.py export_openapi --check
	@$(PY) manage.py export_requests --check
	@$(PY) manage.py export_asyncapi --check
	@$(PY) -m tests.policy.describe --check
	@NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict --site-dir .cache/site

bench: setup ## measure against peers and print ratios (minutes; needs a quiet machine)
	@$(SERVICES) $(PY) deploy/load/web_servers.py

lock: setup ## pin the newest allowed versions of all dependencies
	@$(PY) deploy/lock.py

clean: ## remove what was built; keeps .veza, where your data is
	rm -rf .venv .cache .mypy_cache .pytest_cache .ruff_cache .import_linter_cache site dist build
