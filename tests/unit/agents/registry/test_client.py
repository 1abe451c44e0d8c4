"""The registry's client against the registry's application."""

from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from meshed_mcp.agents.registry import NotRegisteredError, RegistryClient, RegistryError
from meshed_mcp.agents.registry.app import registry_app
from meshed_mcp.agents.registry.model import server_entry
from meshed_mcp.agents.registry.store import Store

pytestmark = pytest.mark.anyio

URL = "http://mcp-registry:8000"
RAG = server_entry("ns/rag", "1.0.0", "http://mcp-rag:8000/mcp", description="Search")


@pytest.fixture
async def client(sqlite_store: Store) -> AsyncIterator[RegistryClient]:
    """A client of an empty registry."""
    async with RegistryClient(URL, transport=httpx.ASGITransport(registry_app(sqlite_store))) as registry:
        yield registry


def answering(answer: Callable[[httpx.Request], httpx.Response]) -> RegistryClient:
    """A client of a registry with a canned response."""
    return RegistryClient(URL, transport=httpx.MockTransport(answer))


async def test_a_published_server_is_found_by_name(client: RegistryClient) -> None:
    """Requirement REG-2: discovery by name returns the URL to connect to."""
    await client.publish(RAG, "pod-1", 30)
    assert await client.look_up("ns/rag") == RAG
    assert (await client.look_up("ns/rag", "1.0.0")).url == "http://mcp-rag:8000/mcp"


async def test_an_unregistered_name_differs_from_an_unreachable_registry(client: RegistryClient) -> None:
    """Requirement REG-2: "not registered" and "not reachable" are two errors."""
    with pytest.raises(NotRegisteredError, match="ns/other: no live server has this name"):
        await client.look_up("ns/other")


async def test_listing_follows_all_pages(client: RegistryClient) -> None:
    """Official registry API v0.1: 30 entries per page unless the client sets a limit."""
    for number in range(65):
        await client.publish(RAG.model_copy(update={"name": f"ns/s{number:02}"}), "pod-1", 30)
    assert [entry.name async for entry in client.servers()] == [f"ns/s{number:02}" for number in range(65)]
    assert [entry.name async for entry in client.servers("s07")] == ["ns/s07"]


async def test_a_version_with_build_metadata_is_percent_encoded(client: RegistryClient) -> None:
    """Official registry API v0.1: `1.0.0+2013` is written `1.0.0%2B2013` in a path."""
    built = RAG.model_copy(update={"version": "1.0.0+2013"})
    await client.publish(built, "pod-1", 30)
    await client.renew(built, "pod-1", 30)
    assert await client.look_up("ns/rag", "1.0.0+2013") == built
    await client.release(built, "pod-1")


async def test_an_unreachable_registry_is_named() -> None:
    """Requirement RUN-9: one line says which registry did not respond, and why."""

    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    async with answering(refuse) as client:
        with pytest.raises(RegistryError, match=f"^the registry at {URL} does not respond: ConnectError refused$"):
            await client.look_up("ns/rag")


@pytest.mark.parametrize(
    ("response", "text"),
    [
        (httpx.Response(503, json={"detail": "no\ndatabase"}), "returned 503: no database"),
        (httpx.Response(502, text="<html>\nbad gateway"), "returned 502: <html> bad gateway"),
        (httpx.Response(200, json={"server": {"name": "x"}}), "an entry that is no server.json: name: "),
        (httpx.Response(200, json=[]), r"returned 200: \[\]"),
    ],
)
async def test_an_invalid_response_is_reported_in_one_line(response: httpx.Response, text: str) -> None:
    """Requirement RUN-9: a proxy's page or another server's JSON ends in one line, not in a traceback."""
    async with answering(lambda _: response) as client:
        with pytest.raises(RegistryError, match=text) as caught:
            await client.look_up("ns/rag")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("answer", [{}, {"instance": "pod-1"}, {"instance": 1, "expires_at": "soon"}])
async def test_an_invalid_lease_response_is_a_registry_error(answer: dict[str, object]) -> None:
    """Requirement REG-3: the client raises one kind of error, in one line, whatever the registry returns."""
    async with answering(lambda _: httpx.Response(200, json=answer)) as client:
        with pytest.raises(RegistryError, match=r"^the registry at http://mcp-registry:8000 returned no lease: \w+: "):
            await client.renew(RAG, "pod-1", 30)
