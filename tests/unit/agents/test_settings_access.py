"""Settings about callers: what is read, and what is said about a wrong value."""

import pytest

from meshed_mcp import contract
from meshed_mcp.agents import Settings, SettingsError
from meshed_mcp.agents.auth.tool_policy import ToolRule

EXAMPLE = '{"search": {"allow": ["cluster.local/ns/tools/sa/mcp-controller"]}}'
KEYS = (
    '{"keys": [{"kty": "EC", "crv": "P-256", "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", '
    '"y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]}'
)
"""Source: RFC 7517, appendix A.1."""

ISSUER = {
    contract.ENV_AUTH_ISSUER: "https://login.example.com/tools",
    contract.ENV_AUTH_AUDIENCE: "https://mcp.example.com/mcp",
    contract.ENV_AUTH_JWKS_URL: "https://login.example.com/keys",
}


def fault(**variables: str) -> str:
    """The text of the refusal."""
    with pytest.raises(SettingsError) as refusal:
        Settings.from_environment(variables)
    return "\n".join(refusal.value.messages)


def test_by_default_nobody_is_believed_and_nothing_is_restricted() -> None:
    """Product rule: outside a mesh a header names nobody."""
    settings = Settings.from_environment({})
    assert (settings.trusted_proxies, settings.tool_policy, settings.auth_issuer) == ((), {}, None)


def test_the_variables_are_read() -> None:
    """meshed_mcp.contract; addresses in the form in which connections have them."""
    scopes = {contract.ENV_AUTH_SCOPES: "docs.read, docs.write"}
    proxies = {contract.ENV_TRUSTED_PROXIES: "127.0.0.6, 0:0::6"}
    settings = Settings.from_environment({contract.ENV_TOOL_POLICY: EXAMPLE, **ISSUER, **scopes, **proxies})
    assert settings.trusted_proxies == ("127.0.0.6", "::6")
    allowed = frozenset({"cluster.local/ns/tools/sa/mcp-controller"})
    assert settings.tool_policy == {"search": ToolRule(allow=allowed)}
    assert settings.auth_issuer == ISSUER[contract.ENV_AUTH_ISSUER]
    assert settings.auth_scopes == ("docs.read", "docs.write")


def test_a_policy_that_is_no_json_is_refused_with_an_example() -> None:
    """Product rule: what is wrong and what to write; a policy that is not understood protects nothing."""
    text = fault(**{contract.ENV_TOOL_POLICY: '{"search"'})
    assert text.startswith(f"{contract.ENV_TOOL_POLICY}: the value is not JSON (")
    assert text.endswith(f"); use JSON such as {EXAMPLE}")


def test_a_misspelt_rule_is_refused() -> None:
    """Product rule: an unknown field would be a rule that does not hold."""
    policy = '{"search": {"alow": []}}'
    assert fault(**{contract.ENV_TOOL_POLICY: policy}) == (
        f"{contract.ENV_TOOL_POLICY}={policy!r} is not usable; set JSON, as {EXAMPLE}"
    )


def test_a_proxy_is_an_address() -> None:
    """Product rule: a name would be looked up in a place an attacker may own."""
    assert fault(**{contract.ENV_TRUSTED_PROXIES: "sidecar"}) == (
        f"{contract.ENV_TRUSTED_PROXIES}: 'sidecar' does not appear to be an IPv4 or IPv6 address; "
        "use IP addresses separated by commas, such as 127.0.0.6,::6"
    )


def test_an_issuer_without_keys_or_audience_is_refused() -> None:
    """Product rule: half of it would check nothing, or tokens made for others."""
    assert fault(**{contract.ENV_AUTH_ISSUER: "https://login.example.com"}) == (
        f"{contract.ENV_AUTH_ISSUER} is set without {contract.ENV_AUTH_AUDIENCE}, {contract.ENV_AUTH_JWKS_URL}, "
        "so no token could be checked; set all of them, or none"
    )
    assert fault(**{contract.ENV_AUTH_SCOPES: "a"}).startswith(f"{contract.ENV_AUTH_SCOPES} is set without ")


def test_a_url_is_a_url() -> None:
    """RFC 8707, section 2: an absolute URI without a fragment."""
    text = fault(**ISSUER | {contract.ENV_AUTH_AUDIENCE: "https://mcp.example.com/mcp#tools"})
    assert text == (
        f"{contract.ENV_AUTH_AUDIENCE}: the value is not a URL without a fragment; use one such as "
        "https://login.example.com/realms/tools"
    )


def test_keys_come_from_one_place() -> None:
    """Product rule: with two sources nobody could say which keys are trusted."""
    token_settings = {
        contract.ENV_AUTH_ISSUER: "https://login.example.com",
        contract.ENV_AUTH_AUDIENCE: "https://mcp.example.com/mcp",
        contract.ENV_AUTH_JWKS: '{"keys": []}',
    }
    assert fault(**token_settings).startswith(f"{contract.ENV_AUTH_JWKS}: the value is not a JWK Set (")
    token_settings[contract.ENV_AUTH_JWKS] = KEYS
    assert Settings.from_environment({contract.ENV_SERVICE: "mcp-search", **token_settings}).auth_jwks == KEYS
    token_settings[contract.ENV_AUTH_JWKS_URL] = "https://login.example.com/keys"
    assert fault(**token_settings) == (
        f"{contract.ENV_AUTH_JWKS} and {contract.ENV_AUTH_JWKS_URL} are two sources of keys; set one of them"
    )
