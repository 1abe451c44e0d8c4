"""The objects that mark replicas with what they cost to remove, and what is refused."""

from typing import Any

from meshed_mcp import contract
from meshed_mcp.components.autoscaling import deletion
from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs
from meshed_mcp.components.core.manifest import Manifest

RAW: dict[str, Any] = {
    "targets": {"mcp-chat": {"profile": "session", "sessions_per_replica": 400}, "mcp-rag": {}},
    "namespace": "apps",
    "prometheus_url": "http://prometheus:9090",
    "deletion_cost": {"image": "runtime:1"},
}


def policy(**more: Any) -> AutoscalingPolicyArgs:
    """A policy with marks."""
    return AutoscalingPolicyArgs.model_validate({**RAW, **more})


def of(kind: str, args: AutoscalingPolicyArgs) -> Manifest:
    """The one object of a kind."""
    (found,) = [item for item in deletion.manifests(args) if item["kind"] == kind]
    return found


def test_only_replicas_with_sessions_are_marked() -> None:
    """Product rule: replicas of the others are alike, so a rule for them would cost and say nothing."""
    ((rule,),) = [group["rules"] for group in of("PrometheusRule", policy())["spec"]["groups"]]
    assert 'mcp_server_name="mcp-chat"' in rule["expr"]
    assert deletion.manifests(policy(targets={"mcp-rag": {}})) == []
    assert deletion.manifests(policy(deletion_cost=None)) == []


def test_steps_are_parts_of_what_a_replica_should_have() -> None:
    """Kubernetes: frequent updates of the mark are to be avoided; 20 steps of 400 sessions are 20 each."""
    for steps, step in ((20, 20), (1000, 1)):
        args = policy(deletion_cost={"image": "runtime:1", "steps": steps})
        ((rule,),) = [group["rules"] for group in of("PrometheusRule", args)["spec"]["groups"]]
        assert rule["expr"].endswith(f" / {step})")


def test_its_account_may_patch_pods_and_nothing_else() -> None:
    """Product rule: least privilege; names of pods are not known beforehand."""
    assert of("Role", policy())["rules"] == [{"apiGroups": [""], "resources": ["pods"], "verbs": ["patch"]}]


def test_the_process_is_told_what_to_ask() -> None:
    """Product rule: it keeps nothing of its own."""
    (container,) = of("Deployment", policy())["spec"]["template"]["spec"]["containers"]
    environment = {item["name"]: item["value"] for item in container["env"]}
    assert environment[contract.ENV_DELETION_QUERY] == 'max by (pod) (mcp:pod:deletion_cost{namespace="apps"})'
    assert container["command"] == ["python", "-m", deletion.MODULE]
