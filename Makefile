# Needs Go, a C compiler and make; the tests also need what .ci/run installs.
# Nothing here needs the buffalo command or Node.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# go test runs the databases of several packages at once; two is what two cores bear.
TEST_FLAGS ?= -race -p 2 -timeout 20m $(if $(CI),-count=1)
# What an app gets of the store, tested with other versions of Buffalo and Pop too.
IN_BUFFALO := ./sessionmw ./sessiontask ./sessiontest
SKIPPED := $(CURDIR)/tmp/skipped

.PHONY: help run dev build test lint bench pictures clean

help: ## list these targets
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

run: ## serve on http://127.0.0.1:3000, ready to sign in
	go run ./cmd/app

dev: ## the same, started anew when a file changes
	go tool refresh run -c .buffalo.dev.yml

build: ## make bin/app, which needs nothing beside it
	go build -trimpath -o bin/app ./cmd/app

test: export GO_ENV = test
test: export LATCHKEY_SKIPPED = $(SKIPPED)
test: ## run every test, on every database that is installed
	@mkdir -p tmp && rm -f $(SKIPPED)
	go test $(TEST_FLAGS) ./...
	cd sessionstore && go test $(TEST_FLAGS) ./...
	cd sessionstore && go test $(TEST_FLAGS) -modfile=versions/buffalo-1.1.0.mod $(IN_BUFFALO)
	go test $(TEST_FLAGS) $(IN_BUFFALO:./%=github.com/latchkey/latchkey/sessionstore/%)
	@if [ -s $(SKIPPED) ]; then printf '\n!!! NOT TESTED:\n'; sort -u $(SKIPPED); fi

lint: ## check formatting, vet, staticcheck, go.mod
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "gofmt -w $$unformatted"; exit 1; fi
	go vet ./...
	cd sessionstore && go vet ./...
	go tool staticcheck ./... github.com/latchkey/latchkey/sessionstore/...
	for module in . sessionstore; do (cd $$module && go mod verify && go mod tidy -diff); done
	cd sessionstore && go vet -modfile=versions/buffalo-1.1.0.mod ./... && go mod tidy -diff -modfile=versions/buffalo-1.1.0.mod

bench: export GO_ENV = test
bench: ## measure, ours beside the raw query
	go test -run '^$$' -bench . -benchmem ./...

pictures: export GO_ENV = test
pictures: export LATCHKEY_PICTURES = $(CURDIR)/docs/pictures
pictures: ## make the pictures of README.md anew, from the running app
	go test ./e2e -run '^TestPictures$$' -count=1

clean: ## remove what was built and what tests left
	rm -rf bin tmp
