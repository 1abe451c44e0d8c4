"""What the upstream states about itself in each era, and its tools: for `initialize`, metrics and the registry."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from mcp.shared.exceptions import MCPError
from mcp_types import Tool
from pydantic import ValidationError

from meshed_mcp.agents.bridge.connector import Connector
from meshed_mcp.agents.bridge.errors import UpstreamError
from meshed_mcp.agents.bridge.metrics import NOT_OPENED
from meshed_mcp.agents.bridge.negotiation import Facts, Identity, WrongEraError
from meshed_mcp.agents.bridge.translation import upstream_headers, upstream_params
from meshed_mcp.agents.bridge.upstream import Upstream

MAX_PAGES: Final = 100  # pages of a tool list that are read. Source: official SDK 2.3, `_RELIST_PAGE_CAP`
MAX_TOOLS: Final = 1000  # tools of one server. Source: the registry's largest entry, registry/model.py
LIST_SECONDS: Final = 20.0  # timeout of one page; a replica becomes ready without the tools of a server that is slower
PING_SECONDS: Final = 2.0  # timeout of a ping, which some servers do not answer

logger = logging.getLogger(__name__)


@dataclass
class Catalog:
    """Facts by era, and tools by name; both come from the discovery at the start, tools also from lists of callers."""

    facts: dict[bool, Facts] = field(default_factory=dict)
    """Era (True for 2026-07-28 and later) -> what the upstream states in it."""

    tools: dict[str, dict[str, Any]] = field(default_factory=dict)
    is_stale: bool = False
    """The upstream has announced a change of its tools."""

    def era_for(self, *, is_modern: bool) -> bool:
        """Return the era in which a client of that era is served: its own, if the upstream speaks it."""
        return is_modern if is_modern in self.facts or not self.facts else not is_modern

    @property
    def newest(self) -> Facts | None:
        """Facts of the newest era."""
        return self.facts.get(True) or self.facts.get(False)

    def schema_of(self, tool: str) -> Mapping[str, Any] | None:
        """Return the input schema of a known tool."""
        found = self.tools.get(tool, {}).get("inputSchema")
        return found if isinstance(found, Mapping) else None

    def observe(self, result: Mapping[str, Any]) -> None:
        """Add the tools of one page; lists of callers may differ, so none is removed."""
        for tool in result.get("tools", ()):
            if isinstance(tool, dict) and isinstance(name := tool.get("name"), str):
                self._add(name, tool)

    def _add(self, name: str, tool: dict[str, Any]) -> None:
        if name in self.tools or len(self.tools) < MAX_TOOLS:
            self.tools[name] = tool

    def replace(self, tools: list[dict[str, Any]]) -> None:
        """Take a whole list."""
        self.tools.clear()
        self.observe({"tools": tools})
        self.is_stale = False

    def note_change(self, method: str) -> None:
        """Mark the tools as stale."""
        self.is_stale = self.is_stale or method == "notifications/tools/list_changed"

    def registered(self) -> list[Tool]:
        """Return the valid tools in the SDK's form."""
        found = []
        for tool in self.tools.values():
            try:
                found.append(Tool.model_validate(tool, by_name=False))
            except ValidationError:
                logger.warning("the upstream lists an invalid tool %r; the registry entry omits it", tool.get("name"))
        return found


async def discover_upstream(connector: Connector, catalog: Catalog, *, with_legacy: bool) -> None:
    """Fill the catalog by one connection per era. Raises UpstreamError if the upstream speaks neither."""
    failure: Exception = UpstreamError(NOT_OPENED, "The upstream speaks no revision of the protocol.")
    facts: dict[bool, Facts] = {}
    tools: list[dict[str, Any]] | None = None
    for modern in (True, False):
        if facts and not (with_legacy or modern):
            break
        upstream = Upstream(connector, "discovery", Identity(), modern=modern)
        try:
            facts[modern] = await upstream.opened()
            tools = tools if tools is not None else await all_tools(upstream)
            if connector.is_http and not modern:  # so that `notifications/initialized` arrives before the session ends
                headers = upstream_headers("ping", None, facts[modern])
                await upstream.request("ping", None, {"headers": headers, "timeout": PING_SECONDS})
        except (MCPError, WrongEraError) as error:
            failure = failure if isinstance(error, WrongEraError) else error
        finally:
            await upstream.closed()
    if not facts:
        raise failure
    catalog.facts = facts
    catalog.replace(tools or [])


async def all_tools(upstream: Upstream) -> list[dict[str, Any]]:
    """Return all pages of the tool list; empty if the upstream has no tools. Raises UpstreamError."""
    facts = await upstream.opened()
    tools: list[dict[str, Any]] = []
    cursor: str | None = None
    if "tools" not in facts.capabilities:
        return tools
    for _ in range(MAX_PAGES):
        params = upstream_params({} if cursor is None else {"cursor": cursor}, facts, Identity())
        headers = upstream_headers("tools/list", params, facts)
        page = await upstream.request("tools/list", params, {"headers": headers, "timeout": LIST_SECONDS})
        tools += page.get("tools", ())
        cursor = page.get("nextCursor")
        if not isinstance(cursor, str):
            break
    return tools
