# Needs Go, a C compiler and make. The tests also need the packages that .ci/run
# installs. Nothing here needs the buffalo command or Node.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# The tests of each package start their own databases. -p 2 suits two cores.
TEST_FLAGS ?= -race -p 2 -timeout 20m $(if $(CI),-count=1)
# The packages that an app imports in addition to the store. They are also tested with other
# versions of Buffalo and Pop.
IN_BUFFALO := ./sessionmw ./sessiontask ./sessiontest
SKIPPED := $(CURDIR)/tmp/skipped

.PHONY: help run dev build test lint bench pictures clean

help: ## list these targets
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

run: ## serve on http://127.0.0.1:3000, ready to sign in
	go run ./cmd/app

dev: ## the same, restarting when a file changes
	go tool refresh run -c .buffalo.dev.yml

build: ## build bin/app, which needs no other files
	go build -trimpath -o bin/app ./cmd/app

test: export GO_ENV = test
test: export LATCHKEY_SKIPPED = $(SKIPPED)
test: ## run all tests, on every database that is installed
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
bench: ## run the benchmarks, which compare with a raw query
	go test -run '^$$' -bench . -benchmem ./...

pictures: export GO_ENV = test
pictures: export LATCHKEY_PICTURES = $(CURDIR)/docs/pictures
pictures: ## take the screenshots in README.md again
	go test ./e2e -run '^TestPictures$$' -count=1

clean: ## remove build and test output
	rm -rf bin tmp
