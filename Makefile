# The targets that people and CI use; `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Every folder with a go.mod; internal/tools holds tools alone.
MODULES := $(sort $(dir $(shell find . -name go.mod -not -path "./internal/tools/*")))
STATICCHECK := $(CURDIR)/bin/staticcheck
FUZZTIME ?= 60s
# What the runs of storetest write, from which the README's table of stores is made.
REPORTS := $(CURDIR)/bin/reports

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## run the tutorial app on http://localhost:5000
	go run ./cmd/cloakroom demo

test: ## every test there is, with the race detector; installs what it needs
	./scripts/setup
	STORETEST_REPORTS=$(REPORTS) go test -race $(if $(filter true,$(CI)),-count=1) -timeout 30m work
	go run ./internal/storetable -check $(REPORTS) README.md

lint: ## gofmt, go vet, staticcheck, go mod tidy, and a build of each module by itself
	@files=$$(git ls-files -co --exclude-standard '*.go' | xargs gofmt -l); \
	  if [ -n "$$files" ]; then echo "not formatted by gofmt:"; echo "$$files"; exit 1; fi
	go vet work
	@cd internal/tools && GOWORK=off go build -o $(STATICCHECK) honnef.co/go/tools/cmd/staticcheck
	@for m in $(MODULES); do echo "staticcheck $$m"; (cd $$m && $(STATICCHECK) ./...); done
	@for m in $(MODULES); do echo "build alone $$m"; (cd $$m && GOWORK=off go build -o /dev/null ./... && GOWORK=off go mod tidy -diff); done

cross: ## every module for Windows, macOS, FreeBSD and 32-bit Linux; the root's tests for 386
	./scripts/cross

fuzz: ## each fuzz target for FUZZTIME (60s)
	./scripts/fuzz $(FUZZTIME)

stores: ## write the README's table of stores from what the last make test found
	go run ./internal/storetable $(REPORTS) README.md

bench: ## side by side with the peers, into bench/results.txt
	./bench/run

tidy: ## one version of each dependency in all modules, and go mod tidy
	go work sync
	@for m in $(MODULES); do (cd $$m && GOWORK=off go mod tidy); done

.PHONY: help demo test lint cross fuzz stores bench tidy
