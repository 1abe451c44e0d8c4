"""Pinned Helm charts of monitoring."""

from typing import Final

from meshed_mcp.components.core.charts import Chart

PROMETHEUS_COMMUNITY: Final = "https://prometheus-community.github.io/helm-charts"

CERT_MANAGER: Final = Chart("cert-manager", "v1.21.1", "https://charts.jetstack.io")

KIALI_SERVER: Final = Chart("kiali-server", "2.29.0", "https://kiali.org/helm-charts")
"""Kiali v2.29, the newest on 16 July 2026. Source: the repository's index."""

PROMETHEUS_OPERATOR_CRDS: Final = Chart("prometheus-operator-crds", "31.0.1", PROMETHEUS_COMMUNITY)
"""CRDs of operator 0.93.1, which KUBE_PROMETHEUS_STACK installs: upgrade both together."""

KUBE_PROMETHEUS_STACK: Final = Chart("kube-prometheus-stack", "88.5.3", PROMETHEUS_COMMUNITY)
"""Operator 0.93.1, Prometheus 3.14.0, Alertmanager 0.34.0, Grafana 13.2.0. Source: its Chart.yaml, 21 August 2026."""
