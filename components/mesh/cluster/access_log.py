"""Which requests proxies log, and by which provider: parts of Telemetry objects and of the mesh configuration.

Settings in, parts out. Expressions are made here and only here, as a proxy that cannot parse one loses its listener.
Not here: the fields of a line (mesh/cluster/access_log_fields.py), the objects (telemetry.py).
"""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata
from meshed_mcp.components.mesh.cluster.access_log_fields import FIELDS
from meshed_mcp.components.mesh.cluster.telemetry_args import ACCESS_LOG_PROVIDER, AccessLog, LoggedRequests
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs

FAILED: Final = "!has(response.code) || response.code == 0 || response.code >= 400"
"""No answer, or an error. Source: Envoy, "Attributes", response attributes."""

TRACED: Final = '"traceparent" in request.headers && request.headers["traceparent"].endsWith("-01")'
"""Kept by the decision that the gateway made for the trace. Source: W3C Trace Context, `trace-flags`."""


def provider() -> Manifest:
    """JSON on standard output. Source: Istio, MeshConfig, `envoyFileAccessLog`."""
    written = {"path": "/dev/stdout", "logFormat": {"labels": dict(FIELDS)}}
    return {"name": ACCESS_LOG_PROVIDER, "envoyFileAccessLog": written}


def access_logging(log: AccessLog) -> Manifest:
    """The part of a Telemetry object. Source: Istio API, Telemetry, `accessLogging`."""
    named = {"providers": [{"name": ACCESS_LOG_PROVIDER}]}
    match log.requests:
        case LoggedRequests.ALL:
            return {"accessLogging": [named]}
        case LoggedRequests.NONE:
            return {"accessLogging": [named | {"disabled": True}]}
        case _:
            return {"accessLogging": [named | {"filter": {"expression": notable(log.slow_seconds)}}]}


def notable(slow_seconds: float) -> str:
    """The expression for errors, slow and traced requests. Source: Common Expression Language, durations."""
    slow = f'request.duration >= duration("{round(slow_seconds * 1000)}ms")'
    return f"{FAILED} || {slow} || ({TRACED})"


def service_log(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """The object of a service that logs other requests than the mesh does; none where it does not say so."""
    if args.access_log is None:
        return []
    spec = {"selector": {"matchLabels": {contract.LABEL_APP: name}}, **access_logging(args.access_log)}
    return [manifest("telemetry.istio.io/v1", "Telemetry", metadata(name, args.namespace), spec)]
