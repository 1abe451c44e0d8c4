#!/bin/sh
# Installs the runtime and the services of this repository into a folder: the image's one large layer.
# Usage: layer.sh WHAT FOLDER; WHAT is a wheel of this project or its source folder. Versions are those of requirements.txt.
set -eu
what=$1
folder=$2
here=$(cd "$(dirname "$0")/.." && pwd)
constraints=$(mktemp)
sed 's/\[[a-z]*\]//' "$here/requirements.txt" >"$constraints" # pip rejects extras in constraints
python3 -m pip install --quiet --disable-pip-version-check --no-cache-dir --no-compile --no-warn-conflicts \
  --target "$folder" --constraint "$constraints" "${what}[runtime]"
rm -rf "$constraints" "$folder/bin"
cp -R "$here/agents/services" "$folder/meshed_mcp/agents/" # not in the wheel: docs/adr/0012
find "$folder" -type d \( -name tests -o -name __pycache__ \) -prune -exec rm -rf {} +
# Compiled here, because a read-only root keeps no bytecode: without it every start would compile for more than a second.
python3 -m compileall -q --invalidation-mode unchecked-hash "$folder"
