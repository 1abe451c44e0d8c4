"""Policies of selected workloads: AuthorizationPolicy, PeerAuthentication, RequestAuthentication, Telemetry.

Providers of Telemetry have no effect: spans go to the collector of this machine, access logs to the proxy's output.
"""

import re
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from meshed_mcp.error_codes.local import EXACTLY_ONE, VALUE_NOT_RUN
from meshed_mcp.local.translate.objects.fields import Fields, LenientFields, Placed, Selector

HEADER_KEY: Final = re.compile(r"request\.headers\[([^\]]+)\]")
CLAIM_KEY: Final = re.compile(r"request\.auth\.claims((?:\[[^\]]+\])+)")

DEFAULT_SAMPLING_PERCENT: Final = 1.0
"""Sampling of a mesh that sets none. Source: Istio, Telemetry, `randomSamplingPercentage`."""


class Source(Fields):
    """Caller; every list must match."""

    principals: tuple[str, ...] = ()
    request_principals: tuple[str, ...] = ()
    not_principals: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    not_namespaces: tuple[str, ...] = ()
    service_accounts: tuple[str, ...] = ()


class Operation(Fields):
    """Request; every list must match."""

    methods: tuple[str, ...] = ()
    not_methods: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    not_paths: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()


def _condition_key(key: str) -> str:
    if not (HEADER_KEY.fullmatch(key) or CLAIM_KEY.fullmatch(key)):
        raise VALUE_NOT_RUN.error(value=key, known="request.headers[NAME], request.auth.claims[NAME]")
    return key


class Condition(Fields):
    """Condition on one request header, or on one claim of the token."""

    key: Annotated[str, AfterValidator(_condition_key)]
    values: tuple[str, ...] = ()
    not_values: tuple[str, ...] = ()


class From(Fields):
    """Wraps a source."""

    source: Source


class To(Fields):
    """Wraps an operation."""

    operation: Operation


class Rule(Fields):
    """One source, one operation and every condition must match; an empty rule matches every request."""

    from_: tuple[From, ...] = Field(default=(), alias="from")
    to: tuple[To, ...] = ()
    when: tuple[Condition, ...] = ()


class AuthorizationPolicySpec(Fields):
    """Rules of an action; an ALLOW policy without rules denies every request."""

    selector: Selector = Selector()
    action: Literal["ALLOW", "DENY"] = "ALLOW"
    rules: tuple[Rule, ...] = ()


class AuthorizationPolicy(Placed):
    """Authorized callers of the selected workloads."""

    spec: AuthorizationPolicySpec = AuthorizationPolicySpec()


class MutualTLS(Fields):
    """STRICT rejects plaintext, PERMISSIVE accepts it."""

    mode: Literal["STRICT", "PERMISSIVE"]


class PeerAuthenticationSpec(Fields):
    """Transport security of the selected workloads."""

    selector: Selector = Selector()
    mtls: MutualTLS


class PeerAuthentication(Placed):
    """Whether the selected workloads accept plaintext."""

    spec: PeerAuthenticationSpec


class TokenHeader(Fields):
    """A header with the token, and its prefix."""

    name: str
    prefix: str = ""


class ClaimToHeader(Fields):
    """A claim as a request header."""

    header: str
    claim: str


class JWTRule(Fields):
    """Tokens of one issuer, whose discovery document names the keys unless they are set.

    `from_headers` is required, because without it Istio reads the query as well.
    """

    issuer: str
    audiences: tuple[str, ...] = ()
    jwks_uri: str | None = None
    jwks: str | None = None
    from_headers: tuple[TokenHeader, ...] = Field(min_length=1)
    forward_original_token: bool = False
    output_claim_to_headers: tuple[ClaimToHeader, ...] = ()

    @model_validator(mode="after")
    def _has_one_source_of_keys(self) -> Self:
        if self.jwks_uri is not None and self.jwks is not None:
            raise EXACTLY_ONE.error(fields="jwksUri and jwks")
        return self


class RequestAuthenticationSpec(Fields):
    """Rules of the selected workloads."""

    selector: Selector = Selector()
    jwt_rules: tuple[JWTRule, ...] = Field(min_length=1)


class RequestAuthentication(Placed):
    """Valid tokens; AuthorizationPolicies decide about requests without one."""

    kind: Literal["RequestAuthentication"]
    spec: RequestAuthenticationSpec


class Tracing(LenientFields):
    """Share of the requests to sample where the caller has not decided."""

    random_sampling_percentage: float = Field(default=DEFAULT_SAMPLING_PERCENT, ge=0, le=100)


class Filter(Fields):
    """The requests to log, in the Common Expression Language; Envoy evaluates it."""

    expression: str


class AccessLogging(LenientFields):
    """Access log of the requests that match the filter."""

    filter: Filter | None = None
    disabled: bool = False


class TelemetrySpec(LenientFields):
    """Telemetry of the selected workloads; an object with a wider scope decides for an absent part."""

    selector: Selector = Selector()
    tracing: tuple[Tracing, ...] = Field(default=(), max_length=1)
    access_logging: tuple[AccessLogging, ...] = Field(default=(), max_length=1)


class Telemetry(Placed, LenientFields):
    """Traces and access logs of proxies."""

    spec: TelemetrySpec
