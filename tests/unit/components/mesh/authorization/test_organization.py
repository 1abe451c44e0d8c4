"""Expressions of the organization by issuer. test_local_issuers.py evaluates them in Envoy."""

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshed_mcp.components.mesh.authorization import organization
from meshed_mcp.components.mesh.rate_limit import descriptors
from meshed_mcp.contract.token_issuers import claim_value

CLAIMS = '["envoy.filters.http.jwt_authn"]["payload"]'


@pytest.mark.parametrize(
    ("claim", "names"),
    [("org", ("org",)), ("org.id", ("org", "id")), ("https://acme.example.com/org", ("https://acme.example.com/org",))],
)
def test_a_path_and_a_url_are_distinguished(claim: str, names: tuple[str, ...]) -> None:
    """Requirement IDP-3: mesh and runtime read one claim, although names of Auth0 have dots."""
    assert organization.claim_names(claim) == names
    inner: object = "acme"
    for name in reversed(names):
        inner = {name: inner}
    assert isinstance(inner, Mapping)
    assert claim_value(inner, claim) == "acme"


def test_one_claim_of_all_issuers_is_read_from_metadata() -> None:
    """Envoy, rate limit action `metadata`: a path into the claims."""
    (action,) = descriptors.organization_action({"https://a": "org.id", "https://b": "org.id"})["actions"]
    path = action["metadata"]["metadata_key"]["path"]
    assert [each["key"] for each in path] == ["payload", "org", "id"]


def test_different_claims_are_read_by_issuer() -> None:
    """Requirement IDP-3: a claim counts in tokens of its issuer only."""
    claims = {"https://a": "org", "https://b": "tenant.id"}
    text = organization.organization_expression(claims)
    assert f'(metadata.filter_metadata{CLAIMS}["iss"] == "https://b") ? (("tenant" in ' in text
    assert f'? metadata.filter_metadata{CLAIMS}["org"] : "_OTHER")' in text
    (action,) = descriptors.organization_action(claims)["actions"]
    assert action["extension"]["typed_config"]["text"] == text


def test_metrics_name_listed_organizations_only() -> None:
    """Requirement OBS-2: a tag has the listed values and `_OTHER`."""
    for claims in ({"https://a": "org"}, {"https://a": "org", "https://b": "tenant"}, {}):
        text = organization.organization_expression(claims, ["acme", "globex"])
        assert text.count('in ["acme", "globex"]') == max(1, len(claims))
        assert text.endswith('"_OTHER"')


@given(issuers=st.dictionaries(st.text(min_size=1), st.sampled_from(["org", "a.b", "https://x/y"]), max_size=4))
def test_no_issuer_breaks_out_of_its_string(issuers: dict[str, str]) -> None:
    """Requirement CFG-15: no text of a stack file changes an expression."""
    text = organization.organization_expression(issuers)
    for issuer in issuers:
        text = text.replace(json.dumps(issuer), '""')
    assert text.count('"') % 2 == 0
