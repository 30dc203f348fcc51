# Everything that is done with this package; `make help` lists it.

VENV := .build/venv
# Whoever has a faster or slower machine may say so: make build SWIFT_FLAGS='-j 8'
SWIFT_FLAGS ?=
SOURCES := Sources Tests Package.swift

.DEFAULT_GOAL := build
.PHONY: setup build release test demo format lint clean help

setup: ## install what Debian and Python lack; quick when nothing does
	@scripts/setup

build: setup ## build the programs into .build/debug (default)
	swift build $(SWIFT_FLAGS)

release: setup ## build them into .build/release, with Swift linked in
	swift build -c release --static-swift-stdlib $(SWIFT_FLAGS)

test: setup ## run every test; the last line counts them
	@scripts/test $(SWIFT_FLAGS)

demo: build ## let two CVMs of different KMS roots meet, on a chain of this machine
	@demo/run

format: ## lay out the Swift sources
	swift format --in-place --recursive --parallel $(SOURCES)

lint: setup ## check layout, shell scripts and Python
	@scripts/lint $(SOURCES)

clean: ## remove all that was built, the Python packages too
	rm -rf .build

help: ## this list
	@sed -n 's/^\([a-z]*\):.* ## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10
