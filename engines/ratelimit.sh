# Builds the rate limit service from its Go module (engines/ratelimit). Sourced by install.sh.

RATELIMIT_SOURCE="$(dirname "${BASH_SOURCE[0]}")/ratelimit"
RATELIMIT_PIN="$(sed -nE 's|^.*github\.com/envoyproxy/ratelimit (v[0-9a-z.-]+).*$|\1|p' "$RATELIMIT_SOURCE/go.mod")"

build_ratelimit() {
    # Two packages at a time: see kubernetes.sh. The program has no version output; a file beside it holds the version.
    nice go build -C "$RATELIMIT_SOURCE" -p 2 -trimpath -buildvcs=false -o "$ENGINES/bin/ratelimit" -ldflags "-s -w" \
        github.com/envoyproxy/ratelimit/src/service_cmd &&
        printf '%s\n' "$RATELIMIT_PIN" >"$ENGINES/bin/ratelimit.version"
}
