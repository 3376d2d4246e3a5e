# The modules: the published one (.), those in go.work (cmd/weir, examples), and
# e2e, bench and leakscore, which are kept out of the workspace: e2e brings all of
# Prometheus, bench what weir is compared with, leakscore programs that leak.
GO ?= go
LINT = github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
# Without its service discoveries Prometheus builds in a third of the time.
E2EFLAGS = GOWORK=off GOFLAGS="$(GOFLAGS) -tags=remove_all_sd"
# Go 1.26 has the runtime's leak profile behind this flag; later ones always.
LEAKPROFILE = GOWORK=off GOEXPERIMENT=goroutineleakprofile

# The examples that need somebody's pool are modules of their own, so that nothing
# else needs it.
POOLS = $(patsubst %/go.mod,%,$(wildcard examples/*/go.mod))

.PHONY: test test-root test-commands test-e2e test-bench test-leakscore model scale bench leakscore vet lint generate fmt

# Everything a change must pass, in every module.
test: vet test-root test-commands test-bench test-leakscore test-e2e

# The published module as its users get it, without the workspace; then the
# concurrent core on one processor and on eight, and what the leak profile sees.
test-root:
	GOWORK=off $(GO) test -race ./...
	GOWORK=off $(GO) test -cpu 1,8 ./instrument
	$(LEAKPROFILE) $(GO) test -run LeakProfile ./instrument ./exporter/live

test-commands:
	$(GO) test -race ./cmd/weir/... ./examples/... $(POOLS:%=./%/...)

# Real Prometheus, Alertmanager and their tools, built once by the go command
# and found again in its cache. The results are not to be cached: these tests run
# programs of the other modules, whose changes the go command does not see here.
test-e2e:
	cd e2e && $(E2EFLAGS) $(GO) test -count=1 -timeout 20m ./...

# What a Prometheus of 200 instances with 50 names each needs for the boards: prints
# every query's time, the slowest first. The second run has classic histograms.
scale:
	cd e2e && $(E2EFLAGS) $(GO) test -count=1 -timeout 20m -v -run TestScale . -scale.instances 200 -scale.slowest 2s
	cd e2e && $(E2EFLAGS) $(GO) test -count=1 -timeout 20m -v -run TestScale . -scale.instances 200 -scale.slowest 2s -scale.classic

# That the measurements measure; how fast anything is, no test says. Then random
# programs against a model of a channel, also on one processor and on eight: the
# race detector forbids some that are well defined, so these run without it.
test-bench:
	cd bench && GOWORK=off $(GO) test -race ./...
	cd bench && GOWORK=off $(GO) test -cpu 1,8 ./model

# The same for ten minutes, in ten processes: the race detector keeps a kilobyte or
# so of every goroutine that has ended. A failure prints the flag that runs its
# program again. Then ten million operations on semaphores, canceled at random, that
# must lose no permit.
model:
	for minute in 1 2 3 4 5 6 7 8 9 10; do \
		(cd bench && GOWORK=off $(GO) test -race -count=1 -v -run TestModel ./model -model.for=1m) || exit 1; \
	done
	cd bench && GOWORK=off $(GO) test -race -count=1 -v -timeout 1h -run TestNoPermitLost/measured ./semaphore -operations 10000000

# One table, in about three minutes: what weir costs beside the native things and
# beside what is written by hand. BENCH=-h lists the flags; BENCH='-only semaphore'
# has part of it.
bench:
	cd bench && GOWORK=off $(GO) run . $(BENCH)

# Some known leaks and all healthy programs, the latter in fake time: half a minute.
test-leakscore:
	cd leakscore && $(LEAKPROFILE) $(GO) test ./...

# How many known leaks are seen, in twenty runs each, how many healthy programs are
# suspected, whether the incident is named, and what detection costs, in about a
# quarter of an hour: LEAKSCORE=-h lists the flags, LEAKSCORE='-incident 10m' is the
# long version.
leakscore:
	cd leakscore && $(LEAKPROFILE) $(GO) run . $(LEAKSCORE)

vet:
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "gofmt would change:"; echo "$$unformatted"; exit 1; }
	GOWORK=off $(GO) vet ./...
	GOWORK=off GOARCH=386 $(GO) vet ./instrument
	$(GO) vet ./cmd/weir/... ./examples/... $(POOLS:%=./%/...)
	cd e2e && $(E2EFLAGS) $(GO) vet ./...
	cd bench && GOWORK=off $(GO) vet ./...
	cd leakscore && GOWORK=off $(GO) vet ./...

lint:
	GOWORK=off $(GO) run $(LINT) run ./...
	for m in cmd/weir examples $(POOLS); do (cd $$m && $(GO) run $(LINT) run ./...) || exit 1; done
	for m in bench e2e leakscore; do (cd $$m && $(E2EFLAGS) $(GO) run $(LINT) run ./...) || exit 1; done

# Rewrites everything that is generated and committed; a plain test run fails
# where it is out of date.
generate:
	GOWORK=off $(GO) test ./dashboards ./alerts ./exporter/promexport -update
	$(GO) test ./examples/scale -update

fmt:
	gofmt -w .
