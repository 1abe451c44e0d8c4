"""`MCPService.current_caller` in a real process: over HTTP with tokens and mesh identities, in sessions, over stdio."""

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from meshed_mcp import contract
from tests.behaviors.replicas import Service, StartService, eventually
from tests.local_issuer import ISSUER, Issuer, environment, row

pytestmark = pytest.mark.anyio

SERVICE: Final = Path(__file__).with_name("caller_service.py")
ASSISTANT: Final = "cluster.local/ns/sales/sa/assistant"
ACT: Final = {"sub": "planner", "act": {"iss": "https://login.example.org", "sub": "chat"}}
EMPTY: Final[dict[str, Any]] = {"principal": None, "subject": None, "scopes": [], "organization": None, "actors": []}


@pytest.fixture(scope="module")
def service(issuer: Issuer, start_shared: StartService) -> Service:
    """A service behind a sidecar, whose issuer has claims of its own, with old clients in sessions."""
    claims = {"scopes": ["scope", "realm_access.roles"], "organization": "tenant.name"}
    return start_shared(
        SERVICE,
        **environment(row(jwks_url=issuer.url, claims=claims)),
        **{
            contract.ENV_TRUSTED_PROXIES: "127.0.0.1",
            contract.ENV_TOOL_POLICY: json.dumps({"in_a_task": {"scopes": ["docs.read"]}}),
            contract.ENV_LEGACY: contract.Legacy.STICKY,
        },
    )


@asynccontextmanager
async def connected(
    service: Service, token: str, mode: Any = "auto"
) -> AsyncIterator[tuple[Client, httpx2.AsyncClient]]:
    """The official client behind a sidecar."""
    headers = {"authorization": f"Bearer {token}", "x-forwarded-client-cert": f"URI=spiffe://{ASSISTANT}"}
    async with (
        httpx2.AsyncClient(headers=headers, trust_env=False) as http,
        Client(streamable_http_client(service.url, http_client=http), mode=mode) as client,
    ):
        yield client, http


@pytest.mark.parametrize("tool", ["in_a_thread", "in_a_task"])
async def test_a_tool_learns_the_mesh_identity_and_the_user_of_its_caller(
    service: Service, issuer: Issuer, tool: str
) -> None:
    """Requirement TOK-6: every verified identity, in threads and tasks; RFC 8693, section 4.1 (`act`)."""
    token = issuer.token(tenant={"name": "acme"}, realm_access={"roles": ["editor"]}, act=ACT)
    async with connected(service, token) as (client, _):
        found = (await client.call_tool(tool)).structured_content
        (content,) = (await client.read_resource("caller://me")).contents
    assert found == {
        "principal": ASSISTANT,
        "subject": f"{ISSUER}/ada",
        "scopes": ["docs.read", "editor"],
        "organization": "acme",
        "actors": [f"{ISSUER}/planner", "https://login.example.org/chat"],
    }
    assert content.model_dump()["text"] == f"{ISSUER}/ada"


async def test_a_call_in_a_session_has_the_token_of_the_call(service: Service, issuer: Issuer) -> None:
    """Requirement TOK-6: a session outlives its first token, and the user may have lost scopes; the SDK agrees."""
    async with connected(service, issuer.token(scope="docs.read admin"), "legacy") as (client, http):
        http.headers["authorization"] = f"Bearer {issuer.token(scope='docs.read')}"
        found = (await client.call_tool("in_a_thread")).structured_content
        by_the_sdk = (await client.call_tool("scopes_of_the_sdk")).structured_content
    assert found is not None
    assert found["scopes"] == ["docs.read"]
    assert by_the_sdk == {"result": ["docs.read"]}


async def test_over_stdio_the_caller_is_empty() -> None:
    """Requirement TOK-6: the process at the other end of a pipe has no verified identity."""
    parameters = StdioServerParameters(command=sys.executable, args=[str(SERVICE), "stdio"])
    async with Client(stdio_client(parameters)) as client:
        for tool in ("in_a_thread", "in_a_task"):
            assert (await client.call_tool(tool)).structured_content == EMPTY


async def test_the_audit_line_names_the_user_and_never_holds_a_token(service: Service, issuer: Issuer) -> None:
    """Requirement TOK-6: the audit line has the caller's identities, bounded in length; SEC-9."""
    groups = [f"group-{number:03}-{'x' * 100}" for number in range(100)]
    token = issuer.token(tenant={"name": "acme" * 100}, realm_access={"roles": groups}, act=ACT)
    async with connected(service, token) as (client, _):
        await client.call_tool("in_a_task")

    def audited() -> list[dict[str, Any]]:
        return [line for line in service.lines() if "actors" in line and len(line["scopes"]) > 2]

    await eventually(lambda: bool(audited()))
    (line,) = audited()
    assert line["caller"] == f"{ASSISTANT} for {ISSUER}/ada"
    assert (line["tool"], line["verdict"], line["organization"]) == ("in_a_task", "allowed", ("acme" * 100)[:256])
    assert line["actors"] == [f"{ISSUER}/planner", "https://login.example.org/chat"]
    assert line["scopes"] == ["docs.read", *(group[:64] for group in groups[:31])]
    assert not any(part in service.log.read_text() for part in token.split("."))


async def test_usage_is_counted_by_the_organization_claim_of_the_issuer(service: Service, issuer: Issuer) -> None:
    """Requirement OBS-13: each issuer's row names the claim with the organization."""
    async with connected(service, issuer.token(tenant={"name": "initech"}, organization="other")) as (client, _):
        await client.call_tool("in_a_thread")
    series = (
        f'{contract.METRIC_ORG_REQUESTS}{{{contract.LABEL_TOOL}="in_a_thread",{contract.LABEL_ORGANIZATION}="initech"}}'
    )
    assert service.sample(series) == 1
