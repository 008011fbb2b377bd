#!/bin/bash
# Deploys what `make build` built, and says what comes next; `make deploy` calls
# it. The settings of each environment stand in samconfig.toml.
#
#	deploy.sh dev|prod [address of the administrator]
#
# The address is needed once: later deployments keep it. AWS credentials and
# the region are taken as every AWS program takes them.
set -euo pipefail
cd "$(dirname "$0")"
environment=$1 admin=${2:-}

fail() {
	printf 'deploy: %s\n' "$*" >&2
	exit 1
}

# setting NAME is a value that samconfig.toml gives the environment.
setting() { sed -n "/^\[$environment\.deploy\.parameters\]/,/^\[/s/^$1 = \"\(.*\)\"/\1/p" samconfig.toml; }

stack=$(setting stack_name)
[[ -n $stack ]] || fail "samconfig.toml has no environment '$environment'; ENV is dev or prod"

# What is given here would replace the overrides of samconfig.toml: they are joined.
read -ra overrides <<<"$(setting parameter_overrides)"
if [[ -n $admin ]]; then
	overrides+=("AdminEmail=$admin")
else
	hint='; the first time it needs ADMIN_EMAIL=you@example.com'
fi

venv=$(tests/validate/environment.sh template)
export SAM_CLI_TELEMETRY=0
"$venv/bin/sam" deploy --template-file template.yaml --config-env "$environment" --parameter-overrides "${overrides[@]}" ||
	fail "sam did not deploy $stack${hint:-}"

url=$("$venv/bin/sam" list stack-outputs --stack-name "$stack" --output json |
	"$venv/bin/python" -c 'import json, sys; print(next(o["OutputValue"] for o in json.load(sys.stdin) if o["OutputKey"] == "Url"))')

cat <<EOF

Tocsin is deployed as $stack at $url.
SES must have verified the address that pages are sent from; tocsin doctor finds this and more.

  go build -o .build/tocsin ./cmd/tocsin
  .build/tocsin bootstrap --stack $stack                  # prints the first token
  export TOCSIN_URL=$url TOCSIN_TOKEN=...
  .build/tocsin doctor --stack $stack
  .build/tocsin integrations create --name Prometheus --source prometheus   # prints the address for Alertmanager

Then raise an alert at that address, $url/in/prometheus/KEY:

  curl -sS $url/in/prometheus/KEY -H 'Content-Type: application/json' -d '
  {"version":"4","groupKey":"{}:{alertname=\"DiskFull\"}","status":"firing","receiver":"tocsin","alerts":[{
    "status":"firing","labels":{"alertname":"DiskFull","instance":"db-1","severity":"critical"},
    "annotations":{"summary":"Disk of db-1 is full"},"startsAt":"$(date -u +%Y-%m-%dT%H:%M:%SZ)","fingerprint":"d15cf011d15cf011"}]}'
EOF
