"""Event store of the SDK on Redis: what a client has missed, also on another replica.

The SDK names a stream by the request that it belongs to, without its session; the session is that of the context.
"""

from collections.abc import AsyncIterator
from typing import Final

from mcp.server.streamable_http import GET_STREAM_KEY, EventCallback, EventMessage, EventStore
from mcp_types import (
    INTERNAL_ERROR,
    ErrorData,
    JSONRPCError,
    JSONRPCMessage,
    JSONRPCRequest,
    JSONRPCResponse,
    jsonrpc_message_adapter,
)

from meshed_mcp.agents.sessions.store import READ_EVENTS, SessionStore, StoreUnavailableError
from meshed_mcp.agents.sessions.stored_session import CURRENT, KEPT_BYTES, Event, StoredSession, stream_name

LOST: Final = ErrorData(
    code=INTERNAL_ERROR,
    message="The result of this request is lost: the replica that ran it has ended, or the result was too old or too "
    "large to keep. The request may have taken effect.",
)
"""End of a stream that cannot be resumed to its result. Source: JSON-RPC 2.0, section 5.1, internal error."""


class RedisEventStore(EventStore):
    """Events of all sessions of a replica."""

    def __init__(self, store: SessionStore) -> None:
        self._store = store

    async def store_event(self, stream_id: str, message: JSONRPCMessage | None) -> str:
        """Store one event and return its id; never fails."""
        session, stream = CURRENT.get(), stream_name(stream_id)
        if session is None or session.is_repeating or not session.name:
            return "" if session is None else session.event_id(0, stream)
        ends = isinstance(message, JSONRPCResponse | JSONRPCError) and stream_id != GET_STREAM_KEY
        if stream_id != GET_STREAM_KEY and not ends:
            session.running.add(stream)
        number = await self._append(session, Event(session.number, stream, encoded(message), ends, session.epoch))
        if ends:
            session.running.discard(stream)
        session.notify()
        return session.event_id(number, stream)

    async def replay_events_after(self, last_event_id: str, send_callback: EventCallback) -> str | None:
        """Send the events after `last_event_id`, and further ones until the stream ends; an unknown id has none.

        Returns None: the SDK itself would continue a stream only where its older connection has been noticed to be
        dead, and would lose what happens between the two.
        """
        session = CURRENT.get()
        position = None if session is None else session.position(last_event_id)
        if session is None or position is None:
            return None
        after, stream = position
        while not session.is_over:
            changed, runs = session.changed, stream == GET_STREAM_KEY or stream in session.running
            async for event in self._read(session, after):
                after = event.number
                if event.stream == stream and (message := decoded(event, session)) is not None:
                    await send_callback(EventMessage(message, session.event_id(event.number, stream)))
                if event.stream == stream and event.ends:
                    return None
            if not runs:
                error = JSONRPCError(jsonrpc="2.0", id=request_id(stream), error=LOST)
                await send_callback(EventMessage(error, session.event_id(after, stream)))
                return None
            await changed.wait()
        return None

    async def _append(self, session: StoredSession, event: Event) -> int:
        """Number of the event, in Redis or else in memory."""
        try:
            number = await self._store.append(session, event)
        except StoreUnavailableError:
            number = 0
        if number:
            session.number = max(session.number, number)
            return number
        session.number += 1
        session.keep(event._replace(number=session.number))
        return session.number

    async def _read(self, session: StoredSession, after: int) -> AsyncIterator[Event]:
        """Events of Redis and of memory, in order."""
        unsaved = [event for event in session.unsaved if event.number > after]
        while True:
            try:
                saved = await self._store.read(session, after)
            except StoreUnavailableError:
                saved = []
            for event in saved:
                while unsaved and unsaved[0].number < event.number:
                    yield unsaved.pop(0)
                yield event
                after = event.number
            if len(saved) < READ_EVENTS:
                break
        for event in unsaved:
            yield event


def encoded(message: JSONRPCMessage | None) -> str:
    """JSON of a message, as the SDK sends it; LOST for a response that is too large to keep, "" for other messages."""
    if message is None:
        return ""
    data = message.model_dump_json(by_alias=True, exclude_unset=True)
    if len(data) <= KEPT_BYTES:
        return data
    if not isinstance(message, JSONRPCResponse | JSONRPCError):
        return ""
    error = JSONRPCError(jsonrpc="2.0", id=message.id, error=LOST)
    return error.model_dump_json(by_alias=True, exclude_unset=True)


def decoded(event: Event, session: StoredSession) -> JSONRPCMessage | None:
    """Message of an event; None without one, and for a request of a replica that no longer waits for its response."""
    if not event.data:
        return None
    message: JSONRPCMessage = jsonrpc_message_adapter.validate_json(event.data)
    return None if isinstance(message, JSONRPCRequest) and event.epoch != session.epoch else message


def request_id(stream: str) -> int | str:
    """JSON-RPC id of the request that a stream belongs to; the SDK keeps only its text."""
    return int(stream) if stream.isascii() and stream.isdecimal() and str(int(stream)) == stream else stream
