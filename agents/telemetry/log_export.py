"""OTLP export of log records besides standard error, with an optional endpoint for the audit log."""

import logging
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Final

from meshed_mcp.agents.auth import audit
from meshed_mcp.agents.settings import Settings
from meshed_mcp.agents.telemetry.logs import MESSAGE_CHARACTERS, LogRateLimit
from meshed_mcp.agents.telemetry.tracing import END_SECONDS, UNSAMPLED_HEADERS, ExportLog, resource, run_with_timeout

LOGS_PATH: Final = "/v1/logs"  # Source: OTLP specification, "OTLP/HTTP Request"
OWN_LOGGERS: Final = ("opentelemetry", "urllib3", "requests", __name__)
"""Loggers of the export itself, whose records are not exported."""

logger = logging.getLogger(__name__)


def start_log_export(settings: Settings) -> Callable[[], None]:
    """Export records to the configured endpoints and return the shutdown function, END_SECONDS at most for each.

    With `audit_endpoint` alone only the audit log is exported; without it the audit log goes to `logs_endpoint`.
    """
    targets = {"": settings.logs_endpoint, audit.LOGGER: settings.audit_endpoint}
    apart = settings.audit_endpoint is not None
    ends = ExitStack()
    for name, url in targets.items():
        if url is not None:
            ends.callback(_attach(name, url, settings, without_audit=apart and not name))
    return ends.close


def _attach(name: str, url: str, settings: Settings, *, without_audit: bool) -> Callable[[], None]:
    from meshed_mcp.agents.telemetry.log_records import logger_provider, severity  # noqa: PLC0415 - 3 MiB only where it exports

    endpoint = url.rstrip("/") + LOGS_PATH
    made = logger_provider(endpoint, UNSAMPLED_HEADERS, resource(settings), export_log(endpoint))
    handler = RecordHandler(made.get_logger, severity, without_audit=without_audit)
    handler.addFilter(LogRateLimit())
    logging.getLogger(name).addHandler(handler)

    def end() -> None:
        logging.getLogger(name).removeHandler(handler)
        run_with_timeout(made.shutdown, END_SECONDS)

    return end


def export_log(endpoint: str) -> ExportLog:
    """Return the observer of an endpoint's exports."""
    failed = f"{endpoint} accepts no log records; they go to standard error only"
    return ExportLog(logger, failed, f"{endpoint} accepts log records again")


class RecordHandler(logging.Handler):
    """Passes each record to OpenTelemetry, which adds the ids of the current span."""

    def __init__(
        self, get_logger: Callable[[str], Any], severity: Callable[[int], Any], *, without_audit: bool
    ) -> None:
        super().__init__()
        self._get_logger, self._severity, self._without_audit = get_logger, severity, without_audit

    def emit(self, record: logging.LogRecord) -> None:
        """Queue one record; a full queue drops its oldest."""
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
