"""CORS of a process without a gateway."""

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from meshed_mcp import contract
from meshed_mcp.agents.http.edge import EdgeMiddleware
from meshed_mcp.agents.settings import Settings

pytestmark = pytest.mark.anyio

PAGE = "https://app.example.com"
HOST = "mcp-search"
ASKED = {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}
ALLOW = "access-control-allow-origin"


async def answer(_: Request) -> Response:
    """A response that no cache may give to another page."""
    return PlainTextResponse("ok", headers={"vary": "Accept"})


async def sent(
    method: str, origin: str | None, *, path: str = "/mcp", asked: dict[str, str] | None = None, **settings: object
) -> httpx2.Response:
    """The response to a page."""
    chosen = Settings.model_validate({"allowed_hosts": (HOST,), **settings})
    routes = [Route("/mcp", answer, methods=["POST"]), Route("/other", answer)]
    transport = httpx2.ASGITransport(EdgeMiddleware(Starlette(routes=routes), chosen))
    headers = {**({} if origin is None else {"origin": origin}), **(asked or {})}
    async with httpx2.AsyncClient(transport=transport, base_url=f"http://{HOST}") as client:
        return await client.request(method, path, headers=headers)


async def test_a_preflight_of_an_allowed_page_is_answered_without_the_application() -> None:
    """Requirement WEB-1; WHATWG Fetch, "CORS-preflight fetch"."""
    found = await sent("OPTIONS", PAGE, asked=ASKED, allowed_origins=(PAGE,), cors_headers=("x-organization-id",))
    allowed = found.headers["access-control-allow-headers"].split(", ")
    assert (found.status_code, found.headers[ALLOW]) == (200, PAGE)
    assert {"authorization", "mcp-protocol-version", "x-organization-id"} <= {*allowed}
    assert found.headers["access-control-max-age"] == str(contract.PREFLIGHT_SECONDS)
    assert "access-control-allow-credentials" not in found.headers


async def test_a_page_reads_the_headers_of_the_protocol() -> None:
    """Requirement WEB-1; RFC 9110, section 12.5.5: the response varies with the origin."""
    found = await sent("POST", PAGE, allowed_origins=(PAGE,), cors_credentials=True)
    exposed = found.headers["access-control-expose-headers"].split(", ")
    assert (found.status_code, found.headers[ALLOW]) == (200, PAGE)
    assert {"mcp-session-id", "mcp-protocol-version", "www-authenticate"} <= {*exposed}
    assert found.headers["access-control-allow-credentials"] == "true"
    assert found.headers["vary"] == "Accept, Origin"


@pytest.mark.parametrize(
    "origin", ["https://evil.example.com", f"{PAGE}.evil.example", "null", "http://app.example.com"]
)
@pytest.mark.parametrize("allowed", [(PAGE,), ()])
async def test_another_page_is_rejected(origin: str, allowed: tuple[str, ...]) -> None:
    """Requirement WEB-2; MCP 2026-07-28, Streamable HTTP, "Security Warning": 403."""
    found = await sent("POST", origin, allowed_origins=allowed)
    assert (found.status_code, found.headers.get(ALLOW)) == (403, None)
    assert contract.ENV_ALLOWED_ORIGINS in found.text
    assert ALLOW not in (await sent("OPTIONS", origin, asked=ASKED, allowed_origins=allowed)).headers


@pytest.mark.parametrize(("origin", "status"), [("https://any.example", 200), ("null", 403), ("any", 403)])
async def test_every_origin_is_every_origin_but_null(origin: str, status: int) -> None:
    """Requirement WEB-3: sandboxed frames of every page have the origin `null`."""
    assert (await sent("POST", origin, allowed_origins=("*",))).status_code == status


async def test_pages_at_the_hosts_of_the_process_need_no_cors() -> None:
    """WHATWG Fetch: a request to the page's own origin."""
    found = await sent("POST", f"http://{HOST}", allowed_origins=(PAGE,))
    assert (found.status_code, found.headers.get(ALLOW)) == (200, None)


async def test_other_routes_have_a_policy_of_their_own() -> None:
    """Requirement CMP-8: the setting is about the MCP endpoint."""
    found = await sent("GET", "https://evil.example.com", path="/other", allowed_origins=(PAGE,))
    assert (found.status_code, found.headers.get(ALLOW)) == (200, None)


@pytest.mark.parametrize(
    ("settings", "origins"),
    [
        ({}, contract.LOOPBACK_ORIGINS),
        ({"allowed_hosts": (HOST,)}, ()),
        ({"allowed_hosts": (HOST,), "allowed_origins": (PAGE,)}, (PAGE,)),
        ({"allowed_origins": ()}, ()),
    ],
)
def test_a_process_on_the_developers_machine_allows_its_pages(
    settings: dict[str, tuple[str, ...]], origins: tuple[str, ...]
) -> None:
    """Requirement WEB-4: without settings the process serves loopback names only."""
    assert Settings.model_validate(settings).page_origins == origins
