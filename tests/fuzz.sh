#!/bin/sh
# Runs every fuzz target of the module, each for FUZZ_TIME: 2m unless it says
# otherwise, which is two minutes of processor time or more. Ends with 1 when
# one of them found an input that fails, which go then keeps under
# testdata/fuzz of the package: commit it.
#
#   FUZZ_TIME=10s tests/fuzz.sh [package ...]
set -u
cd "$(dirname "$0")/.." || exit 1
time=${FUZZ_TIME:-2m}
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
