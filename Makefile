# The targets that people and CI use; `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# The modules of the workspace that have packages.
MODULES := $(filter-out ./internal/workspace,$(shell sed -n 's/^\t\(\..*\)/\1/p' go.work))
# What make quick tests: packages whose tests need no server and no browser. SLOW is
# what -short does not leave out there: other processes, and what waits for a disk.
QUICK := $$(go list ./... ./examples/... ./store/cachestore/... ./store/sqlstore/... | grep -v /internal/testserver)
SLOW := ^(TestProcesses|TestKilledProcesses|TestEveryFailingStep)|^TestConformance$$/^synced
# Tests that are ten times as large without the race detector.
LARGE := ^(TestRandomSchedules|TestRandomLogins|TestVisitors|TestNoWriteIsLost|TestLongLineOfAUsersRecord)
# How many packages are tested at once: their tests wait half of the time, for records
# to expire, for servers and for browsers.
AT_ONCE := $(shell echo $$((($$(getconf _NPROCESSORS_ONLN) * 3 + 1) / 2)))
STATICCHECK := $(CURDIR)/bin/staticcheck
FUZZTIME ?= 60s
# What the runs of storetest write, from which the README's table of stores is made.
REPORTS := $(CURDIR)/bin/reports

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## run the tutorial app on http://localhost:5000
	go run ./cmd/cloakroom demo

quick: ## unit tests alone: a minute, nothing is installed
	go test -short -skip '$(SLOW)' $(QUICK)

setup: ## install what the tests need beside Go, and say before what
	./scripts/setup

test: setup ## every test there is, with the race detector, and the large ones without; installs what it needs
	STORETEST_REPORTS=$(REPORTS) go test -race -p $(AT_ONCE) $(if $(filter true,$(CI)),-count=1) -timeout 30m work
	go test $(if $(filter true,$(CI)),-count=1) -run '$(LARGE)' -timeout 30m ./internal/guarantee
	go run ./internal/storetable -check $(REPORTS) README.md
	cd internal/tools && GOWORK=off go test $(if $(filter true,$(CI)),-count=1) -timeout 30m ./...

lint: ## gofmt, go vet, staticcheck, go mod tidy, and a build of each module by itself
	@files=$$(git ls-files -co --exclude-standard '*.go' | xargs gofmt -l); \
	  if [ -n "$$files" ]; then echo "not formatted by gofmt:"; echo "$$files"; exit 1; fi
	go vet work
	cd internal/tools && GOWORK=off go vet ./... && GOWORK=off go build -o $(STATICCHECK) honnef.co/go/tools/cmd/staticcheck
	@for m in $(MODULES); do echo "staticcheck $$m"; (cd $$m && $(STATICCHECK) ./...); done
	@echo "staticcheck ./internal/tools"; cd internal/tools && GOWORK=off $(STATICCHECK) ./...
	./scripts/alone
	./scripts/compat

api: ## what has changed in the public face since the last release, or on this branch
	./scripts/api

cross: ## every module for Windows, macOS, FreeBSD and 32-bit Linux; the root's tests for 386
	./scripts/cross

fuzz: ## each fuzz target for FUZZTIME (60s)
	./scripts/fuzz $(FUZZTIME)

stores: ## write the README's table of stores from what the last make test found
	go run ./internal/storetable $(REPORTS) README.md

bench: ## side by side with the peers, into bench/results.txt
	./bench/run

tidy: ## one version of each dependency in all modules, and go mod tidy
	./scripts/tidy

.PHONY: help demo quick setup test lint api cross fuzz stores bench tidy
