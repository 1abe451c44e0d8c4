"""OTLP log export: records, the destination of the audit log, and an unreachable endpoint."""

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, LogRecordExportResult
from opentelemetry.trace import NonRecordingSpan, SpanContext, use_span

from meshed_mcp.agents import Settings
from meshed_mcp.agents.auth import audit
from meshed_mcp.agents.telemetry.log_export import export_log, start_log_export
from meshed_mcp.agents.telemetry.log_records import ObservedExporter, severity

if TYPE_CHECKING:
    from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

WORK = logging.getLogger("a.service")
AUDIT = logging.getLogger(audit.LOGGER)


class Store:
    """What a store of log lines got."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.lines: list[tuple[str, LogRecord]] = []
        self.services: set[str] = set()

    def take(self, body: bytes) -> None:
        """Read one export."""
        for group in ExportLogsServiceRequest.FromString(body).resource_logs:
            named = {each.key: each.value.string_value for each in group.resource.attributes}
            self.services.add(named["service.name"])
            self.lines += [(scope.scope.name, record) for scope in group.scope_logs for record in scope.log_records]

    @property
    def texts(self) -> list[str]:
        """The messages."""
        return [record.body.string_value for _, record in self.lines]


@contextmanager
def store() -> Iterator[Store]:
    """A store on loopback for as long as the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/logs"
            found.take(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found = Store(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield found
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _levels() -> Iterator[None]:
    """Both loggers write from INFO on, and are put back."""
    levels = {item: item.level for item in (WORK, AUDIT)}
    for item in levels:
        item.setLevel(logging.INFO)
    yield
    for item, level in levels.items():
        item.setLevel(level)


def settings(**urls: str) -> Settings:
    """Settings with these endpoints."""
    return Settings(service="mcp-rag", namespace="mcp-system", **urls)


def test_a_log_record_has_its_level_fields_and_trace() -> None:
    """OpenTelemetry, "Logs Data Model"."""
    with store() as found:
        end = start_log_export(settings(logs_endpoint=found.url))
        with use_span(NonRecordingSpan(SpanContext(trace_id=0xABC, span_id=0xDEF, is_remote=False))):
            WORK.warning("hello %s", "you", extra={"fields": {"tool": "search"}})
        end()
    ((scope, record),) = found.lines
    assert (scope, record.body.string_value, record.severity_text) == ("a.service", "hello you", "WARNING")
    assert (record.trace_id.hex(), record.span_id.hex()) == ("abc".zfill(32), "def".zfill(16))
    assert {each.key: each.value.string_value for each in record.attributes} == {"tool": "search"}
    assert found.services == {"mcp-rag"}


def test_an_exception_has_the_end_of_its_traceback() -> None:
    """OpenTelemetry conventions, "Exceptions in logs"."""
    with store() as found:
        end = start_log_export(settings(logs_endpoint=found.url))
        gone = LookupError("gone")
        WORK.error("failed", exc_info=gone)
        end()
    ((_, record),) = found.lines
    fields = {each.key: each.value.string_value for each in record.attributes}
    assert fields["exception.type"] == "LookupError"
    assert fields["exception.stacktrace"].endswith("LookupError: gone")


def test_audit_records_are_exported_to_their_own_store_only() -> None:
    """Requirement SEC-9: audit records and other logs may have different readers."""
    with store() as lines, store() as decisions:
        end = start_log_export(settings(logs_endpoint=lines.url, audit_endpoint=decisions.url))
        WORK.info("work")
        AUDIT.info("tools/call")
        end()
    assert (lines.texts, decisions.texts) == (["work"], ["tools/call"])


def test_without_an_audit_store_audit_records_are_exported_with_the_others() -> None:
    """Requirement SEC-9: one endpoint is enough to lose no record."""
    with store() as found:
        end = start_log_export(settings(logs_endpoint=found.url))
        AUDIT.info("tools/call")
        end()
    assert found.texts == ["tools/call"]


def test_without_endpoints_nothing_is_exported_or_imported() -> None:
    """Requirement CMP-8: standard error is the default, and an unused exporter is not loaded."""
    handlers = logging.getLogger().handlers[:]
    start_log_export(settings())()
    assert logging.getLogger().handlers == handlers


def test_log_lines_of_the_exporter_are_not_exported() -> None:
    """Requirement OBS-15: an unreachable log store does not create more lines to export."""
    with store() as found:
        end = start_log_export(settings(logs_endpoint=found.url))
        logging.getLogger("opentelemetry.exporter").error("cannot send")
        WORK.info("work")
        end()
    assert found.texts == ["work"]


def test_an_unreachable_store_is_logged_once_at_loss_and_once_at_recovery(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Requirement OBS-15: lost batches are reported at a bounded rate."""
    caplog.set_level(logging.INFO)
    observer = export_log("http://store/v1/logs")
    for success in (True, False, False, True, True):
        observer(success=success)
    assert [item.getMessage() for item in caplog.records] == [
        "http://store/v1/logs accepts no log records; they go to standard error only",
        "http://store/v1/logs accepts log records again",
    ]


def test_the_outcome_of_each_export_is_reported() -> None:
    """OpenTelemetry, LogRecordExporter: the result of `export`."""
    outcomes: list[bool] = []

    class Full(InMemoryLogRecordExporter):
        def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
            super().export(batch)
            return LogRecordExportResult.FAILURE

    for exporter in (InMemoryLogRecordExporter(), Full()):
        ObservedExporter(exporter, lambda *, success: outcomes.append(success)).export([])
    assert outcomes == [True, False]


@pytest.mark.parametrize(("level", "number"), [(10, 5), (20, 9), (30, 13), (40, 17), (50, 21), (35, 13), (5, 5)])
def test_levels_have_opentelemetry_numbers(level: int, number: int) -> None:
    """OpenTelemetry, logs data model: the first number of each range."""
    assert severity(level).value == number
