"""ASGI middleware of an endpoint whose sessions are in Redis: it takes over sessions of replicas that have ended.

A session is taken over by repeating to the SDK what its client has sent to open it: `initialize`, the log level, the
subscriptions. The SDK gives the repeated session an id of its own, which the client never sees.
"""

import json
import logging
import secrets
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import anyio
from mcp.server.streamable_http import GET_STREAM_KEY, LAST_EVENT_ID_HEADER
from prometheus_client import CollectorRegistry, Counter
from pydantic_core import from_json
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from meshed_mcp import contract
from meshed_mcp.agents.http.body_reader import replayed
from meshed_mcp.agents.http.request_context import SCOPE_KEY
from meshed_mcp.agents.sessions import request_ids
from meshed_mcp.agents.sessions.middleware import OK, SessionMiddleware, opens_stream, with_session, without_session
from meshed_mcp.agents.sessions.owner import owner_of
from meshed_mcp.agents.sessions.store import SessionStore, StoreUnavailableError
from meshed_mcp.agents.sessions.stored_session import CURRENT, StoredSession, stream_name

ACCEPTED: Final = 202
REPEAT_SECONDS: Final = 10.0  # longest repetition of one message of a session
SECRET_BYTES: Final = 16

BUSY: Final = PlainTextResponse(
    "This replica cannot take over the session now. Send the request again: it was not executed.\n",
    503,
    headers={"Retry-After": "1"},
)

logger = logging.getLogger(__name__)


class NotTakenOverError(Exception):
    """The SDK did not open the repeated session: the replica is full, or the service has changed."""


