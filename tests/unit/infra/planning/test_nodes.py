"""Node settings of a stack's services."""

from typing import Any

import pytest

from meshed_mcp.components.core.node_labels import CAPACITY_TYPE, SERVICE_PRIORITY_CLASS, SPOT_TAINT
from meshed_mcp.components.mesh.service.workload import pod_spec, sidecar_annotations, versions
from meshed_mcp.infra.plan import Plan, planned


def plan(nodes: dict[str, Any] | None, **service: Any) -> Plan:
    """The plan of one service."""
    raw = {"meshed-mcp:services": {"mcp-rag": {"image": "rag:1", **service}}}
    return planned(raw if nodes is None else {**raw, "meshed-mcp:nodes": nodes})


def pod(nodes: dict[str, Any] | None, **service: Any) -> dict[str, Any]:
    """Its pod, with the annotations."""
    args = plan(nodes, **service).services["mcp-rag"]
    spec = pod_spec("mcp-rag", args, versions("mcp-rag", args)[0])
    return {**spec, "annotations": sidecar_annotations(args)}


def test_without_node_pools_pods_have_no_node_constraints() -> None:
    """Requirement SCL-8: a class or label that does not exist would keep pods from starting."""
    assert not {"affinity", "tolerations", "priorityClassName"} & pod(None).keys()


@pytest.mark.parametrize(
    ("service", "spot"),
    [
        ({}, True),
        ({"scaling": {"profile": "singleton"}}, False),
        ({"scaling": {"profile": "memory"}}, False),
        ({"scaling": {"profile": "session"}, "legacy": "sticky"}, False),
        ({"scaling": {"interruptible": False}}, False),
        ({"scaling": {"profile": "memory", "interruptible": True}}, True),
        ({"scaling": {"min_replicas": 1, "max_replicas": 1}}, False),
    ],
)
def test_interruptible_services_prefer_spot_nodes_and_others_avoid_them(service: dict[str, Any], spot: bool) -> None:
    """Requirement SCL-8: stateless and queue workers with two replicas run on spot nodes, the rest on demand."""
    found = pod({}, **service)
    rule = found["affinity"]["nodeAffinity"]
    assert ("preferredDuringSchedulingIgnoredDuringExecution" in rule) is spot
    assert [item["key"] for item in found.get("tolerations", [])] == ([SPOT_TAINT] if spot else [])
    assert CAPACITY_TYPE in str(rule)
    assert found["priorityClassName"] == SERVICE_PRIORITY_CLASS


def test_a_replica_with_sessions_keeps_its_node_for_the_session_idle_time() -> None:
    """Karpenter 1.15: a duration ends by itself, where "true" would pin the node for ever."""
    found = pod({}, scaling={"profile": "session"}, legacy="sticky")
    assert found["annotations"]["karpenter.sh/do-not-disrupt"] == "1800s"
    found = pod({}, scaling={"profile": "session"}, legacy="sticky", limits={"session_idle_seconds": 600})
    assert found["annotations"]["karpenter.sh/do-not-disrupt"] == "600s"
    assert "karpenter.sh/do-not-disrupt" not in pod({})["annotations"]


def test_a_capacity_buffer_fits_the_largest_replica_with_its_sidecar() -> None:
    """Kubernetes: the scheduler counts the requests of native sidecars too."""
    resources = {"cpu": "1500m", "memory": "1Gi", "memory_limit": "2Gi"}
    args = plan({"buffer": {"kind": "pause"}, "pre_pull": True}, resources=resources).autoscaling
    assert (args.largest_cpu, args.largest_memory) == ("1600m", "1152Mi")
    assert args.images == ["rag:1"]


def test_the_image_of_a_canary_is_prepulled_too() -> None:
    """Requirement SCL-9: a canary starts as fast as the stable version."""
    rollout = {"strategy": "canary", "image": "rag:2", "weights": {"stable": 90, "canary": 10}}
    assert plan({"pre_pull": True}, rollout=rollout).autoscaling.images == ["rag:1", "rag:2"]
