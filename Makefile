# Every target of this file is one that a person calls; `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run demo test bench guards lint validate build deploy bill fuzz clean

ENV ?= dev
FUZZ_TIME ?= 2m
FUNCTIONS := $(notdir $(wildcard functions/*))
TOOLS := .build/tools
# The commit that binaries name. The linker sets it, so nothing is compiled anew.
VERSION := $(shell git describe --always --dirty --abbrev=12 2>/dev/null || echo development)
# The race detector needs cgo, and cgo a C compiler: without one, go says 0.
RACE = $(if $(filter 1,$(shell go env CGO_ENABLED)),-race)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  %-10s%s\n", $$1, $$2}' Makefile

run: ## run everything on this machine, at http://127.0.0.1:8080
	@go run ./local run

demo: ## play a small outage on this machine while you watch the inbox
	@go run ./local demo

test: build ## prove everything; installs what it needs, Java 17 and Node aside
	@$(if $(RACE),,echo 'no C compiler was found: without the race detector')
	go test $(RACE) -timeout 30m $$(go list ./... | grep -v '^tocsin/tests')
	go test -count=1 -timeout 40m ./tests/...
	cd tests/dropin && go test -count=1 -timeout 10m ./...

bench: ## compare with peers, and with the targets of speed
	@cd tests/bench && go run .

guards: ## take each guard out in turn and show that its test fails
	@go run ./tests/guards

lint: ## read the code with gofmt, vet, staticcheck, golangci-lint and govulncheck
	@tests/tools/lint.sh $(TOOLS)

validate: build ## check template and state machines without an account
	@tests/validate/validate.sh

# What functions call answers by HTTP/1.1: leaving HTTP/2 out takes 0.3 MB off each.
build: ## build the functions for AWS, below .build/arm64, and .build/tocsin for this machine
	@CGO_ENABLED=0 GOOS=linux GOARCH=arm64 go build -tags lambda.norpc,nethttpomithttp2 -trimpath -ldflags '-s -w -X tocsin/shared/telemetry.Version=$(VERSION)' -buildvcs=false -o .build/arm64/bin/ ./functions/...
	@for name in $(FUNCTIONS); do \
		mkdir -p .build/arm64/$$name; \
		ln -f .build/arm64/bin/$$name .build/arm64/$$name/bootstrap; \
		cp shared/cloud/amazon-roots.pem "$$(go env GOROOT)/lib/time/zoneinfo.zip" .build/arm64/$$name/; \
	done
	@go build -trimpath -ldflags '-s -w -X main.linked=$(VERSION)' -buildvcs=false -o .build/tocsin ./cmd/tocsin
	@echo 'built $(VERSION) for arm64: $(FUNCTIONS)'

deploy: build ## deploy to AWS: make deploy ENV=dev|prod ADMIN_EMAIL=you@example.com
	@./deploy.sh '$(ENV)' '$(ADMIN_EMAIL)'

bill: ## count the calls of a flow and print what they cost
	@go run ./tests/bill

fuzz: ## run every fuzz target for 2m each, or less: make fuzz FUZZ_TIME=10s
	@FUZZ_TIME='$(FUZZ_TIME)' tests/fuzz.sh

clean: ## remove what was built and what the local stack keeps
	rm -rf .build .aws-sam .local
