"""Tool policy: which caller may call which tool. A tool without a rule is open to every caller that the mesh admits."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict

from meshed_mcp.agents.auth.identity import Caller

EVERY_OTHER_TOOL: Final = "*"
"""Key of the rule for tools without a rule. MCP, "Tool Names", does not allow `*` in a name."""


class ToolRule(BaseModel):
    """Conditions on the callers of one tool. All of them must hold."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    allow: frozenset[str] | None = None
    """Allowed callers (`Caller.names`). None allows every caller, an empty set denies all."""

    scopes: tuple[str, ...] = ()
    """Scopes that the caller's token must have."""


ToolPolicy = Mapping[str, ToolRule]


class Reason(StrEnum):
    """Reason of a decision; label values."""

    ALLOWED = "allowed"
    NO_IDENTITY = "no_identity"
    NOT_LISTED = "not_listed"
    MISSING_SCOPE = "missing_scope"


def evaluate(policy: ToolPolicy, tool: str, caller: Caller) -> Reason:
    """Return ALLOWED, or the reason why `caller` may not call `tool`."""
    rule = rule_for(policy, tool)
    if rule.allow is not None and not rule.allow & caller.names:
        return Reason.NOT_LISTED if caller.names else Reason.NO_IDENTITY
    return Reason.ALLOWED if caller.scopes.issuperset(rule.scopes) else Reason.MISSING_SCOPE


def rule_for(policy: ToolPolicy, tool: str) -> ToolRule:
    """Return the rule that applies to `tool`."""
    return policy.get(tool) or policy.get(EVERY_OTHER_TOOL) or _OPEN


_OPEN: Final = ToolRule()
