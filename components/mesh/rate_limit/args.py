"""Rate limit settings of one service (`rate_limits`): local token buckets per pod, and shared rates over all pods."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Final

from pydantic import AfterValidator, Field, model_validator

from meshed_mcp.components.core.args import Model
from meshed_mcp.components.mesh.authorization.tool_policy_args import tool_names
from meshed_mcp.error_codes import service as codes
from meshed_mcp.error_codes.code import Message

SECONDS_PER_UNIT: Final[Mapping[str, int]] = {"s": 1, "min": 60, "h": 3600, "d": 86_400}
"""Seconds per unit of a rate."""

_RATE: Final = re.compile(rf"(?P<requests>[0-9]{{1,9}})/(?P<unit>{'|'.join(SECONDS_PER_UNIT)})")

EXPOSED_POD_RATE: Final = "1000/s"
"""Default rate per pod of an exposed service. Product rule: about the peak throughput of one process (docs, "What the
runtime costs"), so that the sidecar rejects the excess before the process."""

EXPOSED_POD_BURST: Final = 2000
"""Two seconds of EXPOSED_POD_RATE."""


def parse_rate(rate: str) -> tuple[int, str]:
    """`20/s` -> (20, "s"). Raises ValueError for other text and for 0."""
    found = _RATE.fullmatch(rate)
    if found is None:
        raise codes.INVALID_RATE.error(rate=rate)
    if int(found["requests"]) == 0:
        raise codes.RATE_IS_ZERO.error(rate=rate)
    return int(found["requests"]), found["unit"]


def _rate(value: str) -> str:
    parse_rate(value)
    return value


Rate = Annotated[str, AfterValidator(_rate)]


class TokenBucket(Model):
    """Token bucket: sustained rate and burst. A rejected request takes no token."""

    rate: Rate
    """Requests per `s`, `min`, `h` or `d`, such as `20/s`; the bucket refills evenly."""

    burst: int | None = Field(default=None, ge=1, le=1_000_000_000)
    """Size of the bucket; unset = the number of requests in `rate`."""

    @property
    def requests(self) -> int:
        """Requests per period."""
        return parse_rate(self.rate)[0]

    @property
    def period_seconds(self) -> int:
        """Length of the period."""
        return SECONDS_PER_UNIT[parse_rate(self.rate)[1]]

    @property
    def seconds_per_request(self) -> float:
        """Refill time of one token."""
        return self.period_seconds / self.requests


class SharedRate(Model):
    """Rate over all pods, counted in fixed windows of the clock."""

    rate: Rate
    """Requests per `s`, `min`, `h` or `d`, such as `1000/min`."""

    @property
    def seconds_per_request(self) -> float:
        """Period divided by requests; the lowest rate has the largest value."""
        requests, unit = parse_rate(self.rate)
        return SECONDS_PER_UNIT[unit] / requests


class SharedLimits(Model):
    """Limits over all pods of the service together; they need the mesh's `rate_limiting`."""

    service: SharedRate | None = None
    """Limit on all requests to the service."""

    tools: Annotated[dict[str, SharedRate], AfterValidator(tool_names)] = Field(default_factory=dict)
    """Limit on calls of a tool, by tool; "*" = one limit on the calls of all other tools together."""

    organization: SharedRate | None = None
    """Limit on the requests of each organization; needs `auth`."""

    organizations: dict[str, SharedRate] = Field(default_factory=dict)
    """Limits of single organizations, by the value of the claim, in place of `organization`."""

    @property
    def rates(self) -> list[SharedRate]:
        """Every rate that is set."""
        single = [rate for rate in (self.service, self.organization) if rate is not None]
        return [*single, *self.tools.values(), *self.organizations.values()]


class RateLimits(Model):
    """Rate limits of a service; the sidecar rejects a request over a limit with 429 and Retry-After.

    All but `shared` count per pod: n pods admit n times as many requests.
    """

    pod: TokenBucket | None = None
    """Limit on all requests to one pod. Unset = 1000/s with a burst of 2000 if the service is exposed, else none."""

    tools: Annotated[dict[str, TokenBucket], AfterValidator(tool_names)] = Field(default_factory=dict)
    """Limit per pod on calls of a tool, by tool; "*" = one limit on the calls of all other tools together."""

    unnamed: TokenBucket | None = None
    """Limit per pod on requests without the tool-name header: from clients up to revision 2025-11-25, and malformed
    ones. Unset = the lowest rate of `tools`, so that omitting the header does not bypass a tool's limit."""

    organization: TokenBucket | None = None
    """Limit per pod on the requests of each organization, a claim of the validated token; needs `auth`."""

    organizations: dict[str, TokenBucket] = Field(default_factory=dict)
    """Limits per pod of single organizations, by the value of the claim, in place of `organization`."""

    shared: SharedLimits = Field(default_factory=SharedLimits)
    """Limits over all pods together, counted by the rate limit service."""

    @model_validator(mode="after")
    def _has_tools_if_it_has_unnamed(self) -> "RateLimits":
        if self.unnamed is not None and not self.tools:
            raise codes.UNNAMED_WITHOUT_TOOLS.error()
        return self

    @property
    def buckets(self) -> list[TokenBucket]:
        """Every bucket that is set."""
        single = [bucket for bucket in (self.pod, self.unnamed, self.organization) if bucket is not None]
        return [*single, *self.tools.values(), *self.organizations.values()]

    @property
    def by_organization(self) -> bool:
        """Whether there is a limit per pod by organization."""
        return self.organization is not None or bool(self.organizations)


def with_default_limits(limits: RateLimits, *, expose: bool) -> RateLimits:
    """The limits with the defaults of `pod` and `unnamed` filled in."""
    pod = TokenBucket(rate=EXPOSED_POD_RATE, burst=EXPOSED_POD_BURST) if expose else None
    smallest = max(limits.tools.values(), key=lambda bucket: bucket.seconds_per_request, default=None)
    return limits.model_copy(update={"pod": limits.pod or pod, "unnamed": limits.unnamed or smallest})


def rate_limit_issues(limits: RateLimits, *, has_tokens: bool) -> Iterator[Message]:
    """Limits that are never reached or that need `auth`, one message each."""
    fields = {
        "organization": limits.organization,
        "organizations": limits.organizations,
        "shared.organization": limits.shared.organization,
        "shared.organizations": limits.shared.organizations,
    }
    for tool, bucket in limits.tools.items():
        if limits.pod is not None and bucket.seconds_per_request < limits.pod.seconds_per_request:
            yield codes.RATE_NEVER_REACHED.message(tool=tool, rate=bucket.rate, pod=limits.pod.rate)
    for field, value in fields.items():
        if value and not has_tokens:
            yield codes.ORGANIZATION_WITHOUT_AUTH.message(field=field)
