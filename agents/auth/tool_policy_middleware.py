"""The tool policy at work: refuses calls before the tool runs, and hides from `tools/list` what may not be called.

In: every message of every protocol revision, by the SDK's middleware. Out: the same, a JSON-RPC error FORBIDDEN, or a
shorter list; a counted and logged decision per call. Prompts and resources pass. Here the body decides, so a header
that says something else, or nothing, as those of clients up to 2025-11-25, changes nothing.
Not here: the rules (tool_policy.py), the HTTP status of a refusal (middleware.py).
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from prometheus_client import CollectorRegistry, Counter
from pydantic import BaseModel

from meshed_mcp import contract
from meshed_mcp.agents.auth.audit import Audit
from meshed_mcp.agents.auth.identity import Caller, access_of, caller_of
from meshed_mcp.agents.auth.tool_policy import Reason, ToolPolicy, decision, rule_of
from meshed_mcp.agents.telemetry.instruments import OTHER

CALL_METHOD: Final = "tools/call"
LIST_METHOD: Final = "tools/list"
PRIVATE: Final = "private"
"""Source: MCP 2026-07-28, "Caching": a result that may not be shared across authorization contexts."""


class ToolGuard:
    """SDK middleware; without a policy it lets everything pass unseen. `is_tool` tells registered names from others."""

    def __init__(self, registry: CollectorRegistry, *, is_tool: Callable[[str], bool]) -> None:
        self.policy: ToolPolicy = {}
        self._is_tool = is_tool
        self._audit = Audit()
        self._decisions = Counter(
            contract.METRIC_AUTHORIZATIONS,
            "Decisions of the tool policy on calls.",
            (contract.LABEL_TOOL, "reason"),
            registry=registry,
        )

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Judge one message. Raises MCPError FORBIDDEN."""
        if self.policy and ctx.method == CALL_METHOD:
            tool = (ctx.params or {}).get("name")
            if isinstance(tool, str):  # anything else is the SDK's to refuse, as malformed
                self._judge(tool, ctx.request)
        result = await call_next(ctx)
        if self.policy and ctx.method == LIST_METHOD:
            return permitted(result, self.policy, caller_of(ctx.request))
        return result

    def _judge(self, tool: str, request: Any) -> None:
        caller = caller_of(request)
        reason = decision(self.policy, tool, caller)
        self._decisions.labels(tool if self._is_tool(tool) else OTHER, reason).inc()
        self._audit.record(caller, tool, reason)
        if reason is Reason.ALLOWED:
            return
        missing = rule_of(self.policy, tool).scopes if reason is Reason.MISSING_SCOPE else ()
        access_of(request).refused_for = missing
        raise MCPError(code=contract.FORBIDDEN, message=refusal(reason, missing))


def refusal(reason: Reason, scopes: tuple[str, ...]) -> str:
    """What the client is told: what it can do about it, and nothing of who may call instead."""
    match reason:
        case Reason.MISSING_SCOPE:
            return f"This tool needs a token with the scope {' '.join(scopes)}."
        case Reason.NO_IDENTITY:
            return "This tool is not open to callers without an identity in the mesh."
        case _:
            return "This caller may not call this tool. The service's operator can allow it."


def permitted(result: HandlerResult, policy: ToolPolicy, caller: Caller) -> HandlerResult:
    """A `tools/list` result with the tools that `caller` may call, not to be shared with other callers.

    Results of earlier revisions have no cache hints, so none are added to them.
    """
    listed: Mapping[str, Any] = (
        result.model_dump(by_alias=True, mode="json", exclude_none=True)
        if isinstance(result, BaseModel)
        else result or {}
    )
    tools = [tool for tool in listed.get("tools", ()) if decision(policy, tool["name"], caller) is Reason.ALLOWED]
    scope = {"cacheScope": PRIVATE} if "cacheScope" in listed else {}
    return {**listed, "tools": tools, **scope}
