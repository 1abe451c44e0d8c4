"""SDK middleware that counts authorized tool calls by organization and tool. No per-user series are created."""

from collections.abc import Callable
from typing import Any, Final

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from prometheus_client import CollectorRegistry, Counter

from meshed_mcp import contract
from meshed_mcp.agents.auth.identity import UNKNOWN, caller_of
from meshed_mcp.agents.telemetry.instruments import OTHER, LabeledChildren
from meshed_mcp.agents.telemetry.metrics import CALL_METHOD

ORGANIZATIONS: Final = contract.ORGANIZATION_LABELS  # most organizations of one process; later ones become OTHER
MAXIMUM_CHARACTERS: Final = 64
NAMESPACE_PART: Final = 2  # index of the namespace in `<trust domain>/ns/<namespace>/sa/<service account>`


def organization_of(request: Any) -> str:
    """Return the organization of the verified token, otherwise the caller's namespace, otherwise UNKNOWN."""
    caller = caller_of(request)
    if caller.subject is not None:
        return (caller.organization or UNKNOWN)[:MAXIMUM_CHARACTERS]
    parts = (caller.principal or "").split("/")
    return parts[NAMESPACE_PART] if len(parts) > NAMESPACE_PART else UNKNOWN


class Usage:
    """SDK middleware that counts tool calls; `is_tool`: whether a tool of this name is registered."""

    def __init__(self, registry: CollectorRegistry, *, is_tool: Callable[[str], bool]) -> None:
        self._is_tool = is_tool
        self._known: set[str] = set()
        labels = (contract.LABEL_ORGANIZATION, contract.LABEL_TOOL)
        self._calls = LabeledChildren(
            Counter(contract.METRIC_ORG_REQUESTS, "Tool calls by organization.", labels, registry=registry)
        )

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Count one message; every result and exception passes through unchanged."""
        if ctx.method == CALL_METHOD:
            tool = (ctx.params or {}).get("name")
            if not (isinstance(tool, str) and self._is_tool(tool)):
                tool = OTHER
            self._calls[self._bounded(organization_of(ctx.request)), tool].inc()
        return await call_next(ctx)

    def _bounded(self, organization: str) -> str:
        if organization not in self._known:
            if len(self._known) >= ORGANIZATIONS:
                return OTHER
            self._known.add(organization)
        return organization
