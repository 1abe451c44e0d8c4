"""HTTP API of the registry: official responses, leases and one-line errors."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from sqlalchemy import create_engine

from meshed_mcp.agents.registry.app import LEASE_META, MAX_BODY_BYTES, OFFICIAL_META, registry_app
from meshed_mcp.agents.registry.problem import PROBLEM_TYPE
from meshed_mcp.agents.registry.store import Store
from meshed_mcp.agents.state.database import Database

pytestmark = pytest.mark.anyio

VERSION = "/v0.1/servers/mcp-system%2Fmcp-rag/versions/1.0.0"
DOCUMENT: dict[str, Any] = {
    "name": "mcp-system/mcp-rag",
    "description": "Search",
    "version": "1.0.0",
    "remotes": [{"type": "streamable-http", "url": "http://mcp-rag:8000/mcp"}],
}


def client_of(store: Store) -> httpx.AsyncClient:
    """Return a client of the application without a network."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(registry_app(store)), base_url="http://mcp-registry:8000")


@pytest.fixture
async def http(sqlite_store: Store) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an empty registry."""
    async with client_of(sqlite_store) as client:
        yield client


def assert_problem(response: httpx.Response, status: int, text: str) -> None:
    """Assert that the response is a one-line problem that contains `text`."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == PROBLEM_TYPE
    answer = response.json()
    assert answer["status"] == status
    assert answer["error"] == answer["detail"]
    assert text in answer["detail"], answer["detail"]
    assert "\n" not in answer["detail"]
    assert "Traceback" not in response.text


async def test_a_published_server_is_listed_in_the_official_shape(http: httpx.AsyncClient) -> None:
    """Official registry API v0.1, schemas `ServerList` and `ServerResponse`."""
    published = await http.post("/v0.1/publish", json=DOCUMENT)
    assert published.status_code == 200
    listed = (await http.get("/v0.1/servers")).json()
    assert listed == {"servers": [published.json()], "metadata": {"count": 1}}
    server = listed["servers"][0]
    assert {name: server["server"][name] for name in DOCUMENT} == DOCUMENT
    assert server["_meta"][OFFICIAL_META] == {
        "status": "active",
        "publishedAt": "1970-01-12T13:46:40.000Z",
        "updatedAt": "1970-01-12T13:46:40.000Z",
        "isLatest": True,
    }
    assert server["_meta"][LEASE_META] == {"expiresAt": "1970-01-12T13:47:10.000Z"}


@pytest.mark.parametrize(
    "path",
    [VERSION, "/v0.1/servers/mcp-system%2Fmcp-rag/versions/latest", "/v0.1/servers/mcp-system/mcp-rag/versions/latest"],
)
async def test_a_version_is_found_by_its_percent_encoded_name(http: httpx.AsyncClient, path: str) -> None:
    """Official registry API v0.1: names are percent-encoded; proxies may decode the slash."""
    published = (await http.post("/v0.1/publish", json=DOCUMENT)).json()
    assert (await http.get(path)).json() == published


async def test_all_versions_of_a_server_are_listed(http: httpx.AsyncClient) -> None:
    """Official registry API v0.1, `GET /v0.1/servers/{serverName}/versions`."""
    for version in ("1.0.0", "1.1.0"):
        await http.post("/v0.1/publish", json={**DOCUMENT, "version": version})
    listed = (await http.get("/v0.1/servers/mcp-system%2Fmcp-rag/versions")).json()
    latest = {item["server"]["version"]: item["_meta"][OFFICIAL_META]["isLatest"] for item in listed["servers"]}
    assert latest == {"1.0.0": False, "1.1.0": True}


async def test_a_list_is_paged_by_its_cursor(http: httpx.AsyncClient) -> None:
    """Official registry API v0.1: `metadata.nextCursor` is passed on unchanged, and absent on the last page."""
    for name in ("a/a", "a/b", "a/c"):
        await http.post("/v0.1/publish", json={**DOCUMENT, "name": name})
    first = (await http.get("/v0.1/servers", params={"limit": 2})).json()
    second = (await http.get("/v0.1/servers", params={"limit": 2, "cursor": first["metadata"]["nextCursor"]})).json()
    found = [item["server"]["name"] for page in (first, second) for item in page["servers"]]
    assert found == ["a/a", "a/b", "a/c"]
    assert "nextCursor" not in second["metadata"]


