"""The table of issuers in the environment: accepted rows, and one line for each error."""

import json
from typing import Any

import pytest

from meshed_mcp import contract
from meshed_mcp.agents import Settings, SettingsError
from meshed_mcp.agents.auth.issuer_settings import REPLACED_VARIABLES
from meshed_mcp.contract.token_issuers import TokenIssuer
from meshed_mcp.error_codes.code import catalog

KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
}
"""Source: RFC 7517, appendix A.1."""

ROW: dict[str, Any] = {"issuer": "https://login.example.com/tools", "audiences": ["vault"]}


def settings(issuers: str) -> Settings:
    """Settings with this table."""
    return Settings.from_environment(
        {contract.ENV_AUTH_ISSUERS: issuers, contract.ENV_AUTH_RESOURCE: "https://mcp.example.com/mcp"}
    )


def errors(*rows: Any) -> list[tuple[str, str]]:
    """Code and text of each error of these rows."""
    with pytest.raises(SettingsError) as refusal:
        settings(json.dumps(rows))
    prefix = f"{contract.ENV_AUTH_ISSUERS}: "
    assert all(message.startswith(prefix) for message in refusal.value.messages)
    return [(message.code, message.removeprefix(prefix)) for message in refusal.value.messages]


def test_rows_are_read_with_the_defaults_of_the_contract() -> None:
    """meshed_mcp.contract, ENV_AUTH_ISSUERS: a list of TokenIssuer, of which defaults are left out."""
    own = {
        "issuer": "accounts.google.com",
        "audiences": ["a.apps.googleusercontent.com", "api://0000"],
        "audience_claim": "azp",
        "algorithms": ["RS256"],
        "jwks": {"keys": [KEY]},
        "claims": {"subject": "email", "scopes": ["realm_access.roles"], "organization": "hd"},
        "clock_skew_seconds": 0,
    }
    assert settings(json.dumps([ROW, own])).auth_issuers == (
        TokenIssuer.model_validate(ROW),
        TokenIssuer.model_validate(own),
    )


@pytest.mark.parametrize("text", ["https://login.example.com", "{}", '"a"', "null", "[", "1"])
def test_a_table_that_is_no_json_list_is_rejected(text: str) -> None:
    """Requirement CFG-4: no value of a variable ends in a traceback."""
    with pytest.raises(SettingsError, match=r"^MM0940: MESHED_MCP_AUTH_ISSUERS: the value is not a JSON list"):
        settings(text)


@pytest.mark.parametrize(
    ("row", "code", "text"),
    [
        (ROW | {"audience": "x"}, "MM0941", "audience: Extra inputs are not permitted; use the fields issuer, "),
        ({"issuer": "https://a"}, "MM0941", "audiences: Field required"),
        (ROW | {"claims": {"groups": "x"}}, "MM0941", "claims.groups: Extra inputs"),
        (ROW | {"clock_skew_seconds": 61}, "MM0941", "clock_skew_seconds: "),
        (ROW | {"clock_skew_seconds": -1}, "MM0941", "clock_skew_seconds: "),
        (ROW | {"algorithms": []}, "MM0941", "algorithms: it is empty"),
        (ROW | {"audiences": []}, "MM0943", "audiences is empty"),
        (ROW | {"audiences": [""]}, "MM0943", "audiences is empty"),
        (ROW | {"issuer": "login"}, "MM0944", "set jwks_url"),
        (ROW | {"algorithms": ["none"]}, "MM0945", "algorithms: 'none' is not a supported public-key signature"),
        (ROW | {"algorithms": ["HS256"]}, "MM0945", "algorithms: 'HS256' is not a supported public-key signature"),
        (ROW | {"claims": {"subject": ""}}, "MM0946", "claims.subject: '' is not a claim"),
        (ROW | {"claims": {"scopes": ["a..b"]}}, "MM0946", "claims.scopes: 'a..b' is not a claim"),
        (ROW | {"audience_claim": "."}, "MM0946", "audience_claim: '.' is not a claim"),
        (ROW | {"jwks_url": "login/keys"}, "MM0806", "jwks_url: the value is not a URL"),
        (ROW | {"jwks": {}}, "MM0807", "jwks: the value is not a JWK Set"),
        (ROW | {"jwks": {"keys": []}}, "MM0807", "jwks: the value is not a JWK Set"),
        (ROW | {"jwks": {"keys": [{"kty": "oct", "k": "AAAA"}]}}, "MM0807", "has no usable public key"),
        (ROW | {"jwks": {"keys": [KEY | {"d": "AAAA"}]}}, "MM0807", "has no usable public key"),
        (ROW | {"jwks": {"keys": [KEY]}, "jwks_url": "https://a/keys"}, "MM0808", "are two sources of keys"),
    ],
)
def test_an_invalid_row_is_one_line_with_its_issuer(row: dict[str, Any], code: str, text: str) -> None:
    """Requirement CFG-2: object, field, what is wrong and what to set instead."""
    ((found, message),) = errors(row)
    assert (found, message.startswith(f"the issuer {row['issuer']!r}: ")) == (code, True)
    assert text in message
    assert "\n" not in message


@pytest.mark.parametrize("row", [None, 1, "https://login.example.com", [], {}, {"issuer": ""}, {"issuer": 1}])
def test_a_row_without_an_issuer_is_named_by_its_number(row: Any) -> None:
    """Requirement CFG-4: rows of every JSON type are errors of their own."""
    assert all(code == "MM0941" and text.startswith("row 2: ") for code, text in errors(ROW, row))


def test_two_rows_with_one_issuer_are_rejected() -> None:
    """Requirement CFG-5: a token names one issuer, and one row says how it is verified."""
    text = (
        "two rows have the issuer 'https://login.example.com/tools', so two rules would apply to one token; "
        "merge them into one row"
    )
    assert errors(ROW, ROW) == [("MM0942", text)]


def test_all_errors_of_all_rows_are_reported_at_once() -> None:
    """Requirement CFG-3: one run shows every error."""
    found = errors(ROW | {"audiences": []}, ROW | {"issuer": "https://b", "algorithms": ["none", "HS256"]})
    assert [code for code, _ in found] == ["MM0943", "MM0945", "MM0945"]


@pytest.mark.parametrize("variable", REPLACED_VARIABLES)
def test_a_variable_of_an_earlier_release_is_rejected_with_its_replacement(variable: str) -> None:
    """Requirement TOK-5: a process that ignored it would accept requests without tokens."""
    with pytest.raises(SettingsError) as refusal:
        Settings.from_environment({variable: "x"})
    (message,) = refusal.value.messages
    replacement, example = REPLACED_VARIABLES[variable]
    assert message == (
        f"{variable} is set, but {replacement} has replaced it; set {replacement}, such as {example}, "
        f"and remove {variable}"
    )
    others = {
        contract.ENV_AUTH_ISSUERS: json.dumps([ROW]),
        contract.ENV_AUTH_RESOURCE: "https://mcp.example.com/mcp",
    }
    assert Settings.from_environment(others | {replacement: example}).auth_issuers


@pytest.mark.parametrize("code", sorted(catalog("tokens")))
def test_the_example_of_each_code_produces_it(code: str) -> None:
    """Requirement PRJ-2: the page of error codes shows settings that end in that error."""
    variable, _, value = catalog("tokens")[code]["example"].partition("=")
    with pytest.raises(SettingsError) as refusal:
        Settings.from_environment({contract.ENV_AUTH_RESOURCE: "https://mcp.example.com/mcp", variable: value})
    assert [message.code for message in refusal.value.messages] == [code]
