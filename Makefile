# Redline's tasks. `make help` lists them.

GO       ?= go
BIN      := bin/redline
TOOLS    := $(CURDIR)/.tools
LINT_VERSION := v2.15.0
LINT     := $(TOOLS)/golangci-lint-$(LINT_VERSION)
DATA_DIR ?= .redline
ADDR     ?= 127.0.0.1:8080
IMAGE    ?= redline
# Actions a second that the demo's own traffic makes; left out, none.
TRAFFIC  ?=

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the tasks
	@awk 'BEGIN {FS = ":.*## "} /^[a-z][a-z-]*:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: build postgres ## Run the gateway with demo data on a private Postgres in $(DATA_DIR), with TRAFFIC actions a second
	$(BIN) serve --demo $(if $(TRAFFIC),--demo-traffic $(TRAFFIC)) --addr $(ADDR) --data-dir $(DATA_DIR)

.PHONY: build
build: ## Build bin/redline
	CGO_ENABLED=0 $(GO) build -trimpath -o $(BIN) ./cmd/redline

.PHONY: test
test: postgres node promtool redis ## Run all tests, against a Postgres that they start themselves
	@./.ci/web test
	./.ci/memory $(GO) test -race -pgo=off -vet=off -timeout 14m ./... # lint vets

.PHONY: lint
lint: generated $(LINT) ## Check formatting, imports between rooms, code and generated files
	GOFLAGS=-pgo=off $(LINT) run

.PHONY: generate
generate: ## Write the generated GraphQL code and docs/configuration.md anew
	$(GO) generate ./graph ./cmd/redline

.PHONY: web
web: ## Build the dashboard and the explorer from web/app into web/dist, with Node
	@./.ci/web

.PHONY: generated
generated: ## Fail where what is generated isn't what 'make generate' and 'make web' write
	@made() { { find graph -name '*generated.go'; find web/dist web/app/src/gql -type f; echo docs/configuration.md; } | LC_ALL=C sort | xargs cksum; }; \
	before=$$(made); \
	$(MAKE) --no-print-directory generate web || exit 1; \
	if [ "$$before" != "$$(made)" ]; then echo "generated files were out of date: commit what 'make generate' and 'make web' wrote"; exit 1; fi

.PHONY: bench
bench: build postgres ## Measure reads, orders, feeds and other changes, and write docs/performance.md
	$(GO) build -trimpath -pgo test/bench/limit.pgo -o bin/bench ./test/bench
	bin/bench --redline $(BIN) --write docs/performance.md $(BENCH_FLAGS)

.PHONY: bench-short
bench-short: postgres ## Go the benchmark's whole way in seconds: it works, and its figures mean nothing
	$(GO) test -race -count=1 -v -run TestBenchShort ./test/bench

.PHONY: bench-live
bench-live: build postgres ## Measure live subscriptions, and write their part of docs/performance.md
	$(GO) build -trimpath -o bin/benchlive ./test/benchlive
	bin/benchlive --redline $(BIN) --write docs/performance.md $(BENCH_FLAGS)

.PHONY: bench-live-short
bench-live-short: postgres ## Go its whole way in seconds: each subscriber gets each event once, and the figures mean nothing
	$(GO) test -race -count=1 -v -run TestBenchLiveShort ./test/benchlive

.PHONY: dashboard-load
dashboard-load: build postgres node ## Keep the dashboard open for ten minutes under load, judge its frames and its memory, and write their part of docs/dashboard.md
	$(GO) build -trimpath -o bin/dashload ./test/dashload
	bin/dashload --redline $(BIN) --write docs/dashboard.md $(BENCH_FLAGS)

# A profile names its binary by its path: where that stood is nobody's business.
NEUTRAL = gunzip | LC_ALL=C sed 's,$(CURDIR),$(shell printf %s '$(CURDIR)' | sed 's/./-/g'),g' | gzip -n

.PHONY: profile
profile: build postgres ## Profile the server and the limit under load, for the compiler
	$(GO) build -trimpath -o bin/bench ./test/bench
	bin/bench --redline $(BIN) --only q1 --rounds 1 --seconds 8 --profile bin/profile
	$(GO) tool pprof -proto bin/profile/[pq]*.pprof | $(NEUTRAL) > bin/default.pgo
	$(GO) tool pprof -proto bin/profile/limit-*.pprof | $(NEUTRAL) > bin/limit.pgo
	mv bin/default.pgo cmd/redline/default.pgo
	mv bin/limit.pgo test/bench/limit.pgo

.PHONY: metrics-table
metrics-table: ## Write docs/metrics.md's table anew from the code
	UPDATE_DOCS=1 $(GO) test -count=1 -run TestMetricsDocument ./cmd/redline

.PHONY: trace-example
trace-example: postgres ## Place an order with subscribers on two gateways, and write its trace into docs/tracing.md
	UPDATE_DOCS=1 $(GO) test -count=1 -run 'TestTraceOfAnOrder$$' ./test

.PHONY: histories
histories: postgres ## Run HISTORIES (3000) random histories of all operations and check the books after each
	HISTORIES=$(or $(HISTORIES),3000) $(GO) test -race -pgo=off -count=1 -v -timeout 2h -run 'History|Callers' ./test/histories

.PHONY: live-chaos
live-chaos: postgres ## Kill gateways, Postgres and connections for LIVE_CHAOS (20) rounds, and send LIVE_SUBSCRIBERS (4000) on: each is told each event once
	LIVE_CHAOS=$(or $(LIVE_CHAOS),20) LIVE_SUBSCRIBERS=$(or $(LIVE_SUBSCRIBERS),4000) $(GO) test -race -pgo=off -count=1 -v -timeout 2h -run TestLive ./test

.PHONY: alerts
alerts: promtool ## Check what is in deploy/: alert rules and their tests, dashboard, compose file, and the words on them
	$(GO) test -count=1 ./deploy

.PHONY: drill
drill: build postgres ## Break one thing after the other under load for DRILL_SECONDS (60) each, and print what users saw
	$(GO) build -trimpath -o bin/drill ./test/drill
	bin/drill --redline $(BIN) $(DRILL_FLAGS)

.PHONY: fuzz
fuzz: ## Fuzz every parser for FUZZTIME (30s) each
	./.ci/fuzz $(or $(FUZZTIME),30s)

.PHONY: image
image: ## Build the container image, with docker or what stands in for it
	docker build -t $(IMAGE) .

.PHONY: postgres
postgres: ## See that there is a Postgres to run, and install one where it can be
	@./.ci/postgres

.PHONY: node
node: ## See that there are Node, Chromium and other people's clients for the tests, and install them where it can be
	@./.ci/node

.PHONY: promtool
promtool: ## See that there is a promtool for the tests of the alert rules, and fetch one where it can be
	@./.ci/promtool

.PHONY: redis
redis: ## See that there is a Redis for the tests, and install one where it can be
	@./.ci/redis

.PHONY: clean
clean: ## Remove what was built; the data directory stays
	rm -rf bin .tools

$(LINT):
	@echo "installing golangci-lint $(LINT_VERSION) into .tools"
	@mkdir -p $(TOOLS)
	GOBIN=$(TOOLS) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)
	@mv $(TOOLS)/golangci-lint $@
