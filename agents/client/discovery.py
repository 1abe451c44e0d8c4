"""Where a peer is: a URL as it is, or a name that the registry knows.

In: what a caller wrote and the environment. Out: the URL of a live MCP endpoint, or MCPError with one line.
Not here: when to look again (service_client.py does after a peer was not there).
"""

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
class Directory:
    """The way to one peer."""

    target: str
    registry_url: str | None = None

    @classmethod
    def of(cls, target: str, environment: Mapping[str, str]) -> Self:
        """Read a URL, `namespace/service`, or `service` of the own namespace. Raises ValueError without a registry."""
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
    def by_name(self) -> bool:
        """Whether the URL can be another one next time."""
        return self.registry_url is not None

    async def url(self) -> str:
        """Return the URL. Raises MCPError."""
        if self.registry_url is None:
            return self.target
        try:
            async with RegistryClient(self.registry_url) as registry:
                return (await registry.look_up(self.target)).url
        except (NotRegisteredError, RegistryError) as error:
            raise MCPError(CONNECTION_CLOSED, f"{self.target} was not found: {error}") from error
