"""Handshake with the upstream in one of the two protocol eras, and the facts that it states about itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import mcp_types
from mcp.shared.dispatcher import CallOptions, Outbound
from mcp.shared.exceptions import MCPError
from mcp.shared.inbound import MCP_METHOD_HEADER, MCP_PROTOCOL_VERSION_HEADER
from mcp_types.version import (
    HANDSHAKE_PROTOCOL_VERSIONS,
    LATEST_HANDSHAKE_VERSION,
    LATEST_MODERN_VERSION,
    MODERN_PROTOCOL_VERSIONS,
)

DISCOVER_SECONDS: Final = 20.0
"""Timeout of `server/discover`, the start of a process included. A server up to 2025-11-25 that does not respond to it
before `initialize` delays the readiness of the replica by this, once."""

BRIDGE_INFO: Final[Mapping[str, Any]] = {"name": "meshed-mcp-bridge", "version": "1"}
"""Client of connections without a caller of their own."""


class WrongEraError(Exception):
    """The upstream does not speak the revisions of this era."""


@dataclass(frozen=True)
class Identity:
    """How the bridge introduces itself: as the caller, whose capabilities the upstream then sees."""

    info: Mapping[str, Any] = field(default_factory=lambda: BRIDGE_INFO)
    capabilities: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Facts:
    """What the upstream states in `server/discover` or `initialize`."""

    version: str
    capabilities: Mapping[str, Any]
    server: Mapping[str, Any] | None
    instructions: str | None

    @property
    def is_modern(self) -> bool:
        """Whether the connection speaks 2026-07-28 or later."""
        return self.version in MODERN_PROTOCOL_VERSIONS


async def negotiate(outbound: Outbound, identity: Identity, *, modern: bool) -> Facts:
    """Return the facts of a new connection in this era. Raises WrongEraError, MCPError."""
    return await (discover(outbound, identity) if modern else initialize(outbound, identity))


async def discover(outbound: Outbound, identity: Identity) -> Facts:
    """Send `server/discover`. Raises WrongEraError, or MCPError if the connection closed."""
    version = LATEST_MODERN_VERSION
    options: CallOptions = {
        "timeout": DISCOVER_SECONDS,
        "cancel_on_abandon": False,
        "headers": {MCP_PROTOCOL_VERSION_HEADER: version, MCP_METHOD_HEADER: "server/discover"},
    }
    meta = modern_meta(version, identity)
    try:
        raw = await outbound.send_raw_request("server/discover", {"_meta": meta}, options)
        found = mcp_types.DiscoverResult.model_validate({"ttlMs": 0, "cacheScope": "private", **raw})
    except ValueError as error:
        raise WrongEraError(str(error)) from None
    except MCPError as error:
        if error.code == mcp_types.CONNECTION_CLOSED:
            raise
        raise WrongEraError(str(error)) from None
    if version not in found.supported_versions:
        raise WrongEraError(f"supported: {found.supported_versions}")
    stamp = (found.meta or {}).get(mcp_types.SERVER_INFO_META_KEY)
    server = stamp if isinstance(stamp, dict) else None
    return Facts(version, raw["capabilities"], server, found.instructions)


async def initialize(outbound: Outbound, identity: Identity) -> Facts:
    """Send `initialize` and `notifications/initialized`. Raises WrongEraError, MCPError."""
    params = {
        "protocolVersion": LATEST_HANDSHAKE_VERSION,
        "capabilities": dict(identity.capabilities),
        "clientInfo": dict(identity.info),
    }
    try:
        raw = await outbound.send_raw_request("initialize", params, {"cancel_on_abandon": False})
        found = mcp_types.InitializeResult.model_validate(raw)
    except ValueError as error:
        raise WrongEraError(str(error)) from None
    except MCPError as error:
        if error.code == mcp_types.UNSUPPORTED_PROTOCOL_VERSION:
            raise WrongEraError(str(error)) from None
        raise
    if found.protocol_version not in HANDSHAKE_PROTOCOL_VERSIONS:
        raise WrongEraError(f"protocol version {found.protocol_version}")
    headers = {MCP_PROTOCOL_VERSION_HEADER: found.protocol_version}
    await outbound.notify("notifications/initialized", None, {"headers": headers})
    return Facts(found.protocol_version, raw["capabilities"], raw["serverInfo"], found.instructions)


def modern_meta(version: str, identity: Identity) -> dict[str, Any]:
    """Return the `_meta` keys that each request of 2026-07-28 carries."""
    return {
        mcp_types.PROTOCOL_VERSION_META_KEY: version,
        mcp_types.CLIENT_INFO_META_KEY: dict(identity.info),
        mcp_types.CLIENT_CAPABILITIES_META_KEY: dict(identity.capabilities),
    }
