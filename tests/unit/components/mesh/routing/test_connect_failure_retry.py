"""Marked responses of refused connections, and the routes that retry them."""

from typing import Any

import pytest

from meshed_mcp.components.core.manifest import Manifest
from tests.unit.components.mesh.mesh_rendering import Objects, render, render_exposed


def rules(objects: Objects) -> list[Manifest]:
    """Route rules of callers' sidecars and of the gateway that lead to the service."""
    routes = [item for item in objects if item["kind"] == "VirtualService"]
    return [rule for route in routes for rule in route["spec"]["http"] if "route" in rule]


def test_destination_sidecar_marks_only_failed_connections() -> None:
    """Envoy, "Response flags": UF is a failed connection; UC broke with a request in it, UT ran too long."""
    (patch,) = render().one("EnvoyFilter", "mcp-search-connect-failure")["spec"]["configPatches"]
    (mapper,) = patch["patch"]["value"]["typed_config"]["local_reply_config"]["mappers"]
    assert patch["match"]["context"] == "SIDECAR_INBOUND"
    assert mapper["filter"] == {"response_flag_filter": {"flags": ["UF"]}}
    assert [each["header"]["key"] for each in mapper["headers_to_add"]] == ["x-mcp-connect-failure"]


def test_marking_filter_is_in_the_pods_of_the_service_only() -> None:
    """Istio API, EnvoyFilter, `workloadSelector`."""
    marking = render().one("EnvoyFilter", "mcp-search-connect-failure")
    assert marking["spec"]["workloadSelector"] == {"labels": {"app": "mcp-search"}}


@pytest.mark.parametrize("settings", [{}, {"legacy": "sticky"}, {"tools": {"erase": {"idempotent": True}}}])
def test_every_route_retries_marked_responses_and_removes_the_mark(settings: dict[str, Any]) -> None:
    """Envoy, router filter, `x-envoy-retriable-header-names`."""
    found = rules(render_exposed(**settings))
    assert found
    for rule in found:
        assert rule["retries"]["retryOn"].endswith(",retriable-headers")
        assert rule["headers"]["request"]["set"] == {"x-envoy-retriable-header-names": "x-mcp-connect-failure"}
        assert rule["headers"]["response"]["remove"] == ["x-mcp-connect-failure"]


def test_ambient_mesh_marks_no_responses_for_retries() -> None:
    """Istio, "Ambient": waypoints take no EnvoyFilter."""
    objects = render_exposed(mode="ambient")
    assert not [item for item in objects if item["kind"] == "EnvoyFilter"]
    assert "undelivered" not in str(objects)
