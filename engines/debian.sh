# Unpacks Debian packages below .engines/debian without installing them: no root, no daemon started, no file of the
# system changed. apt downloads and verifies signatures, with separate lists and caches.
# Sourced by install.sh, which sets ENGINES (the folder) and prints the result.

have_debian() {
    command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null && [[ -r "$DEBIAN_KEYRING" ]]
}

# The code name of the machine's own suite ("bookworm"); empty if the machine has none.
own_suite() {
    # shellcheck disable=SC1091
    (. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
}

# apt_in SUITE COMMAND...: apt-get or apt-cache against this suite only.
apt_in() {
    local state="$ENGINES/apt/$1" tool="$2"
    shift 2
    "$tool" -qq \
        -o Dir::Etc::SourceList="$state/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::State::Lists="$state/lists" -o Dir::Cache="$state/cache" \
        -o APT::Sandbox::User="$(id -un)" -o Debug::NoLocking=1 -o Acquire::Languages=none \
        -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false \
        "$@"
}

# refresh SUITE: updates its package lists, once per run.
refresh() {
    local state="$ENGINES/apt/$1"
    [[ -e "$state/.fresh.$$" ]] && return
    mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
    rm -f "$state"/.fresh.*
    printf 'deb [signed-by=%s] %s %s main\n' "$DEBIAN_KEYRING" "$DEBIAN_MIRROR" "$1" >"$state/sources.list"
    apt_in "$1" apt-get update && touch "$state/.fresh.$$"
}

# unpack_one SUITE PACKAGE FOLDER: only the package, for static programs.
unpack_one() {
    refresh "$1" && mkdir -p "$3" && (cd "$3" && rm -f ./*.deb && apt_in "$1" apt-get download "$2") &&
        dpkg-deb -x "$3"/*.deb "$3" && rm -f "$3"/*.deb
}

# unpack_with_libraries SUITE PACKAGE FOLDER: the package and its dependencies that this machine lacks.
unpack_with_libraries() {
    local archives="$ENGINES/apt/$1/cache/archives" package
    refresh "$1" && mkdir -p "$3" && rm -f "$archives"/*.deb &&
        apt_in "$1" apt-get install --reinstall --download-only --yes --no-install-recommends "$2" >/dev/null || return
    for package in "$archives"/*.deb; do
        dpkg-deb -x "$package" "$3" || return
    done
    rm -f "$archives"/*.deb
}

# newest_postgresql SUITE: the server package that the suite's metapackage "postgresql" depends on, such as postgresql-15.
newest_postgresql() {
    refresh "$1" && apt_in "$1" apt-cache depends postgresql | grep -oE -m 1 'postgresql-[0-9]+'
}

# link FOLDER PROGRAM...: links the programs of an unpacked package into .engines/bin.
link() {
    local folder="$1" program
    shift
    for program in "$@"; do
        ln -sfr "$folder/usr/bin/$program" "$ENGINES/bin/$(basename "$program" | sed 's/^prometheus-alertmanager$/alertmanager/')"
    done
}

# wrap FOLDER PATH...: like link, for programs that need libraries from the same folder. PulseAudio's libraries, of which
# Chromium needs one, have a folder of their own.
wrap() {
    local folder="$1" path libraries
    libraries="$1/usr/lib/$(uname -m)-linux-gnu"
    shift
    for path in "$@"; do
        printf '#!/bin/sh\nLD_LIBRARY_PATH=%q exec %q "$@"\n' \
            "$libraries:$libraries/pulseaudio" \
            "$folder/$path" >"$ENGINES/bin/$(basename "$path")"
        chmod +x "$ENGINES/bin/$(basename "$path")"
    done
}
