"""Headers of HTTP requests whose values rotate."""

from collections.abc import Callable

import httpx2
import pytest

from meshed_mcp.agents.client.secret_headers import SecretHeaders

pytestmark = pytest.mark.anyio


async def tokens_sent(read: Callable[[], str], accepted: str) -> tuple[int, list[str]]:
    """Status of one request to a server that accepts one token, and the tokens that it got."""
    seen: list[str] = []

    def respond(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.headers["x-key"])
        return httpx2.Response(200 if seen[-1] == accepted else 401)

    auth = SecretHeaders({"x-key": read})
    async with httpx2.AsyncClient(transport=httpx2.MockTransport(respond), auth=auth) as client:
        return (await client.post("http://upstream/mcp", json={"id": 1})).status_code, seen


async def test_a_request_that_an_old_token_lost_is_repeated_once_with_the_new_one() -> None:
    """Requirement ROT-6: 401 means that the server did nothing."""
    values = iter(("old", "new"))
    assert await tokens_sent(lambda: next(values), "new") == (200, ["old", "new"])


async def test_a_request_is_not_repeated_with_the_same_token() -> None:
    """RFC 9110, section 15.5.2: repeating a request with the same credentials has no effect."""
    assert await tokens_sent(lambda: "wrong", "right") == (401, ["wrong"])


async def test_a_second_401_is_the_response() -> None:
    """Requirement ROT-6: a request is repeated once."""
    values = iter(("a", "b", "c", "d"))
    assert await tokens_sent(lambda: next(values), "z") == (401, ["a", "b"])
