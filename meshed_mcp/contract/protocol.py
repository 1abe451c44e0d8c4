"""HTTP headers, JSON-RPC codes and modes of the MCP endpoint."""

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


SESSION_HEADER: Final = "mcp-session-id"
"""Session id of clients up to 2025-11-25. Source: MCP 2025-11-25, "Session Management"."""

FAULT_HEADER: Final = "x-mcp-fault"
"""Names the fault injection of the destination that the caller's proxy applies to this request."""

FORBIDDEN: Final = 403
"""JSON-RPC code and HTTP status of an unauthorized call. Source: MCP 2026-07-28, "Error Codes": application codes lie
outside -32768 to -32000; "Authorization", "Error Handling": insufficient permissions."""
