"""Fields of the access log, for the mesh configuration and for the proxies of the local run."""

from collections.abc import Mapping
from typing import Final

MAX_HEADER: Final = 256
"""Maximum length of values that clients choose."""

MAX_NAME: Final = 128
"""Source: MCP 2026-07-28, "Tool Names"."""

FIELDS: Final[Mapping[str, str]] = {
    "start_time": "%START_TIME%",
    "route_name": "%ROUTE_NAME%",
    "method": "%REQ(:METHOD)%",
    "path": f"%REQ(X-ENVOY-ORIGINAL-PATH?:PATH):{MAX_HEADER}%",
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

`mcp_method` and `mcp_name` are client headers; servers compare them with the body from revision 2026-07-28 on.
Source: istiod, EnvoyJSONLogFormatIstio; Envoy, "Access logging", command operators with a maximum length.
"""
