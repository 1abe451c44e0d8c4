"""Stack for proxy configuration tests with istiod, with pods and the workload of the gateway.

`front` is exposed. `back` has sessions, a canary of 25 %, a tool with its own rule, and is exposed too. `closed` has no
callers. `front` and `closed` reach the same external hosts, one of them at two ports.
"""

from typing import Any, Final

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.cluster import manifests as cluster
from meshed_mcp.components.mesh.cluster.gateway_args import INGRESS_NAMESPACE, INGRESS_RELEASE, INGRESS_SELECTOR
from meshed_mcp.components.mesh.cluster.istio_releases import istiod_values
from meshed_mcp.components.mesh.service import manifests as service
from meshed_mcp.components.mesh.service.args import ServiceMeshArgs
from tests.engines import local_stack, stack_pods
from tests.engines.local_stack import NAMESPACE

COLLECTOR: Final = {"service": "collector.monitoring.svc.cluster.local", "sampling_percent": 25}
MESH: Final = ServiceMeshArgs.model_validate(
    {"domain": local_stack.HOST, "namespaces": [NAMESPACE], "tracing": COLLECTOR}
)
SHARED_HOST, TWO_PORT_HOST = "api.example.com", "vectors.example.com"
OUTSIDE: Final = [SHARED_HOST, TWO_PORT_HOST, f"{TWO_PORT_HOST}:8443"]
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


def mesh_config() -> Manifest:
    """The mesh configuration in the values of Istio's chart."""
    config: Manifest = istiod_values(MESH)["meshConfig"]
    return config


def objects() -> list[Manifest]:
    """The rendered objects, and those of the gateway's chart and the collector."""
    return [
        *cluster.mesh_manifests(MESH),
        *service.service_manifests("front", local_stack.arguments(expose=True, egress_hosts=OUTSIDE)),
        *service.service_manifests("back", local_stack.arguments(**BACK)),
        *service.service_manifests("closed", local_stack.arguments(egress_hosts=OUTSIDE)),
        *({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in ("monitoring", "jobs")),
        stack_pods.service("collector", "monitoring", {"app": "collector"}, {"grpc": (4317, 4317)}),
        gateway_service(),
    ]


def gateway_service() -> Manifest:
    """The Service of the gateway's chart."""
    return stack_pods.service(INGRESS_RELEASE, INGRESS_NAMESPACE, INGRESS_SELECTOR, {"http": (80, 80)})


def pods(rendered: list[Manifest]) -> dict[str, Manifest]:
    """One pod of each Deployment and one of the gateway, by name."""
    gateway = stack_pods.gateway_pod("gateway", INGRESS_RELEASE, INGRESS_NAMESPACE, dict(INGRESS_SELECTOR))
    return stack_pods.pods(rendered, [gateway])
