#!/usr/bin/env bash
# Installs the engines that the tests use into .engines/ of this repository; prints one line per engine.
#
#   bash engines/install.sh            all engines
#   bash engines/install.sh redis      only the named engines
#
# Safe to run again: keeps an engine that is present in a supported version. Changes nothing outside .engines/
# (Go has its own caches). Exits with 1 if an engine could not be installed; its line names the command that installs it.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
ENGINES="$(dirname "$here")/.engines"
mkdir -p "$ENGINES/bin"
# shellcheck source=pins.sh
. "$here/pins.sh"
# shellcheck source=debian.sh
. "$here/debian.sh"
# shellcheck source=kubernetes.sh
. "$here/kubernetes.sh"
# shellcheck source=istiod.sh
. "$here/istiod.sh"
# shellcheck source=ratelimit.sh
. "$here/ratelimit.sh"
# shellcheck source=collector.sh
. "$here/collector.sh"
# shellcheck source=npm.sh
. "$here/npm.sh"
# shellcheck source=servers.sh
. "$here/servers.sh"
# shellcheck source=login.sh
. "$here/login.sh"

say() { printf '%-24s %s\n' "$1" "$2"; }

# find_program NAME: prints its path: .engines/ first, then the PATH, then the folder of Debian's database servers.
find_program() {
    local candidate
    for candidate in "$ENGINES/bin/$1" "$(command -v "$1" || true)" /usr/lib/postgresql/*/bin/"$1" "/usr/sbin/$1"; do
        [[ -n "$candidate" && -x "$candidate" ]] && printf '%s' "$candidate" && return
    done
    return 1
}

# version_of PROGRAM: the first x.y or x.y.z of its --version output; some programs print to stderr.
version_of() {
    "$1" --version 2>&1 | grep -oE '[0-9]+\.[0-9]+(\.[0-9]+)?' | head -n 1
}

at_least() { [[ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" == "$2" ]]; }

# present ENGINE MINIMUM PROGRAM...: prints a line and succeeds if all programs are present and new enough.
present() {
    local engine="$1" minimum="$2" program path version
    shift 2
    for program in "$@"; do
        path="$(find_program "$program")" && version="$(version_of "$path")" && at_least "$version" "$minimum" || return 1
    done
    say "$engine" "$version is present: $(dirname "$path")"
}

# report ENGINE PIN PROGRAM: prints the line after an installation; an empty pin means "the version of the suite".
report() {
    local version note=""
    version="$(version_of "$ENGINES/bin/$3")"
    [[ -n "$2" && "$version" != "$2" ]] && note=" (pinned $2 is no longer in Debian $GO_PROGRAMS_SUITE)"
    say "$1" "$version unpacked into .engines/$note"
}

# by_hand ENGINE MINIMUM BREW: prints how to install the engine on a machine without apt.
by_hand() {
    if command -v brew >/dev/null; then
        say "$1" "MISSING. Run: brew install $3"
    else
        say "$1" "MISSING: apt is not available. Install $1 >= $2 on the PATH, then run: make engines"
    fi
    return 1
}

failed() {
    say "$1" "MISSING: $2. Run again: bash engines/install.sh $1"
    return 1
}

install_etcd() {
    present etcd "$ETCD_MINIMUM" etcd && return
    have_debian || by_hand etcd "$ETCD_MINIMUM" etcd || return
    unpack_one "$GO_PROGRAMS_SUITE" etcd-server "$ENGINES/debian/etcd" || failed etcd "apt did not provide etcd-server" || return
    link "$ENGINES/debian/etcd" etcd
    report etcd "$ETCD_PIN" etcd
}

install_prometheus() {
    present prometheus "$PROMETHEUS_MINIMUM" promtool prometheus && return
    have_debian || by_hand prometheus "$PROMETHEUS_MINIMUM" prometheus || return
    local package
    for package in prometheus promtool; do
        unpack_one "$GO_PROGRAMS_SUITE" "$package" "$ENGINES/debian/$package" ||
            failed prometheus "apt did not provide $package" || return
        link "$ENGINES/debian/$package" "$package"
    done
    report prometheus "$PROMETHEUS_PIN" prometheus
}

install_alertmanager() {
    present alertmanager "$ALERTMANAGER_MINIMUM" amtool alertmanager && return
    have_debian || by_hand alertmanager "$ALERTMANAGER_MINIMUM" alertmanager || return
    unpack_one "$GO_PROGRAMS_SUITE" prometheus-alertmanager "$ENGINES/debian/alertmanager" ||
        failed alertmanager "apt did not provide prometheus-alertmanager" || return
    link "$ENGINES/debian/alertmanager" prometheus-alertmanager amtool
    report alertmanager "$ALERTMANAGER_PIN" alertmanager
}

install_redis() {
    present redis "$REDIS_MINIMUM" redis-cli redis-server && return
    have_debian || by_hand redis "$REDIS_MINIMUM" redis || return
    unpack_with_libraries "$(own_suite)" redis-server "$ENGINES/debian/redis" ||
        failed redis "apt did not provide redis-server" || return
    wrap "$ENGINES/debian/redis" usr/bin/redis-server usr/bin/redis-cli
    report redis "" redis-server
}

install_postgresql() {
    present postgresql "$POSTGRESQL_MINIMUM" initdb pg_ctl postgres && return
    have_debian || by_hand postgresql "$POSTGRESQL_MINIMUM" postgresql || return
    local suite package
    suite="$(own_suite)"
    package="$(newest_postgresql "$suite")" && unpack_with_libraries "$suite" "$package" "$ENGINES/debian/postgresql" ||
        failed postgresql "apt did not provide postgresql" || return
    wrap "$ENGINES/debian/postgresql" "usr/lib/postgresql/${package##*-}/bin"/{initdb,pg_ctl,postgres}
    report postgresql "" postgres
}

# install_kubernetes PROGRAM: builds one of the release's programs.
install_kubernetes() {
    [[ "$(version_of "$ENGINES/bin/$1" 2>/dev/null)" == "$KUBERNETES_PIN" ]] &&
        say "$1" "$KUBERNETES_PIN is present: $ENGINES/bin" && return
    command -v go >/dev/null ||
        failed "$1" "it is built from source and Go is not installed. Install Go >= 1.26 (https://go.dev/dl)" || return
    say "$1" "building $KUBERNETES_PIN from its Go module: up to 10 minutes on 2 cores ..."
    build_kubernetes "$1" || failed "$1" "go build failed, see above" || return
    say "$1" "$(version_of "$ENGINES/bin/$1") built into .engines/"
}

install_kube_apiserver() { install_kubernetes kube-apiserver; }

install_kube_controller_manager() { install_kubernetes kube-controller-manager; }

install_istiod() {
    local what="$ISTIOD_RELEASE, commit ${ISTIOD_PIN##*-}"
    [[ "$("$ENGINES/bin/pilot-discovery" version --short 2>/dev/null)" == *" $ISTIOD_PIN" && -x "$ENGINES/bin/istio-charts" ]] &&
        say istiod "$what is present: $ENGINES/bin" && return
    command -v go >/dev/null ||
        failed istiod "it is built from source and Go is not installed. Install Go >= 1.26 (https://go.dev/dl)" || return
    say istiod "building $what from its Go module: 5 to 10 minutes on 2 cores ..."
    build_istiod || failed istiod "go build failed, see above" || return
    say istiod "$what built into .engines/"
}

install_ratelimit() {
    local what="commit ${RATELIMIT_PIN##*-}"
    [[ -x "$ENGINES/bin/ratelimit" && "$(cat "$ENGINES/bin/ratelimit.version" 2>/dev/null)" == "$RATELIMIT_PIN" ]] &&
        say ratelimit "$what is present: $ENGINES/bin" && return
    command -v go >/dev/null ||
        failed ratelimit "it is built from source and Go is not installed. Install Go >= 1.26 (https://go.dev/dl)" || return
    build_ratelimit || failed ratelimit "go build failed, see above" || return
    say ratelimit "$what built into .engines/"
}

install_collector() {
    [[ "$(version_of "$ENGINES/bin/collector" 2>/dev/null)" == "$COLLECTOR_PIN" ]] &&
        say collector "$COLLECTOR_PIN is present: $ENGINES/bin" && return
    command -v go >/dev/null ||
        failed collector "it is built from source and Go is not installed. Install Go >= 1.26 (https://go.dev/dl)" || return
    say collector "building $COLLECTOR_PIN from its Go modules: about 2 minutes on 2 cores ..."
    build_collector || failed collector "go build failed, see above" || return
    say collector "$COLLECTOR_PIN built into .engines/"
}

install_conformance() {
    install_from_npm conformance "$here/conformance" "$CONFORMANCE_PIN" mcp-conformance @modelcontextprotocol/conformance/dist/index.js
}

install_mcp_servers() {
    cmp -s <(servers_pins) "$ENGINES/servers/pins" && say mcp-servers "are present: $ENGINES/servers" && return
    command -v go >/dev/null ||
        failed mcp-servers "one is built from source and Go is not installed. Install Go >= 1.26 (https://go.dev/dl)" || return
    local node
    node="$(node_home)" ||
        failed mcp-servers "Node's wheel is not in .venv; run: make setup" || return
    build_servers "$node" || failed mcp-servers "a registry did not provide them, see above" || return
    say mcp-servers "of npm, PyPI and Go (go-sdk $GO_SERVER_PIN) installed into .engines/"
}

install_stdio_launcher() {
    command -v go >/dev/null ||
        failed stdio-launcher "it is built from source and Go is not installed. Install Go >= 1.26 (https://go.dev/dl)" || return
    build_launcher || failed stdio-launcher "go build failed, see above" || return
    say stdio-launcher "built into .engines/"
}

all=(etcd prometheus alertmanager redis postgresql kube-apiserver kube-controller-manager istiod ratelimit collector conformance mcp-servers stdio-launcher keycloak chromium inspector)
engines=("$@")
[[ $# -gt 0 ]] || engines=("${all[@]}")
status=0
for engine in "${engines[@]}"; do
    install="install_${engine//-/_}"
    declare -F "$install" >/dev/null || { say "$engine" "UNKNOWN: use one of: ${all[*]}"; status=1; continue; }
    "$install" || status=1
done
exit "$status"
