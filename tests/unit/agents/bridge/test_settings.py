"""Settings of the bridge: exactly one upstream, JSON values, headers from variables, one coded line per error."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshed_mcp import contract
from meshed_mcp.agents.bridge.settings import BridgeSettings
from meshed_mcp.agents.settings import SettingsError
from meshed_mcp.error_codes.code import Message, MessageError

URL = {contract.ENV_UPSTREAM_URL: "http://127.0.0.1:8080/mcp"}


def faults(**variables: str) -> list[str]:
    """Lines of the error."""
    with pytest.raises(SettingsError) as caught:
        BridgeSettings.from_environment(variables)
    return [message.line for message in caught.value.messages]


def test_every_variable_is_read() -> None:
    """meshed_mcp.contract: the bridge obeys what the platform renders."""
    settings = BridgeSettings.from_environment(
        {
            contract.ENV_UPSTREAM_COMMAND: '["uvx", "mcp-server-time@2026.10.19"]',
            contract.ENV_UPSTREAM_ENVIRONMENT: "API_KEY, TZ",
            contract.ENV_UPSTREAM_PROCESS: "shared",
            contract.ENV_UPSTREAM_MAX_PROCESSES: "7",
            contract.ENV_LEGACY: "sticky",
        }
    )
    assert settings.upstream_command == ("uvx", "mcp-server-time@2026.10.19")
    assert settings.upstream_environment == ("API_KEY", "TZ")
    assert (settings.upstream_process, settings.upstream_max_processes) == ("shared", 7)
    for address in ("127.0.0.1:9470", "[::1]:9470"):
        assert BridgeSettings.from_environment({contract.ENV_UPSTREAM_ADDRESS: address}).upstream_address == address


@pytest.mark.parametrize(
    "more", [{}, {contract.ENV_UPSTREAM_URL: "http://a/mcp", contract.ENV_UPSTREAM_ADDRESS: "a:1"}]
)
def test_exactly_one_upstream_is_required(more: dict[str, str]) -> None:
    """Requirement BRG-13: none and two are errors."""
    (line,) = faults(**more)
    assert line == (
        f"MM0520: the bridge has {len(more)} upstreams; set exactly one of MESHED_MCP_UPSTREAM_URL, "
        "MESHED_MCP_UPSTREAM_COMMAND and MESHED_MCP_UPSTREAM_ADDRESS"
    )


def test_a_command_that_is_no_json_is_an_error() -> None:
    """Requirement BRG-13: the error shows a valid command."""
    (line,) = faults(**{contract.ENV_UPSTREAM_COMMAND: "uvx mcp-server-time"})
    assert line.startswith("MM0521: MESHED_MCP_UPSTREAM_COMMAND: the value is not JSON")
    assert line.endswith('use JSON such as ["uvx", "mcp-server-time@2026.10.19"]')


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        (contract.ENV_UPSTREAM_URL, "ftp://a/mcp"),
        (contract.ENV_UPSTREAM_URL, "http://user:secret@a/mcp"),
        (contract.ENV_UPSTREAM_COMMAND, "[]x"),
        (contract.ENV_UPSTREAM_COMMAND, '"uvx"'),
        (contract.ENV_UPSTREAM_COMMAND, '["", 1]'),
        (contract.ENV_UPSTREAM_ADDRESS, "9470"),
        (contract.ENV_UPSTREAM_PROCESS, "many"),
        (contract.ENV_UPSTREAM_MAX_PROCESSES, "0"),
        (contract.ENV_UPSTREAM_HEADERS, '["x"]'),
        (contract.ENV_UPSTREAM_HEADERS, '{"bad name": "X"}'),
        (contract.ENV_UPSTREAM_TOKEN, "two words"),
    ],
)
def test_a_wrong_value_is_one_line(variable: str, value: str) -> None:
    """Requirement BRG-13: what is wrong and what to set instead."""
    base = {} if variable in (contract.ENV_UPSTREAM_COMMAND, contract.ENV_UPSTREAM_ADDRESS) else URL
    lines = faults(**{**base, variable: value})
    assert len(lines) == 1
    assert variable in lines[0]
    assert "; set " in lines[0] or "; use " in lines[0]
    if variable == contract.ENV_UPSTREAM_TOKEN:
        assert value not in lines[0]


def test_headers_get_their_values_from_variables() -> None:
    """Requirement BRG-13: secrets stand in variables, and the token makes the authorization header."""
    settings = BridgeSettings.from_environment(
        {**URL, contract.ENV_UPSTREAM_HEADERS: '{"x-api-key": "API_KEY"}', contract.ENV_UPSTREAM_TOKEN: "t0ken"}
    )
    values = {header: read() for header, read in settings.headers({"API_KEY": "secret"}).items()}
    assert values == {"x-api-key": "secret", "authorization": "Bearer t0ken"}
    assert "t0ken" not in repr(settings)
    with pytest.raises(MessageError, match="names the variable API_KEY, which has no value"):
        settings.headers({})


def test_two_authorization_headers_are_an_error() -> None:
    """Requirement BRG-13: a request has one authorization header."""
    headers = {contract.ENV_UPSTREAM_HEADERS: '{"Authorization": "X"}', contract.ENV_UPSTREAM_TOKEN: "t0ken"}
    (line,) = faults(**URL, **headers)
    assert line.startswith("MM0523: ")


@given(st.dictionaries(st.sampled_from([name for name in dir(contract) if name.startswith("ENV_UPSTREAM")]), st.text()))
def test_any_text_is_accepted_or_rejected_line_by_line(found: dict[str, str]) -> None:
    """Requirement BRG-13: no value of a variable ends in a traceback."""
    messages: tuple[Message, ...] = ()
    try:
        BridgeSettings.from_environment({getattr(contract, name): value for name, value in found.items()})
    except SettingsError as error:
        messages = error.messages
    assert all(message.code.startswith("MM") and "\n" not in message for message in messages)
