"""Sessions of older clients: the newest stream wins, and only the owner of a session may use it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import anyio
import httpx2
import pytest
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from pydantic import AnyHttpUrl
from starlette.types import ASGIApp, Message

from meshed_mcp import contract
from meshed_mcp.agents import MCPService, Settings
from meshed_mcp.agents.auth.identity import PEER_HEADER
from meshed_mcp.contract import Legacy

pytestmark = pytest.mark.anyio

URL: Final = "http://127.0.0.1:8000/mcp"
INITIALIZE: Final = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "old", "version": "1"}},
}
PING: Final = {"jsonrpc": "2.0", "id": 2, "method": "ping"}
STREAM: Final = {"Accept": "text/event-stream", "MCP-Protocol-Version": "2025-11-25"}
SECONDS: Final = 20


class Tokens:
    """Accepts every token as that of a user with the same name."""

    async def verify_token(self, token: str) -> AccessToken | None:
        """The token's user."""
        return AccessToken(token=token, client_id="app", scopes=[], subject=token, claims={"iss": "https://login"})


@asynccontextmanager
async def served(**options: Any) -> AsyncIterator[tuple[ASGIApp, httpx2.AsyncClient]]:
    """A service with sessions, and a client of it."""
    service = MCPService("mcp-test", **options)
    app = service.http_app(Settings(legacy=Legacy.STICKY, trusted_proxies=(contract.ANY_PROXY,)))
    headers = {"Accept": "application/json, text/event-stream"}
    transport = httpx2.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx2.AsyncClient(transport=transport, headers=headers) as client:
        yield app, client


async def opened(client: httpx2.AsyncClient, **headers: str) -> str:
    """Id of a new session."""
    response = await client.post(URL, json=INITIALIZE, headers=headers)
    assert response.status_code == 200
    return response.headers[contract.SESSION_HEADER]


class Stream:
    """A GET whose client stops reading: `blocked` is set once the server waits for it, as on a dead connection."""

    def __init__(self, session: str, headers: dict[str, str] | None = None, *, reads: bool = True) -> None:
        named = {**STREAM, contract.SESSION_HEADER: session, "host": "127.0.0.1:8000", **(headers or {})}
        raw = [(name.lower().encode(), value.encode()) for name, value in named.items()]
        self.scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
            "path": "/mcp", "raw_path": b"/mcp", "root_path": "", "query_string": b"", "headers": raw,
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8000),
        }  # fmt: skip
        self.reads = reads
        self.status, self.asked = 0, False
        self.started, self.ended = anyio.Event(), anyio.Event()
        self.last: Message = {}

    async def run(self, app: ASGIApp) -> None:
        """Send the request; returns when the server has ended it."""
        await app(self.scope, self._receive, self._send)
        self.ended.set()

    async def _receive(self) -> Message:
        if self.asked:
            await anyio.sleep_forever()
        self.asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.started.set()
        elif not self.reads:
            await anyio.sleep_forever()
        self.last = message


@pytest.mark.parametrize("reads", [True, False])
async def test_a_new_get_ends_the_older_one(reads: bool) -> None:
    """Requirement STR-2: a client that lost its network listens again at once, before TCP gives up."""
    async with served() as (app, client), anyio.create_task_group() as tasks:
        session = await opened(client)
        streams = [Stream(session, reads=reads) for _ in range(3)]
        with anyio.fail_after(SECONDS):
            for stream in streams:
                tasks.start_soon(stream.run, app)
                await stream.started.wait()
            for stream in streams[:-1]:
                await stream.ended.wait()
        assert [stream.status for stream in streams] == [200, 200, 200]
        assert not streams[-1].ended.is_set()
        if reads:
            assert all(stream.last["more_body"] is False for stream in streams[:-1])
        tasks.cancel_scope.cancel()


async def test_many_gets_at_once_leave_one_stream() -> None:
    """Requirement STR-2: each ends, and only the newest stays."""
    async with served() as (app, client), anyio.create_task_group() as tasks:
        session = await opened(client)
        streams = [Stream(session) for _ in range(20)]
        for stream in streams:
            tasks.start_soon(stream.run, app)
        with anyio.fail_after(SECONDS):
            await streams[-1].started.wait()
            for stream in streams[:-1]:
                await stream.ended.wait()
        assert streams[-1].status == 200
        assert {stream.status for stream in streams[:-1]} <= {200, 409}
        tasks.cancel_scope.cancel()


async def test_a_get_that_cannot_listen_ends_no_stream() -> None:
    """RFC 9110, section 15.5.7: a request that is not acceptable has no effect."""
    async with served() as (app, client), anyio.create_task_group() as tasks:
        session = await opened(client)
        stream = Stream(session)
        tasks.start_soon(stream.run, app)
        await stream.started.wait()
        named = {contract.SESSION_HEADER: session, "Accept": "application/json"}
        assert (await client.get(URL, headers=named)).status_code == 406
        assert (await client.post(URL, json=PING, headers={contract.SESSION_HEADER: session})).status_code == 200
        assert not stream.ended.is_set()
        tasks.cancel_scope.cancel()


async def test_the_end_of_a_session_ends_its_stream() -> None:
    """MCP 2025-11-25, "Session Management": DELETE."""
    async with served() as (app, client), anyio.create_task_group() as tasks:
        session = await opened(client)
        stream = Stream(session)
        tasks.start_soon(stream.run, app)
        await stream.started.wait()
        named = {contract.SESSION_HEADER: session}
        assert (await client.delete(URL, headers=named)).status_code == 200
        with anyio.fail_after(SECONDS):
            await stream.ended.wait()
        assert (await client.post(URL, json=PING, headers=named)).status_code == 404


def peer(name: str) -> dict[str, str]:
    """The header of a sidecar."""
    return {PEER_HEADER: f"URI=spiffe://cluster.local/ns/mcp/sa/{name}"}


async def test_a_session_of_another_mesh_identity_does_not_exist() -> None:
    """Requirement STR-3: 404 as for an unknown session, and the owner's stream stays."""
    async with served() as (app, client), anyio.create_task_group() as tasks:
        session = await opened(client, **peer("front"))
        stream = Stream(session, peer("front"))
        tasks.start_soon(stream.run, app)
        await stream.started.wait()
        named = {contract.SESSION_HEADER: session}
        foreign = [
            await client.post(URL, json=PING, headers=named | peer("other")),
            await client.get(URL, headers=named | peer("other") | STREAM),
            await client.delete(URL, headers=named | peer("other")),
        ]
        unknown = await client.post(URL, json=PING, headers={contract.SESSION_HEADER: "f" * 32})
        assert {(response.status_code, response.content) for response in foreign} == {(404, unknown.content)}
        assert (await client.post(URL, json=PING, headers=named | peer("front"))).status_code == 200
        assert not stream.ended.is_set()
        tasks.cancel_scope.cancel()


async def test_a_session_of_another_token_does_not_exist() -> None:
    """Requirement STR-3; SDK, `authorization_context`."""
    auth = AuthSettings(
        issuer_url=AnyHttpUrl("https://login"),
        resource_server_url=AnyHttpUrl("https://mcp/own"),
        validate_token_resource=False,
    )
    async with served(token_verifier=Tokens(), auth=auth) as (_, client):
        session = await opened(client, Authorization="Bearer ann")
        named = {contract.SESSION_HEADER: session}
        statuses = [
            (await client.post(URL, json=PING, headers=named | {"Authorization": f"Bearer {user}"})).status_code
            for user in ("ann", "bob")
        ]
        assert statuses == [200, 404]
        assert (await client.post(URL, json=PING, headers=named)).status_code == 401
