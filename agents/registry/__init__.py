"""Registry of MCP servers: a catalog with leases, its HTTP API, and the client that services use."""

from meshed_mcp.agents.registry.client import RegistryClient, RegistryError
from meshed_mcp.agents.registry.lease import maintain_lease
from meshed_mcp.agents.registry.model import NotRegisteredError, ServerEntry
from meshed_mcp.agents.registry.registration import registration

__all__ = ["NotRegisteredError", "RegistryClient", "RegistryError", "ServerEntry", "maintain_lease", "registration"]
