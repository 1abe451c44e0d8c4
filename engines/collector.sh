# Builds the OpenTelemetry Collector from its Go modules (engines/collector). Sourced by install.sh.

COLLECTOR_SOURCE="$(dirname "${BASH_SOURCE[0]}")/collector"
COLLECTOR_PIN="$(sed -nE 's|^.*go\.opentelemetry\.io/collector/otelcol v([0-9.]+)$|\1|p' "$COLLECTOR_SOURCE/go.mod")"

build_collector() {
    # Two packages at a time: see kubernetes.sh.
    nice go build -C "$COLLECTOR_SOURCE" -p 2 -trimpath -buildvcs=false -o "$ENGINES/bin/collector" \
        -ldflags "-s -w -X main.version=$COLLECTOR_PIN" .
}
