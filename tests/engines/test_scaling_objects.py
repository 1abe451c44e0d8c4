"""What scales replicas and nodes, judged by a real API server with the real CRDs: every mode and every profile."""

from typing import Any

import pytest
from api_server import ApiServer

from meshed_mcp.components.autoscaling import node_pools, nodes, right_sizing
from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs
from meshed_mcp.components.autoscaling.profiles import Profile

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
def test_every_size_policy_is_accepted(api_server: ApiServer, settings: dict[str, Any]) -> None:
    """VPA 1.8.1, CRD `verticalpodautoscalers.autoscaling.k8s.io`, strict field validation."""
    (item,) = right_sizing.manifests(policy(settings))
    assert api_server.client.apply(item) is None
    assert (api_server.client.get(item) or {})["spec"] == item["spec"]


def test_a_mode_that_yaml_has_made_a_boolean_is_refused_by_the_server(api_server: ApiServer) -> None:
    """What the quoted `Off` guards against: unquoted, YAML 1.1 reads false."""
    (item,) = right_sizing.manifests(policy({}))
    item["spec"]["updatePolicy"]["updateMode"] = False
    assert "updateMode" in str(api_server.client.apply(item))


NODES: list[dict[str, Any]] = [
    {"buffer": {"kind": "pause", "replicas": 2}, "pre_pull": True},
    {"buffer": {"kind": "capacity-buffer"}},
    {"karpenter": {"node_class": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "x"}, "spot": True}},
]


@pytest.mark.parametrize("wanted", NODES, ids=str)
def test_everything_about_nodes_is_accepted_and_kept(api_server: ApiServer, wanted: dict[str, Any]) -> None:
    """Kubernetes 1.36 with the CRDs of Karpenter 1.15 and CapacityBuffer, strict field validation."""
    raw = {"targets": {}, "namespace": "default", "prometheus_url": URL, "nodes": wanted, "images": ["a:1", "b:1"]}
    args = AutoscalingPolicyArgs.model_validate(raw)
    found = [*nodes.manifests(args), *node_pools.manifests(args)]
    assert [refusal for item in found if (refusal := api_server.client.apply(item))] == []
    pulled = [item for item in found if item["kind"] == "DaemonSet"]
    for item in pulled:
        kept = (api_server.client.get(item) or {})["spec"]["template"]["spec"]["volumes"]
        assert [volume["image"]["reference"] for volume in kept] == ["a:1", "b:1"]
