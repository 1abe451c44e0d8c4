"""Arguments of a DestinationRule: load balancing, connection pool, outlier detection; the defaults fit long streams."""

from enum import StrEnum
from typing import Final

from pydantic import Field, field_validator, model_validator

from meshed_mcp import contract
from meshed_mcp.components.core.args import Model
from meshed_mcp.components.mesh.routing.locality_args import Locality
from meshed_mcp.components.mesh.routing.validation import header_name
from meshed_mcp.error_codes import service as codes

TOOL_HEADER: Final = "mcp-name"
"""Header with the name of the tool. Source: MCP 2026-07-28, "Standard Request Headers"."""


class BalancingPolicy(StrEnum):
    """Load balancing between the replicas of a version."""

    LEAST_REQUEST = "least_request"
    """The replica with fewer active requests of two random ones; open streams count."""

    ROUND_ROBIN = "round_robin"
    """In turn; a slow replica, or one with many streams, gets as many requests as the others."""

    RANDOM = "random"
    """A random replica."""

    CONSISTENT_HASH = "consistent_hash"
    """By the hash of a header, for in-memory caches; requests without the header go to any replica."""


WARMUP_POLICIES: Final = frozenset({BalancingPolicy.LEAST_REQUEST, BalancingPolicy.ROUND_ROBIN})
"""Policies with slow start. Source: Istio API, LoadBalancerSettings `warmup`."""


class Balancing(Model):
    """Load balancing between the replicas of a version."""

    policy: BalancingPolicy = BalancingPolicy.LEAST_REQUEST
    """`least_request`, `round_robin`, `random` or `consistent_hash`."""

    hash_header: str | None = None
    """Header to hash, such as `x-organization-id`; only with `consistent_hash`. The session id is rejected, because the
    first request of a session has none."""

    warmup_seconds: int | None = Field(default=None, ge=1, le=3600)
    """Slow start: seconds in which the share of a new replica grows from 10 % to 100 %; unset = no slow start."""

    @field_validator("hash_header")
    @classmethod
    def _is_header(cls, value: str | None) -> str | None:
        if value == contract.SESSION_HEADER:
            raise codes.HASH_HEADER_IS_SESSION_ID.error(value=value)
        return value if value is None or value == TOOL_HEADER else header_name(value)

    @model_validator(mode="after")
    def _fits_the_policy(self) -> "Balancing":
        hashed = self.policy is BalancingPolicy.CONSISTENT_HASH
        if hashed and self.hash_header is None:
            raise codes.HASH_WITHOUT_HEADER.error()
        if not hashed and self.hash_header is not None:
            raise codes.UNUSED_HASH_HEADER.error(policy=self.policy)
        if self.warmup_seconds is not None and self.policy not in WARMUP_POLICIES:
            raise codes.UNUSED_WARMUP.error(policy=self.policy)
        return self


class Connections(Model):
    """Connection pool of one client proxy to the service; requests above a limit get 503 at once."""

    streams: int = Field(default=4096, ge=16, le=1_000_000)
    """Active requests, and connections: every listening client holds one of each. The default is far above the capacity
    of a replica; Istio has no limit."""

    pending_requests: int = Field(default=1024, ge=1, le=1_000_000)
    """Requests that wait for a connection."""

    connect_seconds: int = Field(default=3, ge=1, le=60)
    """Connect time-out in seconds, after which another replica is tried; Istio: 10."""

    idle_seconds: int = Field(default=900, ge=60, le=86_400)
    """Idle time-out of a connection in seconds; a connection with an open stream is not idle."""


class OutlierDetection(Model):
    """Ejection of unhealthy replicas. Each proxy counts its own requests.

    Sessions of `legacy: sticky` on an ejected replica get 404, and clients start new ones.
    """

    consecutive_5xx_errors: int = Field(default=5, ge=1, le=1000)
    """Consecutive 5xx responses or failed connections that eject a replica."""

    consecutive_gateway_errors: int = Field(default=5, ge=1, le=1000)
    """Consecutive 502, 503 or 504 responses that eject a replica; they count as 5xx errors too, so the maximum is
    `consecutive_5xx_errors`."""

    interval_seconds: int = Field(default=10, ge=1, le=3600)
    """Seconds between two sweeps that restore ejected replicas."""

    ejection_seconds: int = Field(default=30, ge=1, le=3600)
    """Base ejection time in seconds, multiplied by the number of consecutive ejections."""

    max_ejection_percent: int = Field(default=50, ge=1, le=100)
    """Maximum share of ejected replicas; one is always allowed. Istio: 10."""

    min_health_percent: int = Field(default=0, ge=0, le=100)
    """Share of healthy replicas below which ejected ones get requests again; 0 = never. Above 0, replicas that are not
    ready are not counted."""

    @model_validator(mode="after")
    def _has_reachable_thresholds(self) -> "OutlierDetection":
        if self.consecutive_gateway_errors > self.consecutive_5xx_errors:
            raise codes.GATEWAY_ERRORS_UNREACHED.error(
                gateway_errors=self.consecutive_gateway_errors, errors=self.consecutive_5xx_errors
            )
        if self.max_ejection_percent + self.min_health_percent > 100:  # noqa: PLR2004 - percent
            raise codes.EJECTION_CONTRADICTS_HEALTH.error(
                ejected=self.max_ejection_percent, healthy=self.min_health_percent, most=100 - self.min_health_percent
            )
        return self


class TrafficSettings(Model):
    """How callers' proxies connect to the service."""

    balancing: Balancing = Field(default_factory=Balancing)
    """Load balancing between the replicas of a version."""

    connections: Connections = Field(default_factory=Connections)
    """Connection pool, sized for streams."""

    outlier_detection: OutlierDetection | None = Field(default_factory=OutlierDetection)
    """Ejection of unhealthy replicas; null = never."""

    locality: Locality | None = None
    """Routing of requests between regions and zones; unset = to any replica."""

    @model_validator(mode="after")
    def _detects_outliers_for_failover(self) -> "TrafficSettings":
        if self.locality is not None and self.locality.failover and self.outlier_detection is None:
            raise codes.FAILOVER_WITHOUT_OUTLIER_DETECTION.error()
        return self
