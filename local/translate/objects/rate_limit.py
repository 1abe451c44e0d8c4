"""Rate limit filters in an EnvoyFilter, field by field as Envoy names them.

Source of every name and meaning: Envoy API v3, extensions.filters.http.local_ratelimit, config.route.v3.RateLimit.
"""

from typing import Literal

from pydantic import ConfigDict, Field

from meshed_mcp.local.translate.objects.fields import Fields


class EnvoyFields(Fields):
    """Fields under the names of Envoy's API; anything else is refused."""

    model_config = ConfigDict(alias_generator=lambda name: name)


class TokenBucket(EnvoyFields):
    """So many at once, and so many back in each interval."""

    max_tokens: int
    tokens_per_fill: int
    fill_interval: str


class Percentage(EnvoyFields):
    """A share."""

    numerator: int
    denominator: Literal["HUNDRED"]


class RuntimePercentage(EnvoyFields):
    """A share that an operator may change at the proxy."""

    runtime_key: str
    default_value: Percentage


class Status(EnvoyFields):
    """The answer to what is refused."""

    code: Literal["TooManyRequests"]


class Header(EnvoyFields):
    """A header."""

    key: str
    value: str


class AddedHeader(EnvoyFields):
    """A header of the answer."""

    header: Header
    append_action: Literal["OVERWRITE_IF_EXISTS_OR_ADD"]


class Regex(EnvoyFields):
    """An RE2 expression over the whole value."""

    regex: str


class StringMatcher(EnvoyFields):
    """A text to compare with."""

    exact: str | None = None
    safe_regex: Regex | None = None


class HeaderMatcher(EnvoyFields):
    """A condition on a header."""

    name: str
    string_match: StringMatcher
    invert_match: bool | None = None
    treat_missing_header_as_empty: bool | None = None


class GenericKey(EnvoyFields):
    """The same entry for every request."""

    descriptor_key: str
    descriptor_value: str


class HeaderValueMatch(EnvoyFields):
    """An entry for requests that meet all conditions."""

    descriptor_key: str
    descriptor_value: str
    headers: tuple[HeaderMatcher, ...] = Field(min_length=1)


class PathSegment(EnvoyFields):
    """A key on the way to a value."""

    key: str


class MetadataKey(EnvoyFields):
    """Where a filter before this one left a value."""

    key: str
    path: tuple[PathSegment, ...] = Field(min_length=1)


class MetadataValue(EnvoyFields):
    """An entry with what is found there."""

    descriptor_key: str
    metadata_key: MetadataKey
    source: Literal["DYNAMIC"]
    default_value: str | None = None


class Action(EnvoyFields):
    """One of the ways to an entry."""

    generic_key: GenericKey | None = None
    header_value_match: HeaderValueMatch | None = None
    metadata: MetadataValue | None = None


class RateLimitActions(EnvoyFields):
    """What makes a descriptor; without one of its entries there is none."""

    actions: tuple[Action, ...] = Field(min_length=1)


class Entry(EnvoyFields):
    """An entry of a descriptor; without a value it stands for each value."""

    key: str
    value: str | None = None


class Descriptor(EnvoyFields):
    """The bucket of a descriptor."""

    entries: tuple[Entry, ...] = Field(min_length=1)
    token_bucket: TokenBucket


class LocalRateLimit(EnvoyFields):
    """Limits that one proxy counts by itself."""

    type: Literal["type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit"] = Field(
        alias="@type"
    )
    stat_prefix: str
    status: Status
    token_bucket: TokenBucket
    filter_enabled: RuntimePercentage
    filter_enforced: RuntimePercentage
    response_headers_to_add: tuple[AddedHeader, ...] = ()
    rate_limits: tuple[RateLimitActions, ...] = ()
    descriptors: tuple[Descriptor, ...] = ()
    max_dynamic_descriptors: int | None = None


class EnvoyGrpc(EnvoyFields):
    """A service reached by gRPC."""

    cluster_name: str
    authority: str


class GrpcService(EnvoyFields):
    """Wraps it."""

    envoy_grpc: EnvoyGrpc


class RateLimitService(EnvoyFields):
    """Who counts."""

    grpc_service: GrpcService
    transport_api_version: Literal["V3"]


class ErrorStatus(EnvoyFields):
    """The answer while nobody counts and nothing passes uncounted."""

    code: Literal["ServiceUnavailable"]


class RateLimit(EnvoyFields):
    """Limits that a service counts for many proxies. Source: Envoy API v3, extensions.filters.http.ratelimit."""

    type: Literal["type.googleapis.com/envoy.extensions.filters.http.ratelimit.v3.RateLimit"] = Field(alias="@type")
    domain: str
    stat_prefix: str
    timeout: str
    failure_mode_deny: bool
    status_on_error: ErrorStatus | None = None
    rate_limit_service: RateLimitService
    response_headers_to_add: tuple[AddedHeader, ...] = ()
    rate_limits: tuple[RateLimitActions, ...] = Field(min_length=1)
