"""DestinationRule: traffic policies and subsets."""

from typing import Literal, Self

from pydantic import Field, model_validator

from meshed_mcp.error_codes.local import EXACTLY_ONE, EXCLUSIVE, WARMUP_UNUSED
from meshed_mcp.local.translate.objects.fields import Duration, Fields, Placed


class RingHash(Fields):
    """Ketama hash ring. Source of the default: Istio DestinationRule, ConsistentHashLB, `minimumRingSize`."""

    minimum_ring_size: int = Field(default=1024, ge=1)


class Maglev(Fields):
    """Maglev table, whose size is a prime number."""

    table_size: int | None = Field(default=None, ge=1)


class ConsistentHash(Fields):
    """Hash of one property of the request; requests without it go to any endpoint."""

    http_header_name: str | None = None
    http_query_parameter_name: str | None = None
    use_source_ip: bool | None = None
    ring_hash: RingHash | None = None
    maglev: Maglev | None = None

    @model_validator(mode="after")
    def _hashes_one_property(self) -> Self:
        given = [self.http_header_name, self.http_query_parameter_name, self.use_source_ip]
        if sum(bool(each) for each in given) != 1:
            raise EXACTLY_ONE.error(fields="httpHeaderName, httpQueryParameterName and useSourceIp")
        if self.ring_hash is not None and self.maglev is not None:
            raise EXCLUSIVE.error(fields="ringHash and maglev")
        return self


class Distribute(Fields):
    """Percentage of the requests from a locality, by locality of the endpoint."""

    from_: str = Field(alias="from")
    to: dict[str, int] = Field(min_length=1)


class Failover(Fields):
    """Failover region of a region."""

    from_: str = Field(alias="from")
    to: str


class LocalityLbSetting(Fields):
    """Locality load balancing."""

    enabled: bool = True
    distribute: tuple[Distribute, ...] = ()
    failover: tuple[Failover, ...] = ()

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if self.distribute and self.failover:
            raise EXCLUSIVE.error(fields="distribute and failover")
        return self


class Warmup(Fields):
    """Slow start of a new endpoint, from `minimumPercent` of its share."""

    duration: Duration
    minimum_percent: float = Field(default=10, ge=0, le=100)
    aggression: float = Field(default=1, ge=1)


class LoadBalancer(Fields):
    """Load balancing policy."""

    simple: Literal["LEAST_REQUEST", "ROUND_ROBIN", "RANDOM", "UNSPECIFIED"] = "UNSPECIFIED"
    consistent_hash: ConsistentHash | None = None
    locality_lb_setting: LocalityLbSetting = LocalityLbSetting()
    warmup: Warmup | None = None

    @model_validator(mode="after")
    def _is_one_policy(self) -> Self:
        if "simple" in self.model_fields_set and self.consistent_hash is not None:
            raise EXCLUSIVE.error(fields="simple and consistentHash")
        if self.warmup is not None and (self.consistent_hash is not None or self.simple == "RANDOM"):
            raise WARMUP_UNUSED.error()
        return self


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
