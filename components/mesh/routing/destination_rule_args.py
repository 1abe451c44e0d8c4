"""Arguments of how proxies connect to a service: choice of the replica, pools, sick replicas, places.

Stack keys in, frozen models out. Every default is made for streams: a listening client holds one request open for as
long as it lives. Not here: the DestinationRule that follows (destination_rule.py), which version a call gets
(rollout_args.py), regions (locality_args.py).
"""

from enum import StrEnum
from typing import Final

from pydantic import Field, field_validator, model_validator

from meshed_mcp import contract
from meshed_mcp.components.core.args import Model
from meshed_mcp.components.mesh.routing.headers import header_name
from meshed_mcp.components.mesh.routing.locality_args import Locality
from meshed_mcp.error_codes.service import (
    EJECTION_CONTRADICTS_HEALTH,
    FAILOVER_WITHOUT_OUTLIER_DETECTION,
    GATEWAY_ERRORS_UNREACHED,
    HASH_HEADER_IS_SESSION_ID,
    HASH_WITHOUT_HEADER,
    UNUSED_HASH_HEADER,
    UNUSED_WARMUP,
)

TOOL_HEADER: Final = "mcp-name"
"""Names the tool of a call. Source: MCP 2026-07-28, "Standard Request Headers"."""


class BalancingPolicy(StrEnum):
    """How a proxy chooses one of a version's replicas."""

    LEAST_REQUEST = "least_request"
    """Of two random replicas the one with fewer open requests: open streams count, so new calls go where fewer are."""

    ROUND_ROBIN = "round_robin"
    """One after the other. A replica that holds more streams or is slower gets as many calls as the others."""

    RANDOM = "random"
    """Any, without looking."""

    CONSISTENT_HASH = "consistent_hash"
    """The replica that a header's value hashes to, for caches in memory; requests without the header go to any."""


WARMED_UP: Final = frozenset({BalancingPolicy.LEAST_REQUEST, BalancingPolicy.ROUND_ROBIN})
"""Policies that know a slow start. Source: Istio API, LoadBalancerSettings `warmup`."""


class Balancing(Model):
    """How one of a version's replicas is chosen."""

    policy: BalancingPolicy = BalancingPolicy.LEAST_REQUEST
    """`least_request`, `round_robin`, `random` or `consistent_hash`."""

    hash_header: str | None = None
    """Header that is hashed, such as `x-organization-id`; with `consistent_hash` only. Never the session id, which the
    first request of a session does not have yet: half of the sessions would be born on another replica."""

    warmup_seconds: int | None = Field(default=None, ge=1, le=3600)
    """Seconds in which a new replica's share of the calls grows from a tenth to the whole; unset = at once."""

    @field_validator("hash_header")
    @classmethod
    def _is_header(cls, value: str | None) -> str | None:
        if value == contract.SESSION_HEADER:
            raise HASH_HEADER_IS_SESSION_ID.error(value=value)
        return value if value is None or value == TOOL_HEADER else header_name(value)

    @model_validator(mode="after")
    def _fits_the_policy(self) -> "Balancing":
        hashed = self.policy is BalancingPolicy.CONSISTENT_HASH
        if hashed and self.hash_header is None:
            raise HASH_WITHOUT_HEADER.error()
        if not hashed and self.hash_header is not None:
            raise UNUSED_HASH_HEADER.error(policy=self.policy)
        if self.warmup_seconds is not None and self.policy not in WARMED_UP:
            raise UNUSED_WARMUP.error(policy=self.policy)
        return self


class Connections(Model):
    """What one client's proxy may hold open to the service; a bound that is met answers 503 at once."""

    streams: int = Field(default=4096, ge=16, le=1_000_000)
    """Open requests, and connections: every listening client holds one of each. The default is far above what a replica
    serves, so that only a runaway client meets it; upstream has no limit."""

    pending_requests: int = Field(default=1024, ge=1, le=1_000_000)
    """Requests that may wait for a connection."""

    connect_seconds: int = Field(default=3, ge=1, le=60)
    """Seconds until a replica that takes no connection is given up and another one asked; upstream: 10."""

    idle_seconds: int = Field(default=900, ge=60, le=86_400)
    """Seconds after which a connection without any request is closed; one that carries a stream is not idle."""


class OutlierDetection(Model):
    """When a replica that answers with errors is taken out, for how long, and how many at most.

    Each proxy judges by its own calls. Sessions of `legacy: sticky` whose replica is out get 404 and begin anew.
    """

    consecutive_5xx_errors: int = Field(default=5, ge=1, le=1000)
    """Answers 500 to 599 in a row, or connections that failed, after which a replica is out."""

    consecutive_gateway_errors: int = Field(default=5, ge=1, le=1000)
    """Answers 502, 503, 504 in a row after which it is out; they count for both, so more than `consecutive_5xx_errors`
    is never reached."""

    interval_seconds: int = Field(default=10, ge=1, le=3600)
    """Seconds between two looks at who may come back."""

    ejection_seconds: int = Field(default=30, ge=1, le=3600)
    """Seconds for which a replica is out, times the number of its ejections in a row."""

    max_ejection_percent: int = Field(default=50, ge=1, le=100)
    """Most replicas that are out at a time; one is always allowed. Upstream: 10."""

    min_health_percent: int = Field(default=0, ge=0, le=100)
    """Below this share of well replicas, detection is off and the sick get calls again; 0 = never. Above 0 also has
    replicas that are not ready left out of the count."""

    @model_validator(mode="after")
    def _counts_to_both(self) -> "OutlierDetection":
        if self.consecutive_gateway_errors > self.consecutive_5xx_errors:
            raise GATEWAY_ERRORS_UNREACHED.error(
                gateway_errors=self.consecutive_gateway_errors, errors=self.consecutive_5xx_errors
            )
        if self.max_ejection_percent + self.min_health_percent > 100:  # noqa: PLR2004 - percent
            raise EJECTION_CONTRADICTS_HEALTH.error(
                ejected=self.max_ejection_percent, healthy=self.min_health_percent, most=100 - self.min_health_percent
            )
        return self


class TrafficSettings(Model):
    """How callers' proxies connect to the service."""

    balancing: Balancing = Field(default_factory=Balancing)
    """Which replica of a version a call gets."""

    connections: Connections = Field(default_factory=Connections)
    """Bounds of connections, sized from streams."""

    outlier_detection: OutlierDetection | None = Field(default_factory=OutlierDetection)
    """When a sick replica is taken out; null = never."""

    locality: Locality | None = None
    """Where calls go when replicas run in several regions; unset = anywhere."""

    @model_validator(mode="after")
    def _finds_out_who_is_sick(self) -> "TrafficSettings":
        if self.locality is not None and self.locality.failover and self.outlier_detection is None:
            raise FAILOVER_WITHOUT_OUTLIER_DETECTION.error()
        return self
