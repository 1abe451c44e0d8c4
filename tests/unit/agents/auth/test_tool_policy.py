"""The tool policy: decisions, error messages, filtered tool lists and audit lines."""

import logging
from typing import Any

import pytest
from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import ListToolsResult, Tool
from prometheus_client import CollectorRegistry
from starlette.requests import Request

from meshed_mcp import contract
from meshed_mcp.agents.auth import audit
from meshed_mcp.agents.auth.audit import MAX_DENIALS_PER_SECOND, MAX_NAME_CHARACTERS, AuditLog
from meshed_mcp.agents.auth.identity import ACCESS_KEY, Access, Caller
from meshed_mcp.agents.auth.tool_policy import Reason, ToolRule, evaluate
from meshed_mcp.agents.auth.tool_policy_middleware import ToolPolicyMiddleware, permitted_tools

FRONT, SIDE = Caller("t/ns/a/sa/front"), Caller("t/ns/a/sa/side")
ADA = Caller("t/ns/istio/sa/gateway", "https://issuer/ada", frozenset({"read", "write"}))
POLICY = {
    "delete": ToolRule(allow=frozenset({"t/ns/a/sa/front"})),
    "write": ToolRule(scopes=("read", "write")),
    "purge": ToolRule(allow=frozenset()),
    "own": ToolRule(allow=frozenset({"https://issuer/ada"}), scopes=("write",)),
}


@pytest.mark.parametrize(
    ("tool", "caller", "reason"),
    [
        ("delete", FRONT, Reason.ALLOWED),
        ("delete", SIDE, Reason.NOT_LISTED),
        ("delete", Caller(), Reason.NO_IDENTITY),
        ("purge", FRONT, Reason.NOT_LISTED),
        ("write", FRONT, Reason.MISSING_SCOPE),
        ("write", ADA, Reason.ALLOWED),
        ("own", ADA, Reason.ALLOWED),
        ("own", Caller(subject="https://issuer/ada"), Reason.MISSING_SCOPE),
        ("other", Caller(), Reason.ALLOWED),
    ],
)
def test_a_call_is_decided_by_the_tools_rule(tool: str, caller: Caller, reason: Reason) -> None:
    """Requirement SEC-3: every condition of the rule holds; a tool without a rule is open."""
    assert evaluate(POLICY, tool, caller) is reason


def test_a_star_rule_applies_to_every_tool_without_a_rule() -> None:
    """Requirement SEC-3: the rule `*` applies to tools without a rule of their own."""
    closed = POLICY | {"*": ToolRule(allow=frozenset())}
    assert evaluate(closed, "other", FRONT) is Reason.NOT_LISTED
    assert evaluate(closed, "delete", FRONT) is Reason.ALLOWED


class Call:
    """Sends messages through the middleware with a policy."""

    def __init__(self, policy: dict[str, ToolRule]) -> None:
        self.registry = CollectorRegistry()
        self.middleware = ToolPolicyMiddleware(self.registry, is_tool=lambda name: name in {"delete", "purge", "other"})
        self.middleware.policy = policy
        self.access = Access(FRONT.principal)
        self.passed: list[str] = []

    async def __call__(self, method: str, params: dict[str, Any] | None = None, result: Any = None) -> Any:
        """Send one message; the server returns `result`."""

        async def server(ctx: ServerRequestContext[Any, Any]) -> Any:
            self.passed.append(ctx.method)
            return result

        request = Request({"type": "http", "headers": [], ACCESS_KEY: self.access})
        unused: Any = None
        ctx: ServerRequestContext[Any, Any] = ServerRequestContext(
            session=unused,
            lifespan_context={},
            protocol_version="2026-07-28",
            method=method,
            params=params,
            request=request,
        )
        return await self.middleware(ctx, server)

    def count(self, tool: str, reason: Reason) -> float | None:
        """Count of such decisions."""
        labels = {contract.LABEL_TOOL: tool, "reason": reason.value}
        return self.registry.get_sample_value(contract.METRIC_AUTHORIZATIONS, labels)


@pytest.mark.anyio
async def test_a_denied_call_never_reaches_the_server_and_says_what_to_do() -> None:
    """Requirement SEC-3: denied before the tool runs; MCP, "Error Codes": a code outside the reserved range."""
    call = Call(POLICY)
    await call("tools/call", {"name": "delete"})
    with pytest.raises(MCPError) as refusal:
        await call("tools/call", {"name": "purge", "arguments": {"a": 1}})
    assert refusal.value.error.code == contract.FORBIDDEN
    assert not -32768 <= contract.FORBIDDEN <= -32000
    assert refusal.value.error.message == "This caller may not call this tool. The service's operator can allow it."
    assert (call.passed, call.access.missing_scopes) == (["tools/call"], ())
    assert (call.count("delete", Reason.ALLOWED), call.count("purge", Reason.NOT_LISTED)) == (1, 1)


