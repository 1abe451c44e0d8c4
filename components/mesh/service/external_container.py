"""Container `server` with another HTTP server, as it is: its own port and probes, no runtime, no management port."""

from typing import Any, Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs
from meshed_mcp.components.mesh.service.container import (
    CONTAINER,
    FAILURES_BEFORE_ACTION,
    LIVENESS_PERIOD_SECONDS,
    PROBE_TIMEOUT_SECONDS,
    SECURITY_CONTEXT,
    STARTUP_GRACE_SECONDS,
    command_of,
    container_port,
    resources,
)
from meshed_mcp.components.mesh.service.environment import server_environment
from meshed_mcp.components.mesh.service.upstream_args import ProbeSettings
from meshed_mcp.components.mesh.service.volumes import writable_folders

EXTERNAL_READINESS_PERIOD_SECONDS: Final = 5
"""Half of the default of Kubernetes: a terminating pod leaves the endpoints without its probe."""


def external_container(args: MeshedMCPServiceArgs, image: Any) -> Manifest:
    """The container of an external server."""
    return {
        "name": CONTAINER,
        "image": image,
        **command_of(args),
        "ports": [container_port(contract.MCP_PORT_NAME, args.endpoint_port)],
        **server_environment(args),
        "resources": resources(args.resources),
        **external_probes(args.probes or ProbeSettings(), args.endpoint_port),
        **pre_stop(args.drain.pre_stop_delay_seconds),
        "securityContext": dict(SECURITY_CONTEXT),
        "volumeMounts": writable_folders(),
    }


def external_probes(settings: ProbeSettings, endpoint_port: int) -> Manifest:
    """Probes by a TCP connection or an HTTP GET; the sidecar injector redirects both around mutual TLS.

    Source: Istio, "Health Checking of Istio Services", probe rewrite.
    """
    if not settings.enabled:
        return {}
    port = settings.port or endpoint_port
    how = {"tcpSocket": {"port": port}} if settings.http is None else {"httpGet": {"path": settings.http, "port": port}}
    probe = {**how, "timeoutSeconds": PROBE_TIMEOUT_SECONDS}
    running = probe | {"failureThreshold": FAILURES_BEFORE_ACTION}
    startup = probe | {"periodSeconds": 1, "failureThreshold": settings.startup_seconds}
    return {
        "startupProbe": startup | {"terminationGracePeriodSeconds": STARTUP_GRACE_SECONDS},
        "livenessProbe": running | {"periodSeconds": LIVENESS_PERIOD_SECONDS},
        "readinessProbe": running | {"periodSeconds": EXTERNAL_READINESS_PERIOD_SECONDS},
    }


def pre_stop(seconds: int) -> Manifest:
    """Delay of SIGTERM until endpoints and proxies are updated; the kubelet sleeps, so the image needs no shell.

    Source: Kubernetes, "Container Lifecycle Hooks", `sleep`, on by default since 1.30.
    """
    return {"lifecycle": {"preStop": {"sleep": {"seconds": seconds}}}} if seconds else {}
