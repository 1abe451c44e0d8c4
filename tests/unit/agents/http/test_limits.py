"""Limits of a process: ranges and defaults, and the checks that need only a request."""

import inspect
import json
import sys
from typing import Any

import anyio.to_thread
import mcp.server.streamable_http_manager as sdk
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.server import MCPServer
from starlette.types import Scope

from meshed_mcp import contract
from meshed_mcp.agents import Settings, SettingsError
from meshed_mcp.agents.http.limits import Limits, bypasses_limit, nesting_bound, nests_deeper
from meshed_mcp.components.autoscaling.forecast.simulation import TARGET_SHARE
from meshed_mcp.components.autoscaling.scaling_args import ScalingSettings
from meshed_mcp.components.mesh.service.limits_args import LimitSettings
from meshed_mcp.contract.limits import LIMIT_VARIABLES

JSON = st.recursive(
    st.none() | st.integers(), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)


def depth(value: Any) -> int:
    """Depth by its definition, for values that fit the recursion limit."""
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


@given(JSON, st.integers(min_value=0, max_value=10))
def test_nesting_is_counted_by_arrays_and_objects(value: Any, limit: int) -> None:
    """Requirement RUN-4: arrays and objects count, scalars do not."""
    assert nests_deeper(value, limit) is (depth(value) > limit)


@given(JSON, st.sampled_from(["utf-8", "utf-16", "utf-32"]))
def test_a_body_nests_no_deeper_than_its_opening_brackets(value: Any, encoding: str) -> None:
    """RFC 8259, sections 4 and 5: each array and object begins with one, in every encoding that Python takes."""
    assert nesting_bound(json.dumps(value).encode(encoding)) >= depth(value)


def test_a_value_deeper_than_the_stack_is_checked_without_recursion() -> None:
    """Requirement RUN-4: the nesting check itself does not recurse."""
    value: list[Any] = []
    for _ in range(10 * sys.getrecursionlimit()):
        value = [value]
    assert nests_deeper(value, sys.getrecursionlimit())


def test_limits_that_repeat_the_sdks_equal_the_sdks() -> None:
    """Official SDK 2.3, `streamable_http_app`: both have the same number."""
    parameters = inspect.signature(MCPServer.streamable_http_app).parameters
    assert contract.BODY_BYTES == parameters["max_request_body_size"].default == sdk.DEFAULT_MAX_REQUEST_BODY_SIZE
    assert parameters["max_sessions"].default == contract.SESSIONS


def test_each_limit_has_a_variable_and_each_variable_is_read() -> None:
    """meshed_mcp.contract: the runtime obeys what the platform renders."""
    assert LIMIT_VARIABLES.keys() == Limits.model_fields.keys() == LimitSettings.model_fields.keys()
    values = dict(zip(LIMIT_VARIABLES, (2048, 5, 3, 0, 20, 7, 600, 9), strict=True))
    settings = Settings.from_environment({LIMIT_VARIABLES[name]: str(value) for name, value in values.items()})
    assert {name: getattr(settings, name) for name in values} == values


def test_the_call_limit_defaults_to_the_drain_time() -> None:
    """Requirement RUN-1: a stop cancels no call that is within its limit."""
    environment = {contract.ENV_PRE_STOP_DELAY_SECONDS: "5", contract.ENV_GRACE_SECONDS: "60"}
    assert Settings.from_environment(environment).effective_call_seconds == 53
    assert Settings.from_environment({**environment, contract.ENV_CALL_SECONDS: "53"}).effective_call_seconds == 53
    with pytest.raises(SettingsError) as refusal:
        Settings.from_environment({**environment, contract.ENV_CALL_SECONDS: "54"})
    assert refusal.value.messages == (
        (
            "MESHED_MCP_CALL_SECONDS=54 is longer than the 53 s that a stopping process waits for calls; "
            "set MESHED_MCP_GRACE_SECONDS to 61 or more, or remove MESHED_MCP_CALL_SECONDS"
        ),
    )


def request(method: str = "POST", body: object = None, **headers: str) -> tuple[Scope, bytes]:
    """A request to the MCP endpoint."""
    fields = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": contract.MCP_PATH, "headers": fields}
    return scope, body if isinstance(body, bytes) else json.dumps(body).encode()


def test_a_stream_bypasses_the_limit_at_the_configured_path() -> None:
    """Requirement BRG-14: the limits know the path of the endpoint."""
    scope, body = request("GET", b"", accept="text/event-stream")
    assert not bypasses_limit(scope, body, "/api/mcp")
    assert bypasses_limit({**scope, "path": "/api/mcp"}, body, "/api/mcp")


CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}


@pytest.mark.parametrize(
    ("waiting", "free"),
    [
        (request(body=CALL, mcp_protocol_version="2026-07-28", mcp_method="subscriptions/listen"), True),
        (request(body=CALL, mcp_protocol_version="2026-07-28", mcp_method="tools/call"), False),
        (request(body=CALL, mcp_protocol_version="2025-11-25", mcp_method="subscriptions/listen"), False),
        (request(body=CALL, mcp_protocol_version="2025-11-25"), False),
        (request(body=CALL), False),
        (request(body={"jsonrpc": "2.0", "id": 1, "result": {}}, mcp_protocol_version="2025-11-25"), True),
        (request(body={"jsonrpc": "2.0", "method": "notifications/cancelled"}), True),
        (request(body=[CALL]), False),
        (request(body=b"{"), False),
        (request("GET", b"", accept="text/event-stream"), True),
        (request("GET", b"", accept="application/json"), False),
        (request("DELETE", b""), False),
    ],
)
def test_streams_and_responses_of_old_clients_need_no_slot_and_calls_do(
    waiting: tuple[Scope, bytes], free: bool
) -> None:
    """Requirement RUN-4: a header of a later revision exempts no call of an earlier one from the concurrency limit."""
    assert bypasses_limit(*waiting) is free


def test_on_other_paths_every_request_needs_a_slot() -> None:
    """Requirement RUN-4: only the MCP endpoint has streams that the protocol defines."""
    scope, body = request("GET", b"", accept="text/event-stream")
    assert not bypasses_limit({**scope, "path": "/v0.1/servers"}, body)


@pytest.mark.anyio
async def test_the_autoscaling_target_defaults_to_a_share_of_worker_threads() -> None:
    """anyio, "Working with threads": the default limiter of worker threads; above it plain functions wait."""
    threads = anyio.to_thread.current_default_thread_limiter().total_tokens
    assert ScalingSettings().in_flight_per_replica == int(threads * TARGET_SHARE)
