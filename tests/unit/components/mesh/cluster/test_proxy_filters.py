"""HTTP filters of Istio's proxy, by version."""

from typing import Any

import pytest

from meshed_mcp.components.core.charts import ISTIO_VERSION
from meshed_mcp.components.mesh.cluster.proxy_filters import PROXY_FILTERS, istio_minor, unsupported_filters
from meshed_mcp.components.mesh.cluster.revision_args import OLDEST_ISTIO
from tests.unit.components.mesh.mesh_rendering import CANARY, render_exposed

KIND = "type.googleapis.com/envoy.extensions.filters.http"


def using(kind: str) -> dict[str, Any]:
    """An EnvoyFilter that configures one filter, somewhere inside."""
    return {"spec": {"configPatches": [{"patch": {"value": {"typed_config": {"@type": f"{KIND}.{kind}"}}}}]}}


def test_filter_table_contains_the_oldest_and_the_default_istio() -> None:
    """Requirement SEC-14: a new Istio version is added with the filters that its proxy is built with."""
    assert {OLDEST_ISTIO, istio_minor(ISTIO_VERSION)} <= PROXY_FILTERS.keys()


@pytest.mark.parametrize("version", ["1.30.3", "1.31.1", "1.99.0"])
def test_session_filters_exist_in_every_proxy_version(version: str) -> None:
    """Requirement SEC-14: the filters rendered for sessions exist in every supported proxy."""
    objects = render_exposed(legacy="sticky", rollout=CANARY, callers=["mcp-chat"])
    filters = [item for item in objects if item["kind"] == "EnvoyFilter"]
    assert filters
    assert [unsupported_filters(item, version) for item in filters] == [[]] * len(filters)


@pytest.mark.parametrize("kind", ["mcp.v3.Mcp", "mcp_router.v3.McpRouter", "sse_to_metadata.v3.SseToMetadata"])
def test_filters_of_stock_envoy_only_are_reported(kind: str) -> None:
    """istio/proxy, `extensions_build_config.bzl`: not built in, although istiod admits them."""
    assert unsupported_filters(using(kind), "1.31.1") == [f"envoy.filters.http.{kind.partition('.')[0]}"]


def test_filter_of_a_later_proxy_is_unknown_to_an_older_one() -> None:
    """Istio 1.31 added dynamic modules."""
    item = using("dynamic_modules.v3.DynamicModuleFilter")
    assert unsupported_filters(item, "1.30.3") == ["envoy.filters.http.dynamic_modules"]
    assert unsupported_filters(item, "1.31.1") == []
