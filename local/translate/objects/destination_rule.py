"""DestinationRule: traffic policies and subsets.

Source of every name and meaning: Istio API v1, networking.istio.io.
"""

from typing import Literal

from pydantic import Field

from meshed_mcp.local.translate.objects.fields import Duration, Fields
from meshed_mcp.local.translate.objects.load_balancing import LoadBalancer
from meshed_mcp.local.translate.objects.metadata import Placed


class TCPKeepalive(Fields):
    """TCP keepalive."""

    probes: int | None = None
    time: Duration | None = None
    interval: Duration | None = None


class TCPSettings(Fields):
    """Connection limits and timeouts."""

    max_connections: int | None = None
    connect_timeout: Duration | None = None
    idle_timeout: Duration | None = None
    max_connection_duration: Duration | None = None
    tcp_keepalive: TCPKeepalive | None = None


class HTTPSettings(Fields):
    """Request limits and timeouts."""

    http1_max_pending_requests: int | None = Field(default=None, alias="http1MaxPendingRequests")
    http2_max_requests: int | None = Field(default=None, alias="http2MaxRequests")
    max_requests_per_connection: int | None = None
    max_retries: int | None = None
    idle_timeout: Duration | None = None
    h2_upgrade_policy: Literal["DEFAULT", "DO_NOT_UPGRADE"] = Field(default="DEFAULT", alias="h2UpgradePolicy")


class ConnectionPool(Fields):
    """Connection pool of one client to one destination."""

    tcp: TCPSettings = TCPSettings()
    http: HTTPSettings = HTTPSettings()


class OutlierDetection(Fields):
    """Ejection of unhealthy endpoints."""

    consecutive_5xx_errors: int | None = Field(default=None, alias="consecutive5xxErrors")
    consecutive_gateway_errors: int | None = None
    split_external_local_origin_errors: bool = False
    consecutive_local_origin_failures: int | None = None
    interval: Duration = "10s"
    base_ejection_time: Duration = "30s"
    max_ejection_percent: int = Field(default=10, ge=0, le=100)
    min_health_percent: int = Field(default=0, ge=0, le=100)


class ClientTLS(Fields):
    """Mesh mTLS."""

    mode: Literal["ISTIO_MUTUAL"]


class TrafficPolicy(Fields):
    """Traffic policy of a destination."""

    load_balancer: LoadBalancer | None = None
    connection_pool: ConnectionPool | None = None
    outlier_detection: OutlierDetection | None = None
    tls: ClientTLS | None = None


class Subset(Fields):
    """Endpoints by labels."""

    name: str
    labels: dict[str, str] = Field(default_factory=dict)
    traffic_policy: TrafficPolicy = TrafficPolicy()


class DestinationRuleSpec(Fields):
    """Traffic policy of a Service host and its subsets."""

    host: str
    traffic_policy: TrafficPolicy = TrafficPolicy()
    subsets: tuple[Subset, ...] = ()
    export_to: tuple[str, ...] = ("*",)


class DestinationRule(Placed):
    """Policy of a destination."""

    spec: DestinationRuleSpec
