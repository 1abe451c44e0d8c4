"""Resumable event streams of sessions: the last events of every stream, in the memory of one replica.

Source: MCP 2025-11-25, "Resumability and Redelivery".
"""

from collections import deque
from itertools import count
from typing import Final

from mcp.server.streamable_http import EventCallback, EventMessage, EventStore
from mcp_types import JSONRPCMessage

KEPT_EVENTS: Final = 1000
"""Maximum number of stored events, over all streams."""


class RecentEvents(EventStore):
    """The last `KEPT_EVENTS` events."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._events: deque[tuple[str, str, JSONRPCMessage | None]] = deque(maxlen=KEPT_EVENTS)

    async def store_event(self, stream_id: str, message: JSONRPCMessage | None) -> str:
        """Store an event; None is an empty event that only carries an id."""
        event_id = str(next(self._numbers))
        self._events.append((stream_id, event_id, message))
        return event_id

    async def replay_events_after(self, last_event_id: str, send_callback: EventCallback) -> str | None:
        """Send the events after `last_event_id` on the same stream; None if that event is no longer stored."""
        events = list(self._events)
        stream = next((stream for stream, event_id, _ in events if event_id == last_event_id), None)
        for owner, event_id, message in events:
            if owner == stream and message is not None and int(event_id) > int(last_event_id):
                await send_callback(EventMessage(message, event_id))
        return stream
