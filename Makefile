# What can be done here. `make` alone lists it.
SHELL := /usr/bin/env bash
.DEFAULT_GOAL := help

BIN := .venv/bin
CHECKS := check-lint check-format check-types check-imports check-templates check-django \
	check-migrations check-states check-audit

.PHONY: help run test check $(CHECKS) setup-dev prove bench lock clean

help: ## List what can be done
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Run the portal with its demo on loopback (PORT=8001 elsewhere); Ctrl-C stops everything
	@scripts/setup
	@exec $(BIN)/python manage.py serve --demo $(if $(PORT),--port $(PORT))

test: ## Every check, then every test on SQLite and on PostgreSQL
	@scripts/test

check: $(CHECKS) ## Lint, format, types, imports, templates, settings, migrations, docs/states.md, known faults

# `make --keep-going check` shows everything that is wrong, not the first thing alone.
$(CHECKS): setup-dev

check-lint:
	$(BIN)/ruff check --quiet .

check-format:
	$(BIN)/ruff format --check --quiet .

check-types:
	$(BIN)/mypy

check-imports:
	$(BIN)/lint-imports --no-logo

check-templates:
	$(BIN)/djlint --lint --quiet templates

check-django:
	$(BIN)/python -W error manage.py check

check-migrations:
	$(BIN)/python manage.py makemigrations --check --dry-run

check-states:
	$(BIN)/python manage.py states --check

check-audit:
	@scripts/audit-dependencies

setup-dev:
	@scripts/setup --dev

prove: ## The long proofs, on SQLite and on PostgreSQL
	@scripts/test --proofs

bench: setup-dev ## Run each measurement in bench/
	@for measurement in bench/bench_*.py; do echo "$$measurement"; $(BIN)/python "$$measurement" || exit 1; done

lock: ## Pin the dependencies again; UPGRADE=1 takes the newest
	@scripts/lock $(if $(UPGRADE),--upgrade)

clean: ## Remove the environment and what checks and tests made; var/, a portal's own data, stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache test-results staticfiles
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
