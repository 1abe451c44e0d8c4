"""EnvoyFilter: Lua and rate limit filters in front of the router, and routes that wake them; no others are run here.

Source of every name and meaning: Istio API v1alpha3, networking.istio.io; inside `value`: Envoy API v3, in snake case.
"""

from typing import Annotated, Literal

from pydantic import Field

from meshed_mcp.local.translate.objects.fields import Fields
from meshed_mcp.local.translate.objects.local_reply import ManagerPatch
from meshed_mcp.local.translate.objects.metadata import Placed
from meshed_mcp.local.translate.objects.rate_limit import LocalRateLimit, RateLimit

RouteContext = Literal["SIDECAR_OUTBOUND", "GATEWAY"]
Context = Literal["SIDECAR_INBOUND"] | RouteContext


class SubFilter(Fields):
    """The HTTP filter to stand before."""

    name: Literal["envoy.filters.http.router"]


class NetworkFilter(Fields):
    """The network filter that holds the HTTP filters."""

    name: Literal["envoy.filters.network.http_connection_manager"]
    sub_filter: SubFilter


class FilterChain(Fields):
    """Wraps a network filter."""

    filter: NetworkFilter


class ListenerMatch(Fields):
    """Every listener with such a filter."""

    filter_chain: FilterChain


class HTTPFilterMatch(Fields):
    """Where a filter is put."""

    context: Context
    listener: ListenerMatch


class DataSource(Fields):
    """Text."""

    inline_string: str = Field(alias="inline_string")


class Lua(Fields):
    """A Lua filter with scripts by name. Source: Envoy, extensions.filters.http.lua.v3.Lua."""

    type: Literal["type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua"] = Field(alias="@type")
    source_codes: dict[str, DataSource] = Field(alias="source_codes", min_length=1)


class HTTPFilter(Fields):
    """The filter; a disabled one runs on the routes that configure it."""

    name: str
    disabled: bool = False
    typed_config: Annotated[Lua | LocalRateLimit | RateLimit, Field(discriminator="type")] = Field(alias="typed_config")


class InsertedFilter(Fields):
    """A filter to insert."""

    operation: Literal["INSERT_BEFORE"]
    value: HTTPFilter


class HTTPFilterPatch(Fields):
    """Puts a filter into the chain."""

    apply_to: Literal["HTTP_FILTER"]
    match: HTTPFilterMatch
    patch: InsertedFilter


class RouteMatch(Fields):
    """A route by the name that its VirtualService gives it."""

    name: str


class VirtualHostMatch(Fields):
    """A virtual host by name (`host:port`), or any, and a route in it."""

    name: str | None = None
    route: RouteMatch


class RouteConfigurationMatch(Fields):
    """Wraps a virtual host."""

    vhost: VirtualHostMatch


class HTTPRouteMatch(Fields):
    """Which routes are changed."""

    context: RouteContext
    route_configuration: RouteConfigurationMatch


class LuaPerRoute(Fields):
    """Chooses a script and hands it values. Source: Envoy, extensions.filters.http.lua.v3.LuaPerRoute."""

    type: Literal["type.googleapis.com/envoy.extensions.filters.http.lua.v3.LuaPerRoute"] = Field(alias="@type")
    name: str
    filter_context: dict[str, str] = Field(default_factory=dict, alias="filter_context")


class RouteChange(Fields):
    """Configuration of filters on a route, by the filter's name."""

    typed_per_filter_config: dict[str, LuaPerRoute] = Field(alias="typed_per_filter_config", min_length=1)


class MergedRoute(Fields):
    """A change to merge into a route."""

    operation: Literal["MERGE"]
    value: RouteChange


class HTTPRoutePatch(Fields):
    """Changes routes."""

    apply_to: Literal["HTTP_ROUTE"]
    match: HTTPRouteMatch
    patch: MergedRoute


class WorkloadSelector(Fields):
    """Proxies of the pods with all of these labels."""

    labels: dict[str, str] = Field(default_factory=dict)


Patch = HTTPFilterPatch | HTTPRoutePatch | ManagerPatch
"""One change, told by `applyTo`."""


class EnvoyFilterSpec(Fields):
    """Patches of every proxy in the namespace, or of those selected."""

    workload_selector: WorkloadSelector = WorkloadSelector()
    config_patches: tuple[Annotated[Patch, Field(discriminator="apply_to")], ...] = Field(min_length=1)


class EnvoyFilter(Placed):
    """Changes the proxies of its namespace; in the root namespace, all."""

    spec: EnvoyFilterSpec
