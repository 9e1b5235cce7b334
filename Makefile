# Each target works alone on a fresh machine: it installs or builds what it needs, and says what it does.
.PHONY: run build test soak proof conformance bench guessing wall check release clean help

help:        ## Say what there is
	@grep -E '^[a-z]+: .*##' Makefile | sed -E 's/:.*## /\t/'

run: build   ## Serve on 127.0.0.1:3000 with an embedded database in ./data
	@scripts/run.sh

build:       ## Build the server and the browser's files, for development
	@scripts/build.sh

test:        ## Everything CI runs: format, clippy, tests on both databases, the browser journeys
	@scripts/test.sh

soak:        ## The same, with each race run 500 times on both databases
	@ROLLCALL_TEST_RACES=500 scripts/test.sh

proof:       ## Ten thousand leavers over several processes on one PostgreSQL: no stale acceptance, no surviving token
	@scripts/proof.sh

conformance: ## Run two public SCIM suites against a server on each database
	@scripts/conformance.sh

bench:       ## Measure what identity providers wait for, with 1,000 and with 100,000 users
	@scripts/bench.sh

guessing:    ## Measure what guessing at tokens costs the others, and whether the time of an answer tells anything
	@scripts/bench-guessing.sh

wall:        ## Measure what row-level security costs a request
	@scripts/wall.sh

check:       ## Format, clippy, and what the dependencies are
	@scripts/check.sh

release:     ## Build the server and the browser's files, optimised
	@scripts/build.sh --release

clean:       ## Forget what was built
	cargo clean
	rm -rf target node_modules
