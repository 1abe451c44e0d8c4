"""Arguments of rate limits at one service: how many requests a pod, a tool, an organization may make in a time.

Stack keys in, frozen models out. Not here: how much one pod works on at a time (mesh/service/limits_args.py), the
filters that a limit becomes (local.py, shared.py), the service that counts for all pods (server_args.py).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from pydantic import Field, field_validator, model_validator

from meshed_mcp.components.core.args import Model
from meshed_mcp.components.mesh.authorization.tool_policy_args import tool_names
from meshed_mcp.error_codes.code import Message
from meshed_mcp.error_codes.service import (
    INVALID_RATE,
    ORGANIZATION_WITHOUT_AUTH,
    RATE_IS_ZERO,
    RATE_NEVER_REACHED,
    UNNAMED_WITHOUT_TOOLS,
)

SECONDS_OF: Final[Mapping[str, int]] = {"s": 1, "min": 60, "h": 3600, "d": 86_400}
"""Units of a rate, in seconds."""

_RATE: Final = re.compile(rf"(?P<requests>[0-9]{{1,9}})/(?P<unit>{'|'.join(SECONDS_OF)})")

EXPOSED_POD_RATE: Final = "1000/s"
"""Rate per pod of an exposed service that names none. Product rule: about what one process answers at best (docs,
"What the runtime costs"), so that it refuses what could not be answered anyway, and in the proxy instead."""

EXPOSED_POD_BURST: Final = 2000
"""Two seconds of it."""


def parsed(rate: str) -> tuple[int, str]:
    """`20/s` -> (20, "s"). Raises ValueError for anything else, 0 included."""
    found = _RATE.fullmatch(rate)
    if found is None:
        raise INVALID_RATE.error(rate=rate)
    if int(found["requests"]) == 0:
        raise RATE_IS_ZERO.error(rate=rate)
    return int(found["requests"]), found["unit"]


class TokenBucket(Model):
    """So many requests in a time, and so many at once. A refused request takes no token."""

    rate: str
    """Requests per `s`, `min`, `h` or `d`, such as `20/s`; tokens come back evenly over that time."""

    burst: int | None = Field(default=None, ge=1, le=1_000_000_000)
    """Requests that may come at once after a quiet time; unset = as many as `rate` says."""

    @field_validator("rate")
    @classmethod
    def _is_rate(cls, value: str) -> str:
        parsed(value)
        return value

    @property
    def requests(self) -> int:
        """Requests per period."""
        return parsed(self.rate)[0]

    @property
    def period_seconds(self) -> int:
        """Length of the period."""
        return SECONDS_OF[parsed(self.rate)[1]]

    @property
    def seconds_per_request(self) -> float:
        """Time until the next token."""
        return self.period_seconds / self.requests


class SharedRate(Model):
    """So many requests in a time, over all pods: counted in windows of the clock, each beginning at 0."""

    rate: str
    """Requests per `s`, `min`, `h` or `d`, such as `1000/min`."""

    @field_validator("rate")
    @classmethod
    def _is_rate(cls, value: str) -> str:
        parsed(value)
        return value

    @property
    def seconds_per_request(self) -> float:
        """How small it is."""
        requests, unit = parsed(self.rate)
        return SECONDS_OF[unit] / requests


class SharedLimits(Model):
    """Limits over all pods of the service together; they need the stack's `rate_limiting`."""

    service: SharedRate | None = None
    """Every request of the service."""

    tools: dict[str, SharedRate] = Field(default_factory=dict)
    """Calls of a tool, by tool; "*" = all calls of tools that are not named here, together."""

    organization: SharedRate | None = None
    """Requests of each organization; needs `auth`."""

    organizations: dict[str, SharedRate] = Field(default_factory=dict)
    """Requests of single organizations, by the value of the claim, in place of `organization`."""

    @field_validator("tools")
    @classmethod
    def _are_tools(cls, value: dict[str, SharedRate]) -> dict[str, SharedRate]:
        tool_names(value)
        return value

    @property
    def rates(self) -> list[SharedRate]:
        """All of them."""
        single = [rate for rate in (self.service, self.organization) if rate is not None]
        return [*single, *self.tools.values(), *self.organizations.values()]

    @property
    def any(self) -> bool:
        """Whether there is one."""
        return bool(self.rates)


class RateLimits(Model):
    """How many requests the service answers in a time; the next one gets 429 with Retry-After and is not executed.

    All but `shared` count per pod: with n pods, n times as many get through.
    """

    pod: TokenBucket | None = None
    """Every request that reaches one pod. Unset = 1000/s with a burst of 2000 for exposed services, none for others."""

    tools: dict[str, TokenBucket] = Field(default_factory=dict)
    """Calls of a tool in one pod, by tool; "*" = all calls of tools that are not named here, together."""

    unnamed: TokenBucket | None = None
    """Requests in one pod that do not say which tool they call: those of clients up to 2025-11-25, and malformed ones.
    Unset = as small as the smallest of `tools`, so that nobody gets past a tool's limit by not naming it."""

    organization: TokenBucket | None = None
    """Requests of each organization in one pod; the organization is a claim of the verified token, so needs `auth`."""

    organizations: dict[str, TokenBucket] = Field(default_factory=dict)
    """Requests of single organizations in one pod, by the value of the claim, in place of `organization`."""

    shared: SharedLimits = Field(default_factory=SharedLimits)
    """Limits over all pods together."""

    @field_validator("tools")
    @classmethod
    def _are_tools(cls, value: dict[str, TokenBucket]) -> dict[str, TokenBucket]:
        tool_names(value)
        return value

    @model_validator(mode="after")
    def _limits_tools_when_it_limits_the_unnamed(self) -> "RateLimits":
        if self.unnamed is not None and not self.tools:
            raise UNNAMED_WITHOUT_TOOLS.error()
        return self

    @property
    def buckets(self) -> list[TokenBucket]:
        """All that count per pod."""
        single = [bucket for bucket in (self.pod, self.unnamed, self.organization) if bucket is not None]
        return [*single, *self.tools.values(), *self.organizations.values()]

    @property
    def by_organization(self) -> bool:
        """Whether a pod counts by organization."""
        return self.organization is not None or bool(self.organizations)


def effective(limits: RateLimits, *, expose: bool) -> RateLimits:
    """The limits with what stands in for unset ones."""
    pod = TokenBucket(rate=EXPOSED_POD_RATE, burst=EXPOSED_POD_BURST) if expose else None
    smallest = max(limits.tools.values(), key=lambda bucket: bucket.seconds_per_request, default=None)
    return limits.model_copy(update={"pod": limits.pod or pod, "unnamed": limits.unnamed or smallest})


def rate_limit_issues(limits: RateLimits, *, has_tokens: bool) -> Iterator[Message]:
    """What is wrong with the limits at a service; one line each, with the field's path."""
    fields = {
        "organization": limits.organization,
        "organizations": limits.organizations,
        "shared.organization": limits.shared.organization,
        "shared.organizations": limits.shared.organizations,
    }
    for tool, bucket in limits.tools.items():
        if limits.pod is not None and bucket.seconds_per_request < limits.pod.seconds_per_request:
            yield RATE_NEVER_REACHED.message(tool=tool, rate=bucket.rate, pod=limits.pod.rate)
    for field, value in fields.items():
        if value and not has_tokens:
            yield ORGANIZATION_WITHOUT_AUTH.message(field=field)
