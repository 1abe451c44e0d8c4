# What the login tests use: Keycloak (Maven), Chromium (Debian) and both lines of the MCP Inspector (npm).
# Sourced by install.sh.

INSPECTOR_SOURCE="$(dirname "${BASH_SOURCE[0]}")/inspector"

# newest_jdk: prints the home of the newest JDK on this machine; fails below KEYCLOAK_JAVA_MINIMUM.
newest_jdk() {
    local home version best="" best_version=0
    for home in "${JAVA_HOME:-}" /usr/lib/jvm/*; do
        [[ -x "$home/bin/java" ]] || continue
        version="$("$home/bin/java" -version 2>&1 | sed -nE '1s/.*"([0-9]+).*/\1/p')"
        [[ "${version:-0}" -gt "$best_version" ]] && best="$home" best_version="$version"
    done
    [[ "$best_version" -ge "$KEYCLOAK_JAVA_MINIMUM" ]] && printf '%s' "$best"
}

# build_keycloak JDK: downloads the distribution, verifies it, and does the slow parts of a first start: the build and the
# database. .engines/keycloak/home is a home folder to copy; its data/import takes realms.
build_keycloak() {
    local folder kc archive="keycloak-quarkus-dist-$KEYCLOAK_PIN.zip"
    folder="$(cd -P "$ENGINES" && pwd)/keycloak"
    kc="$folder/keycloak-$KEYCLOAK_PIN/bin/kc.sh"
    rm -rf "$folder" && mkdir -p "$folder/home/data" || return
    mvn --quiet --batch-mode --no-transfer-progress dependency:copy -Dmdep.useBaseVersion=true -DoutputDirectory="$folder" \
        -Dartifact="org.keycloak:keycloak-quarkus-dist:$KEYCLOAK_PIN:zip" >&2 || return
    printf '%s  %s\n' "$KEYCLOAK_SHA256" "$folder/$archive" | sha256sum --check --quiet >&2 || return
    unzip -q "$folder/$archive" -d "$folder" && rm "$folder/$archive" || return
    ln -s "$folder/keycloak-$KEYCLOAK_PIN"/{conf,lib,providers,themes} "$folder/home" || return
    printf '{"realm": "unused", "enabled": false}\n' >"$folder/unused.json"
    local -x JAVA_HOME="$1"
    { nice "$kc" build "${KEYCLOAK_BUILD[@]}" &&
        nice "$kc" import --optimized --file "$folder/unused.json" "-Dkc.home.dir=$folder/home"; } >"$folder/build.log" 2>&1 ||
        { tail -n 20 "$folder/build.log" >&2; return 1; }
    # Compiling less at the start makes it shorter: a test sends few requests.
    printf '#!/bin/sh\nJAVA_HOME=%q JAVA_OPTS_APPEND=-XX:TieredStopAtLevel=1 exec %q "$@"\n' "$1" "$kc" >"$ENGINES/bin/keycloak"
    chmod +x "$ENGINES/bin/keycloak"
    keycloak_build >"$folder/built"
}

# keycloak_build: one text of all that a build depends on; its copy marks a complete installation.
keycloak_build() { printf '%s\n' "$KEYCLOAK_PIN ${KEYCLOAK_BUILD[*]}"; }

install_keycloak() {
    local jdk
    [[ -x "$ENGINES/bin/keycloak" && "$(cat "$ENGINES/keycloak/built" 2>/dev/null)" == "$(keycloak_build)" ]] &&
        say keycloak "$KEYCLOAK_PIN is present: $ENGINES/keycloak" && return
    jdk="$(newest_jdk)" || failed keycloak "it needs a JDK >= $KEYCLOAK_JAVA_MINIMUM in JAVA_HOME or /usr/lib/jvm" || return
    command -v mvn unzip >/dev/null || failed keycloak "install Maven (mvn) and unzip" || return
    say keycloak "downloading and building $KEYCLOAK_PIN: 1 to 2 minutes on 2 cores ..."
    build_keycloak "$jdk" || failed keycloak "Maven did not provide it, or its build failed, see above" || return
    say keycloak "$KEYCLOAK_PIN built into .engines/"
}

install_chromium() {
    present chromium "$CHROMIUM_MINIMUM" chromium && return
    local chrome
    if chrome="$(command -v google-chrome)" && at_least "$(version_of "$chrome")" "$CHROMIUM_MINIMUM"; then
        ln -sf "$chrome" "$ENGINES/bin/chromium" && report chromium "" chromium
        return
    fi
    have_debian || by_hand chromium "$CHROMIUM_MINIMUM" chromium || return
    unpack_with_libraries "$(own_suite)" chromium "$ENGINES/debian/chromium" ||
        failed chromium "apt did not provide chromium" || return
    wrap "$ENGINES/debian/chromium" usr/lib/chromium/chromium
    report chromium "" chromium
}

install_inspector() {
    install_from_npm inspector "$INSPECTOR_SOURCE" "$INSPECTOR_PIN" mcp-inspector \
        @modelcontextprotocol/inspector/clients/launcher/build/index.js
}
