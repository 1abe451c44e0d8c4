"""Which caller may use which tool: the rules of the environment and the decision on one call. Pure.

In: `{tool: rule}` and a `Caller`. Out: a `Decision`. A tool without a rule is open to every caller of the service; the
mesh decides who that is. Not here: where the decision is enforced (tool_policy_middleware.py), what it costs the HTTP
answer (middleware.py).
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict

from meshed_mcp.agents.auth.identity import Caller

EVERY_OTHER_TOOL: Final = "*"
"""Key of the rule for tools that have none of their own; `*` is not among the characters of MCP, "Tool Names"."""


class ToolRule(BaseModel):
    """Who may call one tool. Every condition given must hold."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    allow: frozenset[str] | None = None
    """Names of callers (`Caller.names`); None = every caller, empty = nobody."""

    scopes: tuple[str, ...] = ()
    """Scopes that the caller's token must have, all of them."""


ToolPolicy = Mapping[str, ToolRule]


class Reason(StrEnum):
    """Why a call was allowed or refused; label values, so there is no other text."""

    ALLOWED = "allowed"
    NO_IDENTITY = "no_identity"
    NOT_LISTED = "not_listed"
    MISSING_SCOPE = "missing_scope"


def decision(policy: ToolPolicy, tool: str, caller: Caller) -> Reason:
    """ALLOWED, or why `caller` may not call `tool`."""
    rule = rule_of(policy, tool)
    if rule.allow is not None and not rule.allow & caller.names:
        return Reason.NOT_LISTED if caller.names else Reason.NO_IDENTITY
    return Reason.ALLOWED if caller.scopes.issuperset(rule.scopes) else Reason.MISSING_SCOPE


def rule_of(policy: ToolPolicy, tool: str) -> ToolRule:
    """The rule that decides about `tool`."""
    return policy.get(tool) or policy.get(EVERY_OTHER_TOOL) or _OPEN


_OPEN: Final = ToolRule()
