"""OpenTelemetry's logs pipeline: the only module that imports its log modules, whose names are private."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.resources import Resource

SEVERITIES: Final = (
    (logging.CRITICAL, SeverityNumber.FATAL),
    (logging.ERROR, SeverityNumber.ERROR),
    (logging.WARNING, SeverityNumber.WARN),
    (logging.INFO, SeverityNumber.INFO),
)
"""Lowest level -> severity number. Source: OpenTelemetry, logs data model, "Mapping of SeverityNumber"."""


class ObservedExporter(LogRecordExporter):
    """Exporter that calls `observer(success=...)` after each export."""

    def __init__(self, exporter: LogRecordExporter, observer: Callable[..., None]) -> None:
        self._exporter, self._observer = exporter, observer

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Send one batch; runs in the processor's thread."""
        result = self._exporter.export(batch)
        self._observer(success=result is LogRecordExportResult.SUCCESS)
        return result

    def shutdown(self) -> None:
        """Cancel the export in progress."""
        self._exporter.shutdown()  # type: ignore[no-untyped-call]

    def force_flush(self, timeout_millis: int = 10_000) -> bool:  # noqa: ARG002 - the SDK's signature
        """Return True: this exporter has no queue."""
        return True


def severity(level: int) -> SeverityNumber:
    """Return the OpenTelemetry severity number of a `logging` level."""
    return next((number for least, number in SEVERITIES if level >= least), SeverityNumber.DEBUG)


def logger_provider(
    endpoint: str, headers: Mapping[str, str], resource: Resource, observer: Callable[..., None]
) -> LoggerProvider:
    """Return a provider with OpenTelemetry's default queue and batches; the user's global provider is not touched."""
    made = LoggerProvider(resource=resource, shutdown_on_exit=False)
    exporter = OTLPLogExporter(endpoint=endpoint, headers=dict(headers))
    made.add_log_record_processor(BatchLogRecordProcessor(ObservedExporter(exporter, observer)))
    return made
