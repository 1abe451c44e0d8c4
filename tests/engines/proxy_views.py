"""Views of a proxy's configuration dump: clusters, listeners and routes by name."""

from collections.abc import Iterator
from typing import Any, Final

Config = dict[str, Any]

MANAGER: Final = "envoy.filters.network.http_connection_manager"


def _section(dump: Config, kind: str) -> Config:
    (found,) = [part for part in dump["configs"] if part["@type"].endswith(f".{kind}ConfigDump")]
    return dict(found)


def clusters(dump: Config) -> dict[str, Config]:
    """Clusters by name."""
    entries = _section(dump, "Clusters")["dynamicActiveClusters"]
    return {entry["cluster"]["name"]: entry["cluster"] for entry in entries}


def listeners(dump: Config) -> dict[str, Config]:
    """Listeners by name."""
    entries = _section(dump, "Listeners").get("dynamicListeners", [])
    return {entry["name"]: entry["activeState"]["listener"] for entry in entries}


def route_tables(dump: Config) -> list[Config]:
    """All route tables."""
    return [entry["routeConfig"] for entry in _section(dump, "Routes").get("dynamicRouteConfigs", [])]


def routes(dump: Config, table: str) -> dict[str, list[Config]]:
    """Routes of a route table, by virtual host."""
    (found,) = [each for each in route_tables(dump) if each["name"] == table]
    return {host["name"]: host.get("routes", []) for host in found["virtualHosts"]}


def managers(listener: Config) -> Iterator[Config]:
    """The HTTP connection managers of a listener."""
    for chain in [*listener.get("filterChains", []), listener.get("defaultFilterChain", {})]:
        for network_filter in chain.get("filters", []):
            if network_filter["name"] == MANAGER:
                yield network_filter["typedConfig"]


def filter_names(manager: Config) -> list[str]:
    """Names of the HTTP filters in order."""
    return [entry["name"] for entry in manager["httpFilters"]]


def texts(value: Any) -> Iterator[str]:
    """Every string in `value`."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from texts(part)
