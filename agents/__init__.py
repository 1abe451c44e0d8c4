"""The MCP runtime: the official SDK's server with what a deployment needs around it."""

from meshed_mcp import extras

with extras.required("runtime"):
    from meshed_mcp.agents.client import DestinationError, ServiceClient
    from meshed_mcp.agents.identity import Caller, caller_of
    from meshed_mcp.agents.service import MCPService
    from meshed_mcp.agents.serving import serve
    from meshed_mcp.agents.settings import Settings, SettingsError
    from meshed_mcp.agents.tracing import span

__all__ = [
    "Caller",
    "DestinationError",
    "MCPService",
    "ServiceClient",
    "Settings",
    "SettingsError",
    "caller_of",
    "serve",
    "span",
]
