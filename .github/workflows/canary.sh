#!/bin/bash
# usage: SERVICE=... STACK=... PROMETHEUS_URL=... canary.sh PERCENT...
# Shifts traffic to the canary of SERVICE in steps and runs the canary analysis after each. Any verdict but pass sends
# all calls back to the stable version and is the exit code (1 fail, 2 inconclusive).
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
    meshed-mcp canary analyze --service "$SERVICE" --canary --for "${ANALYSIS_FOR:-10m}" --wait --prometheus "$PROMETHEUS_URL" || verdict=$?
    if [ "$verdict" -ne 0 ]; then
        weigh 0
        echo "the canary of $SERVICE did not pass at $percent %: all calls go to the stable version again"
        exit "$verdict"
    fi
done
echo "the canary of $SERVICE passed at $* %; make its image the stable one"
