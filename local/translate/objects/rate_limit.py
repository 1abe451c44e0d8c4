"""Rate limit filters. Source: Envoy API v3, extensions.filters.http.local_ratelimit, config.route.v3.RateLimit."""

from typing import Generic, Literal, TypeVar

from pydantic import ConfigDict, Field

from meshed_mcp.local.translate.objects.fields import Fields

C = TypeVar("C")


class EnvoyFields(Fields):
    """Fields under the names of the Envoy API; others are rejected."""

    model_config = ConfigDict(alias_generator=lambda name: "@type" if name == "type" else name)


class TokenBucket(EnvoyFields):
    """Burst and sustained rate."""

    max_tokens: int
    tokens_per_fill: int
    fill_interval: str


class Percentage(EnvoyFields):
    """A percentage."""

    numerator: int
    denominator: Literal["HUNDRED"]


class RuntimePercentage(EnvoyFields):
    """A percentage with a runtime key."""

    runtime_key: str
    default_value: Percentage


class Status(EnvoyFields, Generic[C]):
    """Status of a response of the filter."""

    code: C


class Header(EnvoyFields):
    """A header."""

    key: str
    value: str


class AddedHeader(EnvoyFields):
    """A header to set. Source: Envoy, config.core.v3.HeaderValueOption."""

    header: Header
    append_action: Literal["OVERWRITE_IF_EXISTS_OR_ADD"]


class Regex(EnvoyFields):
    """RE2 expression of the whole value."""

    regex: str


class StringMatcher(EnvoyFields):
    """Comparison of a text."""

    exact: str | None = None
    safe_regex: Regex | None = None


class HeaderMatcher(EnvoyFields):
    """Condition on a header."""

    name: str
    string_match: StringMatcher
    invert_match: bool | None = None
    treat_missing_header_as_empty: bool | None = None


class GenericKey(EnvoyFields):
    """Constant descriptor entry."""

    descriptor_key: str
    descriptor_value: str


class HeaderValueMatch(GenericKey):
    """Descriptor entry of requests that match all conditions."""

    headers: tuple[HeaderMatcher, ...] = Field(min_length=1)


class PathSegment(EnvoyFields):
    """A step of a metadata path."""

    key: str


class MetadataKey(EnvoyFields):
    """Dynamic metadata of an earlier filter."""

    key: str
    path: tuple[PathSegment, ...] = Field(min_length=1)


class MetadataValue(EnvoyFields):
    """Descriptor entry from metadata."""

    descriptor_key: str
    metadata_key: MetadataKey
    source: Literal["DYNAMIC"]
    default_value: str | None = None


class DescriptorExpression(EnvoyFields):
    """Value of a descriptor entry in the Common Expression Language."""

    type: Literal["type.googleapis.com/envoy.extensions.rate_limit_descriptors.expr.v3.Descriptor"]
    descriptor_key: str
    text: str


class DescriptorExtension(EnvoyFields):
    """Descriptor entry from an extension."""

    name: Literal["envoy.rate_limit_descriptors.expr"]
    typed_config: DescriptorExpression


class Action(EnvoyFields):
    """Source of a descriptor entry."""

    generic_key: GenericKey | None = None
    header_value_match: HeaderValueMatch | None = None
    metadata: MetadataValue | None = None
    extension: DescriptorExtension | None = None


class RateLimitActions(EnvoyFields):
    """Entries of a descriptor; all are required."""

    actions: tuple[Action, ...] = Field(min_length=1)


class Entry(EnvoyFields):
    """An entry of a descriptor; without a value, any value."""

    key: str
    value: str | None = None


class Descriptor(EnvoyFields):
    """Token bucket of a descriptor."""

    entries: tuple[Entry, ...] = Field(min_length=1)
    token_bucket: TokenBucket


class LocalRateLimit(EnvoyFields):
    """Limits per proxy."""

    type: Literal["type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit"]
    stat_prefix: str
    status: Status[Literal["TooManyRequests"]]
    token_bucket: TokenBucket
    filter_enabled: RuntimePercentage
    filter_enforced: RuntimePercentage
    response_headers_to_add: tuple[AddedHeader, ...] = ()
    rate_limits: tuple[RateLimitActions, ...] = ()
    descriptors: tuple[Descriptor, ...] = ()
    max_dynamic_descriptors: int | None = None


class EnvoyGrpc(EnvoyFields):
    """A gRPC service."""

    cluster_name: str
    authority: str


class GrpcService(EnvoyFields):
    """gRPC client."""

    envoy_grpc: EnvoyGrpc


class RateLimitService(EnvoyFields):
    """The rate limit service."""

    grpc_service: GrpcService
    transport_api_version: Literal["V3"]


class RateLimit(EnvoyFields):
    """Global limits. Source: Envoy API v3, extensions.filters.http.ratelimit."""

    type: Literal["type.googleapis.com/envoy.extensions.filters.http.ratelimit.v3.RateLimit"]
    domain: str
    stat_prefix: str
    timeout: str
    failure_mode_deny: bool
    status_on_error: Status[Literal["ServiceUnavailable"]] | None = None
    rate_limit_service: RateLimitService
    response_headers_to_add: tuple[AddedHeader, ...] = ()
    rate_limits: tuple[RateLimitActions, ...] = Field(min_length=1)
