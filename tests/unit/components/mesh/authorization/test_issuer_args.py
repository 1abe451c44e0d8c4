"""Settings of token issuers that are rejected, and the table that accepted ones make."""

import json
import re
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshed_mcp import contract
from meshed_mcp.components.core.errors import model_issues
from meshed_mcp.components.mesh.authorization.issuer_args import MAX_AUDIENCES
from meshed_mcp.components.mesh.authorization.token_args import MAX_ISSUERS, MOVED, TokenSettings
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs
from meshed_mcp.contract.token_issuers import ALGORITHMS, TokenIssuer
from tests.unit.components.mesh.mesh_rendering import Objects, render_exposed

ISSUER: Final = {"issuer": "https://login.example.com"}
TENANT: Final = "11111111-2222-4333-8444-555555555555"
KEYS: Final = {"keys": [{"kty": "EC", "crv": "P-256", "x": "x", "y": "y"}]}


def issues(auth: Any, **service: Any) -> list[tuple[str, str, str]]:
    """Code, field and message of each issue of a service with this `auth`."""
    given = {"image": "search:1", "auth": auth, **service}
    return [(each.code, each.field, str(each.message)) for each in model_issues(MeshedMCPServiceArgs, given, "mcp-a")]


def variables(objects: Objects) -> dict[str, str]:
    """Plain variables of the server."""
    (container,) = objects.one("Deployment")["spec"]["template"]["spec"]["containers"]
    return {item["name"]: item["value"] for item in container["env"] if "value" in item}


def of_issuer(**settings: Any) -> list[tuple[str, str]]:
    """Code and message of each issue of a service with one issuer; the message begins with the field."""
    return [(code, f"{field}: {text}") for code, field, text in issues({"issuers": [settings]})]


@pytest.mark.parametrize("name", MOVED)
def test_a_setting_of_the_former_form_names_its_new_place(name: str) -> None:
    """Requirement CFG-8: one form, and the error says where the value belongs."""
    ((code, field, text),) = issues({"issuers": [ISSUER], name: "x"})
    assert (code, field) == ("MM0910", "auth")
    assert MOVED[name] in text


@pytest.mark.parametrize(
    ("settings", "code", "text"),
    [
        ({}, "MM0911", "names no issuer"),
        ({"preset": "google", "issuer": "https://accounts.google.com", "audiences": ["a"]}, "MM0912", "remove issuer"),
        ({"preset": "keycloak", "realm": "a"}, "MM0913", "such as 'https://login.example.com'"),
        ({"preset": "cognito", "audiences": ["a"]}, "MM0913", "such as 'eu-west-1_AbCdEfGhI'"),
        ({**ISSUER, "tenant": TENANT}, "MM0914", "set preset to entra or entra-v1"),
        ({"preset": "dex", "url": "https://d.example.com", "realm": "a", "audiences": ["a"]}, "MM0914", "keycloak"),
        ({**ISSUER, "algorithms": ["none"]}, "MM0915", "'none' is not a signature with a public key"),
        ({**ISSUER, "algorithms": ["RS256", "HS256"]}, "MM0915", "'HS256'"),
        ({"preset": "entra", "tenant": TENANT}, "MM0916", "application (client) ID"),
        ({"preset": "google"}, "MM0916", "the IDs of the OAuth clients"),
        ({**ISSUER, "audience_claim": "client_id"}, "MM0916", "the values of that claim"),
        ({"preset": "entra", "tenant": "contoso.onmicrosoft.com", "audiences": ["a"]}, "MM0919", "not the ID of a"),
        ({"preset": "entra-v1", "tenant": "organizations", "audiences": ["a"]}, "MM0919", "not the ID of a"),
        ({"preset": "okta", "url": "acme.okta.com"}, "MM0920", "not the URL of an identity provider"),
        ({"preset": "okta", "url": "https://acme.okta.com?a=b"}, "MM0920", "not the URL of an identity provider"),
        ({"preset": "cognito", "user_pool": "AbCdEf", "audiences": ["a"]}, "MM0920", "not a user pool ID"),
        ({**ISSUER, "audiences": ["tools\n"]}, "MM0921", "cannot be an audience"),
        ({**ISSUER, "audiences": [""]}, "MM0921", "cannot be an audience"),
        ({**ISSUER, "audiences": ["api://*"]}, "MM0921", "without spaces and `*` at their ends"),
    ],
)
def test_an_issuer_that_matches_no_token_is_rejected(settings: dict[str, Any], code: str, text: str) -> None:
    """Requirement IDP-6: preview rejects it, names the field and says what to set."""
    ((found, message),) = of_issuer(**settings)
    assert found == code
    assert message.startswith("auth.issuers[0]")
    assert text in message


@pytest.mark.parametrize(
    ("issuer", "text"),
    [
        ("https://[fe80::1%25eth0]/realms/tools", "names an IP address"),
        ("https://[::ffff:169.254.169.254]/", "names an IP address"),
        ("https://[fd00:ec2::254]", "names an IP address"),
        ("https://metadata.google.internal", "metadata service"),
        ("https://keycloak.login.svc.cluster.local", "leads into the cluster"),
        ("http://login.example.com", "is fetched in plaintext"),
        ("https://login.example.com:8443", "names port 8443"),
    ],
)
def test_keys_are_not_discovered_at_an_address_or_inside_the_cluster(issuer: str, text: str) -> None:
    """OWASP, "Server-Side Request Forgery Prevention": without `jwks_url` the issuer's URL is fetched."""
    ((_, message),) = of_issuer(issuer=issuer)
    assert message.startswith("auth.issuers[0]: issuer: ")
    assert text in message
    assert of_issuer(issuer=issuer, jwks=KEYS) == []


