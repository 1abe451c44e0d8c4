"""Deployment of an autoscaler agent: ServiceAccount, Role, pods, PodMonitor and NetworkPolicy.

The agents are in `agents/autoscaler`; their queries and permissions in `manifests.py` and `pod_deletion_cost.py`.
"""

from typing import Any, Final, NamedTuple

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import (
    PROMETHEUS_PODS,
    RESTRICTED_CONTAINER,
    Manifest,
    manifest,
    metadata,
    standard_labels,
)
from meshed_mcp.components.pod.args import PodSettings
from meshed_mcp.components.pod.manifests import account_name, adapt_workload
from meshed_mcp.components.pod.manifests import service_account as account_manifests

SIZE: Final = {"requests": {"cpu": "10m", "memory": "48Mi"}, "limits": {"memory": "128Mi"}}
"""One query every few seconds; the memory is that of the Python runtime."""

RBAC: Final = "rbac.authorization.k8s.io"
EGRESS_PORTS: Final = {"UDP": (53,), "TCP": (53, 80, 443, 6443, 9090)}
"""DNS, Prometheus and the API server, whose addresses are unknown before the cluster exists."""


class AutoscalerAgent(NamedTuple):
    """Spec of one autoscaler agent."""

    name: str
    """Name of all its objects."""

    module: str
    image: Any
    environment: dict[str, Any]
    replicas: int
    rule: Manifest
    """The rule of its Role; `service_account.rules` add to it."""

    options: PodSettings = PodSettings()
    """Options of its pods."""

    @property
    def selector(self) -> Manifest:
        """Label selector of its pods."""
        return {"matchLabels": {contract.LABEL_APP: self.name}}


def agent_manifests(agent: AutoscalerAgent, namespace: str) -> list[Manifest]:
    """All objects of the agent."""
    meta = metadata(agent.name, namespace)
    budget = {"maxUnavailable": 1, "selector": agent.selector}
    endpoint = {"port": contract.MANAGEMENT_PORT_NAME, "interval": "15s"}
    monitor = {"selector": agent.selector, "podMetricsEndpoints": [endpoint]}
    return [
        *service_account(agent, namespace),
        adapt_workload(deployment(agent, namespace), agent.options),
        manifest("policy/v1", "PodDisruptionBudget", meta, budget),
        manifest("monitoring.coreos.com/v1", "PodMonitor", meta, monitor),
        network_policy(agent, namespace),
    ]


def service_account(agent: AutoscalerAgent, namespace: str) -> list[Manifest]:
    """ServiceAccount with the agent's one permission."""
    account = agent.options.service_account
    subject = {"kind": "ServiceAccount", "name": account_name(agent.name, account), "namespace": namespace}
    role = {"apiGroup": RBAC, "kind": "Role", "name": agent.name}
    meta = metadata(agent.name, namespace)
    return [
        *account_manifests(agent.name, namespace, account.model_copy(update={"rules": []})),
        manifest(f"{RBAC}/v1", "Role", meta, rules=[agent.rule, *account.rules]),
        manifest(f"{RBAC}/v1", "RoleBinding", meta, subjects=[subject], roleRef=role),
    ]


def deployment(agent: AutoscalerAgent, namespace: str) -> Manifest:
    """The pods, outside the mesh like the API server and Prometheus, which they call."""
    labels = standard_labels(agent.name) | {
        contract.LABEL_APP: agent.name,
        "sidecar.istio.io/inject": "false",
        "istio.io/dataplane-mode": "none",
    }
    spread = {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway"}
    pod: dict[str, Any] = {
        "serviceAccountName": agent.name,
        "automountServiceAccountToken": True,
        "enableServiceLinks": False,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
        "topologySpreadConstraints": [{**spread, "labelSelector": agent.selector}],
        "containers": [container(agent)],
    }
    template = {"metadata": {"labels": labels}, "spec": pod}
    spec = {"replicas": agent.replicas, "selector": agent.selector, "template": template}
    return manifest("apps/v1", "Deployment", metadata(agent.name, namespace), spec)


def container(agent: AutoscalerAgent) -> Manifest:
    """The container; its configuration is in environment variables."""
    return {
        "name": agent.name.removeprefix("mcp-"),
        "image": agent.image,
        "command": ["python", "-m", agent.module],
        "env": [{"name": name, "value": value} for name, value in agent.environment.items()],
        "ports": [{"name": contract.MANAGEMENT_PORT_NAME, "containerPort": contract.MANAGEMENT_PORT}],
        "livenessProbe": {
            "httpGet": {"path": contract.METRICS_PATH, "port": contract.MANAGEMENT_PORT_NAME},
            "periodSeconds": 10,
        },
        "resources": SIZE,
        "securityContext": RESTRICTED_CONTAINER,
    }


def network_policy(agent: AutoscalerAgent, namespace: str) -> Manifest:
    """Ingress from Prometheus pods of any namespace; egress to DNS, Prometheus and the API server."""
    scraper = {"namespaceSelector": {}, "podSelector": {"matchLabels": PROMETHEUS_PODS}}
    ports = [{"protocol": protocol, "port": port} for protocol, ports in EGRESS_PORTS.items() for port in ports]
    spec = {
        "podSelector": agent.selector,
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": [scraper], "ports": [{"protocol": "TCP", "port": contract.MANAGEMENT_PORT}]}],
        "egress": [{"ports": ports}],
    }
    return manifest("networking.k8s.io/v1", "NetworkPolicy", metadata(agent.name, namespace), spec)
