"""NetworkPolicies of monitoring: which pods reach which port of Prometheus, Alertmanager, Grafana, Jaeger, Kiali.

Prometheus, Alertmanager and Jaeger have no login: every client reads all metrics and traces and can silence alerts. So
only monitoring reaches them, and users see their data through Grafana, which has a login, or by port-forward. Egress is
open, because Prometheus scrapes the whole cluster.
"""

from typing import Final

from meshed_mcp.components.core.manifest import NAMESPACE_LABEL, Manifest, manifest, metadata
from meshed_mcp.components.core.scraping import GRAFANA_SERVICE
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.existing import installed, prometheus_namespace
from meshed_mcp.components.observability.kiali import release as kiali
from meshed_mcp.components.observability.prometheus.values import PROMETHEUS_PORT
from meshed_mcp.components.observability.tracing import jaeger, jaeger_config
from meshed_mcp.components.observability.tracing.collectors import AGENT, GATEWAY

ALERTMANAGER_PORT: Final = 9093
GOSSIP_PORT: Final = 9094
"""Source: Alertmanager, `--web.listen-address` and `--cluster.listen-address`."""

GRAFANA_POD_PORT: Final = 3000
"""Source: Grafana, `http_port`."""

RELOADER_PORT: Final = 8080
"""Metrics of the container that reloads Prometheus and Alertmanager. Source: Prometheus operator."""

OTLP_PORTS: Final = (jaeger_config.OTLP_GRPC_PORT, jaeger_config.OTLP_HTTP_PORT)


def metrics_network_policies(args: ObservabilityStackArgs) -> list[Manifest]:
    """NetworkPolicies of Prometheus, Alertmanager, Grafana, and Kiali if installed."""
    monitoring = pods_of(args.namespace)
    readers = [pods_of(*each.split("/")) for each in args.prometheus.readers]
    queries = [{"from": readers, "ports": tcp(PROMETHEUS_PORT)}] if readers else []
    gossip = [*tcp(ALERTMANAGER_PORT, GOSSIP_PORT, RELOADER_PORT), {"protocol": "UDP", "port": GOSSIP_PORT}]
    scraped = {"from": [monitoring], "ports": tcp(PROMETHEUS_PORT, RELOADER_PORT)}
    shown = {"from": [*scrapers(args), *gateway_pods(args)], "ports": tcp(GRAFANA_POD_PORT)}
    prometheus = [
        network_policy("prometheus", args.namespace, [scraped, *queries]),
        network_policy("alertmanager", args.namespace, [{"from": [monitoring], "ports": gossip}]),
    ]
    found = prometheus if installed(args.prometheus) else []
    found += [network_policy(GRAFANA_SERVICE, args.namespace, [shown])] if installed(args.grafana) else []
    if args.kiali is not None:
        metrics = {"from": scrapers(args), "ports": tcp(kiali.METRICS_PORT)}
        found.append(network_policy(kiali.NAME, args.namespace, [metrics]))
    return found


def tracing_network_policies(args: ObservabilityStackArgs) -> list[Manifest]:
    """NetworkPolicies of Jaeger and the collectors; with collectors, only the agents accept spans of other pods."""
    sampling = () if args.jaeger.sampling is None else tuple(jaeger.SAMPLING_PORTS.values())
    internal = (jaeger_config.METRICS_PORT, jaeger_config.QUERY_PORT)
    ports: dict[str, tuple[tuple[int, ...], tuple[int, ...]]]
    if args.collectors is None:
        ports = {jaeger.NAME: ((*OTLP_PORTS, *sampling), internal)}
    else:
        ports = {
            jaeger.NAME: (sampling, (*internal, *OTLP_PORTS)),
            GATEWAY: ((), (jaeger_config.METRICS_PORT, *OTLP_PORTS)),
            AGENT: (OTLP_PORTS, (jaeger_config.METRICS_PORT,)),
        }
    return [
        network_policy(
            name,
            args.namespace,
            [
                *([{"from": [{"namespaceSelector": {}}], "ports": tcp(*cluster)}] if cluster else []),
                {"from": scrapers(args), "ports": tcp(*own)},
            ],
        )
        for name, (cluster, own) in ports.items()
    ]


def scrapers(args: ObservabilityStackArgs) -> list[Manifest]:
    """Peers of the pods of monitoring, and of an existing Prometheus and Grafana in another namespace."""
    return [pods_of(namespace) for namespace in dict.fromkeys([args.namespace, prometheus_namespace(args)])]


def gateway_pods(args: ObservabilityStackArgs) -> list[Manifest]:
    """Peer of the ingress gateway's pods, if Grafana is exposed there."""
    exposure = args.grafana.expose
    if exposure is None:
        return []
    return [pods_of(exposure.gateway_namespace) | {"podSelector": {"matchLabels": dict(exposure.gateway_selector)}}]


def pods_of(namespace: str, app: str = "") -> Manifest:
    """Peer of the pods of a namespace, or of those with the label `app`."""
    selector = {"podSelector": {"matchLabels": {"app": app}}} if app else {}
    return {"namespaceSelector": {"matchLabels": {NAMESPACE_LABEL: namespace}}, **selector}


def network_policy(name: str, namespace: str, ingress: list[Manifest]) -> Manifest:
    """An ingress NetworkPolicy of the pods with the label `app.kubernetes.io/name`."""
    spec = {
        "podSelector": {"matchLabels": {"app.kubernetes.io/name": name}},
        "policyTypes": ["Ingress"],
        "ingress": ingress,
    }
    return manifest("networking.k8s.io/v1", "NetworkPolicy", metadata(name, namespace), spec)


def tcp(*numbers: int) -> list[Manifest]:
    """TCP ports of a NetworkPolicy."""
    return [{"protocol": "TCP", "port": number} for number in numbers]
