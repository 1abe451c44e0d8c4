"""JSON log lines on standard error, with one schema for the runtime, the SDK and uvicorn and a limit on their rate."""

import json
import logging
import sys
from datetime import UTC, datetime
from time import monotonic
from typing import Final

from opentelemetry.trace import format_span_id, format_trace_id, get_current_span

from meshed_mcp.agents.auth import audit
from meshed_mcp.agents.settings import Settings

MESSAGE_CHARACTERS: Final = 4096
"""Longest message or traceback in one line; the SDK quotes header values, which clients choose."""

QUIET_LOGGERS: Final = (
    "uvicorn",
    "mcp.server.streamable_http",
    "mcp.server.streamable_http_manager",
    "httpx",
    "httpx2",
    "httpcore",
    "httpcore2",
)
"""Below WARNING these repeat the runtime's start and stop lines, write a line per call, or log URLs: user data."""
LINES_PER_SECOND: Final = 20  # limit of one line of code. Product rule.
BOUNDED_LOGGERS: Final = ("mcp", "meshed_mcp", "uvicorn", "asyncio")
"""Loggers whose lines requests can cause: the SDK, this package, the HTTP server, the event loop."""

CodeLine = tuple[str, int]  # path and line number of a logging call


class JSONFormatter(logging.Formatter):
    """Keys: timestamp (RFC 3339, UTC), level, logger, message, service, namespace; trace_id and span_id in a span.

    `extra={"fields": {...}}` adds keys. `exception` holds the end of the traceback. Message and traceback are truncated
    to MESSAGE_CHARACTERS.
    """

    def __init__(self, service: str, namespace: str) -> None:
        super().__init__()
        self._origin = {"service": service, "namespace": namespace}

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line without a line break."""
        line = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage()[:MESSAGE_CHARACTERS],
            **self._origin,
            **_span_ids(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)[-MESSAGE_CHARACTERS:]
        return json.dumps(line, ensure_ascii=False)


class LogRateLimit(logging.Filter):
    """Filter of one handler that limits the rate of lines that requests can cause, for each line of code.

    The first line after a flood has the number of dropped lines in its field `left_out`. The user's loggers have no
    limit; the audit log has its own (auth/audit.py).
    """

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


def configure(settings: Settings) -> None:
    """Replace all handlers of the root logger, the SDK's console handler included, by rate-limited JSON lines."""
    handler = logging.StreamHandler(sys.stderr)  # standard output belongs to the stdio transport
    handler.setFormatter(JSONFormatter(settings.service, settings.namespace))
    handler.addFilter(LogRateLimit())
    logging.basicConfig(level=settings.log_level, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    for name in QUIET_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)


def _span_ids() -> dict[str, str]:
    context = get_current_span().get_span_context()
    if not context.is_valid:
        return {}
    return {"trace_id": format_trace_id(context.trace_id), "span_id": format_span_id(context.span_id)}
