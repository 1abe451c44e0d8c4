"""Private names of other packages that the product uses. `test_private_names.py` compares the list with the code.

A private name may change in any release of its package. So each entry says why there is no public one, and which test
fails when it changes; the package is pinned to a minor release in pyproject.toml.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class PrivateName:
    """One use of one name."""

    file: str
    """Path from the root of the repository."""

    name: str
    """Attribute as written, or module up to its private part."""

    package: str
    versions: str
    """Range of the package, as pyproject.toml gives it."""

    why: str
    """Why no public name serves."""

    guard: str
    """Test that fails when the name changes, as `path::function`."""


MCP, MCP_VERSIONS = "mcp", "<2.4,>=2.3"
API, SDK, OTLP = "opentelemetry-api", "opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http"
OPENTELEMETRY_VERSIONS = "<1.46,>=1.45.2"

LISTED = (
    PrivateName(
        "agents/http/sessions.py",
        "_server_instances",
        MCP,
        MCP_VERSIONS,
        "the session manager has no callback for the start and end of a session",
        "tests/unit/agents/http/test_sessions.py::test_the_sdk_keeps_its_sessions_where_the_guard_expects",
    ),
    PrivateName(
        "agents/telemetry/log_records.py",
        "opentelemetry._logs",
        API,
        OPENTELEMETRY_VERSIONS,
        "OpenTelemetry's logs are stable on the wire and not yet in Python",
        "tests/unit/agents/telemetry/test_log_export.py::test_a_log_record_has_its_level_fields_and_trace",
    ),
    PrivateName(
        "agents/telemetry/log_records.py",
        "opentelemetry.sdk._logs",
        SDK,
        OPENTELEMETRY_VERSIONS,
        "as opentelemetry._logs",
        "tests/unit/agents/telemetry/test_log_export.py::test_a_log_record_has_its_level_fields_and_trace",
    ),
    PrivateName(
        "agents/telemetry/log_records.py",
        "opentelemetry.exporter.otlp.proto.http._log_exporter",
        OTLP,
        OPENTELEMETRY_VERSIONS,
        "as opentelemetry._logs",
        "tests/unit/agents/telemetry/test_log_export.py::test_a_log_record_has_its_level_fields_and_trace",
    ),
)
