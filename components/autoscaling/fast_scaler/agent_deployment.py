"""A small process beside the services that helps to scale them: its account, its pods, its metrics, its walls.

A `Helper` in, Kubernetes objects out. Not here: what each asks and may write (`manifests.py`, `pod_deletion_cost.py`),
the processes (`agents/scaling`).
"""

from typing import Any, Final, NamedTuple

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import PROMETHEUS_PODS, Manifest, manifest, metadata, standard_labels

SIZE: Final = {"requests": {"cpu": "10m", "memory": "48Mi"}, "limits": {"memory": "128Mi"}}
"""A query every few seconds; its memory is Python's own."""

RBAC: Final = "rbac.authorization.k8s.io"
PORTS: Final = {"UDP": (53,), "TCP": (53, 80, 443, 6443, 9090)}
"""DNS, Prometheus and the API server, whose addresses no NetworkPolicy can know before the cluster exists."""


class Helper(NamedTuple):
    """One such process."""

    name: str
    """Of everything it has."""

    module: str
    image: Any
    environment: dict[str, Any]
    replicas: int
    right: Manifest
    """The one rule of its Role."""


def objects(helper: Helper, namespace: str) -> list[Manifest]:
    """Everything it has."""
    return [
        *rights(helper, namespace),
        deployment(helper, namespace),
        disruption_budget(helper, namespace),
        pod_monitor(helper, namespace),
        network_policy(helper, namespace),
    ]


def rights(helper: Helper, namespace: str) -> list[Manifest]:
    """An account that may do one thing."""
    subject = {"kind": "ServiceAccount", "name": helper.name, "namespace": namespace}
    role = {"apiGroup": RBAC, "kind": "Role", "name": helper.name}
    here = metadata(helper.name, namespace)
    return [
        manifest("v1", "ServiceAccount", here, automountServiceAccountToken=False),
        manifest(f"{RBAC}/v1", "Role", here, rules=[helper.right]),
        manifest(f"{RBAC}/v1", "RoleBinding", here, subjects=[subject], roleRef=role),
    ]


def deployment(helper: Helper, namespace: str) -> Manifest:
    """The process, outside the mesh: it calls the API server and Prometheus, which are not in it either."""
    labels = standard_labels(helper.name) | {
        contract.LABEL_APP: helper.name,
        "sidecar.istio.io/inject": "false",
        "istio.io/dataplane-mode": "none",
    }
    spread = {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway"}
    pod: dict[str, Any] = {
        "serviceAccountName": helper.name,
        "automountServiceAccountToken": True,
        "enableServiceLinks": False,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
        "topologySpreadConstraints": [{**spread, "labelSelector": {"matchLabels": {contract.LABEL_APP: helper.name}}}],
        "containers": [container(helper)],
    }
    spec = {
        "replicas": helper.replicas,
        "selector": {"matchLabels": {contract.LABEL_APP: helper.name}},
        "template": {"metadata": {"labels": labels}, "spec": pod},
    }
    return manifest("apps/v1", "Deployment", metadata(helper.name, namespace), spec)


def container(helper: Helper) -> Manifest:
    """Its container; whatever it decides by comes from the stack."""
    return {
        "name": helper.name.removeprefix("mcp-"),
        "image": helper.image,
        "command": ["python", "-m", helper.module],
        "env": [{"name": name, "value": value} for name, value in helper.environment.items()],
        "ports": [{"name": contract.MANAGEMENT_PORT_NAME, "containerPort": contract.MANAGEMENT_PORT}],
        "livenessProbe": {
            "httpGet": {"path": contract.METRICS_PATH, "port": contract.MANAGEMENT_PORT_NAME},
            "periodSeconds": 10,
        },
        "resources": SIZE,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }


def disruption_budget(helper: Helper, namespace: str) -> Manifest:
    """A drain takes one at a time."""
    spec = {"maxUnavailable": 1, "selector": {"matchLabels": {contract.LABEL_APP: helper.name}}}
    return manifest("policy/v1", "PodDisruptionBudget", metadata(helper.name, namespace), spec)


def pod_monitor(helper: Helper, namespace: str) -> Manifest:
    """How its metrics come to Prometheus."""
    spec = {
        "selector": {"matchLabels": {contract.LABEL_APP: helper.name}},
        "podMetricsEndpoints": [{"port": contract.MANAGEMENT_PORT_NAME, "interval": "15s"}],
    }
    return manifest("monitoring.coreos.com/v1", "PodMonitor", metadata(helper.name, namespace), spec)


def network_policy(helper: Helper, namespace: str) -> Manifest:
    """A Prometheus alone reaches it, wherever it runs; it reaches names, Prometheus and the API server."""
    scraper = {"namespaceSelector": {}, "podSelector": {"matchLabels": PROMETHEUS_PODS}}
    open_ports = [{"protocol": kind, "port": port} for kind, ports in PORTS.items() for port in ports]
    spec = {
        "podSelector": {"matchLabels": {contract.LABEL_APP: helper.name}},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": [scraper], "ports": [{"protocol": "TCP", "port": contract.MANAGEMENT_PORT}]}],
        "egress": [{"ports": open_ports}],
    }
    return manifest("networking.k8s.io/v1", "NetworkPolicy", metadata(helper.name, namespace), spec)
