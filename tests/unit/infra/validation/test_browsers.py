"""Web pages that a stack allows: defaults of development, and what production rejects."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshed_mcp import contract
from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.infra.plan import Plan, planned

SERVICE = {"image": "registry.example/a:1", "expose": True}
PAGE = "https://app.example.com"


def plan(**keys: Any) -> Plan:
    """The plan of a stack with one exposed service."""
    values = {"services": {"mcp-a": SERVICE}, **keys}
    return planned(
        {f"meshed-mcp:{key}": value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}
    )


def lines(**keys: Any) -> list[str]:
    """Issues of a stack, as lines."""
    with pytest.raises(ConfigurationError) as raised:
        plan(**keys)
    return [str(issue) for issue in raised.value.issues]


def service_lines(cors: Any, **keys: Any) -> list[str]:
    """Issues of a stack whose service has `cors`, as lines."""
    return lines(services={"mcp-a": {**SERVICE, "cors": cors}}, **keys)


def origins(found: Plan) -> list[str] | None:
    """Origins that the service allows."""
    cors = found.services["mcp-a"].cors
    return None if cors is None else cors.origins


def test_production_allows_no_page_by_default() -> None:
    """Requirement CFG-10; requirement WEB-2."""
    assert origins(plan()) is None


def test_development_allows_the_developers_machine() -> None:
    """Requirement WEB-4: the MCP Inspector is a page at http://localhost:6274."""
    assert origins(plan(environment="development")) == list(contract.LOOPBACK_ORIGINS)


@pytest.mark.parametrize("environment", ["development", "production"])
def test_the_stack_sets_pages_for_all_services_and_a_service_its_own(environment: str) -> None:
    """Requirement CFG-5: the setting of a service wins, also an empty one."""
    assert origins(plan(cors={"origins": [PAGE]}, environment=environment)) == [PAGE]
    closed = plan(
        services={"mcp-a": {**SERVICE, "cors": {"origins": []}}}, cors={"origins": [PAGE]}, environment=environment
    )
    assert origins(closed) == []


def test_every_page_is_allowed_in_development_only() -> None:
    """Requirement WEB-3."""
    assert origins(plan(cors={"origins": ["*"]}, environment="development")) == ["*"]
    (line,) = lines(cors={"origins": ["*"]})
    assert "meshed-mcp:cors.origins: '*' lets every web page call the service" in line
    (line,) = service_lines({"origins": ["*"]})
    assert line.startswith("service mcp-a: cors.origins: '*'")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("app.example.com", "is no origin"),
        ("https://app.example.com/", "is no origin"),
        ("https://app.example.com/page", "is no origin"),
        ("https://user@app.example.com", "is no origin"),
        ("https://bücher.example", "is no origin"),
        ("https://*.example.com", "is no origin"),
        ("https://app.example.com:99999", "is no origin"),
        ("https://app.example.com:0", "is no origin"),
        ("https://[fe80::1%25eth0]", "is no origin"),
        ("", "is no origin"),
        ("null", "sandboxed"),
        ("https://app.example.com:*", "set the port, such as https://app.example.com:8443"),
    ],
)
def test_a_text_that_no_browser_sends_is_rejected(value: str, said: str) -> None:
    """Requirement CFG-7; RFC 6454, section 6.2: scheme, host and port."""
    (line,) = service_lines({"origins": [value]})
    assert said in line
    assert line.startswith("service mcp-a: cors.origins[0]: ")


def test_origins_are_rendered_as_browsers_send_them() -> None:
    """WHATWG URL, "host serializing": lower case, without the default port, IPv6 compressed."""
    given_ones = ["HTTPS://App.Example.com:443", "http://[0:0:0:0:0:0:0:1]:08080", "vscode-webview://ABC"]
    expected = ["https://app.example.com", "http://[::1]:8080", "vscode-webview://abc"]
    assert origins(plan(cors={"origins": given_ones})) == expected


def test_a_wildcard_with_credentials_is_rejected_everywhere() -> None:
    """Requirement WEB-3; WHATWG Fetch: a wildcard and credentials exclude each other."""
    (line,) = service_lines({"origins": ["*"], "credentials": True}, environment="development")
    assert "credentials with the origin '*'" in line


@pytest.mark.parametrize("name", ["*", "Cookie", "host", "sec-fetch-mode", "a b", "a,b", ""])
def test_a_header_that_no_page_can_send_is_rejected(name: str) -> None:
    """WHATWG Fetch, "forbidden request-header"."""
    (line,) = service_lines({"origins": [PAGE], "headers": [name]})
    assert "is no request header that a page can set" in line


def test_cors_of_a_service_behind_no_gateway_is_rejected() -> None:
    """Requirement CFG-6: a setting without effect."""
    service = {**SERVICE, "expose": False, "cors": {"origins": [PAGE]}}
    (line,) = lines(services={"mcp-a": service})
    assert line.startswith("service mcp-a: cors: no browser reaches")


@pytest.mark.property
@given(value=st.text(max_size=40) | st.from_regex(r"[a-z]{1,6}://[a-z.\[\]:0-9*]{1,12}", fullmatch=True))
def test_any_text_is_an_origin_that_the_runtime_takes_too_or_one_line(value: str) -> None:
    """Requirements CFG-2 and CFG-13."""
    try:
        found = origins(plan(cors={"origins": [value]}, environment="development"))
    except ConfigurationError as error:
        (issue,) = error.issues
        assert "\n" not in str(issue)
    else:
        assert found == [contract.normalized_origin(value)]
        assert contract.normalized_origin(found[0]) == found[0]


def test_without_a_mesh_the_runtime_alone_responds_to_pages() -> None:
    """Requirement CFG-6: a server without the runtime would ignore the setting; requirement WEB-1."""
    meshed = {"image": "registry.example/a:1", "cors": {"origins": [PAGE]}}
    assert origins(plan(services={"mcp-a": meshed}, mesh="none")) == [PAGE]
    external = {**meshed, "runtime": "external", "port": 3001, "scaling": {"in_flight_per_replica": None}}
    (line,) = lines(services={"mcp-a": external}, mesh="none")
    assert "the ingress gateway responds to preflights" in line
