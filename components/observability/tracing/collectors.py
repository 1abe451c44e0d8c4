"""OpenTelemetry Collectors: a DaemonSet of agents and a Deployment of gateways.

Not the official chart: the tests run a real collector with exactly these files, a changed file restarts the pods, and
they need no permissions in Kubernetes.
"""

import hashlib
from typing import Final

import yaml

from meshed_mcp.components.core.manifest import RESTRICTED_CONTAINER, Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.core.quantity import memory_bytes
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.prometheus.values import prometheus_url
from meshed_mcp.components.observability.sizing.resources import Reservation, container_resources, restricted_pod
from meshed_mcp.components.observability.tracing import jaeger
from meshed_mcp.components.observability.tracing.collector_args import CollectorSettings
from meshed_mcp.components.observability.tracing.collector_config import agent_config, gateway_config
from meshed_mcp.components.observability.tracing.jaeger_config import (
    HEALTH_PORT,
    METRICS_PORT,
    OTLP_GRPC_PORT,
    OTLP_HTTP_PORT,
)

AGENT: Final = "otel-agent"
GATEWAY: Final = "otel-gateway"
"""Names of their objects and Services."""

IMAGE: Final = "otel/opentelemetry-collector-k8s:0.158.0"
"""The distribution for Kubernetes, which contains all components of the files. Source: its manifest.yaml."""

USER_ID: Final = 10001
"""User of the image. Source: its Dockerfile, `USER_UID`."""

CONFIG_PATH: Final = "/etc/otelcol"
CONFIG_FILE: Final = "config.yaml"
PORTS: Final = {"grpc-otlp": OTLP_GRPC_PORT, "http-otlp": OTLP_HTTP_PORT, "http-metrics": METRICS_PORT}

MEMORY_SHARE: Final = 0.8
"""GOMEMLIMIT as a ratio of the memory limit. Source: Collector, "Configuration best practices"."""

STOP_SECONDS: Final = 30
"""Time to export the queue at shutdown."""


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
    return f"http://{first_hop(args)}.{args.namespace}.svc:{OTLP_GRPC_PORT}"


def gateway_objects(settings: CollectorSettings, args: ObservabilityStackArgs) -> list[Manifest]:
    """Gateways behind a headless Service: each agent selects the pod by trace ID."""
    target = f"{jaeger.NAME}.{args.namespace}.svc:{OTLP_GRPC_PORT}"
    config = gateway_config(settings, target, prometheus_url(args.namespace))
    spec = {
        "replicas": settings.gateway_replicas,
        **workload(GATEWAY, config, settings.gateway_resources, stop_seconds=stop_seconds(settings)),
    }
    service = {"clusterIP": "None", "selector": selector(GATEWAY), "ports": service_ports()}
    return [
        *common_objects(GATEWAY, args.namespace, config, service),
        manifest("apps/v1", "Deployment", metadata(GATEWAY, args.namespace), spec),
        disruption_budget(args.namespace),
    ]


def agent_objects(settings: CollectorSettings, args: ObservabilityStackArgs) -> list[Manifest]:
    """An agent on every node, tainted ones included, that serves only the pods of its node."""
    config = agent_config(settings, f"{GATEWAY}.{args.namespace}.svc")
    spec = workload(AGENT, config, settings.agent_resources, stop_seconds=STOP_SECONDS)
    spec["template"]["spec"]["tolerations"] = [{"operator": "Exists"}]
    service = {"internalTrafficPolicy": "Local", "selector": selector(AGENT), "ports": service_ports()}
    return [
        *common_objects(AGENT, args.namespace, config, service),
        manifest("apps/v1", "DaemonSet", metadata(AGENT, args.namespace), spec),
    ]


def stop_seconds(settings: CollectorSettings) -> int:
    """Time for a gateway to decide on waiting traces and to export them."""
    waiting = 0 if settings.tail_sampling is None else settings.tail_sampling.decision_wait_seconds
    return STOP_SECONDS + waiting


def common_objects(name: str, namespace: str, config: Manifest, service: Manifest) -> list[Manifest]:
    """ServiceAccount without permissions, ConfigMap, Service."""
    text = yaml.safe_dump(config, sort_keys=False)
    return [
        manifest("v1", "ServiceAccount", metadata(name, namespace), automountServiceAccountToken=False),
        manifest("v1", "ConfigMap", metadata(name, namespace), data={CONFIG_FILE: text}),
        manifest("v1", "Service", metadata(name, namespace), service),
    ]


def selector(name: str) -> dict[str, str]:
    """Label selector of the pods."""
    return {"app.kubernetes.io/name": name}


def service_ports() -> list[Manifest]:
    """Ports, named so that Istio selects the protocol."""
    return [{"name": name, "port": port, "targetPort": name} for name, port in PORTS.items()]


def disruption_budget(namespace: str) -> Manifest:
    """At most one gateway at a time is disrupted; the others take over its traces."""
    spec = {"maxUnavailable": 1, "selector": {"matchLabels": selector(GATEWAY)}}
    return manifest("policy/v1", "PodDisruptionBudget", metadata(GATEWAY, namespace), spec)


def workload(name: str, config: Manifest, reserved: Reservation, *, stop_seconds: int) -> Manifest:
    """Selector and pod template; the checksum restarts the pods when the file changes."""
    checksum = hashlib.sha256(yaml.safe_dump(config, sort_keys=False).encode()).hexdigest()
    meta = {"labels": standard_labels(name), "annotations": {"checksum/config": checksum}}
    spec = {
        "serviceAccountName": name,
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": stop_seconds,
        "securityContext": restricted_pod(USER_ID),
        "containers": [container(reserved)],
        "volumes": [{"name": "config", "configMap": {"name": name}}],
    }
    return {"selector": {"matchLabels": selector(name)}, "template": {"metadata": meta, "spec": spec}}


def container(reserved: Reservation) -> Manifest:
    """The container of the collector."""
    health = {"httpGet": {"path": "/", "port": "health"}}
    soft_limit = f"{int(memory_bytes(reserved.memory) * MEMORY_SHARE)}B"
    return {
        "name": "collector",
        "image": IMAGE,
        "args": ["--config", f"{CONFIG_PATH}/{CONFIG_FILE}"],
        "env": [{"name": "GOMEMLIMIT", "value": soft_limit}],
        "ports": [{"name": name, "containerPort": port} for name, port in (PORTS | {"health": HEALTH_PORT}).items()],
        "readinessProbe": health | {"periodSeconds": 5},
        "livenessProbe": health | {"periodSeconds": 10, "failureThreshold": 6},
        "resources": container_resources(reserved),
        "securityContext": RESTRICTED_CONTAINER,
        "volumeMounts": [{"name": "config", "mountPath": CONFIG_PATH, "readOnly": True}],
    }
