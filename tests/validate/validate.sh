#!/bin/bash
# Checks the template and the state machines without an account. Nothing but
# the package index is asked, and that only once.
set -euo pipefail
here=tests/validate
out=.build/validate
most=200 # resources of a stack (DESIGN §11); the service refuses 500

# No step may find the credentials of whoever runs it, nor report on them.
export AWS_ACCESS_KEY_ID=none AWS_SECRET_ACCESS_KEY=none AWS_DEFAULT_REGION=eu-central-1 AWS_EC2_METADATA_DISABLED=true
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null
unset AWS_PROFILE AWS_SESSION_TOKEN
export SAM_CLI_TELEMETRY=0 SAM_CLI_CHECK_VERSION=0

# step NAME COMMAND... shows a line, and what the command printed if it fails.
step() {
	local name=$1 began=$SECONDS
	shift
	printf 'validate: %s ... ' "$name"
	if ! "$@" >"$out/log" 2>&1; then
		printf 'FAILED\n'
		cat "$out/log"
		exit 1
	fi
	printf 'ok (%d s)\n' $((SECONDS - began))
}

transform() { "$sam/bin/python" "$here/transform.py" template.yaml >"$out/template.json"; }

count() {
	"$sam/bin/python" -c 'import json, sys; n = len(json.load(open(sys.argv[1]))["Resources"]); print(n, "resources"); sys.exit(n >= int(sys.argv[2]))' \
		"$out/template.json" "$most"
}

machines() {
	local machine failed=0
	for machine in statemachines/*.asl.json; do
		"$sam/bin/statelint" "$machine" || failed=1
	done
	return $failed
}

mkdir -p "$out"
# The three come over the network at once; what each printed follows in order.
environments=(template checkov moto)
for name in "${environments[@]}"; do
	"$here/environment.sh" "$name" >"$out/$name" &
	pids[$((n = ${n:--1} + 1))]=$!
done
for pid in "${pids[@]}"; do wait "$pid"; done
sam=$(cat "$out/template") checkov=$(cat "$out/checkov") moto=$(cat "$out/moto")

step 'sam validate --lint' "$sam/bin/sam" validate --lint
step 'cfn-lint' "$sam/bin/cfn-lint" template.yaml
step 'SAM transform' transform
step "fewer than $most resources" count
step 'checkov of the transformed template' "$checkov/bin/checkov" --config-file "$here/checkov.yaml" -f "$out/template.json"
step 'sam build without an account' "$sam/bin/sam" build --build-dir "$out/sam"
step 'statelint of the state machines' machines
step 'state machines against a second interpreter' \
	env CONFORMANCE_PYTHON="$moto/bin/python" go test -tags conformance -count=1 ./local/stepfunctions/conformance
