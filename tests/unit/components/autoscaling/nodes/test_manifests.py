"""Spare capacity, image pre-pulling and node autoscaling."""

from typing import Any

import pytest
import yaml

from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs
from meshed_mcp.components.autoscaling.nodes import manifests as nodes
from meshed_mcp.components.autoscaling.nodes import provisioning
from meshed_mcp.components.core.errors import model_issues
from meshed_mcp.components.core.node_labels import BUFFER_PRIORITY_CLASS, SPOT_TAINT
from meshed_mcp.infra.checks.schema import schema_issues

NODE_CLASS = {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "default"}


def raw(wanted: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Arguments of a policy without targets."""
    return {"targets": {}, "namespace": "apps", "prometheus_url": "http://prometheus", "nodes": wanted, **more}


def policy(wanted: dict[str, Any], **more: Any) -> AutoscalingPolicyArgs:
    """The same, validated."""
    return AutoscalingPolicyArgs.model_validate(raw(wanted, **more))


def of_kind(kind: str, args: AutoscalingPolicyArgs) -> list[dict[str, Any]]:
    """The objects of one kind."""
    return [item for item in [*nodes.node_manifests(args), *provisioning.node_pools(args)] if item["kind"] == kind]


def refused(wanted: dict[str, Any]) -> list[str]:
    """Issues of a policy, as lines."""
    return [str(issue) for issue in model_issues(AutoscalingPolicyArgs, raw(wanted), "scaling")]


def test_stack_without_node_settings_renders_no_node_objects() -> None:
    """Requirement SCL-8: nodes belong to the cluster unless the stack says otherwise."""
    args = AutoscalingPolicyArgs(targets={}, prometheus_url="http://prometheus")
    assert [
        *nodes.node_manifests(args),
        *provisioning.node_pools(args),
        *provisioning.cluster_autoscaler_releases(args),
    ] == []


def test_spare_capacity_is_held_by_pods_that_any_pod_may_preempt() -> None:
    """Cluster Autoscaler, FAQ, overprovisioning: priority -10 still makes a node; below it, pods are expendable."""
    args = policy({"buffer": {"kind": "pause", "replicas": 3}}, largest_cpu="1100m", largest_memory="640Mi")
    services, buffer = of_kind("PriorityClass", args)
    assert (services["value"] > 0, buffer["value"], buffer["globalDefault"]) == (True, -10, False)
    (holder,) = of_kind("Deployment", args)
    pod = holder["spec"]["template"]["spec"]
    assert (holder["spec"]["replicas"], pod["priorityClassName"]) == (3, BUFFER_PRIORITY_CLASS)
    assert pod["terminationGracePeriodSeconds"] == 0
    assert pod["containers"][0]["resources"]["requests"] == {"cpu": "1100m", "memory": "640Mi"}


def test_capacity_buffer_names_a_pod_of_the_same_size() -> None:
    """CapacityBuffer v1beta1: `podTemplateRef` and `replicas`."""
    args = policy({"buffer": {"kind": "capacity-buffer", "replicas": 2}}, largest_cpu="1")
    (buffer,) = of_kind("CapacityBuffer", args)
    (template,) = of_kind("PodTemplate", args)
    assert buffer["spec"] == {"podTemplateRef": {"name": template["metadata"]["name"]}, "replicas": 2}
    assert template["template"]["spec"]["containers"][0]["resources"]["requests"]["cpu"] == "1"
    assert of_kind("Deployment", args) == []


def test_every_image_is_mounted_on_every_node_and_none_is_started() -> None:
    """Kubernetes, "Image volumes": mounting pulls; spot nodes are nodes too."""
    args = policy({"pre_pull": True}, images=["a:1", "b:2"])
    (puller,) = of_kind("DaemonSet", args)
    pod = puller["spec"]["template"]["spec"]
    assert [volume["image"]["reference"] for volume in pod["volumes"]] == ["a:1", "b:2"]
    assert [mount["name"] for mount in pod["containers"][0]["volumeMounts"]] == [
        item["name"] for item in pod["volumes"]
    ]
    assert {item["key"] for item in pod["tolerations"]} == {SPOT_TAINT}
    assert [item["image"] for item in pod["containers"]] == [nodes.PAUSE_IMAGE]
    assert of_kind("DaemonSet", policy({"pre_pull": True})) == []


def test_node_objects_match_the_kubernetes_schema() -> None:
    """Kubernetes API: no unknown field, no wrong type."""
    args = policy({"buffer": {"kind": "pause"}, "pre_pull": True}, images=["a:1"])
    found = nodes.node_manifests(args)
    assert len(found) == 4
    assert [issue for item in found for issue in schema_issues(item)] == []


def test_spot_nodes_are_preferred_and_take_only_interruptible_services() -> None:
    """Karpenter, NodePool: `weight` orders pools, a taint keeps others away."""
    spot, on_demand = of_kind("NodePool", policy({"karpenter": {"node_class": NODE_CLASS, "spot": True}}))
    assert spot["spec"]["weight"] > on_demand["spec"]["weight"]
    assert [item["key"] for item in spot["spec"]["template"]["spec"]["taints"]] == [SPOT_TAINT]
    assert "taints" not in on_demand["spec"]["template"]["spec"]
    assert spot["spec"]["template"]["spec"]["nodeClassRef"] == NODE_CLASS


def test_node_pool_has_a_limit_and_is_consolidated_slowly() -> None:
    """Karpenter: without a limit cost is unbounded; `consolidateAfter` is 0s by default."""
    (pool,) = of_kind("NodePool", policy({"karpenter": {"node_class": NODE_CLASS, "cores": 12}}))
    assert pool["spec"]["limits"] == {"cpu": "12"}
    assert pool["spec"]["disruption"]["consolidateAfter"] == "5m"


def test_priority_expander_matches_every_node_group() -> None:
    """Cluster Autoscaler, priority expander: a group that matches no expression is never used."""
    wanted = {"cluster_autoscaler": {"priorities": {10: [".*on-demand.*"], 50: [".*spot.*"]}}}
    (release,) = provisioning.cluster_autoscaler_releases(policy(wanted))
    assert list(release.values["expanderPriorities"].items()) == [
        ("50", [".*spot.*"]),
        ("10", [".*on-demand.*"]),
        ("1", [".*"]),
    ]
    assert release.values["extraArgs"]["expander"] == "priority,least-waste"


def test_nodes_with_server_pods_can_be_removed_despite_local_storage() -> None:
    """Cluster Autoscaler, `--skip-nodes-with-local-storage`, default true: every server has an emptyDir."""
    (release,) = provisioning.cluster_autoscaler_releases(policy({"cluster_autoscaler": {}}))
    assert release.values["extraArgs"]["skip-nodes-with-local-storage"] is False
    assert "capacity-buffer-controller-enabled" not in release.values["extraArgs"]


def test_stack_values_win_inside_mappings_too() -> None:
    """Requirement CFG-16: provider-specific values of the stack are passed through."""
    wanted = {
        "buffer": {"kind": "capacity-buffer"},
        "cluster_autoscaler": {"values": {"cloudProvider": "gce", "extraArgs": {"expander": "least-waste"}}},
    }
    (release,) = provisioning.cluster_autoscaler_releases(policy(wanted, chart_mirror="charts"))
    assert release.values["cloudProvider"] == "gce"
    assert release.values["extraArgs"]["expander"] == "least-waste"
    assert release.values["extraArgs"]["capacity-buffer-pod-injection-enabled"] is True
    assert release.chart.reference == "charts/cluster-autoscaler"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "{karpenter: {node_class: {group: g, kind: K, name: n}}, cluster_autoscaler: {}}",
            (
                "scaling: nodes: karpenter and cluster_autoscaler would both add nodes for a "
                "pending pod; remove one of them"
            ),
        ),
        (
            "{karpenter: {node_class: {group: g, kind: K, name: n}, architectures: [x86]}}",
            "scaling: nodes.karpenter.architectures: 'x86' is not a supported architecture; use some of amd64, arm64",
        ),
        (
            "{cluster_autoscaler: {priorities: {1: ['.*']}}}",
            (
                "scaling: nodes.cluster_autoscaler.priorities: 1 is not a priority with node "
                "groups; use 2 or more and a list of expressions"
            ),
        ),
        (
            "{cluster_autoscaler: {priorities: {5: ['(']}}}",
            (
                "scaling: nodes.cluster_autoscaler.priorities: '(' is not a regular expression "
                "(missing ), unterminated subpattern at position 0); use one such as '.*spot.*'"
            ),
        ),
    ],
)
def test_impossible_node_settings_are_rejected_with_the_fix(text: str, line: str) -> None:
    """Requirement CFG-7: preview rejects a combination that can never work, by field."""
    assert refused(yaml.safe_load(text)) == [line]