class StoredSessionMiddleware(SessionMiddleware[StoredSession]):
    """Middleware around the SDK's endpoint, inside the check of tokens."""

    def __init__(self, app: ASGIApp, store: SessionStore, registry: CollectorRegistry) -> None:
        super().__init__(app)
        self._store = store
        self._names: dict[str, str] = {}
        self._locks = defaultdict[str, anyio.Lock](anyio.Lock)
        self._takeovers = Counter(
            contract.METRIC_SESSION_TAKEOVERS,
            "Sessions of another replica that a client has asked this one for.",
            (contract.LABEL_OUTCOME,),
            registry=registry,
        )
        for outcome in ("resumed", "failed"):
            self._takeovers.labels(outcome)

    def forget(self, session: str) -> None:
        """Forget a session that the SDK has ended; its record expires by itself."""
        name = self._names.pop(session, "")
        found = self._sessions.get(name)
        if found is not None and found.local == session:
            del self._sessions[name]
            found.end()

    async def prolong(self) -> None:
        """Prolong the sessions with open streams, which send no requests."""
        for session in [each for each in self._sessions.values() if each.places]:
            await self._is_mine(session)

    async def _open(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await whole_body(receive)
        session = StoredSession(owner_of(scope), secret=secrets.token_hex(SECRET_BYTES))
        session.note(parsed(body))

        async def observed(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == OK:
                session.name = session.local = Headers(raw=message["headers"]).get(contract.SESSION_HEADER, "")
                if session.name:
                    self._names[session.local], self._sessions[session.name] = session.name, session
                    await self._save(session)
            await send(message)

        with current(session):
            await self._app(scope, replayed(body, receive), observed)

    async def _continue(self, named: str, scope: Scope, receive: Receive, send: Send) -> None:
        session = self._sessions.get(named)
        if session is None or not await self._is_mine(session):
            try:
                session = await self._take_over(named, scope)
            except NotTakenOverError:
                await BUSY(scope, receive, send)
                return
        if session is None or session.owner != owner_of(scope):
            await self._app(without_session(scope), receive, send)
            return
        with current(session):
            await self._serve(session, with_session(scope, session.local), receive, Renamed(session, send).send)

    async def _serve(self, session: StoredSession, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request of a session of this replica."""
        if scope["method"] == "DELETE":
            await self._app(scope, receive, send)
            if session.is_over:
                await self._end(session)
        elif scope["method"] != "POST":
            await self._listen(session, scope, receive, send)
        else:
            await self._post(session, scope, receive, send)

    async def _listen(self, session: StoredSession, scope: Scope, receive: Receive, send: Send) -> None:
        resumed = Headers(scope=scope).get(LAST_EVENT_ID_HEADER)
        position = None if resumed is None else session.position(resumed)
        if position is not None:
            await session.serve_newest(self._app, scope, receive, send, position[1])
        elif opens_stream(scope):
            await session.serve_newest(self._app, scope, receive, send, GET_STREAM_KEY)
        else:
            await self._app(scope, receive, send)

    async def _post(self, session: StoredSession, scope: Scope, receive: Receive, send: Send) -> None:
        body = await whole_body(receive)
        message = parsed(body)
        if session.note(message):
            await self._save(session)
        if session.epoch > 1 and request_ids.is_response(message):
            found = request_ids.incoming(message, session.epoch)
            if found is None:
                await Response(status_code=ACCEPTED)(scope, receive, send)
                return
            body = found
        whole = replayed(body, receive)
        if isinstance(message, dict) and "method" in message and "id" in message:
            # A client that resumes the stream of this request ends this response first.
            stream = stream_name(str(message["id"]))
            await session.serve_newest(self._app, scope, whole, send, stream)
        else:
            await self._app(scope, whole, send)

    async def _take_over(self, named: str, scope: Scope) -> StoredSession | None:
        """Take over a session that another replica has opened; None if the caller has no such session."""
        lock = self._locks[named]
        try:
            async with lock:
                session = self._sessions.get(named)
                if session is not None and await self._is_mine(session):
                    return session
                found = await self._store.load(named)
                if found is None or found.owner != owner_of(scope):
                    return None
                claimed = await self._store.claim(named)
                if claimed is not None:
                    await self._repeat(claimed, scope)
                return claimed
        except StoreUnavailableError:
            return None
        finally:
            if not lock.locked():
                self._locks.pop(named, None)

    async def _repeat(self, session: StoredSession, scope: Scope) -> None:
        """Open a session of the SDK with the messages of this one. Raises NotTakenOverError."""
        with current(session):
            session.is_repeating = True
            for message in session.repeated():
                opens = not session.local
                status, local = await post(self._app, scope, session.local, message)
                if opens and not (status == OK and local):
                    self._takeovers.labels("failed").inc()
                    raise NotTakenOverError
                session.local = session.local or local
            session.is_repeating = False
        self._names[session.local], self._sessions[session.name] = session.name, session
        self._takeovers.labels("resumed").inc()
        logger.info("took over a session of another replica")

    async def _is_mine(self, session: StoredSession) -> bool:
        """Whether no other replica has taken the session over; prolongs it."""
        try:
            is_mine = await self._store.touch(session)
        except StoreUnavailableError:
            return True
        if not is_mine:
            session.end_stream()
            session.end()
            if self._sessions.get(session.name) is session:
                del self._sessions[session.name]
        return is_mine

    async def _save(self, session: StoredSession) -> None:
        try:
            await self._store.save(session)
        except StoreUnavailableError:
            session.is_saved = False

    async def _end(self, session: StoredSession) -> None:
        try:
            await self._store.end(session.name)
        except StoreUnavailableError:
            logger.warning("a session that its client has ended stays in Redis until it expires")


class Renamed:
    """Responses of a session under the id that its client knows."""

    def __init__(self, session: StoredSession, send: Send) -> None:
        self._session, self._send = session, send

    async def send(self, message: Message) -> None:
        """Pass one message of the response on."""
        if self._session.epoch > 1:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=list(message["headers"]))
                if contract.SESSION_HEADER in headers:
                    headers[contract.SESSION_HEADER] = self._session.name
                message = {**message, "headers": headers.raw}
            elif body := message.get("body"):
                message = {**message, "body": request_ids.outgoing(body, self._session.epoch)}
        await self._send(message)


@contextmanager
def current(session: StoredSession) -> Iterator[None]:
    """Make the session that of the running request."""
    token = CURRENT.set(session)
    try:
        yield
    finally:
        CURRENT.reset(token)


async def whole_body(receive: Receive) -> bytes:
    """The body of a request; what has arrived of it if the client disconnects."""
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return b"".join(parts)


def parsed(body: bytes) -> Any:
    """The message of a body; None if it is no JSON, which the SDK rejects."""
    try:
        return from_json(body)
    except ValueError:
        return None


async def post(app: ASGIApp, scope: Scope, session: str, message: Any) -> tuple[int, str]:
    """Send a message as if the client of `scope` had sent it; return status and session id of the response."""
    headers = MutableHeaders(raw=list(scope["headers"]))
    for name in (contract.SESSION_HEADER, LAST_EVENT_ID_HEADER, "content-length", "content-encoding"):
        del headers[name]
    headers["accept"], headers["content-type"] = "application/json, text/event-stream", "application/json"
    if session:
        headers[contract.SESSION_HEADER] = session
    status, opened = 0, ""

    async def observed(part: Message) -> None:
        nonlocal status, opened
        if part["type"] == "http.response.start":
            status, opened = part["status"], Headers(raw=part["headers"]).get(contract.SESSION_HEADER, "")

    own = {name: value for name, value in scope.items() if name != SCOPE_KEY}
    own |= {"method": "POST", "headers": headers.raw, "query_string": b""}
    with anyio.move_on_after(REPEAT_SECONDS):
        await app(own, replayed(json.dumps(message).encode(), _nothing_more), observed)
    return status, opened


async def _nothing_more() -> Message:
    await anyio.sleep_forever()
    raise AssertionError
