"""Client of other MCP services: the official client with deadlines, discovery, trace headers and safe retries."""

from meshed_mcp.agents.client.errors import DestinationError
from meshed_mcp.agents.client.service_client import DEFAULT_TIMEOUT_SECONDS, PROTOCOL, ServiceClient

__all__ = ["DEFAULT_TIMEOUT_SECONDS", "PROTOCOL", "DestinationError", "ServiceClient"]
