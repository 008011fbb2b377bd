#!/bin/bash
# Reads the code with everything that `make lint` names. The programs are built
# once into the folder given, in the versions of go.mod beside this file.
set -euo pipefail
tools=$PWD/$1

step() { printf 'lint: %s ...\n' "$1"; }

step 'building staticcheck, golangci-lint and govulncheck (minutes the first time)'
GOBIN=$tools go -C tests/tools install tool

step gofmt
unformatted=$(gofmt -l cmd functions local shared tests)
if [[ -n $unformatted ]]; then
	printf 'not formatted as gofmt does:\n%s\n' "$unformatted" >&2
	exit 1
fi

# The files that only some builds have are read too.
for tags in '' tocsin_local conformance; do
	step "go vet${tags:+ -tags $tags}"
	go vet -tags "$tags" ./...
	step "staticcheck${tags:+ -tags $tags}"
	"$tools/staticcheck" -tags "$tags" ./...
done

step golangci-lint
"$tools/golangci-lint" run --allow-parallel-runners ./...

step govulncheck
if report=$("$tools/govulncheck" ./... 2>&1); then
	printf '%s\n' "$report"
elif [[ $report == *'fetching vulnerabilities'* ]]; then
	printf 'NOT RUN: govulncheck cannot reach its database of vulnerabilities, so known ones were NOT looked for:\n%s\n' "$report"
else
	printf '%s\n' "$report" >&2
	exit 1
fi
