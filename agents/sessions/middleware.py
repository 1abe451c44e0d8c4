"""ASGI middleware of an endpoint with sessions: checks their owner and lets the newest stream win."""

from typing import Final, Generic, TypeVar

from mcp.server.streamable_http import GET_STREAM_KEY, LAST_EVENT_ID_HEADER, check_accept_headers
from mcp.shared.inbound import MCP_PROTOCOL_VERSION_HEADER
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from meshed_mcp import contract
from meshed_mcp.agents.sessions.open_session import OpenSession
from meshed_mcp.agents.sessions.owner import owner_of

OK: Final = 200


SessionT = TypeVar("SessionT", bound=OpenSession)


class SessionMiddleware(Generic[SessionT]):
    """Middleware around the SDK's endpoint, inside the check of tokens; subclasses open the sessions."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._sessions: dict[str, SessionT] = {}

    def forget(self, session: str) -> None:
        """Forget a session that the SDK has ended."""
        self._sessions.pop(session, None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or not may_have_session(scope):
            await self._app(scope, receive, send)
        elif (named := Headers(scope=scope).get(contract.SESSION_HEADER)) is None:
            await self._open(scope, receive, send)
        else:
            await self._continue(named, scope, receive, send)

    async def _open(self, scope: Scope, receive: Receive, send: Send) -> None:
        raise NotImplementedError

    async def _continue(self, named: str, scope: Scope, receive: Receive, send: Send) -> None:
        raise NotImplementedError


class MemorySessionMiddleware(SessionMiddleware[OpenSession]):
    """Sessions in the memory of this replica only."""

    async def _open(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request without a session, and note the session that it opens."""
        session = OpenSession(owner_of(scope))

        async def observed(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == OK:
                session.local = Headers(raw=message["headers"]).get(contract.SESSION_HEADER, "")
                if session.local:
                    self._sessions[session.local] = session
            await send(message)

        await self._app(scope, receive, observed)

    async def _continue(self, named: str, scope: Scope, receive: Receive, send: Send) -> None:
        session = self._sessions.get(named)
        if session is None:
            await self._app(scope, receive, send)
        elif session.owner != owner_of(scope):
            await self._app(without_session(scope), receive, send)
        elif opens_stream(scope):
            await session.serve_newest(self._app, scope, receive, send, GET_STREAM_KEY)
        else:
            await self._app(scope, receive, send)


def may_have_session(scope: Scope) -> bool:
    """Whether the SDK serves a request as one of a revision with sessions, which is also the default of the header."""
    version = Headers(scope=scope).get(MCP_PROTOCOL_VERSION_HEADER)
    return version is None or version in HANDSHAKE_PROTOCOL_VERSIONS


def opens_stream(scope: Scope) -> bool:
    """Whether a request opens the stream of messages without a request; one that resumes a stream does not."""
    headers = Headers(scope=scope)
    return scope["method"] == "GET" and LAST_EVENT_ID_HEADER not in headers and check_accept_headers(Request(scope))[1]


def without_session(scope: Scope) -> Scope:
    """Return the scope with an id that names no session: the SDK responds exactly as for one that never existed."""
    return with_session(scope, "-")


def with_session(scope: Scope, session: str) -> Scope:
    """Return the scope with another session id."""
    headers = MutableHeaders(raw=list(scope["headers"]))
    headers[contract.SESSION_HEADER] = session
    return {**scope, "headers": headers.raw}
