"""Access logs of proxies: provider and Telemetry parts. A proxy rejects a listener whose filter it cannot parse."""

from collections.abc import Mapping
from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata
from meshed_mcp.components.mesh.cluster.telemetry_args import ACCESS_LOG_PROVIDER, AccessLog, LoggedRequests
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs

MAX_HEADER: Final = 256
"""Maximum length of values that clients choose."""

MAX_NAME: Final = 128
"""Source: MCP 2026-07-28, "Tool Names"."""

FIELDS: Final[Mapping[str, str]] = {
    "start_time": "%START_TIME%",
    "route_name": "%ROUTE_NAME%",
    "method": "%REQ(:METHOD)%",
    "path": f"%REQ_WITHOUT_QUERY(X-ENVOY-ORIGINAL-PATH?:PATH):{MAX_HEADER}%",
    "protocol": "%PROTOCOL%",
    "response_code": "%RESPONSE_CODE%",
    "response_flags": "%RESPONSE_FLAGS%",
    "response_code_details": "%RESPONSE_CODE_DETAILS%",
    "connection_termination_details": "%CONNECTION_TERMINATION_DETAILS%",
    "bytes_received": "%BYTES_RECEIVED%",
    "bytes_sent": "%BYTES_SENT%",
    "duration": "%DURATION%",
    "upstream_service_time": "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%",
    "x_forwarded_for": f"%REQ(X-FORWARDED-FOR):{MAX_HEADER}%",
    "user_agent": f"%REQ(USER-AGENT):{MAX_HEADER}%",
    "request_id": f"%REQ(X-REQUEST-ID):{MAX_HEADER}%",
    "authority": f"%REQ(:AUTHORITY):{MAX_HEADER}%",
    "upstream_host": "%UPSTREAM_HOST%",
    "upstream_cluster": "%UPSTREAM_CLUSTER_RAW%",
    "upstream_local_address": "%UPSTREAM_LOCAL_ADDRESS%",
    "downstream_local_address": "%DOWNSTREAM_LOCAL_ADDRESS%",
    "downstream_remote_address": "%DOWNSTREAM_REMOTE_ADDRESS%",
    "requested_server_name": "%REQUESTED_SERVER_NAME%",
    "upstream_transport_failure_reason": "%UPSTREAM_TRANSPORT_FAILURE_REASON%",
    "peer": "%DOWNSTREAM_PEER_URI_SAN%",
    "trace_id": "%TRACE_ID%",
    "mcp_method": f"%REQ(MCP-METHOD):{MAX_NAME}%",
    "mcp_name": f"%REQ(MCP-NAME):{MAX_NAME}%",
    "mcp_protocol_version": f"%REQ(MCP-PROTOCOL-VERSION):{MAX_NAME}%",
}
"""Field -> Envoy command operator. Fields up to `upstream_transport_failure_reason` have the names of Istio's default.
`mcp_method` and `mcp_name` are client headers; servers compare them with the body from revision 2026-07-28 on. Source:
istiod, EnvoyJSONLogFormatIstio, which adds the formatter of REQ_WITHOUT_QUERY; a query can hold an authorization code
(RFC 6749, section 4.1.2). Envoy, "Access logging", command operators with a maximum length."""

FAILED: Final = "!has(response.code) || response.code == 0 || response.code >= 400"
"""No response, or an error. Source: Envoy, "Attributes", response attributes."""

TRACED: Final = '"traceparent" in request.headers && request.headers["traceparent"].endsWith("-01")'
"""Sampled by the gateway. Source: W3C Trace Context, `trace-flags`."""


def access_log_provider() -> Manifest:
    """Extension provider: JSON on standard output. Source: Istio, MeshConfig, `envoyFileAccessLog`."""
    log = {"path": "/dev/stdout", "logFormat": {"labels": dict(FIELDS)}}
    return {"name": ACCESS_LOG_PROVIDER, "envoyFileAccessLog": log}


def access_logging(log: AccessLog, provider_name: str = ACCESS_LOG_PROVIDER) -> Manifest:
    """Part of a Telemetry object. Source: Istio API, Telemetry, `accessLogging`."""
    provider = {"providers": [{"name": provider_name}]}
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
    existing = args.existing_mesh
    provider = ACCESS_LOG_PROVIDER if existing is None else (existing.access_log_provider or ACCESS_LOG_PROVIDER)
    spec = {"selector": {"matchLabels": {contract.LABEL_APP: name}}, **access_logging(args.access_log, provider)}
    return [manifest("telemetry.istio.io/v1", "Telemetry", metadata(name, args.namespace), spec)]
