#!/bin/bash
# Prints the folder of a virtual environment that holds what NAME.txt pins,
# making it on first use, below the user's cache directory, under a name that
# changes with the pins and the version of Python.
#
#	environment.sh checkov|moto|template
#
# NAME.txt is made of NAME.in with the oldest Python that we support:
#	pip-compile --generate-hashes --strip-extras --allow-unsafe --no-header --no-annotate \
#		--no-emit-index-url --no-emit-find-links NAME.in
set -euo pipefail
name=$1
pins=$(dirname "$0")/$name.txt

fail() {
	printf 'validate: %s\n' "$*" >&2
	exit 1
}

usable() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
	local candidate
	for candidate in ${TOCSIN_PYTHON:-python3 python3.11 python3.12 python3.13 python3.14}; do
		if usable "$candidate"; then
			printf '%s\n' "$candidate"
			return
		fi
	done
	fail 'no Python 3.11 or newer was found; install one with its venv module, or name one in TOCSIN_PYTHON'
}

python=$(find_python)
# An environment names its own folder, and is of no use to another user or version.
key=$({ "$python" -c 'import sys; print(sys.version_info[:2])' && cat "$pins"; } | "$python" -c \
	'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest()[:12])')
folder=${XDG_CACHE_HOME:-$HOME/.cache}/tocsin/$name-$key

# The mark is written last: an environment without it was interrupted.
if [[ ! -e $folder/whole ]]; then
	printf 'validate: installing what %s needs, once ...\n' "$name" >&2
	rm -rf "$folder"
	"$python" -m venv "$folder" || fail 'this Python cannot make virtual environments; install its venv module (Debian: apt install python3-venv)'
	# The list is complete, so that nothing is resolved; the check says whether it still is.
	"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --no-deps --only-binary :all: \
		--require-hashes -r "$pins" >&2 || fail 'pip could not install the pinned packages; check that it reaches its package index, then run again'
	"$folder/bin/python" -m pip check >&2
	touch "$folder/whole"
fi
printf '%s\n' "$folder"
