# A table of contents. What each target does is written in Rust, in deploy/fleet.

# Debug builds can be told to break themselves, which the proofs must notice; a release build cannot (libs/kernel/src/mutant.rs).
DEBUG := --workspace --features kernel/mutants

.PHONY: help build up down demo check test servers docs model faults flash-sale bench

help:            ## this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*##/\t/'
build:           ## build everything
	cargo build $(DEBUG) --all-targets
up: build        ## the fleet until Ctrl-C, with endpoints, tokens and an example call
	target/debug/fleet up
down:            ## stop the fleet that `make up` runs in another terminal
	target/debug/fleet down
demo: build      ## one morning of a marketplace, proved from the databases
	target/debug/fleet demo
faults: build    ## 10,000 orders while everything goes wrong, and then the books; FAULTS="--seed 7 --orders 500" and the like
	target/debug/fleet faults $(FAULTS)
flash-sale: build  ## 10,000 buyers, 100 units, kills in between
	target/debug/fleet flash-sale $(FLASH_SALE)
servers: build   ## PostgreSQL and Kafka in the background, for running single tests
	target/debug/fleet servers up
bench:           ## speed and cost of the checkout, beside what bare SQL does; results in target/bench
	cargo build --workspace --release
	target/release/fleet bench
model: build     ## every interleaving of the sagas, and the mutants that it must find: some minutes
	target/debug/model
docs: build      ## write docs/choreography.md
	target/debug/fleet choreography
check: build     ## formatting, lints, protos, layering, generated docs: before every commit
	cargo fmt --all --check
	cargo clippy $(DEBUG) --all-targets --quiet -- -D warnings
	target/debug/fleet lint-protos
	target/debug/fleet choreography --check
	cargo test $(DEBUG) --quiet --test layering
test: check      ## everything that CI runs
	RUST_TEST_THREADS=4 target/debug/fleet servers run -- cargo test $(DEBUG) --no-fail-fast
