"""NetworkPolicies of Jaeger and the collectors: who reaches which port. Arguments in, objects out.

Spans come from every pod and every proxy. Jaeger's pages know no log-in: Grafana and Kiali show them to people who
have logged in, and nobody else in the cluster reaches them. A port-forward does, by the right to make one.
"""

from typing import Final

from meshed_mcp.components.core.manifest import NAMESPACE_LABEL, Manifest, manifest, metadata
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.tracing import jaeger
from meshed_mcp.components.observability.tracing.collectors import AGENT, GATEWAY
from meshed_mcp.components.observability.tracing.jaeger_config import (
    METRICS_PORT,
    OTLP_GRPC_PORT,
    OTLP_HTTP_PORT,
    QUERY_PORT,
    SAMPLING_GRPC_PORT,
    SAMPLING_HTTP_PORT,
)

SPANS: Final = (OTLP_GRPC_PORT, OTLP_HTTP_PORT)


def tracing_walls(args: ObservabilityStackArgs) -> list[Manifest]:
    """One for each part. With collectors, Jaeger and the gateways take spans of monitoring alone."""
    advice = () if args.jaeger.sampling is None else (SAMPLING_HTTP_PORT, SAMPLING_GRPC_PORT)
    inside = (METRICS_PORT, QUERY_PORT)
    if args.collectors is None:
        return [wall(jaeger.NAME, args.namespace, (*SPANS, *advice), inside)]
    return [
        wall(jaeger.NAME, args.namespace, advice, (*inside, *SPANS)),
        wall(GATEWAY, args.namespace, (), (METRICS_PORT, *SPANS)),
        wall(AGENT, args.namespace, SPANS, (METRICS_PORT,)),
    ]


def wall(name: str, namespace: str, everybody: tuple[int, ...], monitoring: tuple[int, ...]) -> Manifest:
    """Ports of one part for every pod of the cluster, and ports for the pods of monitoring."""
    ours = {"namespaceSelector": {"matchLabels": {NAMESPACE_LABEL: namespace}}}
    anywhere = [{"from": [{"namespaceSelector": {}}], "ports": ports(everybody)}] if everybody else []
    spec = {
        "podSelector": {"matchLabels": {"app.kubernetes.io/name": name}},
        "policyTypes": ["Ingress"],
        "ingress": [*anywhere, {"from": [ours], "ports": ports(monitoring)}],
    }
    return manifest("networking.k8s.io/v1", "NetworkPolicy", metadata(name, namespace), spec)


def ports(numbers: tuple[int, ...]) -> list[Manifest]:
    """Ports as a NetworkPolicy names them."""
    return [{"protocol": "TCP", "port": number} for number in numbers]
