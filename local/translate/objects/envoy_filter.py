"""EnvoyFilter: filters before the router, filter configuration of routes, local replies, routes of open streams.

Inside `value`, names and meanings are those of the Envoy API v3, in snake case.
"""

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import ConfigDict, Discriminator, Field, Tag

from meshed_mcp.local.translate.objects.fields import Fields, Placed
from meshed_mcp.local.translate.objects.rate_limit import AddedHeader, EnvoyFields, LocalRateLimit, RateLimit

RouteContext = Literal["SIDECAR_OUTBOUND", "GATEWAY"]
Context = Literal["SIDECAR_INBOUND"] | RouteContext


C = TypeVar("C")
N = TypeVar("N", bound=str)
Op = TypeVar("Op")
V = TypeVar("V")


class Named(Fields, Generic[N]):
    """A filter or a route by its name."""

    name: N


ConnectionManager = Named[Literal["envoy.filters.network.http_connection_manager"]]
F = TypeVar("F", bound=ConnectionManager)


class ConnectionManagerFilter(ConnectionManager):
    """The HTTP filter of the connection manager to insert before."""

    sub_filter: Named[Literal["envoy.filters.http.router"]]


class FilterChain(Fields, Generic[F]):
    """Filter chain with a filter."""

    filter: F


class Listener(Fields, Generic[F]):
    """Listeners with the filter chain."""

    filter_chain: FilterChain[F]


class ListenerMatch(Fields, Generic[C, F]):
    """Listeners of a context."""

    context: C
    listener: Listener[F]


class Change(Fields, Generic[Op, V]):
    """Operation of a patch and its value."""

    operation: Op
    value: V


class DataSource(EnvoyFields):
    """Text."""

    inline_string: str


class Lua(EnvoyFields):
    """A Lua filter with scripts by name. Source: Envoy, extensions.filters.http.lua.v3.Lua."""

    type: Literal["type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua"]
    source_codes: dict[str, DataSource] = Field(min_length=1)


class HTTPFilter(EnvoyFields):
    """The filter; a disabled one runs on the routes that configure it."""

    name: str
    disabled: bool = False
    typed_config: Annotated[Lua | LocalRateLimit | RateLimit, Field(discriminator="type")]


class HTTPFilterPatch(Fields):
    """Patch of HTTP filters."""

    apply_to: Literal["HTTP_FILTER"]
    match: ListenerMatch[Context, ConnectionManagerFilter]
    patch: Change[Literal["INSERT_BEFORE"], HTTPFilter]


class VirtualHostMatch(Fields):
    """A virtual host by name (`host:port`) or any, and a route in it by its name in the VirtualService."""

    name: str | None = None
    route: Named[str]


class RouteConfigurationMatch(Fields):
    """Routes of a virtual host."""

    vhost: VirtualHostMatch


class HTTPRouteMatch(Fields):
    """Routes of a context."""

    context: RouteContext
    route_configuration: RouteConfigurationMatch


class LuaPerRoute(EnvoyFields):
    """A script by name with values. Source: Envoy, extensions.filters.http.lua.v3.LuaPerRoute."""

    type: Literal["type.googleapis.com/envoy.extensions.filters.http.lua.v3.LuaPerRoute"]
    name: str
    filter_context: dict[str, str] = Field(default_factory=dict)


class RouteChange(EnvoyFields):
    """Configuration of filters on a route by filter name."""

    typed_per_filter_config: dict[str, LuaPerRoute] = Field(min_length=1)


class HTTPRoutePatch(Fields):
    """Patch of routes."""

    apply_to: Literal["HTTP_ROUTE"]
    match: HTTPRouteMatch
    patch: Change[Literal["MERGE"], RouteChange]


class ResponseFlags(EnvoyFields):
    """Reasons for a local reply."""

    flags: tuple[str, ...] = Field(min_length=1)


class Expression(EnvoyFields):
    """A condition in the Common Expression Language."""

    type: Literal["type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter"]
    expression: str


class ExpressionFilter(EnvoyFields):
    """Selected by an expression."""

    name: Literal["envoy.access_loggers.extension_filters.cel"]
    typed_config: Expression


class FlagFilter(EnvoyFields):
    """Local replies selected by their reason. Source: Envoy, config.accesslog.v3.AccessLogFilter."""

    response_flag_filter: ResponseFlags


class ExtensionFilter(EnvoyFields):
    """Local replies selected by an extension. Source: as above."""

    extension_filter: ExpressionFilter


class ReplyMapper(EnvoyFields):
    """Status, body and headers of the selected local replies. Source: Envoy, ResponseMapper."""

    filter: FlagFilter | ExtensionFilter
    status_code: int | None = None
    body: DataSource | None = None
    headers_to_add: tuple[AddedHeader, ...] = Field(min_length=1)


