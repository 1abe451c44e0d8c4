"""OpenTelemetry Collectors: a DaemonSet of agents and a Deployment of gateways.

Not the official chart: the tests run a real collector with exactly these files, a changed file restarts the pods, and
they need no permissions in Kubernetes.
"""

from typing import Final

import yaml

from meshed_mcp.components.core.manifest import Manifest, manifest, metadata
from meshed_mcp.components.core.quantity import memory_bytes
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.prometheus.values import prometheus_url
from meshed_mcp.components.observability.sizing.resources import Reservation
from meshed_mcp.components.observability.tracing import jaeger, jaeger_config, workload
from meshed_mcp.components.observability.tracing.collector_args import CollectorSettings
from meshed_mcp.components.observability.tracing.collector_config import agent_config, gateway_config
from meshed_mcp.components.pod.manifests import adapt_workload

AGENT: Final = "otel-agent"
GATEWAY: Final = "otel-gateway"
"""Names of their objects and Services."""

IMAGE: Final = "otel/opentelemetry-collector-k8s:0.158.0"
"""The distribution for Kubernetes, which contains all components of the files. Source: its manifest.yaml."""

PORTS: Final = {
    "grpc-otlp": jaeger_config.OTLP_GRPC_PORT,
    "http-otlp": jaeger_config.OTLP_HTTP_PORT,
    "http-metrics": jaeger_config.METRICS_PORT,
}

MEMORY_SHARE: Final = 0.8
"""GOMEMLIMIT as a ratio of the memory limit. Source: Collector, "Configuration best practices"."""

STOP_SECONDS: Final = 30
"""Time to export the queue at shutdown, after a gateway has decided on waiting traces."""


def collector_objects(args: ObservabilityStackArgs) -> list[Manifest]:
    """Objects of gateways and agents, in the order of creation; none without collectors."""
    if args.collectors is None:
        return []
    return [*gateway_objects(args.collectors, args), *agent_objects(args.collectors, args)]


def first_hop(args: ObservabilityStackArgs) -> str:
    """Service to which applications and proxies send spans."""
    return jaeger.NAME if args.collectors is None else AGENT


def otlp_endpoint(args: ObservabilityStackArgs) -> str:
    """Endpoint to which applications and proxies send spans, OTLP over gRPC."""
    if args.jaeger.otlp_endpoint is not None:
        return args.jaeger.otlp_endpoint
    return f"http://{first_hop(args)}.{args.namespace}.svc:{jaeger_config.OTLP_GRPC_PORT}"


def gateway_objects(settings: CollectorSettings, args: ObservabilityStackArgs) -> list[Manifest]:
    """Gateways behind a headless Service: agents select the pod by trace ID; at most one is disrupted at a time."""
    target = f"{jaeger.NAME}.{args.namespace}.svc:{jaeger_config.OTLP_GRPC_PORT}"
    files = config_files(gateway_config(settings, target, prometheus_url(args)))
    waiting = 0 if settings.tail_sampling is None else settings.tail_sampling.decision_wait_seconds
    pods = workload.workload(GATEWAY, files, container(settings.gateway_resources), STOP_SECONDS + waiting)
    meta, selector = metadata(GATEWAY, args.namespace), workload.selector(GATEWAY)
    service = {"clusterIP": "None", "selector": selector, "ports": workload.service_ports(PORTS)}
    budget = {"maxUnavailable": 1, "selector": {"matchLabels": selector}}
    return [
        *workload.common_objects(GATEWAY, args.namespace, files, service, settings.gateways.service_account),
        adapt_workload(
            manifest("apps/v1", "Deployment", meta, {"replicas": settings.gateway_replicas, **pods}), settings.gateways
        ),
        manifest("policy/v1", "PodDisruptionBudget", meta, budget),
    ]


def agent_objects(settings: CollectorSettings, args: ObservabilityStackArgs) -> list[Manifest]:
    """An agent on every node, tainted ones included, that serves only the pods of its node."""
    files = config_files(agent_config(settings, f"{GATEWAY}.{args.namespace}.svc"))
    pods = workload.workload(AGENT, files, container(settings.agent_resources), STOP_SECONDS)
    pods["template"]["spec"]["tolerations"] = [{"operator": "Exists"}]
    selector, ports = workload.selector(AGENT), workload.service_ports(PORTS)
    service = {"internalTrafficPolicy": "Local", "selector": selector, "ports": ports}
    return [
        *workload.common_objects(AGENT, args.namespace, files, service, settings.agents.service_account),
        adapt_workload(manifest("apps/v1", "DaemonSet", metadata(AGENT, args.namespace), pods), settings.agents),
    ]


def config_files(config: Manifest) -> dict[str, str]:
    """The configuration file, by name."""
    return {workload.CONFIG_FILE: yaml.safe_dump(config, sort_keys=False)}


def container(reserved: Reservation) -> Manifest:
    """The container of the collector."""
    soft_limit = f"{int(memory_bytes(reserved.memory) * MEMORY_SHARE)}B"
    return {
        "name": "collector",
        "image": IMAGE,
        "env": [{"name": "GOMEMLIMIT", "value": soft_limit}],
        **workload.container("/etc/otelcol", "/", PORTS, reserved),
    }
