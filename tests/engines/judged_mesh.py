"""The stack whose proxies are looked at in istiod, with what a cluster would add: pods, and the gateway's workload.

`front` is exposed. `back` has everything: sessions, a canary of 25 %, a tool of its own rule, and is exposed too;
`closed` may be called by nobody.
"""

from typing import Any, Final

import local_stack
from local_stack import NAMESPACE

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh import cluster, service
from meshed_mcp.components.mesh.args import ServiceMeshArgs
from meshed_mcp.components.mesh.cluster_args import INGRESS_NAMESPACE
from meshed_mcp.components.mesh.gateway import INGRESS_RELEASE, INGRESS_SELECTOR
from meshed_mcp.components.mesh.istio_values import istiod_values

COLLECTOR: Final = {"service": "collector.monitoring.svc.cluster.local", "sampling_percent": 25}
MESH: Final = ServiceMeshArgs.model_validate(
    {"domain": local_stack.HOST, "namespaces": [NAMESPACE], "tracing": COLLECTOR}
)
BACK: Final[dict[str, Any]] = {
    "callers": ["front", "jobs/nightly"],
    "expose": True,
    "legacy": "sticky",
    "rollout": {
        "strategy": "canary",
        "image": "registry.example.com/echo:2",
        "weights": {"stable": 75, "canary": 25},
    },
    "tools": {"erase": {"allow": ["front"]}},
}
TLS_MODE: Final = {"security.istio.io/tlsMode": "istio"}
"""The label by which the injection tells that a pod has a sidecar. Source: Istio, sidecar injection template."""


def mesh_config() -> Manifest:
    """The mesh configuration that we hand to Istio's chart."""
    config: Manifest = istiod_values(MESH)["meshConfig"]
    return config


def objects() -> list[Manifest]:
    """Everything rendered, then what the gateway's chart and the collector's owner would add."""
    return [
        *cluster.manifests(MESH),
        *service.manifests("front", local_stack.arguments(expose=True)),
        *service.manifests("back", local_stack.arguments(**BACK)),
        *service.manifests("closed", local_stack.arguments()),
        *({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in ("monitoring", "jobs")),
        _service("collector", "monitoring", {"app": "collector"}, {"grpc": (4317, 4317)}),
        gateway_service(),
    ]


def gateway_service() -> Manifest:
    """The Service that the gateway's chart makes."""
    return _service(INGRESS_RELEASE, INGRESS_NAMESPACE, INGRESS_SELECTOR, {"http": (80, 80)})


def pods(rendered: list[Manifest]) -> dict[str, Manifest]:
    """One pod of each Deployment and one of the gateway, by name, with addresses that no traffic goes to."""
    found = [
        _pod(item["metadata"]["name"], item["metadata"]["namespace"], item["spec"]["template"])
        for item in rendered
        if item["kind"] == "Deployment"
    ]
    gateway = {
        "metadata": {"labels": dict(INGRESS_SELECTOR)},
        "spec": {
            "serviceAccountName": INGRESS_RELEASE,
            "containers": [{"name": "istio-proxy", "image": "registry.example.com/proxy:1"}],
        },
    }
    found.append(_pod("gateway", INGRESS_NAMESPACE, gateway))
    for number, pod in enumerate(found, start=10):
        address = f"10.244.0.{number}"
        ready = {"type": "Ready", "status": "True"}
        pod["status"] = {
            "phase": "Running", "podIP": address, "podIPs": [{"ip": address}], "conditions": [ready],
        }  # fmt: skip
    return {pod["metadata"]["name"]: pod for pod in found}


def _pod(name: str, namespace: str, template: Manifest) -> Manifest:
    metadata = template["metadata"] | {"name": name, "namespace": namespace}
    metadata["labels"] = metadata["labels"] | TLS_MODE
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {**template["spec"], "nodeName": "node-1"}}


def _service(name: str, namespace: str, selector: dict[str, str], ports: dict[str, tuple[int, int]]) -> Manifest:
    entries = [{"name": label, "port": port, "targetPort": target} for label, (port, target) in ports.items()]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"selector": dict(selector), "ports": entries},
    }
