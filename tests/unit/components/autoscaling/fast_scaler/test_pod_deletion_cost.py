"""Objects of pod deletion costs, and their validation."""

from typing import Any

from meshed_mcp import contract
from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs
from meshed_mcp.components.autoscaling.fast_scaler import pod_deletion_cost
from meshed_mcp.components.core.manifest import Manifest

RAW: dict[str, Any] = {
    "targets": {"mcp-chat": {"profile": "session", "sessions_per_replica": 400}, "mcp-rag": {}},
    "namespace": "apps",
    "prometheus_url": "http://prometheus:9090",
    "deletion_cost": {"image": "runtime:1"},
}


def policy(**more: Any) -> AutoscalingPolicyArgs:
    """A policy with pod deletion costs."""
    return AutoscalingPolicyArgs.model_validate({**RAW, **more})


def of(kind: str, args: AutoscalingPolicyArgs) -> Manifest:
    """The one object of a kind."""
    (found,) = [item for item in pod_deletion_cost.pod_deletion_cost_manifests(args) if item["kind"] == kind]
    return found


def test_only_services_with_sessions_get_deletion_costs() -> None:
    """Requirement SCL-3: replicas without sessions are alike, so their service needs no rule."""
    ((rule,),) = [group["rules"] for group in of("PrometheusRule", policy())["spec"]["groups"]]
    assert 'mcp_server_name="mcp-chat"' in rule["expr"]
    assert pod_deletion_cost.pod_deletion_cost_manifests(policy(targets={"mcp-rag": {}})) == []
    assert pod_deletion_cost.pod_deletion_cost_manifests(policy(deletion_cost=None)) == []


def test_deletion_cost_steps_follow_the_sessions_per_replica() -> None:
    """Kubernetes: frequent updates of the mark are to be avoided; 20 steps of 400 sessions are 20 each."""
    for steps, step in ((20, 20), (1000, 1)):
        args = policy(deletion_cost={"image": "runtime:1", "steps": steps})
        ((rule,),) = [group["rules"] for group in of("PrometheusRule", args)["spec"]["groups"]]
        assert rule["expr"].endswith(f" / {step})")


def test_deletion_cost_agent_may_only_patch_pods() -> None:
    """Requirement SEC-6: the agent may patch pods only; pod names are not known in advance."""
    assert of("Role", policy())["rules"] == [{"apiGroups": [""], "resources": ["pods"], "verbs": ["patch"]}]


def test_deletion_cost_agent_gets_its_queries_from_the_environment() -> None:
    """Requirement SCL-3: the agent keeps no state."""
    (container,) = of("Deployment", policy())["spec"]["template"]["spec"]["containers"]
    environment = {item["name"]: item["value"] for item in container["env"]}
    assert environment[contract.ENV_DELETION_QUERY] == 'max by (pod) (mcp:pod:deletion_cost{namespace="apps"})'
    assert container["command"] == ["python", "-m", pod_deletion_cost.MODULE]
