"""Settings of one token issuer: issuer or preset, audiences, public keys and claim names."""

import re
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.names import listed
from meshed_mcp.components.mesh.authorization.issuer_presets import (
    DEFAULT_AUTHORIZATION_SERVER,
    PRESETS,
    SETTINGS,
    IssuerPreset,
    preset_setting,
)
from meshed_mcp.components.mesh.authorization.key_args import key_url, public_keys, token_url
from meshed_mcp.contract import token_issuers as table
from meshed_mcp.error_codes import identity as codes
from meshed_mcp.error_codes.code import Message, MessageError, raise_all
from meshed_mcp.error_codes.service import INVALID_CLAIM_NAME, KEYS_NEED_ONE_SOURCE, UNUSED_JWKS_IN_CLUSTER

MAX_AUDIENCES: Final = 32
"""Product rule: every audience is compared with every token."""

_CLAIM_NAME: Final = re.compile(r"[A-Za-z0-9_:./-]{1,128}")
"""Source: RFC 7519, section 4.2: names are short texts, or URIs. No character ends a string of a CEL expression."""


def claim_name(value: str) -> str:
    """Name of a claim in settings and in CEL expressions of proxies."""
    if _CLAIM_NAME.fullmatch(value) is None:
        raise INVALID_CLAIM_NAME.error(value=value)
    return value


ClaimName = Annotated[str, AfterValidator(claim_name)]


def algorithm_names(value: list[str]) -> list[str]:
    """Algorithms of public-key signatures, each once."""
    for name in value:
        if name not in table.ALGORITHMS:
            raise codes.UNKNOWN_ALGORITHM.error(value=name, known=", ".join(table.ALGORITHMS))
    return list(dict.fromkeys(value))


def audience_names(value: list[str]) -> list[str]:
    """Audiences without duplicates. A `*` at an end would be a pattern in an AuthorizationPolicy."""
    bad = [name for name in value if name != name.strip(" *") or not name or not name.isprintable()]
    if bad:
        raise codes.INVALID_AUDIENCE.error(names=listed(bad))
    return list(dict.fromkeys(value))


OPTIONAL_SETTINGS: Final = ("authorization_server",)
"""Settings of presets with a default."""


class ClaimSettings(Model):
    """Claims of one issuer's tokens. Each is a name, or a path of names joined by dots into objects."""

    subject: ClaimName | None = None
    """Claim that identifies the user. Unset = that of the preset, or `sub`."""

    scopes: list[ClaimName] | None = None
    """Claims with scopes, roles or groups, texts separated by spaces or lists; a caller has all of them. Unset = those
    of the preset, or `scope` and `scp`."""

    organization: ClaimName | None = None
    """Claim with the caller's organization, a text: for `rate_limits`, and for metrics by organization of the mesh and
    the  Unset = that of the preset, or `organization`."""


