"""Ports, paths, addresses, HTTP headers, JSON-RPC codes and modes of a replica and of the platform's own services."""

from enum import StrEnum
from typing import Final


class Legacy(StrEnum):
    """Support for clients of MCP revisions up to 2025-11-25; later revisions need no session."""

    STATELESS = "stateless"
    """Without sessions: any replica serves any request. No server-initiated requests (sampling, elicitation)."""

    STICKY = "sticky"
    """Sessions in the memory of one replica; the mesh routes each request of a session to its replica."""

    OFF = "off"
    """Rejected with the error that names the supported revisions."""


class SessionStore(StrEnum):
    """Where sessions are kept with `Legacy.STICKY`."""

    MEMORY = "memory"
    """A session ends with its replica."""

    REDIS = "redis"
    """Another replica takes the session over, and clients resume streams with `Last-Event-ID`."""


MCP_PORT: Final = 8000
"""TCP port of the MCP endpoint: plain HTTP/1.1 inside the pod, because uvicorn does not support HTTP/2."""

MCP_PATH: Final = "/mcp"
"""Path of the MCP endpoint. Source: default `streamable_http_path` of the official SDK 2.3."""

MCP_PORT_NAME: Final = "http"
"""Istio selects the protocol by the port's name. Source: Istio, "Protocol Selection"."""

MANAGEMENT_PORT: Final = 9464
"""TCP port of `/livez`, `/readyz` and `/metrics`, outside the mesh. Source: OpenTelemetry's default Prometheus port."""

BIND_ADDRESS: Final = "::"
"""All addresses of the pod, which are not known before it runs: IPv6 and IPv4, or IPv4 alone on a machine without IPv6.
The mesh protects the port. Source: Linux, ip(7) and ipv6(7), `IPV6_V6ONLY`."""

MANAGEMENT_PORT_NAME: Final = "http-metrics"
LIVENESS_PATH: Final = "/livez"
READINESS_PATH: Final = "/readyz"
METRICS_PATH: Final = "/metrics"

REGISTRY_PATH: Final = "/v0.1"
"""Path prefix of the registry's HTTP API. Source: official MCP registry API, v0.1."""

PROTECTED_RESOURCE_PATH: Final = "/.well-known/oauth-protected-resource"
"""Prefix of the path where clients discover the issuer. Source: RFC 9728, section 3.1."""

DATA_PATH: Final = "/data"
"""Mount path of the writable emptyDir; the root file system is read-only."""

SIDECAR_ADDRESSES: Final = ("127.0.0.6", "::6")
"""Source addresses of a sidecar's connections to its application. Source: istiod, bind address of inbound clusters."""

ANY_PROXY: Final = "*"
"""Trusts every peer address: for the waypoints of ambient mode, whose pods change, where the mesh admits only its own
proxies. Source: Istio, "Use Layer 4 security policy"."""

SESSION_HEADER: Final = "mcp-session-id"
"""Session id of clients up to 2025-11-25. Source: MCP 2025-11-25, "Session Management"."""

CONNECT_FAILURE_HEADER: Final = "x-mcp-connect-failure"
"""Header of a 503 for a request that no process has executed; callers' proxies try it on another replica."""

FAULT_HEADER: Final = "x-mcp-fault"
"""Names the fault injection of the destination that the caller's proxy applies to this request."""

UNAUTHENTICATED: Final = 401
"""JSON-RPC code of a call that was not sent, because there is no token for its destination; as FORBIDDEN."""

FORBIDDEN: Final = 403
"""JSON-RPC code and HTTP status of an unauthorized call. Source: MCP 2026-07-28, "Error Codes": application codes lie
outside -32768 to -32000; "Authorization", "Error Handling": insufficient permissions."""
