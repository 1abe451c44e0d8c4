#!/bin/bash
# usage: SERVICE=... STACK=... PROMETHEUS_URL=... canary.sh PERCENT...
# Gives the canary of SERVICE more of the calls in steps; the gate decides after each. Any other answer than "good"
# gives all calls back to the stable version and ends with that answer (1 worse, 2 undecided).
set -euo pipefail
PATH=$PWD/.venv/bin:$PATH

weigh() { # canary's percent
    local weights="meshed-mcp:services.$SERVICE.rollout.weights"
    pulumi config set --stack "$STACK" --path "$weights.stable" $((100 - $1))
    pulumi config set --stack "$STACK" --path "$weights.canary" "$1"
    pulumi up --stack "$STACK" --yes --skip-preview
}

for percent in "$@"; do
    weigh "$percent"
    verdict=0
    meshed-mcp gate --service "$SERVICE" --canary --for "${GATE_FOR:-10m}" --wait --prometheus "$PROMETHEUS_URL" || verdict=$?
    if [ "$verdict" -ne 0 ]; then
        weigh 0
        echo "the canary of $SERVICE got $percent % and is not good: all calls go to the stable version again"
        exit "$verdict"
    fi
done
echo "the canary of $SERVICE is good at $* %; make its image the stable one"