@pytest.mark.anyio
async def test_a_missing_scope_is_added_to_the_challenge() -> None:
    """MCP, "Authorization", "Scope Challenge Handling"."""
    call = Call(POLICY)
    with pytest.raises(MCPError, match="needs a token with the scope read write"):
        await call("tools/call", {"name": "write"})
    assert call.access.missing_scopes == ("read", "write")


@pytest.mark.anyio
async def test_invented_names_add_no_series() -> None:
    """Requirement OBS-2: label values come from registered names only."""
    call = Call({"*": ToolRule(allow=frozenset())})
    for number in range(10):
        with pytest.raises(MCPError):
            await call("tools/call", {"name": f"invented-{number}"})
    assert call.count("_OTHER", Reason.NOT_LISTED) == 10


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("resources/read", {"uri": "a:b"}),
        ("prompts/get", {"name": "purge"}),
        ("tools/call", {"name": 7}),
        ("tools/call", None),
    ],
)
async def test_everything_but_tool_calls_passes_to_the_server(method: str, params: dict[str, Any] | None) -> None:
    """Requirement SEC-3: resources and prompts are unaffected; the SDK answers a malformed call."""
    call = Call(POLICY)
    assert await call(method, params, "answer") == "answer"


@pytest.mark.anyio
async def test_without_a_policy_nothing_is_decided_or_counted(caplog: pytest.LogCaptureFixture) -> None:
    """Requirement SEC-3: without tool rules, only the mesh decides."""
    call = Call({})
    listed = {"tools": [{"name": "purge"}], "cacheScope": "public"}
    assert await call("tools/call", {"name": "purge"}, "ran") == "ran"
    assert await call("tools/list", {}, listed) is listed
    assert (call.count("purge", Reason.ALLOWED), caplog.messages) == (None, [])


def test_a_tool_list_shows_only_callable_tools_and_is_private() -> None:
    """MCP 2026-07-28, "Caching": `private` results are reused in one authorization context only."""
    listed = {
        "tools": [{"name": name} for name in ("delete", "write", "purge", "other")],
        "nextCursor": "2",
        "ttlMs": 1000,
        "cacheScope": "public",
    }
    assert permitted_tools(listed, POLICY, FRONT) == {
        "tools": [{"name": "delete"}, {"name": "other"}],
        "nextCursor": "2",
        "ttlMs": 1000,
        "cacheScope": "private",
    }
    assert permitted_tools({"tools": [{"name": "other"}]}, POLICY, SIDE) == {"tools": [{"name": "other"}]}


def test_a_list_from_another_middleware_is_filtered_too() -> None:
    """SDK 2.3, HandlerResult: a middleware may return a model."""
    schema: dict[str, Any] = {"type": "object"}
    model = ListToolsResult(tools=[Tool(name=name, input_schema=schema) for name in ("purge", "other")])
    shown = permitted_tools(model, POLICY, FRONT)
    assert isinstance(shown, dict)
    assert [tool["name"] for tool in shown["tools"]] == ["other"]
    assert permitted_tools(None, POLICY, FRONT) == {"tools": []}


def fields(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """Fields of the audit lines."""
    return [record.fields for record in caplog.records if record.name == audit.LOGGER]  # type: ignore[attr-defined]


def test_an_audit_line_has_caller_tool_verdict_and_reason_and_is_bounded(caplog: pytest.LogCaptureFixture) -> None:
    """Requirement SEC-9: caller, tool, verdict and reason; a caller's names are truncated."""
    AuditLog().record(ADA, "delete", Reason.ALLOWED)
    AuditLog().record(Caller("x" * 1000), "y" * 1000, Reason.NOT_LISTED)
    allowed, refused = fields(caplog)
    assert allowed == {
        "caller": "t/ns/istio/sa/gateway for https://issuer/ada",
        "tool": "delete",
        "verdict": "allowed",
        "reason": "allowed",
        "scopes": ["read", "write"],
    }
    assert (len(refused["caller"]), len(refused["tool"])) == (MAX_NAME_CHARACTERS, MAX_NAME_CHARACTERS)
    assert [record.levelno for record in caplog.records] == [logging.INFO, logging.WARNING]


def test_a_flood_of_denials_is_limited_and_hides_no_allowed_call(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requirement SEC-9: audit lines are bounded; omitted lines are counted in the next one."""
    now = 10.0
    monkeypatch.setattr(audit, "monotonic", lambda: now)
    log = AuditLog()
    for _ in range(MAX_DENIALS_PER_SECOND + 7):
        log.record(SIDE, "delete", Reason.NOT_LISTED)
    assert len(fields(caplog)) == MAX_DENIALS_PER_SECOND
    log.record(FRONT, "delete", Reason.ALLOWED)
    assert fields(caplog)[-1]["left_out"] == 7
    now = 11.0
    log.record(SIDE, "delete", Reason.NOT_LISTED)
    assert "left_out" not in fields(caplog)[-1]
    assert len(fields(caplog)) == MAX_DENIALS_PER_SECOND + 2
