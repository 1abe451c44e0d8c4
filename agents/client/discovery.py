"""Endpoint discovery: a URL, or a server name that the registry resolves."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from mcp import MCPError
from mcp_types import CONNECTION_CLOSED

from meshed_mcp import contract
from meshed_mcp.agents.registry.client import RegistryClient, RegistryError
from meshed_mcp.agents.registry.model import NotRegisteredError
from meshed_mcp.agents.settings import Settings


@dataclass(frozen=True)
class EndpointResolver:
    """Resolves the endpoint of one server."""

    target: str
    registry_url: str | None = None

    @classmethod
    def from_target(cls, target: str, environment: Mapping[str, str]) -> Self:
        """Parse a URL, `namespace/service`, or `service` of the own namespace. Raises ValueError without a registry."""
        if "://" in target:
            return cls(target)
        registry_url = environment.get(contract.ENV_REGISTRY_URL)
        if not registry_url:
            raise ValueError(
                f"{target!r} is a name, and no registry is set to look it up in. "
                f"Use a URL, such as http://{target.rpartition('/')[2]}:{contract.MCP_PORT}{contract.MCP_PATH}, "
                f"or set {contract.ENV_REGISTRY_URL}."
            )
        namespace = environment.get(contract.ENV_NAMESPACE) or Settings.model_fields["namespace"].default
        return cls(target if "/" in target else f"{namespace}/{target}", registry_url)

    @property
    def is_dynamic(self) -> bool:
        """Whether the registry can return another URL next time."""
        return self.registry_url is not None

    async def url(self) -> str:
        """Return the URL of a live endpoint. Raises MCPError."""
        if self.registry_url is None:
            return self.target
        try:
            async with RegistryClient(self.registry_url) as registry:
                return (await registry.look_up(self.target)).url
        except (NotRegisteredError, RegistryError) as error:
            raise MCPError(CONNECTION_CLOSED, f"{self.target} was not found: {error}") from error
