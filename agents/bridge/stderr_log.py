"""Standard error of upstream processes as log records with the session's id, bounded in rate and length."""

import asyncio
import logging
from time import monotonic
from typing import Final

from meshed_mcp.agents.bridge.lines import bounded_lines
from meshed_mcp.agents.bridge.metrics import BridgeMetrics

LINE_CHARACTERS: Final = 2000
"""Longest text of one line in the log; the rest of the line is dropped."""

SESSION_LINES_PER_SECOND: Final = 20  # of one session. Product rule.
LINES_PER_SECOND: Final = 200
"""Limit of all sessions of a replica: at most 400 kB of log per second."""

logger: Final = logging.getLogger("mcp_upstream")
"""Not below `meshed_mcp`, whose records of one line of code share a limit: a noisy session would silence the others."""


class LineBudget:
    """Number of lines in the current second."""

    def __init__(self, lines_per_second: int) -> None:
        self._limit = lines_per_second
        self._second = self._lines = 0

    def take(self) -> bool:
        """Whether one more line is within the limit."""
        if (second := int(monotonic())) != self._second:
            self._second, self._lines = second, 0
        self._lines += 1
        return self._lines <= self._limit


class StderrLog:
    """Logs the standard error of all processes of a replica."""

    def __init__(self, metrics: BridgeMetrics) -> None:
        self._metrics = metrics
        self._all = LineBudget(LINES_PER_SECOND)

    async def follow(self, reader: asyncio.StreamReader, session: str, pid: int) -> None:
        """Log one process's lines until its end. It reads on beyond the limit, so that the process never blocks."""
        own, dropped = LineBudget(SESSION_LINES_PER_SECOND), 0
        async for line in bounded_lines(reader, LINE_CHARACTERS, lambda: None, truncate=True):
            text = line.decode(errors="replace").rstrip()
            if not text:
                continue
            if not (own.take() and self._all.take()):
                dropped += 1
                self._metrics.log_line(written=False)
                continue
            fields = {"session": session, "upstream_pid": pid, **({"left_out": dropped} if dropped else {})}
            logger.info("%s", text, extra={"fields": fields})
            dropped = 0
            self._metrics.log_line(written=True)
