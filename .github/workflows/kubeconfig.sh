#!/bin/bash
# usage: CONTENT=... kubeconfig.sh
# Keeps a kubeconfig for the later steps of a job: in the runner's own folder, which it empties after the job, and
# readable by its owner alone.
set -euo pipefail
umask 077
rm -f "$RUNNER_TEMP/kubeconfig" # the umask does not change the mode of a file that exists
printf '%s' "$CONTENT" > "$RUNNER_TEMP/kubeconfig"
echo "KUBECONFIG=$RUNNER_TEMP/kubeconfig" >> "$GITHUB_ENV"
