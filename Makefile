# Nothing here needs the buffalo command, Node or a network beyond Go modules.
SHELL := /bin/bash
export GO_ENV ?= development

.PHONY: run dev build test lint bench clean

run: ## serve on http://127.0.0.1:3000, ready to sign in
	go run ./cmd/app

dev: ## the same, restarted when a file changes
	go tool refresh run -c .buffalo.dev.yml

build: ## the self-contained binary
	go build -trimpath -o bin/app ./cmd/app
