"""Istio antipatterns in EnvoyFilters, localities and statistics: rendered objects avoid each of them."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.core.schema import field_texts
from meshed_mcp.components.mesh.cluster.istio_releases import istiod_values
from meshed_mcp.components.mesh.cluster.proxy_config import CONNECTION_STATS
from meshed_mcp.components.mesh.rate_limit.server_args import FailureMode
from meshed_mcp.components.mesh.rate_limit.shared import rate_limit_ref
from meshed_mcp.components.mesh.service.args import ServiceSettings
from tests.unit.components.mesh.mesh_rendering import mesh_args, render_exposed, render_mesh, service_args

FILTERED = {"legacy": "sticky", "rate_limits": {"pod": {"rate": "10/s"}, "tools": {"search": {"rate": "1/s"}}}}
"""Settings that lead to every EnvoyFilter of a service."""


def rejection(**settings: Any) -> str:
    """Error message of a service with these settings."""
    with pytest.raises(ValidationError) as caught:
        service_args(**settings)
    return str(caught.value)


def envoy_filters() -> list[Manifest]:
    """Every EnvoyFilter that a service leads to."""
    found = [item for item in render_exposed(**FILTERED) if item["kind"] == "EnvoyFilter"]
    assert len(found) > 1
    return found


def http_filters() -> Iterator[tuple[Manifest, Manifest]]:
    """Each patch that adds an HTTP filter, with the specification that it is in."""
    for item in envoy_filters():
        for patch in item["spec"]["configPatches"]:
            if patch["applyTo"] == "HTTP_FILTER":
                yield item["spec"], patch


def typed(value: Any) -> Iterator[Manifest]:
    """Every `typed_config` anywhere in `value`."""
    if isinstance(value, dict):
        for key, part in value.items():
            if key == "typed_config":
                yield part
            yield from typed(part)
    elif isinstance(value, list):
        for part in value:
            yield from typed(part)


def test_14_envoy_filters_use_the_one_served_version() -> None:
    """Istio 1.31 CRDs: EnvoyFilter has v1alpha3 alone; another version is not applied, and analysis passes it over."""
    assert {item["apiVersion"] for item in envoy_filters()} == {"networking.istio.io/v1alpha3"}


def test_15_every_filter_configuration_names_its_type() -> None:
    """Istio validation: "Any JSON doesn't have '@type'"."""
    found = [config for item in envoy_filters() for config in typed(item["spec"])]
    assert found
    assert all(config["@type"].startswith("type.googleapis.com/envoy.") for config in found)


def test_16_rate_limit_filter_is_enabled_and_enforced() -> None:
    """Envoy, LocalRateLimit: a prefix is required; enabled and enforced are 0 percent unless set."""
    limits = [
        config for item in envoy_filters() for config in typed(item["spec"]) if "LocalRateLimit" in config["@type"]
    ]
    assert limits
    for config in limits:
        assert config["stat_prefix"]
        for field in ("filter_enabled", "filter_enforced"):
            assert config[field]["default_value"] == {"numerator": 100, "denominator": "HUNDRED"}


def test_17_every_filter_has_its_match_and_its_pods() -> None:
    """Istio API, EnvoyFilter: without match and selector a patch is for every proxy and direction of the namespace."""
    found = list(http_filters())
    assert found
    for spec, patch in found:
        chain = patch["match"]["listener"]["filterChain"]["filter"]
        assert patch["match"]["context"] in {"SIDECAR_INBOUND", "SIDECAR_OUTBOUND", "GATEWAY"}
        assert chain["subFilter"]["name"] == "envoy.filters.http.router"
        assert patch["patch"]["operation"] == "INSERT_BEFORE"
        asleep = patch["patch"]["value"].get("disabled") is True  # for callers, who are not known by labels
        assert asleep or spec["workloadSelector"]["labels"] == {"app": "mcp-search"}


def test_18_local_limits_are_documented_as_per_pod() -> None:
    """Envoy, local rate limit: each process counts for itself; with n pods, n times as many get through."""
    assert "per pod" in field_texts(ServiceSettings)["rate_limits"]


@pytest.mark.parametrize(
    "statistic", ["upstream_rq_retry", "upstream_rq_pending_active", "circuit_breakers.default.rq_open"]
)
def test_33_connection_statistics_are_reported(statistic: str) -> None:
    """Istio, `proxyStatsMatcher`: `envoy_cluster_*` is not reported by default; Envoy, names of statistics."""
    matcher = istiod_values(mesh_args())["meshConfig"]["defaultConfig"]["proxyStatsMatcher"]
    name = f"cluster.outbound|8000|stable|mcp-rag.mcp-system.svc.cluster.local.{statistic}"
    assert matcher["inclusionRegexps"] == list(CONNECTION_STATS)
    assert any(re.fullmatch(regex, name) for regex in matcher["inclusionRegexps"])


def test_19_global_rate_limit_renders_its_service_and_failure_mode() -> None:
    """Envoy, rate limit filter: domain, time-out, failure mode, and the cluster of a service that is there."""
    auth = {"issuers": [{"issuer": "https://login.example.com", "jwks_url": "https://login.example.com/keys"}]}
    limits = {"service": {"rate": "100/s"}, "organization": {"rate": "10/s"}}
    service = rate_limit_ref("mcp-system", "cluster.local", FailureMode.CLOSED)
    asking = render_exposed(auth=auth, rate_limits={"shared": limits}, rate_limit_service=service)
    (config,) = [
        each
        for item in asking
        if item["kind"] == "EnvoyFilter"
        for each in typed(item["spec"])
        if each["@type"].endswith(".ratelimit.v3.RateLimit")
    ]
    assert config["failure_mode_deny"] is True
    assert config["timeout"]
    assert config["domain"]
    assert config["rate_limits"]
    counting = {"failure_mode": "closed", "redis": {"secret": "redis", "key": "address"}}
    mesh = render_mesh(rate_limiting=counting, shared_limits={"mcp-search": limits})
    found = mesh.one("Service", "mcp-rate-limit")
    ports = {port["port"] for port in found["spec"]["ports"]}
    cluster = config["rate_limit_service"]["grpc_service"]["envoy_grpc"]["cluster_name"]
    assert cluster in {f"outbound|{port}||mcp-rate-limit.mcp-system.svc.cluster.local" for port in ports}
