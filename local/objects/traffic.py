"""VirtualService, DestinationRule and Gateway: the fields that the local run turns into Envoy routes and clusters.

Source of every name and meaning: Istio API v1, networking.istio.io.
"""

from typing import Literal, Self

from pydantic import Field, model_validator

from meshed_mcp.local.objects.fields import Duration, Fields
from meshed_mcp.local.objects.metadata import Placed


class StringMatch(Fields):
    """One way to compare a text; none of the three means "is present" (headers only)."""

    exact: str | None = None
    prefix: str | None = None
    regex: str | None = None

    @model_validator(mode="after")
    def _at_most_one(self) -> Self:
        if len(self.model_fields_set) > 1:
            raise ValueError("exact, prefix and regex exclude each other; write one")
        return self


class HTTPMatchRequest(Fields):
    """Conditions that must all hold."""

    name: str | None = None
    uri: StringMatch | None = None
    method: StringMatch | None = None
    headers: dict[str, StringMatch] = Field(default_factory=dict)
    without_headers: dict[str, StringMatch] = Field(default_factory=dict)


class PortSelector(Fields):
    """A port of the Service."""

    number: int


class Destination(Fields):
    """A Service host, perhaps one subset of it."""

    host: str
    subset: str | None = None
    port: PortSelector | None = None


class HeaderChange(Fields):
    """Headers to overwrite, to append and to drop."""

    set: dict[str, str] = Field(default_factory=dict)
    add: dict[str, str] = Field(default_factory=dict)
    remove: tuple[str, ...] = ()


class Headers(Fields):
    """Header changes on the way in and on the way out."""

    request: HeaderChange = HeaderChange()
    response: HeaderChange = HeaderChange()


class HTTPRouteDestination(Fields):
    """One destination and its share of the requests, in percent; a lone destination takes all."""

    destination: Destination
    weight: int = Field(default=0, ge=0, le=100)


class HTTPRewrite(Fields):
    """The path that replaces what matched, and the authority the destination sees."""

    uri: str | None = None
    authority: str | None = None


class HTTPRetry(Fields):
    """Retries on a fault named in `retry_on`; 0 attempts turns them off."""

    attempts: int = Field(ge=0)
    per_try_timeout: Duration | None = None
    retry_on: str | None = None


class HTTPRoute(Fields):
    """One rule: the first whose match holds decides."""

    name: str | None = None
    match: tuple[HTTPMatchRequest, ...] = ()
    route: tuple[HTTPRouteDestination, ...] = Field(min_length=1)
    rewrite: HTTPRewrite | None = None
    retries: HTTPRetry | None = None
    timeout: Duration | None = None
    headers: Headers = Headers()


class VirtualServiceSpec(Fields):
    """Routes of some hosts, for sidecars (`mesh`) or for gateways (`namespace/name`)."""

    hosts: tuple[str, ...] = Field(min_length=1)
    gateways: tuple[str, ...] = ("mesh",)
    http: tuple[HTTPRoute, ...] = Field(min_length=1)
    export_to: tuple[str, ...] = ("*",)


class VirtualService(Placed):
    """Routes."""

    spec: VirtualServiceSpec


class LoadBalancer(Fields):
    """How one of the endpoints is chosen."""

    simple: Literal["LEAST_REQUEST", "ROUND_ROBIN", "RANDOM", "UNSPECIFIED"] = "UNSPECIFIED"


class TCPKeepalive(Fields):
    """Probes on an idle connection."""

    probes: int | None = None
    time: Duration | None = None
    interval: Duration | None = None


class TCPSettings(Fields):
    """Connections of one client to one destination."""

    max_connections: int | None = None
    connect_timeout: Duration | None = None
    idle_timeout: Duration | None = None
    max_connection_duration: Duration | None = None
    tcp_keepalive: TCPKeepalive | None = None


class HTTPSettings(Fields):
    """Requests of one client to one destination."""

    http1_max_pending_requests: int | None = Field(default=None, alias="http1MaxPendingRequests")
    http2_max_requests: int | None = Field(default=None, alias="http2MaxRequests")
    max_requests_per_connection: int | None = None
    max_retries: int | None = None
    idle_timeout: Duration | None = None
    h2_upgrade_policy: Literal["DEFAULT", "DO_NOT_UPGRADE"] = Field(default="DEFAULT", alias="h2UpgradePolicy")


class ConnectionPool(Fields):
    """Bounds of connections and requests."""

    tcp: TCPSettings = TCPSettings()
    http: HTTPSettings = HTTPSettings()


class OutlierDetection(Fields):
    """When an endpoint is taken out, for how long, and how many at most (percent)."""

    consecutive_5xx_errors: int | None = Field(default=None, alias="consecutive5xxErrors")
    consecutive_gateway_errors: int | None = None
    split_external_local_origin_errors: bool = False
    consecutive_local_origin_failures: int | None = None
    interval: Duration = "10s"
    base_ejection_time: Duration = "30s"
    max_ejection_percent: int = Field(default=10, ge=0, le=100)
    min_health_percent: int = Field(default=0, ge=0, le=100)


class ClientTLS(Fields):
    """Sidecars here speak mesh mTLS to each other and nothing else."""

    mode: Literal["ISTIO_MUTUAL"]


class TrafficPolicy(Fields):
    """How a destination is called."""

    load_balancer: LoadBalancer | None = None
    connection_pool: ConnectionPool | None = None
    outlier_detection: OutlierDetection | None = None
    tls: ClientTLS | None = None


class Subset(Fields):
    """The endpoints that carry some labels."""

    name: str
    labels: dict[str, str] = Field(default_factory=dict)
    traffic_policy: TrafficPolicy = TrafficPolicy()


class DestinationRuleSpec(Fields):
    """Policy of one Service host and its subsets."""

    host: str
    traffic_policy: TrafficPolicy = TrafficPolicy()
    subsets: tuple[Subset, ...] = ()
    export_to: tuple[str, ...] = ("*",)


class DestinationRule(Placed):
    """Policy of a destination."""

    spec: DestinationRuleSpec


class ServerPort(Fields):
    """The port in the cluster; on this machine the gateway listens where the command says."""

    number: int
    name: str
    protocol: Literal["HTTP", "HTTPS"]


class ServerTLS(Fields):
    """TLS towards clients: without effect here, the gateway speaks plain HTTP on loopback."""

    mode: Literal["SIMPLE"] | None = None
    credential_name: str | None = None
    https_redirect: bool = False
    min_protocol_version: Literal["TLSV1_2", "TLSV1_3"] | None = Field(default=None, alias="minProtocolVersion")


class Server(Fields):
    """One port of a gateway and the hosts it serves."""

    port: ServerPort
    name: str | None = None
    hosts: tuple[str, ...] = Field(min_length=1)
    tls: ServerTLS = ServerTLS()


class GatewaySpec(Fields):
    """Servers on the proxies that the selector finds."""

    selector: dict[str, str]
    servers: tuple[Server, ...] = Field(min_length=1)


class Gateway(Placed):
    """The way in."""

    spec: GatewaySpec
