# `make` alone lists what can be asked for. Every target may be run again at any time.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.NOTPARALLEL:

BIN := $(CURDIR)/.venv/bin
PYTHON := PYTHONPATH=tests $(BIN)/python3
CHECKOUT_AS_COLLECTION := .ac/ansible_collections/barehost/monitoring
# Two lanes, one for each core. What measures how long a service is away has the machine to itself, at the end.
TESTS := 'lint test-unit sanity test-collection test-bench molecule' 'test-integration test-operate' -- test-faults

export PATH := $(BIN):$(PATH)
export MYPY_CACHE_DIR := $(CURDIR)/.cache/mypy
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: help
help:
	@awk -F ':.*## |^##@ ' '/^##@/ {print "\n" $$2} /^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' Makefile

##@ what tests and the demo stand on

.PHONY: venv engine mirror hosts
venv: .venv/ready  ## Python environment with Ansible and the test tools (.venv)

.venv/ready: requirements-dev.txt examples/ai_assistant/requirements.txt tests/venv.sh
	@tests/venv.sh $@

engine: venv  ## a container engine: the running one, or one that is installed and started (root on Debian)
	@$(PYTHON) -m hosts engine

mirror: venv  ## releases to deploy, from upstream or else from Debian's packages (.cache/mirror)
	@$(PYTHON) -m mirror

hosts: engine mirror  ## images of Debian 11, 12 and 13 hosts with systemd (.cache/images)
	@$(PYTHON) -m hosts images

##@ see it run

.PHONY: demo demo-summary demo-faults demo-quiet
demo: hosts  ## deploy the whole stack on two fresh hosts and show what runs
	@$(PYTHON) -m demo deploy
	@$(PYTHON) -m demo summary

demo-summary:  ## show again what runs, read from the running services
	@$(PYTHON) -m demo summary

demo-faults:  ## cause each documented fault, follow its alert to mail and Slack, and back (4 minutes)
	@$(PYTHON) -m demo faults

demo-quiet:  ## watch the healthy demo for ten minutes: no alert may fire
	@$(PYTHON) -m demo quiet

##@ test it

.PHONY: test lint test-unit sanity test-collection test-bench molecule test-integration test-operate test-faults
test: hosts  ## all of the following tests, 45 minutes on 2 cores
	@tests/all.sh $(TESTS)

lint: venv  ## style, types, documentation: ruff, mypy, ansible-lint, antsibull
	ruff check .
	ruff format --check .
	cd .ac && mypy --config-file ../pyproject.toml -p ansible_collections.barehost.monitoring.plugins
	cd tests && mypy --config-file ../pyproject.toml -p hosts -p mirror -p receivers -p demo
	cd tests/standins && mypy --config-file ../../pyproject.toml -p elastic
	cd tests && MYPYPATH=.:$(CURDIR)/.ac mypy --config-file ../pyproject.toml -p alerts
	MYPYPATH=tests:. mypy --config-file pyproject.toml -p bench
	MYPYPATH=.ac:tests:. mypy --config-file pyproject.toml -p dashboards
	cd examples/ai_assistant && MYPYPATH=src mypy --config-file ../../pyproject.toml -p ai_assistant -m build -m launcher
	ansible-lint
	antsibull-changelog lint
	cd $(CHECKOUT_AS_COLLECTION) && antsibull-docs lint-collection-docs --plugin-docs .

test-unit: mirror  ## pure functions and module logic; seconds
	@pytest tests/unit tests/mirror tests/receivers

sanity: venv  ## ansible-test sanity, on a copy in the place that it demands
	@tests/sanity.sh

test-collection: venv  ## the built archive, installed elsewhere, and a plain clone
	@pytest tests/collection

test-bench: hosts  ## one round of the benchmark: it runs, and its contenders end alike
	@pytest tests/benchmark

molecule: hosts  ## every role on Debian 12 and 13: check mode, converge, idempotence, verify
	@molecule test --all

test-integration: hosts  ## the module and the products on real systemd hosts: every guarantee
	@pytest tests/hosts tests/integration

test-operate: hosts  ## verify, fire drill, roll-back, backup, uninstall and mirror on the deployed stack
	@pytest tests/operate

test-faults: hosts  ## kills at every point and at random, a full disk, a cut mirror, a cut power
	@pytest -s tests/faults

##@ write it down

.PHONY: docs
docs: mirror  ## tables of the roles' READMEs, runbooks, and the table of alerts with their scores (docs/alerts.md)
	@for role in roles/*; do aar-doc $$role markdown; done
	@PYTHONPATH=.ac:tests $(BIN)/python3 -m alerts docs

# PROMETHEUS=http://... names another Prometheus than that of the demo.
DASHBOARDS := PYTHONPATH=.ac:tests $(BIN)/python3 -m dashboards
.PHONY: dashboards dashboards-check dashboards-pictures
dashboards: venv  ## the dashboards of the role grafana, from dashboards/
	@$(DASHBOARDS) write

dashboards-check: venv  ## ask the running demo every query of every panel: each must have data
	@$(DASHBOARDS) check $(PROMETHEUS)

dashboards-pictures: venv  ## previews with the data of the running demo: docs/dashboards
	@$(DASHBOARDS) pictures $(PROMETHEUS)

##@ measure it

.PHONY: bench
bench: hosts  ## side by side with a shell script and prometheus.prometheus (BENCH_PEER=checkout): docs/benchmark.md
	@$(PYTHON) -m bench

##@ tidy up

.PHONY: clean distclean
clean:  ## remove every test host, and the engine if it was started here; caches stay
	@if [ -x $(BIN)/python3 ]; then $(PYTHON) -m hosts remove; $(PYTHON) -m hosts stop-engine; fi
	@echo "    kept: .venv and .cache, images barehost/host:* ('make distclean' removes them)"

distclean:  ## clean, and remove images, caches and the Python environment too
	@if [ -x $(BIN)/python3 ]; then $(PYTHON) -m hosts remove --images; fi
	@$(MAKE) clean >/dev/null
	rm -rf .cache .venv .ansible