class LocalReplyConfig(EnvoyFields):
    """Changes of local replies."""

    mappers: tuple[ReplyMapper, ...] = Field(min_length=1)


class ManagerConfig(EnvoyFields):
    """Merged fields of the connection manager."""

    type: Literal[
        "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
    ]
    local_reply_config: LocalReplyConfig


class ManagerChange(EnvoyFields):
    """Configuration of the connection manager."""

    typed_config: ManagerConfig


class ManagerPatch(Fields):
    """Patch of connection managers."""

    apply_to: Literal["NETWORK_FILTER"]
    match: ListenerMatch[Literal["SIDECAR_INBOUND"], ConnectionManager]
    patch: Change[Literal["MERGE"], ManagerChange]


class InboundRoutes(Fields):
    """Routes of a port of the pod, by the name of its Envoy cluster."""

    context: Literal["SIDECAR_INBOUND"]
    route_configuration: Named[str]


class HeaderText(EnvoyFields):
    """Exact value of a header."""

    exact: str


class HeaderMatch(EnvoyFields):
    """A header with a value. Source: Envoy, HeaderMatcher."""

    name: str
    string_match: HeaderText


class PathMatch(EnvoyFields):
    """Requests whose path begins with a text, with headers. Source: Envoy, RouteMatch."""

    prefix: str
    headers: tuple[HeaderMatch, ...] = ()


class RouteRetries(EnvoyFields):
    """Retries of requests that the server has not seen. Source: Envoy, RetryPolicy."""

    retry_on: str
    num_retries: int


class ClusterRoute(EnvoyFields):
    """The destination of a route. Source: Envoy, RouteAction."""

    cluster: str
    timeout: str
    retry_policy: RouteRetries


class RouteDecorator(EnvoyFields):
    """Name of the route's spans."""

    operation: str


class InsertedRoute(EnvoyFields):
    """A route before the others."""

    name: str
    match: PathMatch
    route: ClusterRoute
    decorator: RouteDecorator


class InsertedRoutePatch(Fields):
    """Patch that inserts a route."""

    apply_to: Literal["HTTP_ROUTE"]
    match: InboundRoutes
    patch: Change[Literal["INSERT_FIRST"], InsertedRoute]


class Limits(EnvoyFields):
    """Limits of a cluster. Source: Envoy, CircuitBreakers."""

    thresholds: tuple[dict[str, int], ...]


class AddedCluster(Fields):
    """A cluster to the original destination, which locally is the pod's process."""

    model_config = ConfigDict(alias_generator=None)

    name: str
    alt_stat_name: str
    type: Literal["ORIGINAL_DST"]
    lb_policy: Literal["CLUSTER_PROVIDED"]
    connect_timeout: str
    circuit_breakers: Limits
    upstream_bind_config: dict[str, Any]


class InboundContext(Fields):
    """The sidecar's side of the pod's own ports."""

    context: Literal["SIDECAR_INBOUND"]


class ClusterPatch(Fields):
    """Patch that adds a cluster."""

    apply_to: Literal["CLUSTER"]
    match: InboundContext
    patch: Change[Literal["ADD"], AddedCluster]


class WorkloadSelector(Fields):
    """Pods with all of these labels."""

    labels: dict[str, str] = Field(default_factory=dict)


Patch = HTTPFilterPatch | HTTPRoutePatch | ManagerPatch | InsertedRoutePatch | ClusterPatch
"""A patch, discriminated by `applyTo` and, of routes, by its operation."""

INSERT: Literal["INSERT_FIRST"] = "INSERT_FIRST"


def patch_kind(raw: Any) -> Any:
    """Tag of a patch: `applyTo`, or `INSERT_FIRST` for an inserted route."""
    if not isinstance(raw, dict):
        return getattr(raw, "apply_to", None)
    change = raw.get("patch")
    inserts = isinstance(change, dict) and change.get("operation") == INSERT
    return INSERT if inserts and raw.get("applyTo") == "HTTP_ROUTE" else raw.get("applyTo")


AnyPatch = Annotated[
    Annotated[HTTPFilterPatch, Tag("HTTP_FILTER")]
    | Annotated[HTTPRoutePatch, Tag("HTTP_ROUTE")]
    | Annotated[ManagerPatch, Tag("NETWORK_FILTER")]
    | Annotated[InsertedRoutePatch, Tag(INSERT)]
    | Annotated[ClusterPatch, Tag("CLUSTER")],
    Discriminator(patch_kind),
]


class EnvoyFilterSpec(Fields):
    """Patches of the selected proxies."""

    workload_selector: WorkloadSelector = WorkloadSelector()
    config_patches: tuple[AnyPatch, ...] = Field(min_length=1)


class EnvoyFilter(Placed):
    """Patches of the proxies of its namespace, or of all proxies in the root namespace."""

    spec: EnvoyFilterSpec