def test_an_issuer_in_the_cluster_can_be_discovered() -> None:
    """Requirement IDP-1: such as Keycloak behind a Service."""
    assert of_issuer(issuer="http://keycloak.login.svc.cluster.local:8080/realms/tools", jwks_in_cluster=True) == []


def test_two_entries_with_one_issuer_are_rejected() -> None:
    """RFC 8725, section 3.8: keys and audiences belong to one issuer; also when a preset names it."""
    keycloak = {"preset": "keycloak", "url": "https://login.example.com", "realm": "tools"}
    again = {"issuer": "https://login.example.com/realms/tools"}
    ((code, field, text),) = issues({"issuers": [keycloak, ISSUER, again]})
    assert (code, field) == ("MM0917", "auth.issuers")
    assert text.startswith("issuers[2] and issuers[0] have the same issuer 'https://login.example.com/realms/tools'")


@pytest.mark.parametrize(
    ("resource", "accepted"),
    [
        ("https://mcp.example.com/mcp-search/mcp", True),
        ("https://MCP.example.com/mcp-search/mcp/", True),
        ("https://mcp.example.com/mcp-search", True),
        ("https://mcp.example.com", True),
        ("http://mcp-search.mcp-system.svc.cluster.local:8000/mcp", True),
        ("https://mcp.example.com/mcp-search/m", False),
        ("https://mcp.example.com/mcp-search/mcp/deeper", False),
        ("https://mcp.example.com/other/mcp", False),
        ("https://other.example.com/mcp-search/mcp", False),
        ("http://mcp.example.com/mcp-search/mcp", False),
        ("https://mcp.example.com:8443/mcp-search/mcp", False),
        ("https://mcp.example.com/mcp-search/mcp?a=b", False),
    ],
)
def test_the_resource_is_a_url_that_clients_of_the_service_accept(resource: str, *, accepted: bool) -> None:
    """RFC 9728, section 3.3; requirement IDP-6: clients reject metadata of another resource."""
    auth = {"issuers": [ISSUER], "resource": resource}
    if accepted:
        assert variables(render_exposed(auth=auth))[contract.ENV_AUTH_RESOURCE] == resource
        return
    with pytest.raises(ValueError, match=re.escape(f"{resource!r} is not a URL of the service")):
        render_exposed(auth=auth)


def test_numbers_of_issuers_and_audiences_are_bounded() -> None:
    """Requirement CFG-9: each is compared with each token."""
    many = [{"issuer": f"https://login{number}.example.com"} for number in range(MAX_ISSUERS + 1)]
    assert issues({"issuers": many[:-1]}) == []
    assert "at most" in issues({"issuers": many})[0][2]
    assert "at least" in issues({"issuers": []})[0][2]
    audiences = [f"a{number}" for number in range(MAX_AUDIENCES + 1)]
    assert "at most" in of_issuer(**ISSUER, audiences=audiences)[0][1]


@pytest.mark.parametrize(
    "settings",
    [
        {"algorithms": ["RS256"]},
        {"clock_skew_seconds": 5},
        {"claims": {"subject": "oid"}},
        {"claims": {"scopes": ["a"]}},
    ],
)
def test_what_only_the_runtime_checks_needs_the_runtime(settings: dict[str, Any]) -> None:
    """Istio API, JWTRule: it has no such fields, so a server without the runtime would be open to such tokens."""
    auth = {"issuers": [{**ISSUER, **settings}]}
    ((code, _, text),) = issues(auth, runtime="external")
    assert code == "MM0307"
    assert "auth.issuers[0]." in text
    assert issues(auth) == []


@given(
    audiences=st.lists(st.text(min_size=1, max_size=40), max_size=4),
    algorithms=st.lists(st.sampled_from(ALGORITHMS), min_size=1, max_size=3),
    organization=st.none() | st.text(min_size=1, max_size=20),
    skew=st.integers(-5, 120),
)
def test_every_issuer_is_rejected_or_becomes_a_row_that_the_runtime_reads(
    audiences: list[str], algorithms: list[str], organization: str | None, skew: int
) -> None:
    """Requirement IDP-1: one table; what the stack accepts, the runtime parses without a change."""
    settings = {
        **ISSUER,
        "audiences": audiences,
        "algorithms": algorithms,
        "claims": {"organization": organization},
        "clock_skew_seconds": skew,
    }
    if issues({"issuers": [settings]}):
        return
    (row,) = TokenSettings.model_validate({"issuers": [settings]}).table("https://mcp.example.com/mcp")
    sent = json.dumps([row.model_dump(exclude_defaults=True, mode="json")])
    assert [TokenIssuer.model_validate(each) for each in json.loads(sent)] == [row]
    assert list(row.audiences) == list(dict.fromkeys(audiences)) or not audiences
