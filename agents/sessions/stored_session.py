"""A session that other replicas can take over: its record, and the event streams that it has written."""

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import deque
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import anyio
from pydantic_core import from_json

from meshed_mcp.agents.sessions.open_session import OpenSession
from meshed_mcp.agents.sessions.owner import Owner

MAC_BYTES: Final = 16
"""Length of the MAC in an event id. Source: RFC 2104, section 5: not below half of the hash."""

STREAM_CHARACTERS: Final = 64  # longest stream name in an event id; longer ones are hashed
KEPT_EVENTS: Final = 256  # most events of one session that Redis keeps
KEPT_BYTES: Final = 1024 * 1024
"""Most bytes of events of one session that Redis keeps, and so the largest result that can be resumed."""

SURROGATES: Final = "surrogatepass"
"""Error handler that keeps lone surrogates, which JSON texts and so request ids can contain."""

SUBSCRIPTIONS: Final = 128  # most subscriptions that are repeated on another replica
REPEATED: Final = ("initialize", "notifications/initialized", "logging/setLevel")
"""Messages that make the state of a session, in the order of their repetition; subscriptions follow."""


class Event(NamedTuple):
    """One event of a stream; `data` is JSON, "" for an event without a message."""

    number: int
    stream: str
    data: str
    ends: bool
    epoch: int


CURRENT: ContextVar["StoredSession | None"] = ContextVar("current session", default=None)
"""Session of the running request, or of the task that the SDK started in the request that opened the session."""


@dataclass(eq=False)
class StoredSession(OpenSession):
    """A session of this replica with its state in Redis."""

    secret: str = ""
    """Key of the event ids, in hex."""

    name: str = ""
    """Id that the client uses: that of the replica that opened the session."""

    epoch: int = 1
    """Number of replicas that have had the session; a lower one may write no more."""

    number: int = 0
    """Number of the last event."""

    messages: dict[str, Any] = field(default_factory=dict)
    """Method, or method and URI of a subscription -> message to repeat."""

    running: set[str] = field(default_factory=set)
    """Streams of requests that this replica has not answered yet."""

    unsaved: deque[Event] = field(default_factory=deque)
    """Events that Redis did not take."""

    is_saved: bool = False
    is_repeating: bool = False
    """The replica repeats the messages of the session; their events are no one's."""

    is_over: bool = False
    changed: anyio.Event = field(default_factory=anyio.Event)

    def notify(self) -> None:
        """Wake all streams that wait for events."""
        changed, self.changed = self.changed, anyio.Event()
        changed.set()

    def end(self) -> None:
        """End all streams that wait for events."""
        self.is_over = True
        self.notify()

    def keep(self, event: Event) -> None:
        """Keep an event in memory, within the bounds of Redis."""
        self.unsaved.append(event)
        while len(self.unsaved) > KEPT_EVENTS or sum(len(each.data) for each in self.unsaved) > KEPT_BYTES:
            self.unsaved.popleft()

    def note(self, message: Any) -> bool:
        """Note a message that makes the session's state; return whether the record has changed."""
        method = message.get("method") if isinstance(message, dict) else None
        if method in REPEATED:
            self.messages[method] = message
            return True
        if method in ("resources/subscribe", "resources/unsubscribe"):
            params = message.get("params")
            uri = f"resources/subscribe {params.get('uri') if isinstance(params, dict) else ''}"
            if method == "resources/unsubscribe":
                return self.messages.pop(uri, None) is not None
            if uri in self.messages or len(self.messages) < SUBSCRIPTIONS + len(REPEATED):
                self.messages[uri] = message
                return True
        return False

    def repeated(self) -> Iterator[Any]:
        """The messages in the order of their repetition."""
        yield from (self.messages[method] for method in REPEATED if method in self.messages)
        yield from (message for key, message in self.messages.items() if key not in REPEATED)

    def record(self) -> str:
        """The record as JSON."""
        return json.dumps({"owner": self.owner, "secret": self.secret, "messages": self.messages})

    def event_id(self, number: int, stream: str) -> str:
        """Id of an event, which only this session accepts: number, stream and their MAC."""
        named = urlsafe_b64encode(stream.encode(errors=SURROGATES)).decode().rstrip("=")
        return f"{number}.{named}.{self._mac(number, stream)}"

    def position(self, event_id: str) -> tuple[int, str] | None:
        """Number and stream of an event id; None if it is not of this session."""
        try:
            number, named, mac = event_id.split(".")
            stream = urlsafe_b64decode(named + "=" * (-len(named) % 4)).decode(errors=SURROGATES)
            if hmac.compare_digest(mac.encode(errors=SURROGATES), self._mac(int(number), stream).encode()):
                return int(number), stream
        except ValueError:
            pass
        return None

    def _mac(self, number: int, stream: str) -> str:
        text = f"{number}.{stream}".encode(errors=SURROGATES)
        return hmac.new(bytes.fromhex(self.secret), text, hashlib.sha256).digest()[:MAC_BYTES].hex()


def stream_name(stream: str) -> str:
    """Name of an SDK's stream, which is the text of a client's request id, with a bounded length."""
    if len(stream) <= STREAM_CHARACTERS:
        return stream
    return f"#{hashlib.sha256(stream.encode(errors=SURROGATES)).hexdigest()[: STREAM_CHARACTERS - 1]}"


def from_record(name: str, record: bytes, epoch: int = 0, number: int = 0) -> StoredSession:
    """The session of a record."""
    found = from_json(record)
    return StoredSession(
        owner=Owner(*found["owner"]),
        secret=found["secret"],
        messages=found["messages"],
        name=name,
        epoch=epoch,
        number=number,
        is_saved=True,
    )
