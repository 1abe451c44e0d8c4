"""Tool calls counted by organization, with a bound, and never by user."""

from typing import Any

import pytest
from mcp import Client
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from prometheus_client import CollectorRegistry
from starlette.requests import Request

from meshed_mcp import contract
from meshed_mcp.agents import MCPService
from meshed_mcp.agents.auth.identity import ACCESS_KEY, UNKNOWN, Access
from meshed_mcp.agents.telemetry.usage import ORGANIZATIONS, Usage, organization_of

pytestmark = pytest.mark.anyio


class Message:
    """What the middleware reads of a message."""

    method = "tools/call"

    def __init__(self, request: Request, tool: object = "search") -> None:
        self.request = request
        self.params = {"name": tool}


def request(principal: str | None = None, claims: dict[str, Any] | None = None) -> Request:
    """A request after the border."""
    scope: dict[str, Any] = {"type": "http", ACCESS_KEY: Access(principal)}
    if claims is not None:
        token = AccessToken(token="t", client_id="c", scopes=[], subject="ada", claims=claims)  # noqa: S106 - no secret
        scope["user"] = AuthenticatedUser(token)
    return Request(scope)


async def answered(_: Any) -> dict[str, Any]:
    """The tool."""
    return {}


@pytest.mark.parametrize(
    ("given", "organization"),
    [
        (request(claims={"organization": "acme"}), "acme"),
        (request("cluster.local/ns/gateway/sa/istio", {"organization": "acme"}), "acme"),
        (request("cluster.local/ns/sales/sa/assistant"), "sales"),
        (request("cluster.local/ns/sales/sa/assistant", {"sub": "ada"}), UNKNOWN),
        (request(claims={"organization": ["acme"]}), "acme"),
        (request(claims={"organization": ["acme", "initech"]}), UNKNOWN),
        (request(claims={"organization": "x" * 100}), "x" * 64),
        (None, UNKNOWN),
    ],
)
def test_the_organization_is_the_token_claim_or_else_the_namespace(given: Request | None, organization: str) -> None:
    """Requirement OBS-13: a verified token names the organization; without one, the caller's namespace does."""
    assert organization_of(given) == organization


async def counted(usage: Usage, message: Any) -> None:
    """One message through the middleware."""
    await usage(message, answered)


async def test_calls_are_counted_by_organization_and_tool_and_never_by_user() -> None:
    """Requirement OBS-3: user identifiers never leave logs."""
    registry = CollectorRegistry()
    usage = Usage(registry, is_tool=lambda name: name == "search")
    await counted(usage, Message(request(claims={"organization": "acme", "sub": "ada"})))
    await counted(usage, Message(request(claims={"organization": "acme", "sub": "ada"}), "invented"))
    await counted(usage, Message(request(claims={"organization": "acme", "sub": "ada"}), ["search"]))
    samples = [sample for metric in registry.collect() for sample in metric.samples if sample.name.endswith("_total")]
    found = {(sample.labels["org"], sample.labels[contract.LABEL_TOOL]): sample.value for sample in samples}
    assert found == {("acme", "search"): 1, ("acme", "_OTHER"): 2}
    assert "ada" not in str(samples)


async def test_organizations_beyond_the_limit_share_one_label() -> None:
    """Requirement OBS-2: callers cannot add series without bound."""
    registry = CollectorRegistry()
    usage = Usage(registry, is_tool=lambda _: True)
    for number in range(ORGANIZATIONS + 5):
        await counted(usage, Message(request(claims={"organization": f"org-{number}"})))
    labels = {contract.LABEL_ORGANIZATION: "_OTHER", contract.LABEL_TOOL: "search"}
    assert registry.get_sample_value(contract.METRIC_ORG_REQUESTS, labels) == 5


async def test_a_service_counts_its_calls() -> None:
    """Requirement OBS-13: usage needs no line of a user's code; other methods are not usage."""
    service = MCPService("mcp-test")

    @service.tool()
    def ping() -> str:
        return "pong"

    async with Client(service) as client:
        await client.list_tools()
        await client.call_tool("ping")
    labels = {contract.LABEL_ORGANIZATION: UNKNOWN, contract.LABEL_TOOL: "ping"}
    assert service.metrics.get_sample_value(contract.METRIC_ORG_REQUESTS, labels) == 1
