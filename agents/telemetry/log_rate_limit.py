"""Log filter that limits the rate of lines that requests can cause, for each line of code.

The first line after a flood has the number of dropped lines in its field `left_out`. The user's loggers have no limit;
the audit log has its own (auth/audit.py).
"""

import logging
from time import monotonic
from typing import Final

from meshed_mcp.agents.auth import audit

LINES_PER_SECOND: Final = 20  # limit of one line of code. Product rule.
BOUNDED_LOGGERS: Final = ("mcp", "meshed_mcp", "uvicorn", "asyncio")
"""Loggers whose lines requests can cause: the SDK, this package, the HTTP server, the event loop."""

CodeLine = tuple[str, int]  # path and line number of a logging call


class LogRateLimit(logging.Filter):
    """Filter of one handler."""

    def __init__(self) -> None:
        super().__init__()
        self._second = 0
        self._lines: dict[CodeLine, int] = {}
        self._left_out: dict[CodeLine, int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written."""
        if record.name.partition(".")[0] not in BOUNDED_LOGGERS or record.name == audit.LOGGER:
            return True
        line, second = (record.pathname, record.lineno), int(monotonic())
        if second != self._second:
            self._second = second
            self._lines.clear()
        self._lines[line] = self._lines.get(line, 0) + 1
        if self._lines[line] > LINES_PER_SECOND:
            self._left_out[line] = self._left_out.get(line, 0) + 1
            return False
        if left_out := self._left_out.pop(line, 0):
            record.fields = {**getattr(record, "fields", {}), "left_out": left_out}
        return True
