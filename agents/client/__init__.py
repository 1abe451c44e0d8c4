"""Calling other MCP services: the official client with deadlines, discovery, trace headers and safe retries.

In: a URL or a name of the registry, and tool calls. Out: results, or `MCPError` with one line that names the peer.
"""

from meshed_mcp.agents.client.service_client import DEFAULT_TIMEOUT_SECONDS, PROTOCOL, ServiceClient

__all__ = ["DEFAULT_TIMEOUT_SECONDS", "PROTOCOL", "ServiceClient"]
