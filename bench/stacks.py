"""The stacks that the benchmarks run, rendered by the components as for a user of the platform.

Takes the differences between stacks. Returns rendered objects.
"""

from pathlib import Path
from typing import Any, Final

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.cluster import manifests as cluster
from meshed_mcp.components.mesh.cluster.gateway import gateway_principal, gateway_reference
from meshed_mcp.components.mesh.service import manifests as service
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs, ServiceMeshArgs

HOST: Final = "mcp.example.com"
NAMESPACE: Final = "mcp-system"
SERVERS: Final = Path(__file__).parent / "servers"
COUNTED: Final = "counted"
TRACING: Final = {"service": "collector.monitoring.svc.cluster.local", "sampling_percent": 10.0}


def mesh(**more: Any) -> list[Manifest]:
    """The objects of the cluster."""
    base = {"domain": HOST, "namespaces": [NAMESPACE]}
    return cluster.mesh_manifests(ServiceMeshArgs.model_validate(base | more))


def server(name: str, script: str, **more: Any) -> list[Manifest]:
    """One service that runs a script from bench/servers."""
    ingress = {"gateway": gateway_reference(), "host": HOST, "principal": gateway_principal("cluster.local")}
    base = {
        "image": "registry.example.com/bench:1",
        "command": ["python", str((SERVERS / f"{script}.py").absolute())],
        "ingress": ingress,
        "namespace": NAMESPACE,
    }
    return service.service_manifests(name, MeshedMCPServiceArgs.model_validate(base | more))


def counted(counts: Path, *, replicas: int, version: str = "1", canary: int | None = None) -> list[Manifest]:
    """The counting service for both eras, exposed; `canary` is the percentage of a second version."""
    rollout = {
        "strategy": "canary",
        "image": "registry.example.com/bench:2",
        "weights": {"stable": 100 - (canary or 0), "canary": canary},
    }
    objects = server(
        COUNTED,
        "counted",
        expose=True,
        legacy="sticky",
        replicas=replicas,
        env={"VERSION": version, "COUNTS": str(counts)},
        **({} if canary is None else {"rollout": rollout}),
    )
    for item in objects:
        if item["kind"] == "Deployment" and item["metadata"]["name"] == f"{COUNTED}-canary":
            _said(item, "canary")
    return [*mesh(), *objects]


def _said(deployment: Manifest, version: str) -> None:
    """Both versions run the same script; a variable in the response distinguishes them."""
    for variable in deployment["spec"]["template"]["spec"]["containers"][0]["env"]:
        if variable["name"] == "VERSION":
            variable["value"] = version
