"""Schema of log lines."""

import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.trace import NonRecordingSpan, SpanContext, use_span

from meshed_mcp.agents import Settings
from meshed_mcp.agents.telemetry import logs

FORMATTER = logs.JSONFormatter("mcp-rag", "mcp-system")


@pytest.fixture
def root_logger() -> Iterator[logging.Logger]:
    """The root logger, put back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield root
    root.handlers[:], root.level = handlers, level
    logging.captureWarnings(capture=False)


def record(message: str, *args: object, **options: Any) -> logging.LogRecord:
    """A record made at a fixed time."""
    made = logging.LogRecord("a.logger", logging.WARNING, __file__, 1, message, args, options.get("exc_info"))
    made.created = 1_795_222_800.25
    return made


def test_a_log_line_has_the_documented_keys() -> None:
    """Requirement OBS-10: logs have one schema; RFC 3339 for the time."""
    assert json.loads(FORMATTER.format(record("hello %s", "you"))) == {
        "timestamp": "2026-11-21T01:00:00.250+00:00",
        "level": "WARNING",
        "logger": "a.logger",
        "message": "hello you",
        "service": "mcp-rag",
        "namespace": "mcp-system",
    }


def test_a_log_line_inside_a_span_has_its_ids() -> None:
    """W3C Trace Context: 32 and 16 lower-case hexadecimal digits."""
    with use_span(NonRecordingSpan(SpanContext(trace_id=0xABC, span_id=0xDEF, is_remote=False))):
        line = json.loads(FORMATTER.format(record("x")))
    assert line["trace_id"] == "abc".zfill(32)
    assert line["span_id"] == "def".zfill(16)


def test_a_caller_cannot_break_or_lengthen_a_log_line() -> None:
    """Requirement OBS-10: header values that the SDK quotes stay in one bounded line."""
    text = FORMATTER.format(record("Invalid Host header: %s", "a\n{}" * 10_000))
    assert "\n" not in text
    assert len(text) < 3 * logs.MESSAGE_CHARACTERS


def test_an_exception_keeps_the_end_of_its_traceback() -> None:
    """Requirement OBS-10: the end names the error, and a deep recursion does not flood the log."""
    error = ValueError("x" * 10_000 + " the reason")
    line = json.loads(FORMATTER.format(record("failed", exc_info=(ValueError, error, None))))
    assert line["exception"].endswith("the reason")
    assert len(line["exception"]) == logs.MESSAGE_CHARACTERS


def test_configuring_replaces_other_handlers_and_disables_access_logs(
    root_logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    """Requirement OBS-10: logs contain no request URL; standard output stays free for stdio."""
    root_logger.addHandler(logging.StreamHandler(sys.stdout))
    logs.configure(Settings(service="mcp-rag"))
    logging.getLogger("uvicorn.access").info("GET /mcp?secret")
    logging.getLogger("httpx").info("HTTP Request: GET /?secret")
    logging.getLogger("mine").info("kept")
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert json.loads(line)["message"] == "kept"
