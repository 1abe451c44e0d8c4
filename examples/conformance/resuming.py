"""Event streams of sessions that a client may resume: the last events of every stream, in memory of one replica.

Events in, the later ones of a stream out. Source: MCP 2025-11-25, "Resumability and Redelivery".
"""

from collections import deque
from itertools import count
from typing import Final

from mcp.server.streamable_http import EventCallback, EventMessage, EventStore
from mcp_types import JSONRPCMessage

KEPT_EVENTS: Final = 1000
"""Events that are remembered, of all streams together."""


class RecentEvents(EventStore):
    """The last `KEPT_EVENTS` events."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._events: deque[tuple[str, str, JSONRPCMessage | None]] = deque(maxlen=KEPT_EVENTS)

    async def store_event(self, stream_id: str, message: JSONRPCMessage | None) -> str:
        """Remember an event; None stands for the empty one that only carries an id."""
        event_id = str(next(self._numbers))
        self._events.append((stream_id, event_id, message))
        return event_id

    async def replay_events_after(self, last_event_id: str, send_callback: EventCallback) -> str | None:
        """Send what came after `last_event_id` on the same stream; None when that event is forgotten."""
        events = list(self._events)
        stream = next((stream for stream, event_id, _ in events if event_id == last_event_id), None)
        for owner, event_id, message in events:
            if owner == stream and message is not None and int(event_id) > int(last_event_id):
                await send_callback(EventMessage(message, event_id))
        return stream
