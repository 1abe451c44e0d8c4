"""The MCP runtime: the official SDK's server with what a deployment needs around it."""

from meshed_mcp.agents.service import MCPService
from meshed_mcp.agents.serving import serve
from meshed_mcp.agents.settings import Settings, SettingsError

__all__ = ["MCPService", "Settings", "SettingsError", "serve"]
