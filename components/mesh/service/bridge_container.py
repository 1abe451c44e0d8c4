"""Containers of a pod with the bridge: the bridge itself as `server`, and what it needs before it starts.

A server behind the bridge runs as a native sidecar: the kubelet starts it before the bridge, and stops it after the
bridge has drained. Source: Kubernetes, "Sidecar Containers".
"""

from typing import Any, Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs
from meshed_mcp.components.mesh.service.container import (
    SECURITY_CONTEXT,
    command_of,
    resources,
    runtime_container,
)
from meshed_mcp.components.mesh.service.container_args import ServerResources
from meshed_mcp.components.mesh.service.environment import server_environment, variables
from meshed_mcp.components.mesh.service.package_args import package_of
from meshed_mcp.components.mesh.service.server_source import ServerKind
from meshed_mcp.components.mesh.service.source_issues import LAUNCHER_PORT
from meshed_mcp.components.mesh.service.volumes import (
    LAUNCHER_PATH,
    LAUNCHER_VOLUME,
    PACKAGE_PATH,
    PACKAGE_VOLUME,
    UPSTREAM_PREFIX,
    writable_folders,
)

BRIDGE_COMMAND: Final = ["python", "-m", "meshed_mcp.agents.bridge"]
INSTALLER_COMMAND: Final = ["python", "-m", "meshed_mcp.agents.bridge.package_installer"]
"""Modules of the runtime in the images of the bridge."""

LAUNCHER: Final = f"{LAUNCHER_PATH}/stdio-launcher"

COPY_RESOURCES: Final = ServerResources(cpu="10m", memory="16Mi", memory_limit="64Mi")
"""Size of the copy of one file; below that of the pod, so that it adds nothing to the requests."""


def bridge_container(name: str, args: MeshedMCPServiceArgs) -> Manifest:
    """The container of the bridge.

    `resources` belong to the user's server: where its processes run in this container, they are its size.
    """
    size = args.bridge_resources if args.has_upstream else args.resources
    found = runtime_container(name, args, args.bridge_image, size) | {"command": list(BRIDGE_COMMAND)}
    if args.kind is ServerKind.STDIO_PACKAGE:
        found["volumeMounts"] = [*found["volumeMounts"], _package_mount(read_only=True)]
    return found


def bridge_init_containers(args: MeshedMCPServiceArgs, image: Any) -> list[Manifest]:
    """What runs before the bridge: the server's container, the copy of the launcher, the installation of a package."""
    match args.kind:
        case ServerKind.BRIDGED_HTTP:
            return [upstream_container(args, image) | command_of(args)]
        case ServerKind.STDIO_IMAGE:
            return [launcher_container(args), launched_container(args, image)]
        case ServerKind.STDIO_PACKAGE:
            return [installer_container(args)]
    return []


def upstream_container(args: MeshedMCPServiceArgs, image: Any) -> Manifest:
    """Native sidecar with the server behind the bridge; its probes are the bridge's, as it listens on loopback."""
    return {
        "name": contract.UPSTREAM_CONTAINER_NAME,
        "image": image,
        "restartPolicy": "Always",
        **server_environment(args),
        "resources": resources(args.resources),
        "securityContext": dict(SECURITY_CONTEXT),
        "volumeMounts": writable_folders(UPSTREAM_PREFIX),
    }


def launched_container(args: MeshedMCPServiceArgs, image: Any) -> Manifest:
    """The upstream container of a stdio image: the launcher starts the server's command once per connection."""
    found = upstream_container(args, image)
    listen = ["--listen", f"127.0.0.1:{LAUNCHER_PORT}", "--"]
    mount = {"name": LAUNCHER_VOLUME, "mountPath": LAUNCHER_PATH, "readOnly": True}
    return found | {
        "command": [LAUNCHER, *listen, *args.command, *args.args],
        "volumeMounts": [*found["volumeMounts"], mount],
    }


def launcher_container(args: MeshedMCPServiceArgs) -> Manifest:
    """Init container in which the launcher, a static binary, copies itself out of the bridge's image."""
    return {
        "name": "launcher",
        "image": args.bridge_image,
        "command": [contract.LAUNCHER_IMAGE_PATH, "install", LAUNCHER],
        "resources": resources(COPY_RESOURCES),
        "securityContext": dict(SECURITY_CONTEXT),
        "volumeMounts": [{"name": LAUNCHER_VOLUME, "mountPath": LAUNCHER_PATH}],
    }


def installer_container(args: MeshedMCPServiceArgs) -> Manifest:
    """Init container that installs the package once per pod, with the server's variables, so also those of a mirror."""
    found = package_of(args.package or "")
    chosen = ["--executable", args.command[0]] if args.command else []
    folder = {"HOME": PACKAGE_PATH}
    return {
        "name": "installer",
        "image": args.bridge_image,
        "command": [*INSTALLER_COMMAND, "--folder", PACKAGE_PATH, *chosen],
        "args": [found.registry.value, found.name, found.version],
        "env": variables(args, folder, args.secret_env, args.env),
        "resources": resources(args.resources),
        "securityContext": dict(SECURITY_CONTEXT),
        "volumeMounts": [_package_mount(read_only=False)],
    }


def _package_mount(*, read_only: bool) -> Manifest:
    mount = {"name": PACKAGE_VOLUME, "mountPath": PACKAGE_PATH}
    return mount | {"readOnly": True} if read_only else mount
