"""Host, public URL, trailing slash and Origin of requests to a served application, without a network."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import Scope

from meshed_mcp import contract
from meshed_mcp.agents import MCPService
from meshed_mcp.agents.http.edge import EdgeMiddleware
from meshed_mcp.agents.http.lifespan import lifespan
from meshed_mcp.agents.settings import Settings

pytestmark = pytest.mark.anyio

PUBLIC = "https://mcp.example.com/mcp-search"
OWN = "https://search.example.com"
INSIDE = "mcp-search:8000"
PAGE = "https://app.example.com"
LEGACY = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
LISTED: dict[str, Any] = {"allowed_hosts": ("mcp-search", "mcp-search:*"), "public_urls": (PUBLIC, OWN)}


def service() -> MCPService[Any]:
    """A service with routes that show their own URL."""
    made = MCPService("mcp-search")

    @made.custom_route("/mcp/base", ["GET"], name="base")
    async def base(request: Request) -> Response:
        links = [str(request.url), str(request.base_url), str(request.url_for("base"))]
        return JSONResponse([*links, request.headers["host"]])

    @made.custom_route("/mcp/away", ["POST"])
    async def away(request: Request) -> Response:
        return RedirectResponse(request.url_for("base"), 303)

    return made


async def sent(
    method: str,
    path: str,
    host: str = INSIDE,
    settings: dict[str, Any] | None = None,
    peer: str = "10.0.0.1",
    **more: Any,
) -> httpx2.Response:
    """The response to one request of a peer."""
    made = service()
    chosen = Settings(**(LISTED if settings is None else settings))
    app = made.http_app(chosen)
    transport = httpx2.ASGITransport(EdgeMiddleware(app, chosen), client=(peer, 1))
    headers = {"host": host, **more.pop("headers", {})}
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://any") as client,
    ):
        return await client.request(method, path, headers=headers, **more)


@pytest.mark.parametrize(
    ("host", "base"),
    [
        ("mcp.example.com", PUBLIC),
        ("MCP.Example.COM", PUBLIC),
        ("mcp.example.com:8443", "https://mcp.example.com:8443/mcp-search"),
        ("search.example.com", OWN),
        (INSIDE, f"http://{INSIDE}"),
    ],
)
async def test_a_service_knows_its_url_as_the_client_wrote_it(host: str, base: str) -> None:
    """Requirement WEB-5; ASGI specification, "HTTP Connection Scope", `root_path`."""
    url, root, link, seen = (await sent("GET", "/mcp/base", host)).json()
    assert (url, root, link) == (f"{base}/mcp/base", f"{base}/", f"{base}/mcp/base")
    assert seen == host.lower()


@pytest.mark.parametrize("path", ["/mcp", "/mcp/"])
@pytest.mark.parametrize("host", ["mcp.example.com", INSIDE])
async def test_the_endpoint_is_served_with_and_without_a_slash(path: str, host: str) -> None:
    """Requirement WEB-6; RFC 9110, section 15.4.8: a redirect makes some clients lose the body."""
    assert (await sent("POST", path, host, json=PING, headers=LEGACY)).status_code == 200


async def test_an_endpoint_whose_path_ends_with_a_slash_is_served_without_it() -> None:
    """Requirement WEB-6."""
    settings = {"allowed_hosts": ("mcp-search:*",), "path": "/mcp/"}
    assert (await sent("POST", "/mcp", settings=settings, json=PING, headers=LEGACY)).status_code == 200


@pytest.mark.parametrize("path", ["/mcp/base/", "/mcp/away"])
async def test_redirects_have_the_public_url(path: str) -> None:
    """Requirement WEB-5: Starlette's own redirects too."""
    answer = await sent("POST" if path.endswith("away") else "GET", path, "mcp.example.com")
    assert answer.headers["location"] == f"{PUBLIC}/mcp/base"


