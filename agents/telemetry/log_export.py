"""Log lines on their way to a store of the user's choice, by OTLP; the audit log to another one where that is named.

In: settings and `logging` records. Out: OpenTelemetry log records, beside the lines on standard error, never instead.
A store that is away costs its lines and two of our own, one when it goes and one when it is back. Not here: the schema
of lines (logs.py), spans (tracing.py).
"""

import logging
import threading
from collections.abc import Callable
from typing import Any, Final

from meshed_mcp.agents.auth import audit
from meshed_mcp.agents.settings import Settings
from meshed_mcp.agents.telemetry.log_rate_limit import LogRate
from meshed_mcp.agents.telemetry.logs import MESSAGE_CHARACTERS
from meshed_mcp.agents.telemetry.tracing import END_SECONDS, UNTRACED, resource

LOGS_PATH: Final = "/v1/logs"
"""Source: OTLP specification, "OTLP/HTTP Request"."""

OWN_LOGGERS: Final = ("opentelemetry", "urllib3", "requests", __name__)
"""Whose lines are about the export itself: sending them would make more."""

logger = logging.getLogger(__name__)


def start_log_export(settings: Settings) -> Callable[[], None]:
    """Send lines to the endpoints that are set, and return what ends it, within END_SECONDS.

    With `audit_endpoint` alone only the audit log is sent; without it the audit log goes where the other lines go.
    """
    targets = {"": settings.logs_endpoint, audit.LOGGER: settings.audit_endpoint}
    apart = settings.audit_endpoint is not None
    ends = [
        _attach(name, url, settings, without_audit=apart and not name)
        for name, url in targets.items()
        if url is not None
    ]

    def end_all() -> None:
        for end in ends:
            end()

    return end_all


def _attach(name: str, url: str, settings: Settings, *, without_audit: bool) -> Callable[[], None]:
    from meshed_mcp.agents.telemetry.log_records import provider, severity  # noqa: PLC0415 - 3 MiB only where it exports

    endpoint = url.rstrip("/") + LOGS_PATH
    made = provider(endpoint, UNTRACED, resource(settings), Telling(endpoint))
    handler = RecordHandler(made.get_logger, severity, without_audit=without_audit)
    handler.addFilter(LogRate())
    logging.getLogger(name).addHandler(handler)
    return lambda: _end(name, handler, made.shutdown)


def _end(name: str, handler: logging.Handler, shutdown: Callable[[], None]) -> None:
    logging.getLogger(name).removeHandler(handler)
    thread = threading.Thread(target=shutdown, daemon=True)
    thread.start()
    thread.join(END_SECONDS)


class Telling:
    """Says once that an endpoint takes nothing, and once that it does again."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint, self._losing = endpoint, False

    def __call__(self, *, success: bool) -> None:
        """Note the outcome of one export."""
        if success and self._losing:
            logger.info("%s takes log lines again", self._endpoint)
        elif not success and not self._losing:
            logger.warning("%s takes no log lines; they are on standard error alone", self._endpoint)
        self._losing = not success


class RecordHandler(logging.Handler):
    """Hands each line to OpenTelemetry; ids of the trace come from the context of whoever logs."""

    def __init__(
        self, get_logger: Callable[[str], Any], severity: Callable[[int], Any], *, without_audit: bool
    ) -> None:
        super().__init__()
        self._get_logger, self._severity, self._without_audit = get_logger, severity, without_audit

    def emit(self, record: logging.LogRecord) -> None:
        """Queue one line; the queue is bounded, and a full one drops its oldest."""
        if record.name.startswith(OWN_LOGGERS) or (self._without_audit and record.name == audit.LOGGER):
            return
        self._get_logger(record.name).emit(
            timestamp=int(record.created * 1e9),
            severity_number=self._severity(record.levelno),
            severity_text=record.levelname,
            body=record.getMessage()[:MESSAGE_CHARACTERS],
            attributes=self._attributes(record),
        )

    def _attributes(self, record: logging.LogRecord) -> dict[str, Any]:
        fields = dict(getattr(record, "fields", {}))
        if record.exc_info and record.exc_info[0] is not None:
            text = logging.Formatter().formatException(record.exc_info)
            fields["exception.type"] = record.exc_info[0].__qualname__
            fields["exception.stacktrace"] = text[-MESSAGE_CHARACTERS:]
        return fields
