"""Sidecar scope: destinations that follow from the stack's callers and declared dependencies."""

import json
from typing import Any

import pytest

from meshed_mcp.components.mesh.egress.sidecar import NO_HOSTS, sidecar_hosts
from meshed_mcp.infra.plan import planned
from tests.unit.components.mesh.mesh_rendering import render

IMAGE = {"image": "registry.example.com/search:1"}
DATABASE = {"database": {"secret": "db", "key": "url"}}


def hosts(**settings: Any) -> list[str]:
    """`egress.hosts` of the Sidecar of `mcp-search`."""
    (listener,) = render(**settings).one("Sidecar")["spec"]["egress"]
    found: list[str] = listener["hosts"]
    return found


def planned_sidecar_hosts(service: str, services: dict[str, Any], **keys: Any) -> list[str] | None:
    """Planned `sidecar_egress_hosts` of one service of a stack."""
    values = {f"meshed-mcp:{key}": json.dumps(value) for key, value in {"services": services, **keys}.items()}
    return planned(values).services[service].sidecar_egress_hosts


def test_without_known_destinations_no_sidecar_object_is_rendered() -> None:
    """Requirement NET-3: a component used alone does not know the destinations, so it keeps them all."""
    assert "Sidecar" not in render().kinds()


def test_sidecar_imports_destinations_registry_collector_and_external_hosts() -> None:
    """Istio API, Sidecar `egress.hosts`: "namespace/host", full names; `.` is the own namespace."""
    found = hosts(
        sidecar_egress_hosts=["mcp-system/mcp-rag"],
        cluster_dependencies=["data/redis", "shop/*"],
        registry_url="http://mcp-registry:8000",
        otlp_endpoint="http://collector.observability.svc.cluster.local:4318",
        egress_hosts=["llm.example.com"],
    )
    assert found == [
        "./mcp-rag.mcp-system.svc.cluster.local",
        "data/redis.data.svc.cluster.local",
        "shop/*",
        "./mcp-registry.mcp-system.svc.cluster.local",
        "observability/collector.observability.svc.cluster.local",
        "./llm.example.com",
    ]


def test_sidecar_of_a_service_without_destinations_imports_no_host() -> None:
    """Istio API, Sidecar: an empty list of hosts is rejected; `~/*` imports none."""
    assert hosts(sidecar_egress_hosts=[]) == [NO_HOSTS]


def test_sidecar_object_selects_only_the_pods_of_the_service() -> None:
    """Istio API, Sidecar `workloadSelector`: without one it would hold for the whole namespace."""
    spec = render(sidecar_egress_hosts=[]).one("Sidecar")["spec"]
    assert spec["workloadSelector"] == {"labels": {"app": "mcp-search"}}


@pytest.mark.parametrize("written", ["mcp-front", "mcp-system/mcp-front"])
def test_destinations_follow_from_the_callers_of_other_services(written: str) -> None:
    """Requirement CFG-5: a call is declared once, by the destination."""
    services = {"mcp-front": IMAGE, "mcp-rag": IMAGE | {"callers": [written]}, "mcp-other": IMAGE}
    assert planned_sidecar_hosts("mcp-front", services) == ["mcp-system/mcp-rag"]
    assert planned_sidecar_hosts("mcp-other", services) == []


def test_dependencies_of_the_mesh_are_imported_by_every_sidecar() -> None:
    """Requirement CFG-5: a shared store is declared once."""
    assert planned_sidecar_hosts("mcp-rag", {"mcp-rag": IMAGE}, mesh={"cluster_dependencies": ["data/redis"]}) == [
        "data/redis"
    ]


def test_store_without_a_known_address_keeps_egress_open() -> None:
    """Requirement NET-3: its address is in a Secret, so egress stays open until the stack names it."""
    assert planned_sidecar_hosts("mcp-rag", {"mcp-rag": IMAGE | DATABASE}) is None
    assert (
        planned_sidecar_hosts("mcp-rag", {"mcp-rag": IMAGE | DATABASE | {"cluster_dependencies": ["data/postgresql"]}})
        == []
    )
    registry = {"image": "registry.example.com/registry:1", "database": {"secret": "db", "key": "url"}}
    assert planned_sidecar_hosts("mcp-registry", {"mcp-rag": IMAGE}, registry=registry) is None
    placed = registry | {"cluster_dependencies": ["data/postgresql"]}
    assert planned_sidecar_hosts("mcp-registry", {"mcp-rag": IMAGE}, registry=placed) == []
    assert planned_sidecar_hosts("mcp-registry", {"mcp-rag": IMAGE}, registry={"image": "r:1", "replicas": 1}) == []


def test_registry_imports_only_its_database_and_the_collector() -> None:
    """Requirement NET-1: a declared destination closes all others."""
    registry = {
        "image": "registry.example.com/registry:1",
        "database": {"secret": "db", "key": "url"},
        "cluster_dependencies": ["data/postgresql"],
    }
    stack = {"services": {"mcp-rag": IMAGE}, "registry": registry}
    made = planned({f"meshed-mcp:{key}": json.dumps(value) for key, value in stack.items()}).services["mcp-registry"]
    assert sidecar_hosts(made) == [
        "data/postgresql.data.svc.cluster.local",
        "monitoring/jaeger.monitoring.svc.cluster.local",
    ]
