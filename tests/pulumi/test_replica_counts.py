"""Replica counts: an update applies each of them, unless an autoscaler owns the Deployment."""

import json
from typing import Any

import pytest

from meshed_mcp.infra.program import deploy
from meshed_mcp.infra.recording import Registration, record_program

SECRET = {"secret": "database", "key": "url"}
SEARCH: dict[str, Any] = {"image": "registry.example.com/mcp-search:1.0"}
FIXED = {"min_replicas": 3, "max_replicas": 3}
BETWEEN = {"min_replicas": 3, "max_replicas": 9}
CANARY = {
    "strategy": "canary",
    "image": "registry.example.com/mcp-search:1.1",
    "weights": {"stable": 90, "canary": 10},
}
PREVIEW = {"strategy": "blue_green", "image": CANARY["image"], "preview_replicas": 1}


def workloads(config: dict[str, Any]) -> dict[str, Registration]:
    """Deployments and StatefulSets of a stack by name."""
    values = {f"meshed-mcp:{key}": json.dumps(value) for key, value in config.items()}
    recorded = record_program(deploy, "project", "test", values).registrations
    return {item.name: item for item in recorded if item.type.endswith((":Deployment", ":StatefulSet"))}


def service(**settings: Any) -> dict[str, Registration]:
    """Deployments of a stack with one service."""
    return workloads({"services": {"mcp-search": {**SEARCH, **settings}}})


FAST_SCALER = {"image": "registry.example.com/meshed-mcp:1.0"}
COUNTS = {
    "mcp-system/mcp-search": lambda n: {
        "services": {"mcp-search": {**SEARCH, "scaling": {"min_replicas": n, "max_replicas": n}}}
    },
    "mcp-system/mcp-registry": lambda n: {
        "registry": {"image": "registry.example.com/registry:1.0", "replicas": n, "database": SECRET}
    },
    "mcp-system/mcp-rate-limit": lambda n: {
        "mesh": {"rate_limiting": {"redis": SECRET, "failure_mode": "open", "replicas": n}}
    },
    "mcp-system/mcp-fast-scaler": lambda n: {"keda": {"fast_scaler": {**FAST_SCALER, "replicas": n}}},
    "monitoring/otel-gateway": lambda n: {"observability": {"collectors": {"gateway_replicas": n}}},
    "monitoring/jaeger": lambda n: {
        "observability": {
            "jaeger": {
                "storage": {
                    "kind": "elasticsearch",
                    "url": "https://search.example.com",
                    "replicas": n,
                }
            }
        }
    },
    "mcp-system/mcp-buffer": lambda n: {"nodes": {"buffer": {"kind": "pause", "replicas": n}}},
}
"""Workload -> the part of a stack file that says how many replicas it has."""


@pytest.mark.parametrize("name", COUNTS)
def test_a_changed_replica_count_is_applied(name: str) -> None:
    """Pulumi, "ignoreChanges": an update does not touch an ignored field, so no fixed count may be one."""
    for count in (2, 3):
        found = workloads({"services": {"mcp-search": SEARCH}, **COUNTS[name](count)})[name]
        assert found.inputs["spec"]["replicas"] == count
        assert found.ignore_changes == ()


def test_a_service_that_loses_its_autoscaler_gets_its_size_back() -> None:
    """Kubernetes, "Server-Side Apply", conflicts: the count has another owner, which only a forced update replaces."""
    before, after = (service(scaling=scaling)["mcp-system/mcp-search"] for scaling in (BETWEEN, FIXED))
    assert (before.ignore_changes, after.ignore_changes) == (("spec.replicas",), ())
    assert before.inputs["spec"] == after.inputs["spec"]  # no difference here, so the update needs one elsewhere
    assert "annotations" not in before.inputs["metadata"]
    assert after.inputs["metadata"]["annotations"] == {"pulumi.com/patchForce": "true"}


@pytest.mark.parametrize(
    ("settings", "owned"),
    [
        ({"scaling": FIXED, "rollout": CANARY}, set()),
        ({"scaling": BETWEEN, "rollout": CANARY}, {"mcp-search", "mcp-search-canary"}),
        ({"scaling": FIXED, "rollout": PREVIEW}, {"mcp-search-green"}),
        ({"scaling": FIXED, "rollout": {**PREVIEW, "active": "green"}}, {"mcp-search"}),
        ({"scaling": FIXED, "pools": {"slow": {"tools": ["crawl"], "scaling": BETWEEN}}}, {"mcp-search-slow"}),
        ({"scaling": BETWEEN, "pools": {"slow": {"tools": ["crawl"], "scaling": FIXED}}}, {"mcp-search"}),
        ({"scaling": {"profile": "singleton"}}, set()),
    ],
    ids=[
        "fixed canary",
        "scaled canary",
        "green preview",
        "blue preview",
        "scaled pool",
        "fixed pool",
        "singleton",
    ],
)
def test_each_version_and_pool_has_its_own_owner(settings: dict[str, Any], owned: set[str]) -> None:
    """Requirement CMP-13: an autoscaler owns the Deployments that it scales, and `pulumi up` owns the others."""
    found = service(**settings)
    ignored = {name for name, item in found.items() if item.ignore_changes == ("spec.replicas",)}
    assert ignored == {f"mcp-system/{name}" for name in owned}
