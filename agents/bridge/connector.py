"""What the pool needs of a way to the upstream: a message stream pair per connection, and why it ended."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass
class Link:
    """One open connection: the SDK's stream pair."""

    read: Any
    write: Any
    ending: Callable[[], str] = lambda: "closed the connection"
    """Why the connection ended, as the end of the sentence "the upstream ..."."""

    has_ended: bool = False
    """Whether the byte stream has ended; set before the stream pair closes."""


class Connector(Protocol):
    """A way to the upstream."""

    is_stopping: bool
    """Set when the replica stops: connections then close within STOP_TERM_SECONDS of process.py."""

    @property
    def has_processes(self) -> bool:
        """Whether each connection is a process, which concurrent calls of one caller share."""

    @property
    def is_http(self) -> bool:
        """Whether requests carry HTTP headers."""

    @property
    def needs_caller(self) -> bool:
        """Whether requests need the token of a caller, so that none can be sent before a caller calls."""

    def connect(self, session: str) -> AbstractAsyncContextManager[Link]:
        """Open one connection; `session` is its name in the log. Raises UpstreamError."""

    async def aclose(self) -> None:
        """Release what the connections share."""
