#!/bin/sh
# Runs every fuzz target of the module, each for FUZZTIME (30s unless it says
# otherwise). Ends with 1 when one of them found an input that fails, which go
# then keeps under testdata/fuzz of the package: commit it.
#
#   FUZZTIME=5m tests/fuzz.sh [package ...]
set -u
cd "$(dirname "$0")/.." || exit 1
time=${FUZZTIME:-30s}
[ $# -gt 0 ] || set -- ./...
failed=
count=0
for folder in $(go list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.Dir}}{{end}}' "$@"); do
	for target in $(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$folder"/*_test.go | sort -u); do
		package=./${folder#"$PWD"/}
		count=$((count + 1))
		echo "== $package $target"
		go test "$package" -run '^$' -fuzz "^$target\$" -fuzztime "$time" || failed="$failed $package:$target"
	done
done
echo "$count fuzz targets, $time each"
[ "$count" -gt 0 ] || { echo "there is nothing to fuzz" >&2; exit 1; }
[ -z "$failed" ] || { echo "failed:$failed" >&2; exit 1; }
