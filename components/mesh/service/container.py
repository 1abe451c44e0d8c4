"""Container `server` with this package's runtime, as the server itself or as the bridge: ports, probes, resources."""

from typing import Any, Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs
from meshed_mcp.components.mesh.service.container_args import ServerResources
from meshed_mcp.components.mesh.service.environment import environment, mounted_secrets
from meshed_mcp.components.mesh.service.secret_files import with_secret_mount
from meshed_mcp.components.mesh.service.volumes import writable_folders

CONTAINER: Final = contract.CONTAINER_NAME
"""Name of the container that the autoscaler measures, without the sidecar."""

READINESS_PERIOD_SECONDS: Final = 1
"""The minimum of Kubernetes: a draining pod leaves the endpoints within `drain.pre_stop_delay_seconds`."""

LIVENESS_PERIOD_SECONDS: Final = 10
"""Source: Kubernetes, probe `periodSeconds`, default."""

PROBE_TIMEOUT_SECONDS: Final = 2
FAILURES_BEFORE_ACTION: Final = 3
"""Source: Kubernetes, probe `failureThreshold`, default."""

STARTUP_SECONDS: Final = 60
"""Longest start before the container is restarted; a start takes two seconds, a cold image cache longer."""

STARTUP_GRACE_SECONDS: Final = 5
"""Grace period of a container that fails its startup probe and therefore has no in-flight requests. Source: Kubernetes,
"Configure Probes", "Probe-level terminationGracePeriodSeconds", stable since 1.28."""

SECURITY_CONTEXT: Final = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}
"""Unprivileged, on a read-only root file system. Source: Kubernetes, "Pod Security Standards", profile Restricted."""


def runtime_container(name: str, args: MeshedMCPServiceArgs, image: Any, size: ServerResources) -> Manifest:
    """The container of the runtime, without a command of its own."""
    found = {
        "name": CONTAINER,
        "image": image,
        "ports": [
            container_port(contract.MCP_PORT_NAME, contract.MCP_PORT),
            container_port(contract.MANAGEMENT_PORT_NAME, contract.MANAGEMENT_PORT),
        ],
        "env": environment(name, args),
        "resources": resources(size),
        **probes(),
        "securityContext": dict(SECURITY_CONTEXT),
        "volumeMounts": writable_folders(),
    }
    return with_secret_mount(found, mounted_secrets(args).values())


def server_container(name: str, args: MeshedMCPServiceArgs, image: Any) -> Manifest:
    """The container of a server with the runtime in its image."""
    return runtime_container(name, args, image, args.resources) | command_of(args)


def command_of(args: MeshedMCPServiceArgs) -> Manifest:
    """`command` and `args` of a container; empty = those of the image."""
    return {
        **({"command": list(args.command)} if args.command else {}),
        **({"args": list(args.args)} if args.args else {}),
    }


def resources(given: ServerResources) -> Manifest:
    """Requests and the memory limit; a CPU limit only if set."""
    cpu_limit = {} if given.cpu_limit is None else {"cpu": given.cpu_limit}
    limits = cpu_limit | {"memory": given.memory_limit} | given.extended
    return {"requests": {"cpu": given.cpu, "memory": given.memory} | given.extended, "limits": limits}


def probes() -> Manifest:
    """Probes on the management port, which is outside the mesh, so that they check the server and not its sidecar.

    The liveness probe keeps the pod's grace period, in which a ready replica drains.
    """
    startup = _probe(contract.LIVENESS_PATH, 1, STARTUP_SECONDS)
    return {
        "startupProbe": startup | {"terminationGracePeriodSeconds": STARTUP_GRACE_SECONDS},
        "livenessProbe": _probe(contract.LIVENESS_PATH, LIVENESS_PERIOD_SECONDS, FAILURES_BEFORE_ACTION),
        "readinessProbe": _probe(contract.READINESS_PATH, READINESS_PERIOD_SECONDS, FAILURES_BEFORE_ACTION),
    }


def container_port(name: str, number: int) -> Manifest:
    """A named TCP port of a container."""
    return {"name": name, "containerPort": number, "protocol": "TCP"}


def _probe(path: str, period_seconds: int, failure_threshold: int) -> Manifest:
    return {
        "httpGet": {"path": path, "port": contract.MANAGEMENT_PORT_NAME},
        "periodSeconds": period_seconds,
        "timeoutSeconds": PROBE_TIMEOUT_SECONDS,
        "failureThreshold": failure_threshold,
    }
