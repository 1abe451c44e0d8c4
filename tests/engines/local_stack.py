"""A small stack rendered by the components: `front` is exposed, `back` (75 % stable, 25 % canary) is called by it."""

import os
from pathlib import Path
from typing import Any, Final

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.cluster import manifests as cluster
from meshed_mcp.components.mesh.cluster.gateway import gateway_principal, gateway_reference
from meshed_mcp.components.mesh.egress import service_entry
from meshed_mcp.components.mesh.service import manifests as service
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs, ServiceMeshArgs

HOST: Final = "mcp.example.com"
COMMAND: Final = ["python", str(Path(__file__).with_name("echo_service.py"))]
NAMESPACE: Final = "mcp-system"


def rendered(back_replicas: int = 1) -> list[Manifest]:
    """The objects of the stack; the canary has its own version variable."""
    weights = {"stable": 75, "canary": 25}
    rollout = {"strategy": "canary", "image": "registry.example.com/echo:2", "weights": weights}
    objects = [
        *cluster.mesh_manifests(ServiceMeshArgs.model_validate({"domain": HOST, "namespaces": [NAMESPACE]})),
        *service.service_manifests("front", arguments(expose=True, replicas=1)),
        *service.service_manifests("back", arguments(callers=["front"], rollout=rollout, replicas=back_replicas)),
    ]
    for item in objects:
        if item["kind"] == "Deployment" and item["metadata"]["name"].endswith("-canary"):
            set_version(item, "canary")
    return objects


def outside(host: str, port: int) -> Manifest:
    """A ServiceEntry of the component for another external host and port.

    `host` is one that this machine finds without DNS, which no stack may write.
    """
    (entry,) = service_entry.service_entries("front", arguments(egress_hosts=["outside.example.com"]))
    entry["spec"]["hosts"] = [host]
    entry["spec"]["ports"][0]["number"] = port
    return entry


def arguments(**more: Any) -> MeshedMCPServiceArgs:
    """Arguments of a service that runs the echo server."""
    ingress = {"gateway": gateway_reference(), "host": HOST, "principal": gateway_principal("cluster.local")}
    base = {
        "image": "registry.example.com/echo:1",
        "command": COMMAND,
        "env": {"VERSION": "stable"},
        "ingress": ingress,
        "namespace": NAMESPACE,
    }
    return MeshedMCPServiceArgs.model_validate(base | more)


def set_version(deployment: Manifest, version: str) -> None:
    """Set the version that the echo server returns."""
    for variable in deployment["spec"]["template"]["spec"]["containers"][0]["env"]:
        if variable["name"] == "VERSION":
            variable["value"] = version


def survivors(state: Path) -> list[int]:
    """Process ids with the state folder of a run in their command or environment."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            text = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
        except OSError:  # ended meanwhile, or not ours
            continue
        if str(state).encode() in text:
            found.append(int(folder.name))
    return found
