"""Calling other MCP services: the official client with deadlines, discovery, trace headers and safe retries.

In: a URL or a name of the registry, and tool calls. Out: results, or `DestinationError`, which ends a tool with a
result that says `is_error`.
"""

from meshed_mcp.agents.client.errors import DestinationError
from meshed_mcp.agents.client.service_client import DEFAULT_TIMEOUT_SECONDS, PROTOCOL, ServiceClient

__all__ = ["DEFAULT_TIMEOUT_SECONDS", "PROTOCOL", "DestinationError", "ServiceClient"]
