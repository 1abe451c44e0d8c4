"""Access logging of proxies: the extension provider, and the `accessLogging` part of Telemetry objects.

All filter expressions are built here: a proxy that cannot parse one rejects its listener.
"""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata
from meshed_mcp.components.mesh.cluster.access_log_fields import FIELDS
from meshed_mcp.components.mesh.cluster.telemetry_args import ACCESS_LOG_PROVIDER, AccessLog, LoggedRequests
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs

FAILED: Final = "!has(response.code) || response.code == 0 || response.code >= 400"
"""No response, or an error. Source: Envoy, "Attributes", response attributes."""

TRACED: Final = '"traceparent" in request.headers && request.headers["traceparent"].endsWith("-01")'
"""Sampled by the gateway. Source: W3C Trace Context, `trace-flags`."""


def access_log_provider() -> Manifest:
    """Extension provider: JSON on standard output. Source: Istio, MeshConfig, `envoyFileAccessLog`."""
    log = {"path": "/dev/stdout", "logFormat": {"labels": dict(FIELDS)}}
    return {"name": ACCESS_LOG_PROVIDER, "envoyFileAccessLog": log}


def access_logging(log: AccessLog) -> Manifest:
    """Part of a Telemetry object. Source: Istio API, Telemetry, `accessLogging`."""
    provider = {"providers": [{"name": ACCESS_LOG_PROVIDER}]}
    match log.requests:
        case LoggedRequests.ALL:
            return {"accessLogging": [provider]}
        case LoggedRequests.NONE:
            return {"accessLogging": [provider | {"disabled": True}]}
        case _:
            return {"accessLogging": [provider | {"filter": {"expression": notable_expression(log.slow_seconds)}}]}


def notable_expression(slow_seconds: float) -> str:
    """CEL expression that selects errors, slow and sampled requests. Source: Common Expression Language, durations."""
    slow = f'request.duration >= duration("{round(slow_seconds * 1000)}ms")'
    return f"{FAILED} || {slow} || ({TRACED})"


def service_access_log(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """Telemetry object of a service that overrides the mesh's access log; none without `access_log`."""
    if args.access_log is None:
        return []
    spec = {"selector": {"matchLabels": {contract.LABEL_APP: name}}, **access_logging(args.access_log)}
    return [manifest("telemetry.istio.io/v1", "Telemetry", metadata(name, args.namespace), spec)]
