"""`MCPService` is the SDK's server and hides nothing of it."""

import inspect

import pytest
from mcp.server import MCPServer
from mcp.server.transport_security import TransportSecuritySettings

from meshed_mcp.agents import MCPService, Settings
from meshed_mcp.agents.service import listen_handler, transport_security
from meshed_mcp.agents.settings import DEFAULT_ALLOWED_HOSTS, LOOPBACK_HOSTS

OWN = {"run", "http_app", "current_caller", "end_streams", "metrics", "tool_names", "prompt_names"}
EXTENDED = {"add_tool", "remove_tool", "add_prompt", "remove_prompt", "call_tool", "get_prompt"}
"""Methods that note a name and do what the SDK's do (registered_names.py)."""


def test_every_public_attribute_of_the_sdks_server_exists_and_only_run_differs() -> None:
    """Requirement RUN-12: the SDK's server is wrapped, and no feature is hidden."""
    public = {name for name in dir(MCPServer) if not name.startswith("_")}
    changed = {name for name in public if getattr(MCPService, name) is not getattr(MCPServer, name)}
    assert changed == {"run"} | EXTENDED
    assert public & OWN == {"run"}  # a name of ours must not come to hide one of a later SDK


def test_every_argument_of_the_sdks_constructor_is_passed_on() -> None:
    """Requirement RUN-12: a service takes the same arguments, by position and by name."""
    service = MCPService("mcp-test", "Title", "Description", "Instructions", version="1.2", subscriptions=False)
    assert (service.name, service.title, service.description) == ("mcp-test", "Title", "Description")
    assert (service.instructions, service.version) == ("Instructions", "1.2")
    service.http_app(Settings())
    assert listen_handler(service.session_manager) is None
    service.end_streams()
    with pytest.raises(TypeError, match="unknown"):
        MCPService("mcp-test", unknown=1)


def test_the_listen_handler_is_where_the_drain_expects_it() -> None:
    """SDK 2.3: `get_request_handler` returns the ListenHandler, whose `close` the SDK never calls."""
    service = MCPService("mcp-test")
    service.end_streams()
    service.http_app(Settings())
    assert listen_handler(service.session_manager) is not None


def test_an_explicit_transport_is_passed_to_the_sdk_with_its_options(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requirement RUN-12: `run("sse")` and the other transports are the SDK's own."""
    passed: dict[str, object] = {}
    monkeypatch.setattr(MCPServer, "run", lambda _, transport, **options: passed.update(transport=transport, **options))
    MCPService("mcp-test").run("streamable-http", port=8123, json_response=True)
    assert passed == {"transport": "streamable-http", "port": 8123, "json_response": True}


def test_options_without_a_transport_are_rejected_with_what_to_set() -> None:
    """Requirement CFG-6: an option that would be ignored is an error."""
    with pytest.raises(TypeError) as refusal:
        MCPService("mcp-test").run(port=8123)
    assert str(refusal.value) == (
        "run() takes port only with a transport of the SDK, as run('streamable-http', port=8000). "
        "Without one, set the environment: MESHED_MCP_PORT and its neighbors."
    )


def test_the_host_check_allows_the_given_hosts_and_their_origins() -> None:
    """MCP 2026-07-28, Streamable HTTP, "Security Warning": servers must validate Origin."""
    checked = transport_security(Settings(allowed_hosts=("mcp-rag",)))
    assert checked == TransportSecuritySettings(
        allowed_hosts=["mcp-rag", *LOOPBACK_HOSTS], allowed_origins=["http://mcp-rag", "https://mcp-rag"]
    )


def test_the_default_hosts_are_those_of_the_sdk() -> None:
    """SDK 2.3, `streamable_http_app(host="127.0.0.1")`: the product's default repeats these values."""
    server = MCPServer("mcp-test")
    server.streamable_http_app()
    security = server.session_manager.security_settings
    assert security is not None
    assert tuple(security.allowed_hosts) == DEFAULT_ALLOWED_HOSTS


def test_old_clients_are_served_statelessly_and_may_get_an_event_stream() -> None:
    """Requirement RUN-16: any replica serves any request of a client up to 2025-11-25."""
    service = MCPService("mcp-test")
    service.http_app(Settings())
    assert service.session_manager.stateless is True
    assert service.session_manager.json_response is False


def test_run_without_a_transport_is_the_only_difference_in_the_signature() -> None:
    """Requirement RUN-12: what type-checks against the SDK's server type-checks against the service."""
    sdk = inspect.signature(MCPServer.run).parameters
    ours = inspect.signature(MCPService.run).parameters
    assert set(sdk) <= set(ours)
    assert ours["transport"].default is None
