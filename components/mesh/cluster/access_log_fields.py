"""The access log of every proxy: its fields, by name, as the mesh configuration has them and the local run writes them.

Nothing in; a mapping out. Not here: which requests are logged (components/mesh/cluster/access_log.py).
"""

from collections.abc import Mapping
from typing import Final

MAX_HEADER: Final = 256
"""Characters kept of a text that clients choose."""

MAX_NAME: Final = 128
"""Source: MCP 2026-07-28, "Tool Names", longest."""

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
"""Up to `upstream_transport_failure_reason` Istio's own names, which tools know; then who called, and what of MCP.

Method and name are what the client says; servers compare them with the body from revision 2026-07-28 on.
Source: istiod, EnvoyJSONLogFormatIstio; Envoy, "Access logging", command operators with a maximum length.
"""
