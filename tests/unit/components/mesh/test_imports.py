"""What the sidecar of a service knows: the stack's callers turned round, and nothing that nobody declared."""

import json
from typing import Any

import pytest

from meshed_mcp.components.mesh.imports import NOTHING, imported_hosts
from meshed_mcp.infra.plan import planned
from tests.unit.components.mesh.mesh_rendering import render

IMAGE = {"image": "registry.example.com/search:1"}
DATABASE = {"secret_env": {"MESHED_MCP_DATABASE_URL": {"secret": "db", "key": "url"}}}


def hosts(**settings: Any) -> list[str]:
    """Hosts that the sidecar of `mcp-search` knows."""
    (listener,) = render(**settings).one("Sidecar")["spec"]["egress"]
    found: list[str] = listener["hosts"]
    return found


def imports_of(service: str, services: dict[str, Any], **keys: Any) -> list[str] | None:
    """What a stack tells the sidecar of one service."""
    values = {f"meshed-mcp:{key}": json.dumps(value) for key, value in {"services": services, **keys}.items()}
    return planned(values).services[service].imports


def test_a_service_without_known_callees_goes_on_knowing_everything() -> None:
    """Product rule: a component used alone knows nothing of its callees, so it must not cut them off."""
    assert "Sidecar" not in render().kinds()


def test_a_sidecar_knows_callees_registry_collector_and_hosts_outside() -> None:
    """Istio API, Sidecar `egress.hosts`: "namespace/host", full names; `.` is the own namespace."""
    found = hosts(
        imports=["mcp-system/mcp-rag"],
        reaches=["data/redis", "shop/*"],
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


def test_a_sidecar_that_needs_nothing_knows_nothing() -> None:
    """Istio API, Sidecar: an empty list of hosts is refused; `~/*` imports none."""
    assert hosts(imports=[]) == [NOTHING]


def test_only_the_pods_of_the_service_are_limited() -> None:
    """Istio API, Sidecar `workloadSelector`: without one it would hold for the whole namespace."""
    spec = render(imports=[]).one("Sidecar")["spec"]
    assert spec["workloadSelector"] == {"labels": {"app": "mcp-search"}}


@pytest.mark.parametrize("written", ["mcp-front", "mcp-system/mcp-front"])
def test_who_is_called_is_known_from_who_may_call(written: str) -> None:
    """Product rule: a call is declared once, by the callee."""
    services = {"mcp-front": IMAGE, "mcp-rag": IMAGE | {"callers": [written]}, "mcp-other": IMAGE}
    assert imports_of("mcp-front", services) == ["mcp-system/mcp-rag"]
    assert imports_of("mcp-other", services) == []


def test_what_the_whole_stack_reaches_every_sidecar_knows() -> None:
    """Product rule: a store is declared once."""
    assert imports_of("mcp-rag", {"mcp-rag": IMAGE}, mesh={"reaches": ["data/redis"]}) == ["data/redis"]


def test_a_store_of_unknown_place_is_never_cut_off() -> None:
    """Product rule: the address is in a Secret, so the sidecar knows everything until the stack says where it is."""
    assert imports_of("mcp-rag", {"mcp-rag": IMAGE | DATABASE}) is None
    assert imports_of("mcp-rag", {"mcp-rag": IMAGE | DATABASE | {"reaches": ["data/postgresql"]}}) == []
    registry = {"image": "registry.example.com/registry:1", "database": {"secret": "db", "key": "url"}}
    assert imports_of("mcp-registry", {"mcp-rag": IMAGE}, registry=registry) is None
    placed = registry | {"reaches": ["data/postgresql"]}
    assert imports_of("mcp-registry", {"mcp-rag": IMAGE}, registry=placed) == []
    assert imports_of("mcp-registry", {"mcp-rag": IMAGE}, registry={"image": "r:1", "replicas": 1}) == []


def test_the_registry_reaches_its_database_and_the_collector_alone() -> None:
    """Product rule: a place that the stack names closes the rest."""
    registry = {
        "image": "registry.example.com/registry:1",
        "database": {"secret": "db", "key": "url"},
        "reaches": ["data/postgresql"],
    }
    stack = {"services": {"mcp-rag": IMAGE}, "registry": registry}
    made = planned({f"meshed-mcp:{key}": json.dumps(value) for key, value in stack.items()}).services["mcp-registry"]
    assert imported_hosts(made) == [
        "data/postgresql.data.svc.cluster.local",
        "monitoring/jaeger.monitoring.svc.cluster.local",
    ]
