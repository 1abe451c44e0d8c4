"""Who uses which tool, by organization: a counter for capacity, cost and exports. Users are never counted, nor named.

In: tool calls that the policy let through, by the SDK's middleware. Out: `mcp_org_requests_total`. The organization is
what a verified token says, else the namespace of the calling workload; a client cannot choose it.
Not here: durations and errors (metrics.py), decisions (auth/tool_policy_middleware.py), tokens of models
(services/llm).
"""

from collections.abc import Callable
from typing import Any, Final

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from prometheus_client import CollectorRegistry, Counter

from meshed_mcp import contract
from meshed_mcp.agents.auth.identity import UNKNOWN, access_of
from meshed_mcp.agents.telemetry.instruments import OTHER, Children

ORGANIZATIONS: Final = contract.ORGANIZATION_LABELS
"""Organizations that one process tells apart; later ones become OTHER."""

MAXIMUM_CHARACTERS: Final = 64
CALL_METHOD: Final = "tools/call"
NAMESPACE_PART: Final = 2
"""Place of the namespace in `<trust domain>/ns/<namespace>/sa/<service account>`."""


def organization_of(request: Any, claim: str) -> str:
    """The organization of a Starlette request's caller: the token's `claim`, else its namespace, else UNKNOWN."""
    user = None if request is None else request.scope.get("user")
    if isinstance(user, AuthenticatedUser):
        value = (user.access_token.claims or {}).get(claim)
        return value[:MAXIMUM_CHARACTERS] if isinstance(value, str) and value else UNKNOWN
    parts = (access_of(request).principal or "").split("/")
    return parts[NAMESPACE_PART] if len(parts) > NAMESPACE_PART else UNKNOWN


class Usage:
    """SDK middleware that counts tool calls; `is_tool` tells registered names from invented ones."""

    def __init__(self, registry: CollectorRegistry, *, is_tool: Callable[[str], bool]) -> None:
        self.claim = contract.ORGANIZATION_CLAIM
        self._is_tool = is_tool
        self._known: set[str] = set()
        labels = (contract.LABEL_ORGANIZATION, contract.LABEL_TOOL)
        self._calls = Children(
            Counter(contract.METRIC_ORG_REQUESTS, "Tool calls by organization.", labels, registry=registry)
        )

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Count one message; every result and exception passes through unchanged."""
        if ctx.method == CALL_METHOD:
            tool = (ctx.params or {}).get("name")
            if not (isinstance(tool, str) and self._is_tool(tool)):
                tool = OTHER
            self._calls[self._bounded(organization_of(ctx.request, self.claim)), tool].inc()
        return await call_next(ctx)

    def _bounded(self, organization: str) -> str:
        if organization not in self._known:
            if len(self._known) >= ORGANIZATIONS:
                return OTHER
            self._known.add(organization)
        return organization
