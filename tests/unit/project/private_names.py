"""Private names of other packages that the product uses: the one list. `test_private_names.py` holds it to the code.

A private name may change in any release of its package. So each entry says why there is no public one, and which test
fails when it changes; the package is pinned to a minor release in pyproject.toml.
"""

from dataclasses import dataclass

CPYTHON = "CPython"
"""Not a package of pyproject.toml: the range is that of `requires-python`."""

LEAVING = "a package whose private names are being removed"
"""Needs no pin: the entry goes with the use."""


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

    @property
    def is_of_a_package(self) -> bool:
        """Whether pyproject.toml can pin it."""
        return self.package not in {CPYTHON, LEAVING}


MCP, MCP_VERSIONS = "mcp", "<2.4,>=2.3"
API, SDK, OTLP = "opentelemetry-api", "opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http"
OPENTELEMETRY_VERSIONS = "<1.46,>=1.45.2"

STAYING = (
    PrivateName(
        "agents/access.py",
        "_token_verifier",
        MCP,
        MCP_VERSIONS,
        "the constructor alone takes a verifier; ours is known when `run()` reads the environment",
        "tests/behaviours/test_tokens.py::test_a_good_token_opens_what_its_owner_may_call_and_no_more",
    ),
    PrivateName(
        "agents/sessions.py",
        "_server_instances",
        MCP,
        MCP_VERSIONS,
        "the session manager tells nobody when a session begins or ends",
        "tests/unit/agents/test_sessions.py::test_the_sdk_keeps_its_sessions_where_we_look",
    ),
    PrivateName(
        "agents/log_records.py",
        "opentelemetry._logs",
        API,
        OPENTELEMETRY_VERSIONS,
        "OpenTelemetry's logs are stable on the wire and not yet in Python",
        "tests/unit/agents/test_log_export.py::test_a_line_arrives_with_its_level_its_fields_and_its_trace",
    ),
    PrivateName(
        "agents/log_records.py",
        "opentelemetry.sdk._logs",
        SDK,
        OPENTELEMETRY_VERSIONS,
        "as opentelemetry._logs",
        "tests/unit/agents/test_log_export.py::test_a_line_arrives_with_its_level_its_fields_and_its_trace",
    ),
    PrivateName(
        "agents/log_records.py",
        "opentelemetry.exporter.otlp.proto.http._log_exporter",
        OTLP,
        OPENTELEMETRY_VERSIONS,
        "as opentelemetry._logs",
        "tests/unit/agents/test_log_export.py::test_a_line_arrives_with_its_level_its_fields_and_its_trace",
    ),
)

HTTP = "the HTTP layer and the client are being moved to public names"
PULUMI = "recording and checking are being moved to public names"
CLIENT_GUARD = (
    "tests/behaviours/test_client_execution.py::test_an_annotated_tool_is_called_again_only_before_a_byte_of_its_answer"
)
CONNECTION_GUARD = "tests/unit/agents/test_connection.py::test_garbage_is_answered_once_counted_and_raises_nothing"
DIRECT_GUARD = "tests/unit/infra/test_direct.py::test_every_stack_is_recorded_and_rendered_as_by_pulumi"
CHECKING = "tests/unit/infra/test_checking.py::test_an_object_that_the_api_server_would_refuse_or_prune_is_a_fault"
RECORDER_GUARD = "tests/unit/infra/test_recorder.py::test_a_secret_is_hidden_where_it_stands_and_nowhere_else"

GOING = tuple(
    PrivateName(file, name, LEAVING, "as installed", why, guard)
    for file, why, guard, names in (
        ("agents/client/connections.py", HTTP, CLIENT_GUARD, ("_mounts", "_transport")),
        ("agents/client/wire.py", HTTP, CLIENT_GUARD, ("_network_backend", "_pool")),
        (
            "agents/connection.py",
            HTTP,
            CONNECTION_GUARD,
            ("_should_upgrade", "_start_asgi_task", "_unset_keepalive_if_required"),
        ),
        (
            "agents/heap.py",
            HTTP,
            "tests/unit/agents/test_heap.py::test_the_sdks_ended_sessions_are_freed",
            ("_clear_type_cache",),
        ),
        ("infra/checking/builtin.py", PULUMI, CHECKING, ("pulumi._types",)),
        ("infra/program.py", PULUMI, DIRECT_GUARD, ("_SECRET_KEYS",)),
        ("infra/recording/direct.py", PULUMI, DIRECT_GUARD, ("_expand_dependencies", "_special_sig_key")),
        (
            "infra/recording/recorder.py",
            PULUMI,
            RECORDER_GUARD,
            ("_special_resource_sig", "_special_secret_sig", "_special_sig_key"),
        ),
    )
    for name in names
)
"""Drop the entries of a file with its last use."""

LISTED = (*STAYING, *GOING)
