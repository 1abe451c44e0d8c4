"""The MCP runtime: the official SDK's server with what a deployment needs around it.

Importing it handles SIGTERM in process 1 of a container, before the imports that take a second
(process/early_signals.py).
"""

from meshed_mcp.agents.process import early_signals  # noqa: F401 - first: a signal that finds no handler is lost in process 1

# isort: split
from meshed_mcp import extras

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
