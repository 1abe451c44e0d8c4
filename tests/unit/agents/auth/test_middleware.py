"""The identity middleware: which peer header is trusted, and the HTTP status of denied calls."""

from collections.abc import Sequence
from typing import Any

import httpx2
import pytest
from prometheus_client import CollectorRegistry
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from meshed_mcp import contract
from meshed_mcp.agents import Settings
from meshed_mcp.agents.auth.identity import PEER_HEADER, access_of
from meshed_mcp.agents.auth.middleware import FORGED, UNREADABLE, AuthenticationMetrics, IdentityMiddleware

pytestmark = pytest.mark.anyio

SIDECAR = "127.0.0.6"
FRONT = "cluster.local/ns/mcp-system/sa/front"
ELEMENT = f"By=spiffe://cluster.local/ns/mcp-system/sa/back;URI=spiffe://{FRONT}"


class Harness:
    """The middleware around an application that returns the caller and can deny the call."""

    def __init__(self, missing_scopes: tuple[str, ...] | None = None, status: int = 200, **settings: Any) -> None:
        self.registry = CollectorRegistry()
        self._refused_for = missing_scopes
        self._status = status
        trusted = Settings(trusted_proxies=(SIDECAR, "::6"), **settings)
        self.middleware = IdentityMiddleware(self._application, trusted, AuthenticationMetrics(self.registry))

    async def _application(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        access = access_of(request)
        access.missing_scopes = self._refused_for
        seen = f"{access.principal} {len(request.headers.getlist(PEER_HEADER))}"
        answer: Response = PlainTextResponse(seen, status_code=self._status)
        await answer(scope, receive, send)

    async def get(self, client: str, headers: Sequence[tuple[str, str]] = ()) -> httpx2.Response:
        """Send a request from the address `client`."""
        transport = httpx2.ASGITransport(self.middleware, client=(client, 5000))
        async with httpx2.AsyncClient(transport=transport, base_url="http://back") as http:
            return await http.get("/", headers=list(headers))

    def peers(self, result: str) -> float | None:
        """Count of rejected peer headers with this result."""
        return self.registry.get_sample_value(contract.METRIC_AUTHENTICATIONS, {"kind": "peer", "result": result})


@pytest.mark.parametrize("sidecar", [SIDECAR, "::6", "::ffff:127.0.0.6", "0:0::6"])
async def test_the_sidecars_header_is_trusted(sidecar: str) -> None:
    """meshed_mcp.contract, ENV_TRUSTED_PROXIES."""
    harness = Harness()
    assert (await harness.get(sidecar, [(PEER_HEADER, ELEMENT)])).text == f"{FRONT} 1"
    assert (harness.peers(FORGED), harness.peers(UNREADABLE)) == (0, 0)


@pytest.mark.parametrize("client", ["127.0.0.1", "10.1.2.3", "::1", "::ffff:10.1.2.3", "::127.0.0.6", "::6%eth0"])
async def test_a_header_from_an_untrusted_peer_is_dropped_and_counted(client: str) -> None:
    """Requirement SEC-2: a client's own header never names it, and no later code can read it."""
    harness = Harness()
    assert (await harness.get(client, [(PEER_HEADER, ELEMENT)])).text == "None 0"
    assert harness.peers(FORGED) == 1


@pytest.mark.parametrize("headers", [[ELEMENT, ELEMENT], ["URI=front"]])
async def test_an_ambiguous_header_gives_no_identity(headers: list[str]) -> None:
    """Envoy keeps one header; two, or one without an identity, are no statement about the peer."""
    harness = Harness()
    answer = await harness.get(SIDECAR, [(PEER_HEADER, header) for header in headers])
    assert answer.text.startswith("None ")
    assert harness.peers(UNREADABLE) == 1


async def test_without_the_header_there_is_no_identity_and_nothing_is_counted() -> None:
    """Requirement SEC-2: a plain request is not a forgery."""
    harness = Harness()
    assert (await harness.get(SIDECAR)).text == "None 0"
    assert (harness.peers(FORGED), harness.peers(UNREADABLE)) == (0, 0)


async def test_a_denied_call_gets_403_and_other_responses_keep_their_status() -> None:
    """MCP, "Authorization", "Error Handling": insufficient permissions are 403."""
    assert (await Harness(missing_scopes=()).get(SIDECAR)).status_code == 403
    assert (await Harness(missing_scopes=(), status=400).get(SIDECAR)).status_code == 400
    assert (await Harness().get(SIDECAR)).status_code == 200


async def test_without_tokens_no_challenge_is_sent() -> None:
    """RFC 9110, section 11.6.1: a challenge names a scheme that would help."""
    assert "www-authenticate" not in (await Harness(missing_scopes=("a",)).get(SIDECAR)).headers


async def test_scopes_other_than_http_pass_through() -> None:
    """ASGI, "Lifespan Protocol"."""
    seen: list[str] = []

    async def application(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(scope["type"])

    unused: Any = None
    middleware = IdentityMiddleware(application, Settings(), AuthenticationMetrics(CollectorRegistry()))
    await middleware({"type": "lifespan"}, unused, unused)
    assert seen == ["lifespan"]
