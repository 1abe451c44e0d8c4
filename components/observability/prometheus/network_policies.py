"""NetworkPolicies of Prometheus, Alertmanager and Grafana: who reaches which port. Arguments in, objects out.

Prometheus and Alertmanager know no log-in: whoever reaches them reads every metric and silences every alert. Grafana,
which knows one, shows both to people; a port-forward reaches them by the right to make one. What they call themselves
is open: they scrape the whole cluster. Source of the labels: Prometheus operator, and the chart's Grafana.
"""

from typing import Final

from meshed_mcp.components.core.manifest import NAMESPACE_LABEL, Manifest, manifest, metadata
from meshed_mcp.components.core.scraping import GRAFANA_SERVICE
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.prometheus.values import PROMETHEUS_PORT

APP_LABEL: Final = "app"
ALERTMANAGER_PORT: Final = 9093
GOSSIP_PORT: Final = 9094
"""Source: Alertmanager, `--web.listen-address` and `--cluster.listen-address`."""

GRAFANA_POD_PORT: Final = 3000
"""Source: Grafana, `http_port`."""

RELOADER_PORT: Final = 8080
"""Metrics of the container that tells Prometheus and Alertmanager of new files. Source: Prometheus operator."""


def metrics_walls(args: ObservabilityStackArgs) -> list[Manifest]:
    """One for each of the three."""
    ours = pods_of(args.namespace)
    readers = [pods_of(*each.split("/")) for each in args.prometheus.readers]
    asked = [{"from": readers, "ports": tcp(PROMETHEUS_PORT)}] if readers else []
    return [
        wall("prometheus", args.namespace, [{"from": [ours], "ports": tcp(PROMETHEUS_PORT, RELOADER_PORT)}, *asked]),
        wall("alertmanager", args.namespace, [{"from": [ours], "ports": alertmanager_ports()}]),
        wall(GRAFANA_SERVICE, args.namespace, [{"from": [ours, *gateway(args)], "ports": tcp(GRAFANA_POD_PORT)}]),
    ]


def gateway(args: ObservabilityStackArgs) -> list[Manifest]:
    """The gateway's pods, where Grafana is exposed there."""
    exposure = args.grafana.expose
    if exposure is None:
        return []
    chosen = {"podSelector": {"matchLabels": dict(exposure.gateway_selector)}}
    return [pods_of(exposure.gateway_namespace) | chosen]


def pods_of(namespace: str, app: str = "") -> Manifest:
    """The pods of a namespace, or those of them with a label `app`."""
    chosen = {"podSelector": {"matchLabels": {APP_LABEL: app}}} if app else {}
    return {"namespaceSelector": {"matchLabels": {NAMESPACE_LABEL: namespace}}, **chosen}


def alertmanager_ports() -> list[Manifest]:
    """Its pages, the talk among its replicas, its reloader's metrics."""
    return [
        *tcp(ALERTMANAGER_PORT, GOSSIP_PORT, RELOADER_PORT),
        {"protocol": "UDP", "port": GOSSIP_PORT},
    ]


def wall(name: str, namespace: str, ingress: list[Manifest]) -> Manifest:
    """What may reach the pods of one part."""
    spec = {
        "podSelector": {"matchLabels": {"app.kubernetes.io/name": name}},
        "policyTypes": ["Ingress"],
        "ingress": ingress,
    }
    return manifest("networking.k8s.io/v1", "NetworkPolicy", metadata(name, namespace), spec)


def tcp(*numbers: int) -> list[Manifest]:
    """Ports as a NetworkPolicy names them."""
    return [{"protocol": "TCP", "port": number} for number in numbers]
