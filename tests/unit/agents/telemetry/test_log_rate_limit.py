"""Rate limit of log lines per line of code of the runtime."""

import logging

import pytest

from meshed_mcp.agents.auth import audit
from meshed_mcp.agents.telemetry import logs
from meshed_mcp.agents.telemetry.logs import LINES_PER_SECOND, LogRateLimit


class Clock:
    """A clock that the test turns."""

    seconds = 7.0

    def __call__(self) -> float:
        """Read it."""
        return self.seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """What the filter reads the time from."""
    monkeypatch.setattr(logs, "monotonic", found := Clock())
    return found


def record(logger: str, line: int = 1) -> logging.LogRecord:
    """Return a record of a line of code."""
    return logging.LogRecord(logger, logging.WARNING, "module.py", line, "refused", (), None)


def written(rate: LogRateLimit, logger: str, line: int = 1) -> int:
    """How many of many lines are written."""
    return sum(rate.filter(record(logger, line)) for _ in range(10 * LINES_PER_SECOND))


def test_each_source_line_is_rate_limited_and_the_rest_is_counted(clock: Clock) -> None:
    """Requirement OBS-10: at most LINES_PER_SECOND from one source line; omitted lines are counted."""
    rate = LogRateLimit()
    assert written(rate, "mcp.server.transport_security") == LINES_PER_SECOND
    assert written(rate, "mcp.server.transport_security", line=2) == LINES_PER_SECOND
    clock.seconds += 1
    assert rate.filter(first := record("mcp.server.transport_security"))
    assert first.fields == {"left_out": 9 * LINES_PER_SECOND}  # type: ignore[attr-defined]
    assert rate.filter(second := record("mcp.server.transport_security"))
    assert not hasattr(second, "fields")


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("logger", ["orders", "__main__", "mcpx", audit.LOGGER])
def test_application_and_audit_lines_are_never_rate_limited(logger: str) -> None:
    """Requirement OBS-10: only lines that callers can cause are limited; the audit log has its own limit."""
    assert written(LogRateLimit(), logger) == 10 * LINES_PER_SECOND
