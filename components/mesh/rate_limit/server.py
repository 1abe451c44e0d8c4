"""Objects of the rate limit service (envoyproxy/ratelimit), which counts requests of all pods in an external Redis.

Only services with shared limits may call it. Source of every variable: its src/settings/settings.go.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import yaml

from meshed_mcp import contract
from meshed_mcp.components.core.ip_families import family_policy
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.mesh.authorization.policy import SECURITY_API
from meshed_mcp.components.mesh.cluster.args import ServiceMeshArgs
from meshed_mcp.components.mesh.rate_limit.server_args import NAME, FailureMode, RateLimiting
from meshed_mcp.components.mesh.rate_limit.shared import GRPC_PORT, descriptor_rules, rate_limit_ref
from meshed_mcp.components.mesh.service.addresses import principal
from meshed_mcp.components.mesh.service.container_args import SecretKey
from meshed_mcp.components.pod.manifests import adapt_workload, service_account

HEALTH_PORT: Final = 8080
"""Source: default of PORT."""

HEALTH_PATH: Final = "/healthcheck"
"""Fails while Redis is unavailable."""

CONFIG_FOLDER: Final = "/config"
RULES_FILE: Final = "rules.yaml"
REQUESTS: Final = {"cpu": "50m", "memory": "64Mi"}
MEMORY_LIMIT: Final = "256Mi"
REDIS_TIMEOUT: Final = "200ms"
"""Below the timeout of the filter (shared.TIMEOUT), so that the service reports the error itself."""


def rate_limit_manifests(args: ServiceMeshArgs) -> list[Manifest]:
    """Every object but the PodMonitor, which ObservabilityStack creates; none without `rate_limiting`."""
    if args.rate_limiting is None:
        return []
    namespace = args.namespaces[0]
    meta = metadata(NAME, namespace)
    text = rules_file(args)
    ports = {"grpc": GRPC_PORT, "http-health": HEALTH_PORT, contract.MANAGEMENT_PORT_NAME: contract.MANAGEMENT_PORT}
    checksum = hashlib.sha256(text.encode()).hexdigest()
    budget = {"selector": _pods(), "maxUnavailable": 1, "unhealthyPodEvictionPolicy": "AlwaysAllow"}
    grpc = {"name": "grpc", "port": GRPC_PORT, "targetPort": "grpc"}
    service = {"selector": {contract.LABEL_APP: NAME}, "ports": [grpc], **family_policy(dual_stack=args.dual_stack)}
    deployment = manifest("apps/v1", "Deployment", meta, _deployment(args.rate_limiting, ports, checksum))
    return [
        *service_account(NAME, namespace, args.rate_limiting.service_account),
        manifest("v1", "ConfigMap", meta, data={RULES_FILE: text}),
        manifest(SECURITY_API, "AuthorizationPolicy", meta, _callers(args, namespace)),
        manifest("networking.k8s.io/v1", "NetworkPolicy", meta, _network_policy()),
        manifest("v1", "Service", meta, service),
        manifest("policy/v1", "PodDisruptionBudget", meta, budget),
        adapt_workload(deployment, args.rate_limiting),
    ]


def rules_file(args: ServiceMeshArgs) -> str:
    """Configuration file of the service, as YAML."""
    domain = rate_limit_ref(args.namespaces[0], args.cluster_domain, FailureMode.OPEN).domain
    return yaml.safe_dump({"domain": domain, "descriptors": descriptor_rules(args.shared_limits)}, sort_keys=False)


def _pods() -> Manifest:
    return {"matchLabels": {contract.LABEL_APP: NAME}}


def _callers(args: ServiceMeshArgs, namespace: str) -> Manifest:
    """ALLOW policy for the services with shared limits, on the gRPC port."""
    limited = [name for name, item in args.shared_limits.items() if item.rates]
    callers = [principal(args.accounts.get(name, name), namespace, args.trust_domain) for name in limited]
    rule = {"from": [{"source": {"principals": callers}}], "to": [{"operation": {"ports": [str(GRPC_PORT)]}}]}
    return {"selector": _pods(), "action": "ALLOW", **({"rules": [rule]} if callers else {})}


def _network_policy() -> Manifest:
    """GRPC from the namespace only; health and metrics ports, which bypass the mesh, from anywhere."""
    open_ports = [{"port": HEALTH_PORT, "protocol": "TCP"}, {"port": contract.MANAGEMENT_PORT, "protocol": "TCP"}]
    grpc = {"from": [{"podSelector": {}}], "ports": [{"port": GRPC_PORT, "protocol": "TCP"}]}
    return {"podSelector": _pods(), "policyTypes": ["Ingress"], "ingress": [grpc, {"ports": open_ports}]}


def _deployment(args: RateLimiting, ports: Mapping[str, int], checksum: str) -> Manifest:
    labels = standard_labels(NAME) | {contract.LABEL_APP: NAME, contract.LABEL_VERSION: contract.STABLE}
    annotations = {
        "checksum/rules": checksum,  # changed rules must restart the pods, which read them at start
        "traffic.sidecar.istio.io/excludeInboundPorts": f"{HEALTH_PORT},{contract.MANAGEMENT_PORT}",
    }
    spread = {
        "topologyKey": "kubernetes.io/hostname",
        "maxSkew": 1,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": _pods(),
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
    meta = {"labels": labels | {"sidecar.istio.io/inject": "true"}, "annotations": annotations}
    return {
        "replicas": args.replicas,
        "selector": _pods(),
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
        "template": {"metadata": meta, "spec": pod},
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
    """Plain environment variables: rules in `folder`/config, Prometheus metrics, JSON logs, Redis over TCP.

    Without HOST and GRPC_HOST its ports are on 0.0.0.0, to which Go adds IPv6. Source: ratelimit, README; Go, `Listen`.
    """
    return {
        "RUNTIME_ROOT": folder,
        "RUNTIME_SUBDIRECTORY": "",
        "RUNTIME_WATCH_ROOT": "false",
        "RUNTIME_IGNOREDOTFILES": "true",  # a mounted ConfigMap has hidden symlinks
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
