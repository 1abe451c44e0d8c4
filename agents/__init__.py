"""MCP runtime: the official SDK's server with HTTP serving, identity, telemetry and registration for a deployment."""

from meshed_mcp import extras
from meshed_mcp.agents.process.stop_signals import STOP_SIGNALS

STOP_SIGNALS.install_in_first_process()  # before the imports below, which take a second

with extras.required("runtime"):
    from meshed_mcp.agents.auth.identity import Caller, caller_of
    from meshed_mcp.agents.client import DestinationError, ServiceClient
    from meshed_mcp.agents.http.server import serve
    from meshed_mcp.agents.service import MCPService
    from meshed_mcp.agents.settings import Settings, SettingsError
    from meshed_mcp.agents.telemetry.tracing import span

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
