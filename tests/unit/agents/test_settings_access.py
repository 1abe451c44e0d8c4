"""Access settings: parsed values and the errors of invalid ones."""

import pytest

from meshed_mcp import contract
from meshed_mcp.agents import Settings, SettingsError
from meshed_mcp.agents.auth.tool_policy import ToolRule

EXAMPLE = '{"search": {"allow": ["cluster.local/ns/tools/sa/mcp-controller"]}}'
ISSUER = {
    contract.ENV_AUTH_ISSUERS: '[{"issuer": "https://login.example.com/tools", "audiences": ["vault"]}]',
    contract.ENV_AUTH_RESOURCE: "https://mcp.example.com/mcp",
}


def fault(**variables: str) -> str:
    """The text of the refusal."""
    with pytest.raises(SettingsError) as refusal:
        Settings.from_environment(variables)
    return "\n".join(refusal.value.messages)


def test_by_default_no_header_is_trusted_and_nothing_is_restricted() -> None:
    """Requirement SEC-2: outside a mesh no header names a caller."""
    settings = Settings.from_environment({})
    assert (settings.trusted_proxies, settings.tool_policy, settings.auth_issuers) == ((), {}, ())


def test_the_variables_are_read() -> None:
    """meshed_mcp.contract; addresses are in the form in which connections have them."""
    scopes = {contract.ENV_AUTH_SCOPES: "docs.read, docs.write"}
    proxies = {contract.ENV_TRUSTED_PROXIES: "127.0.0.6, 0:0::6"}
    settings = Settings.from_environment({contract.ENV_TOOL_POLICY: EXAMPLE, **ISSUER, **scopes, **proxies})
    assert settings.trusted_proxies == ("127.0.0.6", "::6")
    allowed = frozenset({"cluster.local/ns/tools/sa/mcp-controller"})
    assert settings.tool_policy == {"search": ToolRule(allow=allowed)}
    assert [row.issuer for row in settings.auth_issuers] == ["https://login.example.com/tools"]
    assert settings.auth_resource == "https://mcp.example.com/mcp"
    assert settings.auth_scopes == ("docs.read", "docs.write")


def test_a_policy_that_is_not_json_is_rejected_with_an_example() -> None:
    """Requirement RUN-6: the line says what is wrong and what to set; an unreadable policy protects nothing."""
    text = fault(**{contract.ENV_TOOL_POLICY: '{"search"'})
    assert text.startswith(f"{contract.ENV_TOOL_POLICY}: the value is not JSON (")
    assert text.endswith(f"); use JSON such as {EXAMPLE}")


def test_a_misspelled_rule_is_rejected() -> None:
    """Requirement CFG-6: an unknown field would be a rule without effect."""
    policy = '{"search": {"alow": []}}'
    assert fault(**{contract.ENV_TOOL_POLICY: policy}) == (
        f"{contract.ENV_TOOL_POLICY}={policy!r} is not usable; set JSON, such as {EXAMPLE}"
    )


def test_a_trusted_proxy_is_an_ip_address() -> None:
    """Requirement SEC-2: a name would be resolved by a DNS server that an attacker may own."""
    assert fault(**{contract.ENV_TRUSTED_PROXIES: "sidecar"}) == (
        f"{contract.ENV_TRUSTED_PROXIES}: 'sidecar' does not appear to be an IPv4 or IPv6 address; "
        "use IP addresses separated by commas, such as 127.0.0.6,::6"
    )


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        (contract.ENV_AUTH_ISSUERS, contract.ENV_AUTH_RESOURCE),
        (contract.ENV_AUTH_RESOURCE, contract.ENV_AUTH_ISSUERS),
    ],
)
def test_issuers_and_resource_need_each_other(given: str, missing: str) -> None:
    """Requirement CFG-6: issuers without a resource have no metadata, a resource without issuers no token."""
    assert fault(**{given: ISSUER[given]}) == (
        f"{given} is set without {missing}, so no token could be checked; set all of them, or none"
    )
    assert fault(**{contract.ENV_AUTH_SCOPES: "a"}).startswith(f"{contract.ENV_AUTH_SCOPES} is set without ")


@pytest.mark.parametrize("url", ["https://mcp.example.com/mcp#tools", "mcp.example.com", "ftp://x/mcp", "https://[::1"])
def test_an_invalid_resource_is_rejected(url: str) -> None:
    """RFC 8707, section 2: an absolute URI without a fragment."""
    assert fault(**ISSUER | {contract.ENV_AUTH_RESOURCE: url}) == (
        f"{contract.ENV_AUTH_RESOURCE}: the value is not a URL without a fragment; use one such as "
        "https://login.example.com/realms/tools"
    )