@pytest.mark.parametrize(
    "forged",
    [
        {"x-forwarded-host": "attacker.example", "x-forwarded-proto": "gopher", "x-forwarded-prefix": "/attacker"},
        {"forwarded": "host=attacker.example;proto=http"},
        {"x-original-url": "/attacker", "x-rewrite-url": "/attacker"},
    ],
)
@pytest.mark.parametrize(("host", "base"), [("mcp.example.com", PUBLIC), (INSIDE, f"http://{INSIDE}")])
async def test_forwarded_headers_change_nothing(forged: dict[str, str], host: str, base: str) -> None:
    """Requirement WEB-7: every client can send them."""
    assert (await sent("GET", "/mcp/base", host, headers=forged)).json()[0] == f"{base}/mcp/base"


async def test_the_token_metadata_of_a_host_has_no_prefix() -> None:
    """RFC 8615, section 3: a well-known URI is at the root of its host."""
    row = {"issuer": "https://login.example.com", "audiences": ["tools"], "jwks_url": "https://login.example.com/jwks"}
    settings = {**LISTED, "auth_issuers": (row,), "auth_resource": f"{PUBLIC}/mcp"}
    path = "/.well-known/oauth-protected-resource/mcp-search/mcp"
    answer = await sent("GET", path, "mcp.example.com", settings, headers={"origin": "https://any.example"})
    assert (answer.status_code, answer.json()["resource"]) == (200, f"{PUBLIC}/mcp")
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(("peer", "status"), [("127.0.0.1", 200), ("127.0.0.6", 421), ("10.0.0.1", 421)])
async def test_a_port_forward_reaches_the_endpoint(peer: str, status: int) -> None:
    """Requirement WEB-4: `kubectl port-forward` connects from the loopback address, and the sidecar does not."""
    answer = await sent("POST", "/mcp", "localhost:8000", peer=peer, json=PING, headers=LEGACY)
    assert answer.status_code == status


async def test_the_rejection_of_a_host_names_the_setting() -> None:
    """Requirement CFG-12: the key of a stack, and the variable of a process."""
    answer = await sent("GET", "/mcp", "attacker.example")
    assert answer.status_code == 421
    assert "public_urls" in answer.text
    assert contract.ENV_PUBLIC_URLS in answer.text
    freed = {**LISTED, "public_urls": ("http://attacker.example",)}
    assert (await sent("GET", "/mcp/base", "attacker.example", freed)).status_code == 200


@pytest.mark.property
@given(
    host=st.sampled_from(["mcp.example.com", "search.example.com", INSIDE]),
    path=st.text(st.sampled_from("abm/c.%2f~"), max_size=12).map(lambda rest: f"/mcp/base{rest}"),
)
async def test_no_path_leads_to_another_host(host: str, path: str) -> None:
    """Requirement WEB-7: a redirect stays at the host of the request."""
    answer = await sent("GET", path, host)
    location = answer.headers.get("location", f"//{host}/")
    assert location.partition("//")[2].startswith(f"{host}/")


async def test_the_lifespan_passes_through() -> None:
    """ASGI, "Lifespan Protocol": a wrapper hands every scope it does not know to the application."""
    started: list[str] = []
    unused: Any = None

    async def application(scope: Scope, *_: object) -> None:
        started.append(scope["type"])

    await EdgeMiddleware(application, Settings())({"type": "lifespan"}, unused, unused)
    assert started == ["lifespan"]


async def test_the_application_starts_and_stops_behind_the_edge() -> None:
    """ASGI, "Lifespan Protocol": its scope has no headers, and every application gets it."""
    events: list[str] = []

    @contextlib.asynccontextmanager
    async def noted(_: Starlette) -> AsyncIterator[None]:
        events.append("started")
        yield
        events.append("stopped")

    app = EdgeMiddleware(Starlette(lifespan=noted), Settings())
    async with lifespan(app):
        assert events == ["started"]
    assert events == ["started", "stopped"]
