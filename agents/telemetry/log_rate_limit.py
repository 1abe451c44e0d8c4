"""How many lines strangers can make the runtime write: each place in its code has a share per second.

In: records of `logging`. Out: whether a line is written; the first one after a flood says how many were left out.
A user's own loggers are never cut, nor is the audit log, which has a bound of its own (auth/audit.py).
"""

import logging
from time import monotonic
from typing import Final

from meshed_mcp.agents.auth import audit

LINES_PER_SECOND: Final = 20
"""From one place: enough to see what happens, little enough for a disk. Product rule."""

BOUNDED_LOGGERS: Final = ("mcp", "meshed_mcp", "uvicorn", "asyncio")
"""Whose lines a request can cause: the SDK, this package, the HTTP server, the event loop."""

Place = tuple[str, int]


class LogRate(logging.Filter):
    """A filter for one handler."""

    def __init__(self) -> None:
        super().__init__()
        self._second = 0
        self._lines: dict[Place, int] = {}
        self._left_out: dict[Place, int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written."""
        if record.name.partition(".")[0] not in BOUNDED_LOGGERS or record.name == audit.LOGGER:
            return True
        place, second = (record.pathname, record.lineno), int(monotonic())
        if second != self._second:
            self._second = second
            self._lines.clear()
        self._lines[place] = self._lines.get(place, 0) + 1
        if self._lines[place] > LINES_PER_SECOND:
            self._left_out[place] = self._left_out.get(place, 0) + 1
            return False
        if left_out := self._left_out.pop(place, 0):
            record.fields = {**getattr(record, "fields", {}), "left_out": left_out}
        return True
