# The recipes. Two for a first look: `make demo` and `make test`. CI runs these same ones.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

# Parallel compilers; a release build takes about 1 GB of memory each.
export CARGO_BUILD_JOBS ?= 2
# A toolchain that its installer put there, but this shell doesn't know yet.
export PATH := $(PATH):$(HOME)/.cargo/bin

# What is handed on: make demo ARGS="--robots 80 --listen 127.0.0.1:8080"
ARGS ?=
# The demo's size.
ROBOTS ?= 40
SPEED ?= 20
# Simulator seeds: in `make check` and in `make sim`.
CHECK_SEEDS ?= 20
SEEDS ?= 500

HAVE_NEXTEST = cargo nextest --version >/dev/null 2>&1
PURE := -p drover-maps -p drover-proto -p drover-core -p drover-agent-core -p drover-sim
# `make check FAST_TESTS=no`: where `make test` follows, which runs them too.
FAST_TESTS ?= yes

WEB := controller/web
WEB_SOURCES = $(shell find $(WEB)/src $(WEB)/public proto/drover -type f 2>/dev/null) $(wildcard $(WEB)/*.*)

.PHONY: help demo test kills check fmt sim bench bench-planner bench-execution bench-intake failover clean web

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## builds and runs the main job on embedded defaults; report in demo-report/
	scripts/install.sh demo
	$(MAKE) --no-print-directory web
	cargo build --release -p drover-controller -p drover-agent
	target/release/drover demo --robots $(ROBOTS) --speed $(SPEED) --exit-when-done --report demo-report $(ARGS)

web: $(WEB)/dist/assets ## the live page, embedded in `drover`

# Not `npm ci`: it refuses a lock file that leaves out what other platforms would install.
$(WEB)/node_modules/.package-lock.json: $(WEB)/package-lock.json
	cd $(WEB) && npm install --no-save --no-audit --no-fund --loglevel=error

$(WEB)/dist/assets: $(WEB)/node_modules/.package-lock.json $(WEB_SOURCES)
	cd $(WEB) && npm run --silent build

# The programs first: some tests start them.
test: ## every test, on real brokers and databases that the tests start themselves
	scripts/install.sh test
	$(MAKE) --no-print-directory web
	cd $(WEB) && npm test --silent
	cargo build --workspace --bins
	cargo test --workspace --doc --quiet
	if $(HAVE_NEXTEST); then cargo nextest run --workspace --profile all; else cargo test --workspace --lib --bins --tests; fi
	helm/tests/chart.sh

# The small sizes of the same tests run in `make test`. Sizes and the seed: DROVER_KILLS_... of controller/server/tests/kills.rs.
kills: export DROVER_KILLS_INTAKE_JOBS ?= 100000
kills: export DROVER_KILLS_INTAKE_KILLS ?= 60
kills: export DROVER_KILLS_FLOOR_JOBS ?= 20000
kills: export DROVER_KILLS_FLOOR_KILLS ?= 120
kills: export DROVER_KILLS_FLOOR_ROBOTS ?= 60
kills: ## jobs against kill -9 of controller, brokers and database at random moments: full size, hours
	scripts/install.sh test
	$(MAKE) --no-print-directory web
	cargo build --release -p drover-controller -p drover-agent
	cargo test --release -p drover-controller --test kills -- --nocapture --test-threads 1 $(ARGS)

check: ## format, lints, fast tests, some simulator seeds: a few minutes
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	if [ "$(FAST_TESTS)" = no ]; then echo "fast tests: left to make test"; \
	elif $(HAVE_NEXTEST); then cargo nextest run --workspace; \
	else cargo test $(PURE) --lib --bins --tests && cargo test --workspace --lib --bins; fi
	cargo build --workspace --bins
	target/debug/drover-sim swarm --seeds $(CHECK_SEEDS)
	if cargo deny --version >/dev/null 2>&1; then cargo deny --offline check bans licenses sources; \
	else echo "cargo-deny isn't installed: bans, licences and sources not checked"; fi

fmt: ## formats every source file
	cargo fmt --all

sim: ## a long simulator run: every scenario, then SEEDS=500 drawn worlds
	cargo build --release -p drover-sim
	for scenario in sim/scenarios/*.toml; do [ -e "$$scenario" ] || continue; \
		echo "$$scenario"; target/release/drover-sim run "$$scenario"; done
	target/release/drover-sim swarm --seeds $(SEEDS) $(ARGS)

bench: ## simulated seconds per CPU second on the demo's site; bench-planner: the planner beside its bar; bench-execution: under delays
	cargo run --release -p drover-benches --bin sim_speed -- $(ARGS)

# Instances in $DROVER_DATA/mapf; without it nothing is run.
bench-planner:
	cargo build --release -p drover-benches --bin lifelong --bin planner
	cargo run --quiet --release -p drover-benches --bin planner -- $(ARGS)

# How often each leader is killed, and told to go; how long one is held, s.
FAILOVERS ?= 50
HELD_S ?= 30

failover: ## leaders killed, told to go and held, on real brokers; prints how long the standby took
	scripts/install.sh test
	$(MAKE) --no-print-directory web
	cargo build -p drover-controller -p drover-agent --bins
	DROVER_FAILOVERS=$(FAILOVERS) DROVER_HELD_S=$(HELD_S) cargo test -p drover-controller --test failover -- --nocapture

bench-execution:
	cargo run --release -p drover-benches --bin execution -- $(ARGS)

bench-intake: ## jobs a second through intake, beside a bare consumer that commits
	cargo build --release -p drover-controller
	cargo run --release -p drover-benches --bin intake -- $(ARGS)

clean: ## removes what was built and reported
	cargo clean
	rm -rf demo-report
