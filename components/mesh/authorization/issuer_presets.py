"""Presets of token issuers: issuer URL, keys and claims of identity providers, as their documentation states them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from string import Formatter
from typing import Final, NamedTuple

from meshed_mcp.components.mesh.authorization.key_args import token_url
from meshed_mcp.contract.token_issuers import AUDIENCE_CLAIM, ClaimNames
from meshed_mcp.error_codes.identity import INVALID_PRESET_SETTING, TENANT_NOT_AN_ID

DEFAULT_AUTHORIZATION_SERVER: Final = "default"
"""Authorization server of every Okta organization with API Access Management. Source: Okta, "Authorization servers"."""


_DEFAULT_CLAIMS: Final = ClaimNames()


class Setting(NamedTuple):
    """Part of an issuer's URL."""

    pattern: str
    meaning: str
    example: str


_SEGMENT: Final = "[A-Za-z0-9._~-]+"

SETTINGS: Final[Mapping[str, Setting]] = {
    "url": Setting("https?://[^?#]+", "the URL of an identity provider", "https://login.example.com"),
    "realm": Setting(_SEGMENT, "the name of a realm", "tools"),
    "tenant": Setting(
        "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "a directory ID", "11111111-2222-4333-8444-555555555555"
    ),
    "authorization_server": Setting(_SEGMENT, "the ID of an authorization server", DEFAULT_AUTHORIZATION_SERVER),
    "user_pool": Setting("[a-z]{2}(-[a-z]+)+-[0-9]_[A-Za-z0-9]+", "a user pool ID", "eu-west-1_AbCdEfGhI"),
}
"""Settings of presets. Source of the user pool: Amazon Cognito, UserPoolType `Id`."""


def preset_setting(name: str, value: str) -> str:
    """A part of an issuer's URL, a URL without its trailing slash. Raises ValueError."""
    setting = SETTINGS[name]
    if re.fullmatch(setting.pattern, value) is None:
        if name == "tenant":
            raise TENANT_NOT_AN_ID.error(value=value)
        raise INVALID_PRESET_SETTING.error(value=value, what=setting.meaning, example=setting.example)
    return token_url(value).rstrip("/") if name == "url" else value


class IssuerPreset(StrEnum):
    """Identity provider."""

    AUTH0 = "auth0"
    COGNITO = "cognito"
    DEX = "dex"
    ENTRA = "entra"
    ENTRA_V1 = "entra-v1"
    GOOGLE = "google"
    KEYCLOAK = "keycloak"
    OKTA = "okta"


@dataclass(frozen=True)
class PresetValues:
    """What a preset sets; `{names}` in the URLs are settings of the issuer."""

    issuer: str
    """Issuer, as in the claim `iss`."""

    keys: str
    """URL of the public keys; `{issuer}` is the issuer without a trailing slash."""

    source: str
    """Page of the provider's documentation."""

    claims: ClaimNames = _DEFAULT_CLAIMS
    audience_claim: str = AUDIENCE_CLAIM
    audience: str = ""
    """What identifies the service in tokens that cannot have the resource URL as audience; empty if they can."""

    @property
    def settings(self) -> tuple[str, ...]:
        """Settings of the issuer that the URLs need."""
        return tuple(name for _, name, _, _ in Formatter().parse(self.issuer) if name and name in SETTINGS)

    def urls(self, values: Mapping[str, str]) -> tuple[str, str]:
        """Issuer and URL of the keys; the region of a user pool is part of its ID."""
        values = {**values, "region": values["user_pool"].partition("_")[0]}
        issuer = self.issuer.format(**values)
        return issuer, self.keys.format(**values, issuer=issuer.rstrip("/"))


_ENTRA_CLAIMS: Final = ClaimNames(subject="oid", scopes=("scp", "roles"), organization="tid")
"""`oid` is the object of the user in the directory, `sub` differs per application. Source: Microsoft, "Access token
claims reference"."""

_ENTRA_AUDIENCE: Final = "the application (client) ID of its app registration, or its application ID URI"

PRESETS: Final[Mapping[IssuerPreset, PresetValues]] = {
    IssuerPreset.AUTH0: PresetValues(
        "{url}/",
        "{issuer}/.well-known/jwks.json",
        "https://auth0.com/docs/secure/tokens/access-tokens/access-token-profiles",
        ClaimNames(scopes=("scope", "permissions"), organization="org_id"),
    ),
    IssuerPreset.COGNITO: PresetValues(
        "https://cognito-idp.{region}.amazonaws.com/{user_pool}",
        "{issuer}/.well-known/jwks.json",
        "https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html",
        ClaimNames(scopes=("scope", "cognito:groups")),
        audience_claim="client_id",
        audience="the IDs of the app clients",
    ),
    IssuerPreset.DEX: PresetValues(
        "{url}",
        "{issuer}/keys",
        "https://dexidp.io/docs/configuration/tokens/",
        ClaimNames(scopes=("groups",)),
        audience="the IDs of the clients",
    ),
    IssuerPreset.ENTRA: PresetValues(
        "https://login.microsoftonline.com/{tenant}/v2.0",
        "https://login.microsoftonline.com/{tenant}/discovery/v2.0/keys",
        "https://learn.microsoft.com/en-us/entra/identity-platform/access-token-claims-reference",
        _ENTRA_CLAIMS,
        audience=_ENTRA_AUDIENCE,
    ),
    IssuerPreset.ENTRA_V1: PresetValues(
        "https://sts.windows.net/{tenant}/",
        "https://login.microsoftonline.com/common/discovery/keys",
        "https://learn.microsoft.com/en-us/entra/identity-platform/access-token-claims-reference",
        _ENTRA_CLAIMS,
        audience=_ENTRA_AUDIENCE,
    ),
    IssuerPreset.GOOGLE: PresetValues(
        "https://accounts.google.com",
        "https://www.googleapis.com/oauth2/v3/certs",
        "https://developers.google.com/identity/openid-connect/openid-connect",
        ClaimNames(scopes=(), organization="hd"),
        audience="the IDs of the OAuth clients",
    ),
    IssuerPreset.KEYCLOAK: PresetValues(
        "{url}/realms/{realm}",
        "{issuer}/protocol/openid-connect/certs",
        "https://www.keycloak.org/securing-apps/oidc-layers",
    ),
    IssuerPreset.OKTA: PresetValues(
        "{url}/oauth2/{authorization_server}",
        "{issuer}/v1/keys",
        "https://developer.okta.com/docs/api/openapi/okta-oauth/guides/overview/",
        ClaimNames(scopes=("scp", "groups")),
    ),
}
"""Source: the page in each row, and the issuer's discovery document."""