class IssuerSettings(Model):
    """One issuer whose tokens the service accepts: `issuer`, or a `preset` with the settings of its URL."""

    issuer: Annotated[str, AfterValidator(token_url)] | None = None
    """URL of the issuer, exactly as in the claim `iss`."""

    preset: IssuerPreset | None = None
    """Identity provider that sets issuer, keys and claims: `keycloak` (needs `url`, `realm`), `entra` and `entra-v1`
    (`tenant`), `okta` (`url`), `auth0` (`url`), `google`, `cognito` (`user_pool`), `dex` (`url`)."""

    url: str | None = None
    """URL of the identity provider, for presets `keycloak`, `okta`, `auth0` and `dex`."""

    realm: str | None = None
    """Realm, for preset `keycloak`."""

    tenant: str | None = None
    """Directory (tenant) ID, for presets `entra` and `entra-v1`."""

    authorization_server: str | None = None
    """Authorization server, for preset `okta`; unset = `default`."""

    user_pool: str | None = None
    """User pool ID, for preset `cognito`."""

    audiences: Annotated[list[str], AfterValidator(audience_names)] = Field(
        default_factory=list, max_length=MAX_AUDIENCES
    )
    """Accepted audiences, any text: a URL, a GUID, `api://...`. A token has at least one of them. Empty = the resource
    URL."""

    audience_claim: ClaimName | None = None
    """Claim with the audience. Unset = that of the preset, or `aud`."""

    algorithms: Annotated[list[str], AfterValidator(algorithm_names)] = Field(
        default_factory=lambda: list(table.ALGORITHMS), min_length=1
    )
    """Accepted signature algorithms, which the service checks."""

    jwks_in_cluster: bool = False
    """True = the keys' URL is a Service of this cluster, such as Keycloak; it may then be HTTP."""

    jwks_url: str | None = None
    """URL of the public keys: HTTPS on port 443 of an external host name. The control plane and the service fetch the
    keys. Unset = that of the preset; without a preset the issuer's discovery document names it, on the same host."""

    jwks: Annotated[dict[str, Any], AfterValidator(public_keys)] | None = None
    """Public keys as a JWK Set, in place of a URL; a key rotation needs an update of the stack."""

    claims: ClaimSettings = Field(default_factory=ClaimSettings)
    """Names of claims."""

    clock_skew_seconds: int = Field(default=table.CLOCK_SKEW_SECONDS, ge=0, le=table.CLOCK_SKEW_SECONDS)
    """Tolerated clock skew of token times, which the service checks."""

    @field_validator(*SETTINGS)
    @classmethod
    def _is_part_of_a_url(cls, value: str | None, info: ValidationInfo) -> str | None:
        return None if value is None else preset_setting(str(info.field_name), value)

    @field_validator("jwks_url")
    @classmethod
    def _is_safe_to_fetch(cls, value: str | None, info: ValidationInfo) -> str | None:
        return None if value is None else key_url(value, in_cluster=bool(info.data.get("jwks_in_cluster")))

    @model_validator(mode="after")
    def _is_consistent(self) -> "IssuerSettings":
        raise_all(self._preset_issues())
        if self.jwks is not None and self.jwks_url is not None:
            raise KEYS_NEED_ONE_SOURCE.error()
        if self.jwks is not None and self.jwks_in_cluster:
            raise UNUSED_JWKS_IN_CLUSTER.error()
        if self.fetched_url is not None:
            _validate_discovery(self.fetched_url, in_cluster=self.jwks_in_cluster)
        if not self.audiences and (found := self._audience_issue()):
            raise MessageError([found.at("audiences")])
        return self

    def _preset_issues(self) -> list[Message]:
        given = [name for name in SETTINGS if getattr(self, name) is not None]
        if self.preset is None:
            missing = [] if self.issuer else [codes.ISSUER_MISSING.message(known=", ".join(sorted(IssuerPreset)))]
            return missing + [_unused(name) for name in given]
        issues = [] if self.issuer is None else [codes.ISSUER_OF_PRESET.message(preset=self.preset)]
        needed = PRESETS[self.preset].settings
        issues += [
            codes.PRESET_SETTING_MISSING.message(preset=self.preset, name=name, example=SETTINGS[name].example)
            for name in needed
            if name not in given and name not in OPTIONAL_SETTINGS
        ]
        return issues + [_unused(name) for name in given if name not in needed]

    def _audience_issue(self) -> Message | None:
        """Why no token can have the resource URL as audience, and what to set; None if a token can."""
        if self.preset is not None and (audience := PRESETS[self.preset].audience):
            why = f"tokens of preset {self.preset} do not name the resource URL"
            return codes.AUDIENCES_MISSING.message(why=why, audience=audience)
        if self.audience_claim not in (None, table.AUDIENCE_CLAIM):
            why = f"claim {self.audience_claim} does not name the resource URL"
            return codes.AUDIENCES_MISSING.message(why=why, audience="the values of that claim")
        return None

    @property
    def urls(self) -> tuple[str, str | None]:
        """Issuer, and the URL of its keys; None = its discovery document names it."""
        if self.preset is None:
            return self.issuer or "", self.jwks_url
        values = {name: getattr(self, name) or "" for name in SETTINGS}
        values["authorization_server"] = self.authorization_server or DEFAULT_AUTHORIZATION_SERVER
        issuer, keys = PRESETS[self.preset].urls(values)
        return issuer, self.jwks_url or keys

    @property
    def fetched_url(self) -> str | None:
        """URL that istiod and the service fetch first: of the keys, or of the issuer; None with `jwks`."""
        issuer, keys = self.urls
        return None if self.jwks is not None else keys or issuer

    @property
    def key_host(self) -> str | None:
        """External host of the keys; None if they are given or in the cluster."""
        url = None if self.jwks_in_cluster else self.fetched_url
        return None if url is None else urlsplit(url).hostname

    def row(self, resource: str) -> table.TokenIssuer:
        """The issuer in the table of sidecar and runtime; `resource` is the URL of the service."""
        issuer, keys = self.urls
        preset = None if self.preset is None else PRESETS[self.preset]
        named = table.ClaimNames() if preset is None else preset.claims
        claims = {name: value for name, value in self.claims if value is not None}
        return table.TokenIssuer(
            issuer=issuer,
            audiences=tuple(self.audiences or resource_audiences(resource)),
            audience_claim=self.audience_claim or (table.AUDIENCE_CLAIM if preset is None else preset.audience_claim),
            algorithms=tuple(self.algorithms),
            jwks_url=None if self.jwks is not None else keys,
            jwks=self.jwks,
            claims=table.ClaimNames(**named.model_dump() | claims),
            clock_skew_seconds=self.clock_skew_seconds,
        )


def resource_audiences(resource: str) -> list[str]:
    """The resource URL with and without a slash: identifiers of RFC 8707 differ by it in practice."""
    return [resource.rstrip("/"), resource.rstrip("/") + "/"]


def _validate_discovery(url: str, *, in_cluster: bool) -> None:
    """The issuer's URL, where its keys are looked for. Raises ValueError that names the field."""
    try:
        key_url(url, in_cluster=in_cluster)
    except MessageError as error:
        raise MessageError(each.at("issuer") for each in error.messages) from None


def _unused(name: str) -> Message:
    owners = [preset for preset, values in PRESETS.items() if name in values.settings]
    return codes.PRESET_SETTING_UNUSED.message(name=name, presets=" or ".join(owners))
