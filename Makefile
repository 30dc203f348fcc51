# Everything that is done with this package; `make help` lists it.

VENV := .build/venv
# Whoever has a faster or slower machine may say so: make build SWIFT_FLAGS='-j 8'
SWIFT_FLAGS ?=
SOURCES := Benchmarks Sources Tests Package.swift
VERSION := $(shell sed -n 's/^package let version = "\(.*\)"$$/\1/p' Sources/Shared/CommandLine/CommandLineTool/Version.swift)
# Where things are installed, and where the programs were built.
PREFIX ?= /usr/local
DESTDIR ?=
BUILD ?= .build/release
# How long `make soak` watches each program.
MINUTES ?= 10
# How long `make fuzz` takes for each target, and for which; none named is all.
SECONDS_EACH ?= 20
TARGETS ?=
# How often `make steady` runs the tests.
RUNS ?= 10
export VERSION PREFIX DESTDIR BUILD

.DEFAULT_GOAL := build
.PHONY: setup build release install uninstall dist deb test steady sanitize costs bench soak test-deb fuzz demo \
    session diagram docs format lint clean help

setup: ## install what Debian and Python lack; quick when nothing does
	@scripts/setup

build: setup ## build the programs into .build/debug (default)
	swift build $(SWIFT_FLAGS)

release: setup ## build them into .build/release, with Swift linked in
	@scripts/release $(SWIFT_FLAGS)

install: ## copy what `make release` built to PREFIX (/usr/local), below DESTDIR (none)
	@scripts/install install

uninstall: ## remove what that copied
	@scripts/install uninstall

dist: ## pack what is committed into .build/dist/teebridge-VERSION.tar.gz
	@mkdir -p .build/dist
	git -c tar.umask=0022 -c tar.tar.gz.command='gzip -9n' archive --format=tar.gz \
	    --prefix=teebridge-$(VERSION)/ --output=.build/dist/teebridge-$(VERSION).tar.gz HEAD

deb: release ## build a Debian package in .build/dist
	@scripts/deb

test: setup ## run every test; the last line counts them
	@scripts/test $(SWIFT_FLAGS)

steady: setup ## run them again and again beside two busy processors: make steady RUNS=10 (10); prints a table
	@scripts/steady $(RUNS)

sanitize: setup ## run them under AddressSanitizer, and those of threads under ThreadSanitizer
	@SANITIZER=address scripts/test --build-tests $(SWIFT_FLAGS)
	@SANITIZER=thread scripts/test $(SWIFT_FLAGS)

costs: release ## test what small jobs of the programs cost
	@scripts/setup --costs
	TEEBRIDGE_BIN=$(BUILD) $(VENV)/bin/python -B -m pytest -q -n auto -o cache_dir=.build/pytest-cache Tests/costs

bench: setup ## measure release programs beside others, for docs/performance.md; takes minutes
	@TEEBRIDGE_BENCH=yes scripts/release $(SWIFT_FLAGS)
	$(VENV)/bin/python -B Benchmarks/bench --write

soak: release ## let programs go on amid faults: make soak MINUTES=10, for each of two (10); then 1000 schedules
	TEEBRIDGE_BIN=$(BUILD) TEEBRIDGE_SOAK_MINUTES=$(MINUTES) TEEBRIDGE_SLOW_TESTS=1 $(VENV)/bin/python -B -m pytest \
	    -q -s -o cache_dir=.build/pytest-cache Tests/programs/test_soak.py Tests/programs/test_schedules.py \
	    Tests/programs/test_tx_send_streams.py::test_memory_does_not_grow_with_the_input

test-deb: deb ## test that package, in a Debian without Swift too; takes minutes, and root
	@scripts/setup --packaging
	TEEBRIDGE_BIN=$(BUILD) $(VENV)/bin/python -B -m pytest -q -rs -o cache_dir=.build/pytest-cache Tests/packaging

fuzz: setup ## fuzz what strangers send: each of TARGETS (all) for SECONDS_EACH (20)
	@scripts/fuzz $(SECONDS_EACH) $(TARGETS)

demo: release ## let two CVMs of different KMS roots meet, on a chain of this machine
	@TEEBRIDGE_BIN=$(BUILD) demo/run

session: release ## record that in docs/session.txt
	TEEBRIDGE_BIN=$(BUILD) demo/run > docs/session.txt 2>&1

diagram: ## draw docs/dataflow.svg
	@scripts/setup --diagram
	dot -Tsvg docs/dataflow.dot | sed "s/^<svg /<!-- dataflow.dot, sha256:$$(sha256sum < docs/dataflow.dot | cut -c 1-64) -->\n&/" \
	    > docs/dataflow.svg

format: ## lay out the Swift sources
	swift format --in-place --recursive --parallel $(SOURCES)

docs: release ## make a web site of the libraries' documentation in .build/docs
	@scripts/docs

lint: release ## check layout, structure and documentation, shell scripts and Python
	@scripts/lint $(SOURCES)

clean: ## remove all that was built, the Python packages too
	rm -rf .build

help: ## this list
	@sed -n 's/^\([a-z-]*\):.* ## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10
