"""Scrape intervals, and Services of monitoring that several packages name."""

from typing import Final

SERVER_SECONDS: Final = 5
"""Scrape interval of MCP servers, which delays the autoscaler."""

PROXY_SECONDS: Final = 15
"""Scrape interval of the mesh's proxies, and of the control plane and the rate limit service."""

CLUSTER_SECONDS: Final = 30
"""Scrape interval of kubelet, kube-state-metrics and Prometheus itself. Source: kube-prometheus-stack, default."""

GRAFANA_SERVICE: Final = "grafana"
GRAFANA_PORT: Final = 80
"""Service of Grafana; the port is the chart's default `service.port`."""
