"""OpenTelemetry's pipeline of log records: loaded only where lines are exported (log_export.py).

Its modules still begin with an underscore: the SDK calls logs stable on the wire and not yet in Python. They are named
in this file alone.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

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
"""Least level -> OpenTelemetry's number. Source: its logs data model, "Mapping of SeverityNumber"."""


class Outcome(Protocol):
    """Told of each export."""

    def __call__(self, *, success: bool) -> None:
        """Note one."""


class ToldExporter(LogRecordExporter):
    """An exporter whose outcomes are told."""

    def __init__(self, exporter: LogRecordExporter, told: Outcome) -> None:
        self._exporter, self._told = exporter, told

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Send one batch; called by the processor's own thread."""
        result = self._exporter.export(batch)
        self._told(success=result is LogRecordExportResult.SUCCESS)
        return result

    def shutdown(self) -> None:
        """Give up what is being sent."""
        self._exporter.shutdown()  # type: ignore[no-untyped-call]

    def force_flush(self, timeout_millis: int = 10_000) -> bool:  # noqa: ARG002 - the SDK's signature
        """Nothing is held back here."""
        return True


def severity(level: int) -> SeverityNumber:
    """Return OpenTelemetry's number of a level."""
    return next((number for least, number in SEVERITIES if level >= least), SeverityNumber.DEBUG)


def provider(endpoint: str, headers: Mapping[str, str], resource: Resource, told: Outcome) -> LoggerProvider:
    """A provider of its own; the global one is left to the user. Queue and batches have OpenTelemetry's defaults."""
    made = LoggerProvider(resource=resource, shutdown_on_exit=False)
    exporter = OTLPLogExporter(endpoint=endpoint, headers=dict(headers))
    made.add_log_record_processor(BatchLogRecordProcessor(ToldExporter(exporter, told)))
    return made
