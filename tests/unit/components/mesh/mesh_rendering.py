"""Helpers that render the objects of a service and of a mesh from stack settings."""

from typing import Any, Final

from meshed_mcp.components.core.errors import model_issues
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.cluster import manifests as cluster
from meshed_mcp.components.mesh.service import manifests as service
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs, ServiceMeshArgs, ServiceSettings

INGRESS: Final = {
    "gateway": "istio-ingress/mcp",
    "host": "mcp.example.com",
    "principal": "cluster.local/ns/istio-ingress/sa/istio-ingress",
}
CANARY: Final = {"strategy": "canary", "image": "search:2", "weights": {"stable": 90, "canary": 10}}
BLUE_GREEN: Final = {"strategy": "blue_green", "image": "search:2"}
TRACING: Final = {"service": "collector.observability.svc.cluster.local"}


class Objects(list[Manifest]):
    """Rendered objects with lookups by kind and name."""

    def one(self, kind: str, name: str | None = None) -> Manifest:
        """The only object of a kind, or the one of that name."""
        found = [item for item in self if item["kind"] == kind and name in {None, item["metadata"]["name"]}]
        assert len(found) == 1, f"{kind} {name}: {[item['metadata']['name'] for item in found]}"
        return found[0]

    def kinds(self) -> list[str]:
        """Kinds in the order of registration."""
        return [item["kind"] for item in self]


def service_args(**settings: Any) -> MeshedMCPServiceArgs:
    """Arguments of a service with the given settings."""
    return MeshedMCPServiceArgs.model_validate({"image": "search:1", **settings}, by_name=True)


def mesh_args(**settings: Any) -> ServiceMeshArgs:
    """Arguments of a mesh with the given settings."""
    return ServiceMeshArgs.model_validate({"domain": "mcp.example.com", **settings}, by_name=True)


def render(**settings: Any) -> Objects:
    """Objects of the service `mcp-search`."""
    return Objects(service.service_manifests("mcp-search", service_args(**settings)))


def render_exposed(**settings: Any) -> Objects:
    """As `render`, for a service that is exposed at the ingress gateway."""
    return render(expose=True, ingress=INGRESS, **settings)


def render_mesh(**settings: Any) -> Objects:
    """Objects of a mesh."""
    return Objects(cluster.mesh_manifests(mesh_args(**settings)))


def rules(objects: Objects, route: str = "mcp-search") -> list[Manifest]:
    """The rules of a route, in order."""
    found: list[Manifest] = objects.one("VirtualService", route)["spec"]["http"]
    return found


def subsets(rule: Manifest) -> list[str | None]:
    """Where a rule sends calls."""
    return [target["destination"].get("subset") for target in rule["route"]]


def lines(**settings: Any) -> list[str]:
    """The faults of a service with these settings."""
    found = model_issues(ServiceSettings, {"image": "search:1", **settings}, "service mcp-search")
    return [f"{fault.field}: {fault.message}" if fault.field else fault.message for fault in found]
