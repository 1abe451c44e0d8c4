"""Containers of a service's pod, by the kind of its server."""

from typing import Any

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs
from meshed_mcp.components.mesh.service.bridge_container import bridge_container, bridge_init_containers
from meshed_mcp.components.mesh.service.container import server_container
from meshed_mcp.components.mesh.service.external_container import external_container
from meshed_mcp.components.mesh.service.server_source import ServerKind


def pod_containers(name: str, args: MeshedMCPServiceArgs, image: Any) -> Manifest:
    """`containers`, and `initContainers` where there are any."""
    if args.kind is ServerKind.MESHED:
        return {"containers": [server_container(name, args, image)]}
    if args.kind is ServerKind.EXTERNAL:
        return {"containers": [external_container(args, image)]}
    first = bridge_init_containers(args, image)
    return {**({"initContainers": first} if first else {}), "containers": [bridge_container(name, args)]}
