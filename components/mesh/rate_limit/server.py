"""The rate limit service: it counts requests of all pods together, in a Redis that the stack names.

Arguments in, objects out. Only the services with shared limits may ask it. Not here: its rules and the filter that
asks (shared.py), Redis itself.
Source of every variable: github.com/envoyproxy/ratelimit, src/settings/settings.go.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import yaml

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.mesh.authorization.policy import SECURITY
from meshed_mcp.components.mesh.cluster.args import ServiceMeshArgs
from meshed_mcp.components.mesh.rate_limit.args import SharedLimits
from meshed_mcp.components.mesh.rate_limit.server_args import NAME, FailureMode, RateLimiting
from meshed_mcp.components.mesh.rate_limit.shared import GRPC_PORT, reference, rules
from meshed_mcp.components.mesh.service.addresses import principal
from meshed_mcp.components.mesh.service.container_args import SecretKey

HEALTH_PORT: Final = 8080
"""Source: default of PORT."""

HEALTH_PATH: Final = "/healthcheck"
"""Fails while Redis is away."""

CONFIG_FOLDER: Final = "/config"
RULES_FILE: Final = "rules.yaml"
REQUESTS: Final = {"cpu": "50m", "memory": "64Mi"}
MEMORY_LIMIT: Final = "256Mi"
REDIS_TIMEOUT: Final = "200ms"
"""Below the proxies' patience (rate_limits_shared.TIMEOUT), so that the service itself says that it cannot count."""


def manifests(args: ServiceMeshArgs) -> list[Manifest]:
    """Every object but the PodMonitor, which ObservabilityStack makes; none unless the mesh has the service."""
    if args.rate_limiting is None:
        return []
    namespace = args.namespaces[0]
    here = metadata(NAME, namespace)
    text = rules_file(args)
    ports = {"grpc": GRPC_PORT, "http-health": HEALTH_PORT, contract.MANAGEMENT_PORT_NAME: contract.MANAGEMENT_PORT}
    checksum = hashlib.sha256(text.encode()).hexdigest()
    disrupted = {"selector": _selected(), "maxUnavailable": 1, "unhealthyPodEvictionPolicy": "AlwaysAllow"}
    served = {
        "selector": {contract.LABEL_APP: NAME},
        "ports": [{"name": "grpc", "port": GRPC_PORT, "targetPort": "grpc"}],
    }
    return [
        manifest("v1", "ServiceAccount", here, automountServiceAccountToken=False),
        manifest("v1", "ConfigMap", here, data={RULES_FILE: text}),
        manifest(SECURITY, "AuthorizationPolicy", here, _asked_by(args.shared_limits, namespace, args.trust_domain)),
        manifest("networking.k8s.io/v1", "NetworkPolicy", here, _reached_from()),
        manifest("v1", "Service", here, served),
        manifest("policy/v1", "PodDisruptionBudget", here, disrupted),
        manifest("apps/v1", "Deployment", here, _deployment(args.rate_limiting, ports, checksum)),
    ]


def rules_file(args: ServiceMeshArgs) -> str:
    """The file that the service reads."""
    domain = reference(args.namespaces[0], args.cluster_domain, FailureMode.OPEN).domain
    return yaml.safe_dump({"domain": domain, "descriptors": rules(args.shared_limits)}, sort_keys=False)


def _selected() -> Manifest:
    return {"matchLabels": {contract.LABEL_APP: NAME}}


def _asked_by(limits: Mapping[str, SharedLimits], namespace: str, trust: str) -> Manifest:
    """The services with limits, on the port for questions."""
    askers = [principal(name, namespace, trust) for name, item in limits.items() if item.any]
    rule = {"from": [{"source": {"principals": askers}}], "to": [{"operation": {"ports": [str(GRPC_PORT)]}}]}
    return {
        "selector": _selected(),
        "action": "ALLOW",
        **({"rules": [rule]} if askers else {}),
    }


def _reached_from() -> Manifest:
    """Questions come from the namespace alone; health and metrics, which the mesh does not guard, are open to all."""
    open_ports = [{"port": HEALTH_PORT, "protocol": "TCP"}, {"port": contract.MANAGEMENT_PORT, "protocol": "TCP"}]
    return {
        "podSelector": _selected(),
        "policyTypes": ["Ingress"],
        "ingress": [
            {"from": [{"podSelector": {}}], "ports": [{"port": GRPC_PORT, "protocol": "TCP"}]},
            {"ports": open_ports},
        ],
    }


def _deployment(args: RateLimiting, ports: Mapping[str, int], checksum: str) -> Manifest:
    labels = standard_labels(NAME) | {contract.LABEL_APP: NAME, contract.LABEL_VERSION: contract.STABLE}
    outside = f"{HEALTH_PORT},{contract.MANAGEMENT_PORT}"
    notes = {
        "checksum/rules": checksum,  # changed rules must restart the pods, which read them once
        "traffic.sidecar.istio.io/excludeInboundPorts": outside,
    }
    spread = {
        "topologyKey": "kubernetes.io/hostname",
        "maxSkew": 1,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": _selected(),
    }
    pod = {
        "serviceAccountName": NAME,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "topologySpreadConstraints": [spread],
        "containers": [_container(args, ports)],
        "volumes": [{"name": "rules", "configMap": {"name": NAME}}],
    }
    return {
        "replicas": args.replicas,
        "selector": _selected(),
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
        "template": {
            "metadata": {"labels": labels | {"sidecar.istio.io/inject": "true"}, "annotations": notes},
            "spec": pod,
        },
    }


def _container(args: RateLimiting, ports: Mapping[str, int]) -> Manifest:
    health = {"httpGet": {"path": HEALTH_PATH, "port": "http-health"}}
    plain = [{"name": name, "value": value} for name, value in environment(CONFIG_FOLDER).items()]
    plain.append({"name": "REDIS_TLS", "value": str(args.redis_tls).lower()})
    secret = [_secret("REDIS_URL", args.redis)]
    secret += [] if args.redis_password is None else [_secret("REDIS_AUTH", args.redis_password)]
    return {
        "name": "ratelimit",
        "image": args.image,
        "command": ["/bin/ratelimit"],
        "env": [*plain, *secret],
        "ports": [{"name": name, "containerPort": port} for name, port in ports.items()],
        "readinessProbe": {**health, "periodSeconds": 5},
        "resources": {"requests": dict(REQUESTS), "limits": {"memory": MEMORY_LIMIT}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "rules", "mountPath": f"{CONFIG_FOLDER}/config", "readOnly": True}],
    }


def environment(folder: str) -> dict[str, str]:
    """Variables with plain values: rules in `folder`/config, metrics for Prometheus, JSON logs, Redis by TCP."""
    return {
        "RUNTIME_ROOT": folder,
        "RUNTIME_SUBDIRECTORY": "",
        "RUNTIME_WATCH_ROOT": "false",
        "RUNTIME_IGNOREDOTFILES": "true",  # a mounted ConfigMap has hidden links
        "USE_STATSD": "false",
        "USE_PROMETHEUS": "true",
        "PROMETHEUS_ADDR": f":{contract.MANAGEMENT_PORT}",
        "PROMETHEUS_PATH": contract.METRICS_PATH,
        "DEBUG_HOST": "127.0.0.1",
        "LOG_LEVEL": "warn",
        "LOG_FORMAT": "json",
        "REDIS_SOCKET_TYPE": "tcp",
        "REDIS_TIMEOUT": REDIS_TIMEOUT,
    }


def _secret(name: str, source: SecretKey) -> dict[str, Any]:
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": source.secret, "key": source.key}}}
