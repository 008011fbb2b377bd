#!/bin/bash
# Reads the code with everything that `make lint` names. The programs are built
# into the folder given, in the versions of go.mod beside this file.
#
#	lint.sh .build/tools
set -euo pipefail
tools=$PWD/$1

# step NAME COMMAND... shows a line, and all that a failing command printed.
step() {
	local name=$1 began=$SECONDS out
	shift
	printf 'lint: %s ... ' "$name"
	if ! out=$("$@" 2>&1); then
		printf 'FAILED\n%s\n' "$out"
		exit 1
	fi
	printf 'ok (%d s)\n' $((SECONDS - began))
}

in_module() { (cd "$1" && shift && "$@"); }

build() { GOBIN=$tools go -C tests/tools install tool; }

formatted() {
	local unformatted
	unformatted=$(gofmt -l cmd functions local shared tests)
	if [[ -n $unformatted ]]; then
		printf 'gofmt would change:\n%s\n' "$unformatted"
		return 1
	fi
}

# vulnerable says what is known of the packages that are used. Its database is
# on the network and on no package index: not reaching it is said, not hidden.
vulnerable() {
	local report
	if report=$("$tools/govulncheck" ./... 2>&1); then
		printf 'lint: govulncheck ... ok\n'
	elif [[ $report == *'fetching vulnerabilities'* ]]; then
		printf 'lint: govulncheck ... NOT RUN: its database cannot be reached, so known vulnerabilities were NOT looked for\n'
	else
		printf 'lint: govulncheck ... FAILED\n%s\n' "$report"
		exit 1
	fi
}

step 'building staticcheck, golangci-lint and govulncheck (minutes at first)' build
step gofmt formatted
# The files that only some builds have are read too.
for tags in '' tocsin_local,conformance; do
	step "go vet${tags:+ -tags $tags}" go vet -tags "$tags" ./...
	step "staticcheck${tags:+ -tags $tags}" "$tools/staticcheck" -tags "$tags" ./...
done
# Modules of their own, which ./... leaves out.
for module in tests/tools tests/bench tests/dropin; do
	step "go vet of $module" go -C "$module" vet ./...
	step "staticcheck of $module" in_module "$module" "$tools/staticcheck" ./...
done
step golangci-lint "$tools/golangci-lint" run --allow-parallel-runners ./...
vulnerable
