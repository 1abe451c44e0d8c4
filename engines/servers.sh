# MCP servers that others wrote, for the tests of the bridge (engines/servers), and the stdio launcher of this repository.
# Sourced by install.sh.

SERVERS_SOURCE="$(dirname "${BASH_SOURCE[0]}")/servers"
GO_SERVER_PIN="$(sed -nE 's|^.*github\.com/modelcontextprotocol/go-sdk (v[0-9.]+).*$|\1|p' "$SERVERS_SOURCE/go/go.mod")"
LAUNCHER_SOURCE="$(dirname "${BASH_SOURCE[0]}")/../image/stdio-launcher"

# servers_pins: one text of all pins; its copy beside the servers marks a complete installation.
servers_pins() { cat "$SERVERS_SOURCE"/{package-lock.json,requirements.txt,go/go.mod}; }

# build_servers NODE: installs the npm, PyPI and Go servers; NODE is the folder of Node's wheel.
build_servers() {
    local folder node="$1" program
    folder="$(cd -P "$ENGINES" && pwd)/servers"
    rm -f "$folder/pins"
    npm_ci "$node" "$SERVERS_SOURCE" "$folder" || return
    printf '#!/bin/sh\nexec %q %q "$@"\n' "$node/bin/node" \
        "$folder/node_modules/@modelcontextprotocol/server-everything/dist/index.js" >"$ENGINES/bin/mcp-server-everything"
    chmod +x "$ENGINES/bin/mcp-server-everything"
    "$(dirname "$ENGINES")/.venv/bin/python" -m venv --clear "$folder/python" &&
        "$folder/python/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$SERVERS_SOURCE/requirements.txt" ||
        return
    for program in mcp-server-time mcp-server-git fastmcp; do
        ln -sf "$folder/python/bin/$program" "$ENGINES/bin/$program"
    done
    CGO_ENABLED=0 nice go build -C "$SERVERS_SOURCE/go" -p 2 -trimpath -buildvcs=false -o "$ENGINES/bin/go-sdk-everything" \
        -ldflags "-s -w" github.com/modelcontextprotocol/go-sdk/examples/server/everything || return
    servers_pins >"$folder/pins"
}

build_launcher() {
    CGO_ENABLED=0 go build -C "$LAUNCHER_SOURCE" -trimpath -buildvcs=false -ldflags "-s -w" -o "$ENGINES/bin/stdio-launcher" .
}
