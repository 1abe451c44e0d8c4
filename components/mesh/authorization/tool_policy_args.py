"""Tool policy: the stack key `tools` of a service, with allowed callers and scopes per tool."""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Final, TypeVar

from pydantic import Field

from meshed_mcp.components.core.errors import suggestion
from meshed_mcp.components.core.names import listed
from meshed_mcp.components.mesh.authorization.token_args import Scopes
from meshed_mcp.components.mesh.routing.tool_args import ToolTraffic
from meshed_mcp.error_codes import service as codes
from meshed_mcp.error_codes.code import Message

INGRESS: Final = "ingress"
"""In `allow`: clients outside the cluster, which reach the service through the ingress gateway."""

EVERY_OTHER_TOOL: Final = "*"
"""In `tools`: every tool without its own rule."""

_TOOL: Final = re.compile(r"[A-Za-z0-9_./-]{1,128}|\*")
"""Source: MCP 2026-07-28, "Tool Names"; clients encode other names in headers, where the mesh cannot match them."""


class ToolSettings(ToolTraffic):
    """Callers and scopes of one tool, of which all conditions must hold, and retry and timeout of its calls."""

    allow: list[str] | None = None
    """Allowed callers: a subset of the service's `callers`, and "ingress" for clients at the ingress gateway. Unset =
    every caller, empty = no caller."""

    scopes: Scopes = Field(default_factory=list)
    """Scopes that the caller's token must have, all of them; needs `auth`."""

    @property
    def sets_traffic_only(self) -> bool:
        """Whether the entry sets retry or timeout only; the entry "*" then authorizes its calls."""
        has_traffic = self.repeatable or self.timeout_seconds is not None
        return has_traffic and self.allow is None and not self.scopes


Tools = TypeVar("Tools", bound=Collection[str])


def tool_names(tools: Tools) -> Tools:
    """The tools, by name. Raises ValueError for keys that are not tool names."""
    bad = [tool for tool in tools if _TOOL.fullmatch(tool) is None]
    if bad:
        raise codes.INVALID_TOOL_NAME.error(names=listed(bad))
    return tools


def tool_issues(
    tools: Mapping[str, ToolSettings], callers: list[str], *, expose: bool, has_tokens: bool
) -> Iterable[Message]:
    """Rules that name an unknown caller or need a field that is unset, one message each."""
    known = [*callers, *([INGRESS] if expose else [])]
    for tool, rule in tools.items():
        for number, caller in enumerate(rule.allow or ()):
            where = f"tools.{tool}.allow[{number}]: {caller!r}"
            if caller == INGRESS and not expose:
                yield codes.TOOL_ALLOWS_INGRESS.message(where=where)
            elif caller not in known:
                yield codes.TOOL_CALLER_UNKNOWN.message(where=where, suggested=suggestion(caller, known))
        if rule.scopes and not has_tokens:
            yield codes.TOOL_SCOPES_WITHOUT_AUTH.message(tool=tool)
