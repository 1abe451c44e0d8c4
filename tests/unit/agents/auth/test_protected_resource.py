"""The metadata document of a protected resource, as pages of other origins read it."""

import httpx2
import pytest
from starlette.applications import Starlette

from meshed_mcp.agents.auth.protected_resource import metadata_routes

RESOURCE = "https://mcp.example.com/mcp-notes/mcp"
PATH = "/.well-known/oauth-protected-resource/mcp-notes/mcp"


@pytest.mark.anyio
@pytest.mark.parametrize("asked", ["mcp-protocol-version", "authorization,mcp-protocol-version", "x-any"])
async def test_preflights_allow_every_header(asked: str) -> None:
    """Requirement KEY-3: a page sends the headers of its refused call along, such as an expired token."""
    app = Starlette(routes=metadata_routes(RESOURCE, [], ["notes"], "mcp-notes"))
    headers = {
        "origin": "https://app.example.com",
        "access-control-request-method": "GET",
        "access-control-request-headers": asked,
    }
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="https://mcp.example.com") as client:
        preflight = await client.options(PATH, headers=headers)
        document = await client.get(PATH, headers={"origin": "https://app.example.com"})
    assert preflight.status_code == httpx2.codes.OK
    allowed = preflight.headers["access-control-allow-headers"].replace(" ", "").lower().split(",")
    assert set(asked.split(",")) <= set(allowed)
    assert document.headers["access-control-allow-origin"] == "*"
    assert document.json()["resource"] == RESOURCE
