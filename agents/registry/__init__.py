"""The registry of MCP servers: catalog with leases, its HTTP interface, and the client that services use."""

from meshed_mcp.agents.registry.client import RegistryClient, RegistryError
from meshed_mcp.agents.registry.lease import registered
from meshed_mcp.agents.registry.model import NotRegisteredError, ServerEntry
from meshed_mcp.agents.registry.registration import registration

__all__ = ["NotRegisteredError", "RegistryClient", "RegistryError", "ServerEntry", "registered", "registration"]
