"""Names of a sidecar's metrics, by which the platform measures servers without the runtime.

Source: Istio, injection template and bootstrap of the proxy; Envoy, "Cluster manager statistics".
"""

from typing import Final

PROXY_CONTAINER: Final = "istio-proxy"
"""Container of the sidecar. Source: Istio, injection template."""

PROXY_METRICS_PORT_NAME: Final = "http-envoy-prom"
"""Metrics port of a proxy, in plain HTTP outside the mesh. Source: Istio, injection template and gateway chart."""

PROXY_METRICS_PATH: Final = "/stats/prometheus"

METRIC_PROXY_ACTIVE: Final = "envoy_cluster_upstream_rq_active"
"""Gauge by LABEL_CLUSTER: requests that the proxy waits for. A proxy exports it from the first request on, because
Istio defers the creation of statistics."""

METRIC_PROXY_RESPONSES: Final = "envoy_cluster_upstream_rq"
"""Counter by LABEL_CLUSTER and LABEL_STATUS_CLASS: responses, and the proxy's own 503 for a server that is down."""

METRIC_PROXY_DURATION: Final = "envoy_cluster_upstream_rq_time"
"""Histogram by LABEL_CLUSTER, milliseconds: from the end of a request to the end of its response."""

LABEL_CLUSTER: Final = "cluster_name"
"""Envoy cluster: `inbound|<port>||` is the server in the pod, STREAMS_CLUSTER the same server for streams."""

LABEL_STATUS_CLASS: Final = "response_code_class"
"""HTTP status class: `2xx`, `4xx`, `5xx`."""

STREAMS_CLUSTER: Final = "mcp-streams"
"""Envoy cluster of a pod's open streams, which a client holds without work in the server."""
