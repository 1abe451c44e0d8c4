"""Messages between two protocol eras."""

from typing import Any

import mcp_types
import pytest

from meshed_mcp.agents.bridge.negotiation import Facts, Identity
from meshed_mcp.agents.bridge.translation import (
    allows_log,
    client_result,
    upstream_headers,
    upstream_params,
    with_subscription,
)

OLD = Facts("2025-11-25", {}, {"name": "up", "version": "1"}, None)
NEW = Facts("2026-07-28", {}, {"name": "up", "version": "1"}, None)
CALLER = Identity({"name": "app", "version": "2"}, {"elicitation": {}})


def test_an_old_upstream_gets_no_field_of_the_new_revision() -> None:
    """MCP 2025-11-25, `RequestParams`: no envelope in `_meta`, no rounds."""
    meta = {
        mcp_types.PROTOCOL_VERSION_META_KEY: "2026-07-28",
        mcp_types.CLIENT_CAPABILITIES_META_KEY: {},
        "progressToken": 7,
        "com.example/x": None,
    }
    params = {"name": "t", "arguments": {"a": None}, "requestState": "s", "inputResponses": {}, "_meta": meta}
    assert upstream_params(params, OLD, CALLER) == {
        "name": "t",
        "arguments": {"a": None},
        "_meta": {"com.example/x": None},
    }


def test_a_new_upstream_sees_the_identity_of_an_old_client() -> None:
    """MCP 2026-07-28, "Request Metadata": version, client and capabilities in each request."""
    found = upstream_params({"name": "t"}, NEW, CALLER, log_level="info")
    assert found is not None
    assert found["_meta"] == {
        mcp_types.PROTOCOL_VERSION_META_KEY: "2026-07-28",
        mcp_types.CLIENT_INFO_META_KEY: {"name": "app", "version": "2"},
        mcp_types.CLIENT_CAPABILITIES_META_KEY: {"elicitation": {}},
        mcp_types.LOG_LEVEL_META_KEY: "info",
    }


def test_absent_parameters_stay_absent() -> None:
    """JSON-RPC 2.0, section 4: params may be omitted."""
    assert upstream_params(None, OLD, CALLER) is None
    assert upstream_params({}, OLD, CALLER) == {}


def test_a_new_upstream_gets_the_headers_of_the_request() -> None:
    """MCP 2026-07-28, "Streamable HTTP": Mcp-Method, Mcp-Name and Mcp-Param headers agree with the body."""
    schema = {"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}}
    params = {"name": "t", "arguments": {"region": "eu"}}
    assert upstream_headers("tools/call", params, NEW, schema) == {
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "tools/call",
        "mcp-name": "t",
        "Mcp-Param-Region": "eu",
    }
    assert upstream_headers("tools/call", params, OLD, schema) == {"mcp-protocol-version": "2025-11-25"}


def test_an_old_result_becomes_a_new_one() -> None:
    """MCP 2026-07-28, `Result`: resultType, cache hints and the server's identity."""
    found = client_result("tools/list", {"tools": []}, OLD, is_modern=True, server=OLD.server)
    assert found == {
        "resultType": "complete",
        "ttlMs": 0,
        "cacheScope": "private",
        "tools": [],
        "_meta": {mcp_types.SERVER_INFO_META_KEY: OLD.server},
    }
    assert "ttlMs" not in client_result("tools/call", {"content": []}, OLD, is_modern=True, server=None)


def test_meta_of_a_result_stays() -> None:
    """Requirement BRG-1: only the server's stamp is removed for an old client."""
    stamped = {"content": [], "_meta": {mcp_types.SERVER_INFO_META_KEY: {}, "com.example/x": 1}}
    assert client_result("tools/call", stamped, NEW, is_modern=False, server=None)["_meta"] == {"com.example/x": 1}
    assert client_result("tools/call", stamped, NEW, is_modern=True, server=None)["_meta"] == stamped["_meta"]


def test_a_change_notification_names_the_stream_of_the_client() -> None:
    """MCP 2026-07-28, "Subscriptions": `subscriptionId` is the id of the client's own request."""
    key = "io.modelcontextprotocol/subscriptionId"
    assert with_subscription({"uri": "a:b", "_meta": {key: "up"}}, 7) == {"uri": "a:b", "_meta": {key: 7}}
    assert with_subscription({"uri": "a:b", "_meta": {key: "up"}}, None) == {"uri": "a:b"}


@pytest.mark.parametrize(
    ("requested", "level", "passes"),
    [("info", "error", True), ("info", "info", True), ("error", "info", False), (None, "error", False)],
)
def test_logs_pass_from_the_requested_level_on(requested: Any, level: str, *, passes: bool) -> None:
    """MCP 2026-07-28, "Logging": a request without a level gets none."""
    assert allows_log(requested, level) is passes
