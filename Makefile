# `make help` lists the targets.

VENV := .build/venv
# Options for swift build, for a faster or slower machine: make build SWIFT_FLAGS='-j 8'
SWIFT_FLAGS ?=
SOURCES := Benchmarks Sources Tests Package.swift
VERSION := $(shell sed -n 's/^package let version = "\(.*\)"$$/\1/p' Sources/Shared/CommandLine/CommandLineTool/Version.swift)
# Where files are installed, and where the programs are built.
PREFIX ?= /usr/local
DESTDIR ?=
BUILD ?= .build/release
# How long `make soak` watches each program.
MINUTES ?= 10
# How long `make fuzz` runs each target, and which targets; all by default.
SECONDS_EACH ?= 20
TARGETS ?=
# How often `make steady` runs the tests.
RUNS ?= 10
export VERSION PREFIX DESTDIR BUILD

.DEFAULT_GOAL := build
.PHONY: setup build release install uninstall dist deb test steady sanitize costs bench soak test-deb fuzz demo \
    session diagram docs site format lint clean help

setup: ## install missing Debian and Python packages
	@scripts/setup

build: setup ## build the programs into .build/debug (default)
	swift build $(SWIFT_FLAGS)

release: setup ## build the programs into .build/release, with Swift linked in
	@scripts/release $(SWIFT_FLAGS)

install: ## install what `make release` built in PREFIX (/usr/local), below DESTDIR (none)
	@scripts/install install

uninstall: ## remove the installed files
	@scripts/install uninstall

dist: ## pack the committed sources into .build/dist/teebridge-VERSION.tar.gz
	@mkdir -p .build/dist
	git -c tar.umask=0022 -c tar.tar.gz.command='gzip -9n' archive --format=tar.gz \
	    --prefix=teebridge-$(VERSION)/ --output=.build/dist/teebridge-$(VERSION).tar.gz HEAD

deb: release ## build a Debian package in .build/dist
	@scripts/deb

test: setup ## run every test; the last line counts them
	@scripts/test $(SWIFT_FLAGS)

steady: setup ## run the tests RUNS (10) times beside two busy processors; print a table
	@scripts/steady $(RUNS)

sanitize: setup ## run the tests under AddressSanitizer, and those of threads under ThreadSanitizer
	@SANITIZER=address scripts/test --build-tests $(SWIFT_FLAGS)
	@SANITIZER=thread scripts/test $(SWIFT_FLAGS)

costs: release ## test the costs of small jobs of the programs
	@scripts/setup --costs
	TEEBRIDGE_BIN=$(BUILD) $(VENV)/bin/python -B -m pytest -q -n auto -o cache_dir=.build/pytest-cache Tests/costs

bench: setup ## compare the programs with others, for docs/performance.md; takes minutes
	@TEEBRIDGE_BENCH=yes scripts/release $(SWIFT_FLAGS)
	$(VENV)/bin/python -B Benchmarks/bench --write

soak: release ## run two programs amid faults, each for MINUTES (10); then 1000 schedules
	TEEBRIDGE_BIN=$(BUILD) TEEBRIDGE_SOAK_MINUTES=$(MINUTES) TEEBRIDGE_SLOW_TESTS=1 $(VENV)/bin/python -B -m pytest \
	    -q -s -o cache_dir=.build/pytest-cache Tests/programs/test_soak.py Tests/programs/test_schedules.py \
	    Tests/programs/test_tx_send_streams.py::test_memory_does_not_grow_with_the_input

test-deb: deb ## test the package, in a Debian without Swift, too; takes minutes, and root
	@scripts/setup --packaging
	TEEBRIDGE_BIN=$(BUILD) $(VENV)/bin/python -B -m pytest -q -rs -o cache_dir=.build/pytest-cache Tests/packaging

fuzz: setup ## fuzz the readers of untrusted input: each of TARGETS (all) for SECONDS_EACH (20)
	@scripts/fuzz $(SECONDS_EACH) $(TARGETS)

demo: release ## connect two CVMs of different KMS roots, on a chain on this machine
	@TEEBRIDGE_BIN=$(BUILD) demo/run

session: release ## record the demonstration in docs/session.txt
	TEEBRIDGE_BIN=$(BUILD) demo/run > docs/session.txt 2>&1

diagram: ## draw docs/dataflow.svg
	@scripts/setup --diagram
	dot -Tsvg docs/dataflow.dot | sed "s/^<svg /<!-- dataflow.dot, sha256:$$(sha256sum < docs/dataflow.dot | cut -c 1-64) -->\n&/" \
	    > docs/dataflow.svg

format: ## lay out the Swift sources
	swift format --in-place --recursive --parallel $(SOURCES)

docs: release ## build the documentation of the libraries as a web site in .build/docs
	@scripts/docs

site: setup ## build README, guides and manual pages as a web site in .build/site
	@scripts/site .build/site

lint: release ## check layout, structure and documentation, shell scripts and Python
	@scripts/lint $(SOURCES)

clean: ## remove everything that was built, and the Python packages
	rm -rf .build

help: ## print this list
	@sed -n 's/^\([a-z-]*\):.* ## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10
