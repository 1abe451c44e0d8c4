"""HTTP filters of Istio's proxy, by minor version; the proxy rejects a listener with any other filter."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from meshed_mcp.components.core.manifest import Manifest

_NAMES: Final = """
ext_authz ext_proc golang header_to_metadata json_to_metadata jwt_authn local_ratelimit lua rate_limit_quota ratelimit
rbac router set_metadata stateful_session wasm
"""
_SINCE_130: Final = frozenset(f"envoy.filters.http.{name}" for name in _NAMES.split())

PROXY_FILTERS: Final[Mapping[tuple[int, int], frozenset[str]]] = {
    (1, 30): _SINCE_130,
    (1, 31): _SINCE_130 | {"envoy.filters.http.dynamic_modules"},
}
"""Istio minor version -> filters, without `envoy.filters.http.mcp` and the stateful-session `envelope`. Source:
istio/proxy, `extensions_build_config.bzl` of the release."""

FILTER_TYPE_PREFIX: Final = "type.googleapis.com/envoy.extensions.filters.http."
"""Prefix of the type URL of every HTTP filter's configuration."""


def istio_minor(version: str) -> tuple[int, int]:
    """`1.31.1` -> (1, 31)."""
    major, minor, *_ = version.split(".")
    return int(major), int(minor)


def unsupported_filters(envoy_filter: Manifest, istio_version: str) -> list[str]:
    """HTTP filters that Istio's proxy lacks; an unlisted version counts as the newest, as releases only add filters."""
    known = PROXY_FILTERS.get(istio_minor(istio_version), PROXY_FILTERS[max(PROXY_FILTERS)])
    return sorted({name for name in filter_names(envoy_filter["spec"]) if name not in known})


def filter_names(value: Any) -> Iterator[str]:
    """Names of all HTTP filters with a configuration anywhere in `value`."""
    if isinstance(value, Mapping):
        kind = str(value.get("@type", ""))
        if kind.startswith(FILTER_TYPE_PREFIX):
            yield "envoy.filters.http." + kind.removeprefix(FILTER_TYPE_PREFIX).partition(".")[0]
        for part in value.values():
            yield from filter_names(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from filter_names(part)
