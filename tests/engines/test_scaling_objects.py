"""Autoscaling objects of every mode and profile on a real API server with the real CRDs."""

from typing import Any

import pytest

from meshed_mcp.components.autoscaling import scalers
from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs
from meshed_mcp.components.autoscaling.fast_scaler import pod_deletion_cost
from meshed_mcp.components.autoscaling.fast_scaler.manifests import fast_scaler_manifests
from meshed_mcp.components.autoscaling.forecast import rules
from meshed_mcp.components.autoscaling.nodes import manifests as nodes
from meshed_mcp.components.autoscaling.nodes import provisioning
from meshed_mcp.components.autoscaling.profiles import Profile
from meshed_mcp.components.autoscaling.vpa import manifests as right_sizing
from tests.engines.api_server import ApiServer

URL = "http://prometheus.monitoring.svc:9090"


def policy(settings: dict[str, Any]) -> AutoscalingPolicyArgs:
    """A policy with one target in the default namespace."""
    raw = {"targets": {"sized": settings}, "namespace": "default", "prometheus_url": URL}
    return AutoscalingPolicyArgs.model_validate({**raw, "vpa": {"install": "existing"}})


SETTINGS: list[dict[str, Any]] = [
    *({"profile": item} for item in Profile if item is not Profile.QUEUE),
    {"profile": "queue", "queue": {"query": "sum(jobs)", "per_replica": 5}},
    {"right_sizing": {"mode": "off"}},
    {"right_sizing": {"mode": "initial", "resources": ["memory"]}},
    {"right_sizing": {"mode": "in-place", "most_cpu": 4}},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_every_vpa_policy_is_accepted(api_server: ApiServer, settings: dict[str, Any]) -> None:
    """VPA 1.8.1, CRD `verticalpodautoscalers.autoscaling.k8s.io`, strict field validation."""
    (item,) = right_sizing.vpa_manifests(policy(settings))
    assert api_server.client.apply(item) is None
    assert (api_server.client.get(item) or {})["spec"] == item["spec"]


SCHEDULE = {"start": "45 8 * * 1-5", "end": "0 18 * * 1-5", "timezone": "Europe/Berlin", "replicas": 3}
QUEUE = {"query": "sum(jobs)", "per_replica": 5}
SCALED: list[dict[str, Any]] = [
    *({"profile": item} for item in Profile if item not in {Profile.QUEUE, Profile.SINGLETON}),
    {"profile": "queue", "queue": QUEUE, "min_replicas": 0},
    {"schedules": [SCHEDULE], "memory_percent": 80, "fallback_replicas": 4, "prediction": "on"},
    {"scale_up": {"stabilization_seconds": 30}, "scale_down": {"pods": 2, "tolerance_percent": 3}},
]


@pytest.mark.parametrize("settings", SCALED, ids=str)
@pytest.mark.parametrize("helped", [False, True], ids=["alone", "fast scaler and marks"])
def test_every_autoscaler_and_its_companions_are_accepted_and_kept(
    api_server: ApiServer, settings: dict[str, Any], *, helped: bool
) -> None:
    """KEDA 2.21, CRD `scaledobjects.keda.sh`, the Prometheus operator's and Kubernetes' own, strict fields."""
    helpers = {"keda": {"fast_scaler": {"image": "x:1"}}, "deletion_cost": {"image": "x:1"}} if helped else {}
    raw = {"targets": {"sized": settings}, "namespace": "default", "prometheus_url": URL, "forecast": {"mode": "on"}}
    args = AutoscalingPolicyArgs.model_validate({**raw, **helpers})
    (scaler,) = scalers.autoscaler_manifests(args)
    found = [
        scaler,
        *rules.forecast_rules(args),
        *fast_scaler_manifests(args),
        *pod_deletion_cost.pod_deletion_cost_manifests(args),
    ]
    assert [refusal for item in found if (refusal := api_server.client.apply(item))] == []
    kept = (api_server.client.get(scaler) or {})["spec"]
    for item in found:
        api_server.client.delete(item)
    assert {field: kept[field] for field in scaler["spec"]} == scaler["spec"]


PLAIN: list[dict[str, Any]] = [{}, {"memory_percent": 80}, {"scale_down": {"pods": 2, "tolerance_percent": 3}}]


@pytest.mark.parametrize("settings", PLAIN, ids=str)
def test_every_autoscaler_without_keda_is_accepted(api_server: ApiServer, settings: dict[str, Any]) -> None:
    """Kubernetes 1.36, autoscaling/v2, strict field validation."""
    raw = {"targets": {"sized": settings}, "namespace": "default", "prometheus_url": URL, "keda": {"install": "none"}}
    (item,) = scalers.autoscaler_manifests(AutoscalingPolicyArgs.model_validate(raw))
    assert api_server.client.apply(item) is None
    api_server.client.delete(item)


def test_an_update_mode_that_yaml_reads_as_boolean_is_rejected_by_the_server(api_server: ApiServer) -> None:
    """What the quoted `Off` guards against: unquoted, YAML 1.1 reads false."""
    (item,) = right_sizing.vpa_manifests(policy({}))
    item["spec"]["updatePolicy"]["updateMode"] = False
    assert "updateMode" in str(api_server.client.apply(item))


NODES: list[dict[str, Any]] = [
    {"buffer": {"kind": "pause", "replicas": 2}, "pre_pull": True},
    {"buffer": {"kind": "capacity-buffer"}},
    {"karpenter": {"node_class": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "x"}, "spot": True}},
]


@pytest.mark.parametrize("wanted", NODES, ids=str)
def test_every_node_object_is_accepted_and_kept(api_server: ApiServer, wanted: dict[str, Any]) -> None:
    """Kubernetes 1.36 with the CRDs of Karpenter 1.15 and CapacityBuffer, strict field validation."""
    raw = {"targets": {}, "namespace": "default", "prometheus_url": URL, "nodes": wanted, "images": ["a:1", "b:1"]}
    args = AutoscalingPolicyArgs.model_validate(raw)
    found = [*nodes.node_manifests(args), *provisioning.node_pools(args)]
    assert [refusal for item in found if (refusal := api_server.client.apply(item))] == []
    pulled = [item for item in found if item["kind"] == "DaemonSet"]
    for item in pulled:
        kept = (api_server.client.get(item) or {})["spec"]["template"]["spec"]["volumes"]
        assert [volume["image"]["reference"] for volume in kept] == ["a:1", "b:1"]