async def test_a_lease_is_acquired_renewed_and_released(http: httpx.AsyncClient) -> None:
    """Requirement REG-1: a server registers, sends heartbeats, and deregisters at drain."""
    await http.post("/v0.1/publish", json=DOCUMENT, params={"instance": "pod-1", "lease_seconds": 10})
    renewed = await http.put(f"{VERSION}/leases/pod-1", params={"lease_seconds": 60})
    assert renewed.json() == {"instance": "pod-1", "expires_at": 1_000_060.0}
    assert (await http.delete(f"{VERSION}/leases/pod-1")).status_code == 204
    assert_problem(await http.get(VERSION), 404, "mcp-system/mcp-rag: no live server has this name")
    assert_problem(await http.put(f"{VERSION}/leases/pod-1"), 404, "not registered; publish it again")


async def test_a_put_of_a_version_registers_it_and_a_delete_removes_it(http: httpx.AsyncClient) -> None:
    """Official registry API v0.1: optional PUT and DELETE of a version; the response is the server."""
    assert (await http.put(VERSION, json=DOCUMENT)).status_code == 200
    deleted = await http.delete(VERSION)
    assert deleted.json()["_meta"][OFFICIAL_META]["status"] == "deleted"
    assert_problem(await http.delete(VERSION), 404, "not registered")


async def test_a_put_whose_path_and_body_disagree_is_rejected(http: httpx.AsyncClient) -> None:
    """Requirement REG-6: the path names the version that the body describes."""
    answer = await http.put(VERSION, json={**DOCUMENT, "version": "2.0.0"})
    assert_problem(answer, 422, "the path names mcp-system/mcp-rag 1.0.0, the document mcp-system/mcp-rag 2.0.0")


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"limit": "0"}, "limit: Input should be greater than or equal to 1 (got '0')"),
        ({"limit": "101"}, "limit: Input should be less than or equal to 100"),
        ({"updated_since": "yesterday"}, "updated_since:"),
        ({"search": "x" * 201}, "search: String should have at most 200 characters"),
    ],
)
async def test_a_parameter_out_of_bounds_is_named(
    http: httpx.AsyncClient, parameters: dict[str, str], text: str
) -> None:
    """Requirement RUN-4: every input is bounded, and the error names the parameter that is out of bounds."""
    assert_problem(await http.get("/v0.1/servers", params=parameters), 422, text)


@pytest.mark.parametrize("lease", [{"lease_seconds": "0"}, {"lease_seconds": "3601"}, {"instance": "a b"}])
async def test_a_lease_out_of_bounds_is_rejected(http: httpx.AsyncClient, lease: dict[str, str]) -> None:
    """Requirement REG-5: a lease is at most one hour, so an entry of a dead server expires within an hour."""
    assert_problem(await http.post("/v0.1/publish", json=DOCUMENT, params=lease), 422, next(iter(lease)))


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"{", "document: Invalid JSON"),
        (b"[]", "document: Input should be an object"),
        (b'{"name": "x"}', "name: String should have at least 3 characters (got 'x'); description: Field required"),
        (b"\xff", "Invalid JSON"),
    ],
)
async def test_an_invalid_document_is_rejected(http: httpx.AsyncClient, body: bytes, text: str) -> None:
    """Requirement REG-6: errors are one line of JSON, without a traceback."""
    assert_problem(await http.post("/v0.1/publish", content=body), 422, text)


async def test_a_body_over_the_limit_is_rejected_without_content_length(http: httpx.AsyncClient) -> None:
    """Requirement RUN-4: request bodies are bounded; RFC 9110, section 15.5.14."""

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(MAX_BODY_BYTES // 65536 + 1):
            yield b" " * 65536

    assert_problem(await http.post("/v0.1/publish", content=endless()), 413, "larger than 1048576 bytes")


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/v0.1/nothing", 404), ("PATCH", "/v0.1/servers", 405)])
async def test_an_unknown_endpoint_returns_problem_details(
    http: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    """RFC 9457: one form for every error."""
    assert_problem(await http.request(method, path), status, f"{method} '{path}'")


async def test_a_nul_character_is_a_client_error(store: Store) -> None:
    """PostgreSQL keeps no NUL, SQLite does: neither may respond with a server error."""
    async with client_of(store) as http:
        answer = await http.post("/v0.1/publish", json={**DOCUMENT, "description": "a\0b"})
    assert answer.status_code in {200, 422}
    if answer.status_code == 422:
        assert_problem(answer, 422, "a value contains a character that cannot be stored")


async def test_an_unreachable_database_returns_503_without_internal_details() -> None:
    """Requirement RUN-15: the response reveals neither hosts nor users of the database."""
    engine = create_engine("postgresql+psycopg://meshed:secret@127.0.0.1:1/x")
    async with client_of(Store(Database(engine))) as http:
        answer = await http.get("/v0.1/servers")
    engine.dispose()
    assert_problem(answer, 503, "the registry's database does not respond; try again")
    assert "127.0.0.1" not in answer.text
