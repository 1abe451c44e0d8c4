"""Presets of token issuers, compared with what the providers publish."""

from typing import Any, Final
from urllib.parse import urlsplit

import pytest

from meshed_mcp.components.mesh.authorization.issuer_args import IssuerSettings
from meshed_mcp.components.mesh.authorization.issuer_presets import PRESETS, IssuerPreset
from meshed_mcp.contract.token_issuers import ClaimNames, TokenIssuer

TENANT: Final = "11111111-2222-4333-8444-555555555555"
CLIENT: Final = "1example23456789"
RESOURCE: Final = "https://mcp.example.com/mcp-search/mcp"

PUBLISHED: Final[dict[str, tuple[dict[str, Any], dict[str, str]]]] = {
    "auth0": (
        {"url": "https://acme.eu.auth0.com"},
        {
            "issuer": "https://acme.eu.auth0.com/",
            "jwks_uri": "https://acme.eu.auth0.com/.well-known/jwks.json",
        },
    ),
    "cognito": (
        {"user_pool": "us-east-1_Example", "audiences": [CLIENT]},
        {
            "issuer": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Example",
            "jwks_uri": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Example/.well-known/jwks.json",
        },
    ),
    "dex": (
        {"url": "https://dex.example.com/dex", "audiences": [CLIENT]},
        {"issuer": "https://dex.example.com/dex", "jwks_uri": "https://dex.example.com/dex/keys"},
    ),
    "entra": (
        {"tenant": TENANT, "audiences": [TENANT]},
        {
            "issuer": f"https://login.microsoftonline.com/{TENANT}/v2.0",
            "jwks_uri": f"https://login.microsoftonline.com/{TENANT}/discovery/v2.0/keys",
        },
    ),
    "entra-v1": (
        {"tenant": TENANT, "audiences": ["api://tools"]},
        {
            "issuer": f"https://sts.windows.net/{TENANT}/",
            "jwks_uri": "https://login.microsoftonline.com/common/discovery/keys",
        },
    ),
    "google": (
        {"audiences": ["1234-abc.apps.googleusercontent.com"]},
        {"issuer": "https://accounts.google.com", "jwks_uri": "https://www.googleapis.com/oauth2/v3/certs"},
    ),
    "keycloak": (
        {"url": "https://login.example.com/", "realm": "tools"},
        {
            "issuer": "https://login.example.com/realms/tools",
            "jwks_uri": "https://login.example.com/realms/tools/protocol/openid-connect/certs",
        },
    ),
    "okta": (
        {"url": "https://acme.okta.com"},
        {
            "issuer": "https://acme.okta.com/oauth2/default",
            "jwks_uri": "https://acme.okta.com/oauth2/default/v1/keys",
        },
    ),
}
"""Settings, and the documented discovery document (`PresetValues.source` of each)."""


def row(preset: str, **changes: Any) -> TokenIssuer:
    """The issuer in the table of sidecar and runtime."""
    settings, _ = PUBLISHED[preset]
    return IssuerSettings.model_validate({"preset": preset, **settings, **changes}).row(RESOURCE)


@pytest.mark.parametrize("preset", IssuerPreset)
def test_a_preset_has_the_issuer_and_keys_that_the_provider_publishes(preset: IssuerPreset) -> None:
    """The provider's page at `source`; OpenID Connect Discovery 1.0, section 3; requirement IDP-2."""
    _, published = PUBLISHED[preset]
    found = row(preset)
    assert (found.issuer, found.jwks_url) == (published["issuer"], published["jwks_uri"])
    assert urlsplit(PRESETS[preset].source).scheme == "https"


def test_presets_read_the_claims_of_their_tokens() -> None:
    """Microsoft, "Access token claims reference"; Okta, "Access token scopes and claims"; AWS, Auth0, Google."""
    assert {name: PRESETS[IssuerPreset(name)].claims for name in PUBLISHED} == {
        "auth0": ClaimNames(scopes=("scope", "permissions"), organization="org_id"),
        "cognito": ClaimNames(scopes=("scope", "cognito:groups")),
        "dex": ClaimNames(scopes=("groups",)),
        "entra": ClaimNames(subject="oid", scopes=("scp", "roles"), organization="tid"),
        "entra-v1": ClaimNames(subject="oid", scopes=("scp", "roles"), organization="tid"),
        "google": ClaimNames(scopes=(), organization="hd"),
        "keycloak": ClaimNames(),
        "okta": ClaimNames(scopes=("scp", "groups")),
    }


def test_only_cognito_names_the_audience_in_another_claim() -> None:
    """AWS, "Understanding the access token": it has `client_id` and no `aud`."""
    assert {name: row(name).audience_claim for name in PUBLISHED} == {
        name: "client_id" if name == "cognito" else "aud" for name in PUBLISHED
    }


def test_a_setting_of_the_stack_replaces_that_of_the_preset() -> None:
    """Requirement IDP-2: a preset is a default; one claim name leaves the others."""
    found = row("entra", claims={"scopes": ["roles"]}, jwks_url="https://keys.example.com/entra")
    assert found.claims == ClaimNames(subject="oid", scopes=("roles",), organization="tid")
    assert found.jwks_url == "https://keys.example.com/entra"
    assert row("cognito", audience_claim="aud", audiences=[RESOURCE]).audience_claim == "aud"
    assert row("okta", authorization_server="aus1").issuer == "https://acme.okta.com/oauth2/aus1"


def test_without_audiences_the_audience_is_the_resource() -> None:
    """RFC 8707, section 2: identifiers differ by a trailing slash in practice."""
    for name in ("keycloak", "okta", "auth0"):
        assert row(name).audiences == (RESOURCE, f"{RESOURCE}/")
    assert row("keycloak", audiences=["tools", "tools", "api://tools"]).audiences == ("tools", "api://tools")
