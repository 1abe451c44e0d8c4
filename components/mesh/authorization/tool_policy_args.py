"""Arguments of who may do what at one service: rules per tool.

Stack keys in, frozen models out. Not here: who may call the service at all (mesh/service/args.py, `callers`), whose
tokens it takes (token_args.py), the objects that a rule becomes (policy.py, environment.py).
"""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from pydantic import Field, field_validator

from meshed_mcp.components.core.errors import suggestion
from meshed_mcp.components.core.names import listed
from meshed_mcp.components.mesh.authorization.token_args import scope_names
from meshed_mcp.components.mesh.routing.tool_args import ToolTraffic
from meshed_mcp.error_codes.code import Message
from meshed_mcp.error_codes.service import (
    INVALID_TOOL_NAME,
    TOOL_ALLOWS_INGRESS,
    TOOL_CALLER_UNKNOWN,
    TOOL_SCOPES_WITHOUT_AUTH,
)

INGRESS: Final = "ingress"
"""In `allow`: clients from outside, who reach the service through the gateway."""

EVERY_OTHER_TOOL: Final = "*"
"""In `tools`: every tool that has no rule of its own."""

_TOOL: Final = re.compile(r"[A-Za-z0-9_./-]{1,128}|\*")
"""Source: MCP 2026-07-28, "Tool Names"; others travel encoded in headers, where the mesh could not compare them."""


class ToolSettings(ToolTraffic):
    """Who may call one tool, where every condition given must hold, and how its calls travel."""

    allow: list[str] | None = None
    """Some of the service's callers, or "ingress" for clients from outside. Unset = every caller, empty = nobody."""

    scopes: list[str] = Field(default_factory=list)
    """Scopes that the caller's token must have, all of them; needs `auth`."""

    @property
    def says_traffic_only(self) -> bool:
        """Whether the tool is named for how its calls travel alone; who may call it is then said by "*"."""
        travels = self.repeatable or self.timeout_seconds is not None
        return travels and self.allow is None and not self.scopes

    @field_validator("scopes")
    @classmethod
    def _are_scopes(cls, value: list[str]) -> list[str]:
        return scope_names(value)


def tool_names(tools: Collection[str]) -> None:
    """Raise ValueError for keys that are no tool names."""
    bad = [tool for tool in tools if _TOOL.fullmatch(tool) is None]
    if bad:
        raise INVALID_TOOL_NAME.error(names=listed(bad))


def tool_issues(
    tools: Mapping[str, ToolSettings], callers: list[str], *, expose: bool, has_tokens: bool
) -> Iterable[Message]:
    """What is wrong with the rules at a service with these callers; one line each, with the field's path."""
    known = [*callers, *([INGRESS] if expose else [])]
    for tool, rule in tools.items():
        for number, caller in enumerate(rule.allow or ()):
            where = f"tools.{tool}.allow[{number}]: {caller!r}"
            if caller == INGRESS and not expose:
                yield TOOL_ALLOWS_INGRESS.message(where=where)
            elif caller not in known:
                yield TOOL_CALLER_UNKNOWN.message(where=where, suggested=suggestion(caller, known))
        if rule.scopes and not has_tokens:
            yield TOOL_SCOPES_WITHOUT_AUTH.message(tool=tool)
