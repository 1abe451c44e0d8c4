# Builds istiod, and the renderer of its charts, from the Go module (engines/istiod). Sourced by install.sh.

ISTIOD_SOURCE="$(dirname "${BASH_SOURCE[0]}")/istiod"
ISTIOD_PIN="$(sed -nE 's|^.*istio\.io/istio v([0-9a-z.-]+)$|\1|p' "$ISTIOD_SOURCE/go.mod")"
ISTIOD_RELEASE=1.31 # branch of the pinned commit: the module has no tags, only commits

# The release scripts set the version at link time. This sets the pin, by which the next run recognizes this build.
build_istiod() {
    # Two packages at a time: see kubernetes.sh.
    nice go build -C "$ISTIOD_SOURCE" -p 2 -trimpath -buildvcs=false -o "$ENGINES/bin/pilot-discovery" \
        -ldflags "-s -w -X istio.io/istio/pkg/version.buildVersion=$ISTIOD_PIN" . &&
        nice go build -C "$ISTIOD_SOURCE" -p 2 -trimpath -buildvcs=false -o "$ENGINES/bin/istio-charts" -ldflags "-s -w" ./charts
}
