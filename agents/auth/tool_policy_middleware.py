"""SDK middleware that enforces the tool policy: denies calls, filters `tools/list`, counts and audits decisions."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from prometheus_client import CollectorRegistry, Counter
from pydantic import BaseModel

from meshed_mcp import contract
from meshed_mcp.agents.auth.audit import AuditLog
from meshed_mcp.agents.auth.identity import Caller, access_of, caller_of
from meshed_mcp.agents.auth.tool_policy import Reason, ToolPolicy, evaluate, rule_for
from meshed_mcp.agents.telemetry.instruments import OTHER

CALL_METHOD: Final = "tools/call"
LIST_METHOD: Final = "tools/list"
PRIVATE: Final = "private"  # Source: MCP 2026-07-28, "Caching": the result is not shared across authorization contexts


class ToolPolicyMiddleware:
    """SDK middleware; without a policy every message passes. `is_tool` returns whether a tool name is registered.

    It reads the JSON-RPC body of every revision, never the headers `Mcp-Method` and `Mcp-Name`.
    """

    def __init__(self, registry: CollectorRegistry, *, is_tool: Callable[[str], bool]) -> None:
        self.policy: ToolPolicy = {}
        self._is_tool = is_tool
        self._audit_log = AuditLog()
        self._decisions = Counter(
            contract.METRIC_AUTHORIZATIONS,
            "Tool policy decisions, by tool and reason.",
            (contract.LABEL_TOOL, "reason"),
            registry=registry,
        )

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Handle one message. Raises MCPError FORBIDDEN for a denied call."""
        if self.policy and ctx.method == CALL_METHOD:
            tool = (ctx.params or {}).get("name")
            if isinstance(tool, str):  # otherwise the SDK rejects the malformed call
                self._authorize(tool, ctx.request)
        result = await call_next(ctx)
        if self.policy and ctx.method == LIST_METHOD:
            return permitted_tools(result, self.policy, caller_of(ctx.request))
        return result

    def _authorize(self, tool: str, request: Any) -> None:
        caller = caller_of(request)
        reason = evaluate(self.policy, tool, caller)
        self._decisions.labels(tool if self._is_tool(tool) else OTHER, reason).inc()
        self._audit_log.record(caller, tool, reason)
        if reason is Reason.ALLOWED:
            return
        missing = rule_for(self.policy, tool).scopes if reason is Reason.MISSING_SCOPE else ()
        access_of(request).missing_scopes = missing
        raise MCPError(code=contract.FORBIDDEN, message=denial_message(reason, missing))


def denial_message(reason: Reason, scopes: tuple[str, ...]) -> str:
    """Return the error message for the client. It does not reveal the allowed callers."""
    match reason:
        case Reason.MISSING_SCOPE:
            return f"This tool needs a token with the scope {' '.join(scopes)}."
        case Reason.NO_IDENTITY:
            return "This tool is not open to callers without an identity in the mesh."
        case _:
            return "This caller may not call this tool. The service's operator can allow it."


def permitted_tools(result: HandlerResult, policy: ToolPolicy, caller: Caller) -> HandlerResult:
    """Return a `tools/list` result with only the tools that `caller` may call, marked as private.

    Results of earlier revisions have no cache hints and get none.
    """
    listed: Mapping[str, Any] = (
        result.model_dump(by_alias=True, mode="json", exclude_none=True)
        if isinstance(result, BaseModel)
        else result or {}
    )
    tools = [tool for tool in listed.get("tools", ()) if evaluate(policy, tool["name"], caller) is Reason.ALLOWED]
    scope = {"cacheScope": PRIVATE} if "cacheScope" in listed else {}
    return {**listed, "tools": tools, **scope}
