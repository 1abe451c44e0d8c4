"""Defaults of a stack on every object, and pod options of the workloads that are no services."""

import json
from typing import Any

import pytest

from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.infra.checks import check
from meshed_mcp.infra.checks.required import required_lines
from meshed_mcp.infra.plan import planned
from tests.unit.infra.test_plan_pods import GPU, SECRET, SERVICE, at, one, recorded

EVERYWHERE = {
    "labels": {"cost-center": "42"},
    "annotations": {"example.com/owner": "tools"},
    "image_pull_secrets": ["registry"],
}
WHOLE_STACK: dict[str, Any] = {
    "services": {"mcp-search": {**SERVICE, "scaling": {"min_replicas": 1, "max_replicas": 3}}},
    "registry": {"image": "registry.example/registry:1", "replicas": 1},
    "keda": {"fast_scaler": {"image": "registry.example/meshed-mcp:1"}},
    "mesh": {"rate_limiting": {"redis": SECRET, "failure_mode": "open"}},
    "observability": {"collectors": {}, "kiali": {"signing_secret": "kiali"},
                      "jaeger": {"storage": {"kind": "opensearch", "url": "https://search.data.svc:9200"}}},
    "nodes": {"buffer": {"kind": "pause"}, "pre_pull": True},
}  # fmt: skip
TEMPLATES = {"CronJob": "spec.jobTemplate.spec.template"}


def templates(objects: list[Manifest]) -> dict[str, Any]:
    """Pod template of each workload, by name."""
    kinds = ("Deployment", "StatefulSet", "DaemonSet", "CronJob")
    return {
        item["metadata"]["name"]: at(item, TEMPLATES.get(item["kind"], "spec.template"))
        for item in objects
        if item["kind"] in kinds
    }


def test_labels_annotations_and_pull_secrets_of_the_stack_reach_every_object_and_pod() -> None:
    """Requirement POD-3: a policy that demands a label on every object is met; selectors are unchanged."""
    before, after = recorded(**WHOLE_STACK), recorded(**WHOLE_STACK, **EVERYWHERE)
    pods = templates(after.objects)
    assert sorted(pods) == sorted(templates(before.objects))
    assert {"mcp-search", "mcp-registry", "mcp-fast-scaler", "mcp-rate-limit", "jaeger", "otel-agent"} <= pods.keys()
    for item in [*after.objects, *pods.values()]:
        assert item["metadata"]["labels"]["cost-center"] == "42"
        assert item["metadata"]["annotations"]["example.com/owner"] == "tools"
    assert {str(template["spec"]["imagePullSecrets"]) for template in pods.values()} == {"[{'name': 'registry'}]"}
    selectors = [[item.get("spec", {}).get("selector") for item in each.objects] for each in (before, after)]
    assert selectors[0] == selectors[1]


def test_charts_get_the_pull_secrets_and_check_lists_them() -> None:
    """Requirement POD-3: each chart in its own form; the Secret must exist in every namespace with pods."""
    recording = recorded(**WHOLE_STACK, **EVERYWHERE)
    values = {item["name"]: item["values"] for item in recording.releases}
    assert values["istiod"]["global"]["imagePullSecrets"] == ["registry"]
    assert values["istio-ingress"]["imagePullSecrets"] == [{"name": "registry"}]
    assert values["kube-prometheus-stack"]["global"]["imagePullSecrets"] == [{"name": "registry"}]
    assert values["kiali"]["deployment"]["image_pull_secrets"] == ["registry"]
    assert values["keda"]["imagePullSecrets"] == [{"name": "registry"}]
    lines = [
        line for line in required_lines(check(recording).required) if line.startswith("Secret ") and "/registry" in line
    ]
    assert {line.split("/")[0].removeprefix("Secret ") for line in lines} == {
        *("cert-manager", "istio-ingress", "istio-system", "keda", "mcp-system", "monitoring")
    }


def test_an_option_of_a_service_wins_over_the_stack() -> None:
    """Requirement POD-3: the nearer setting applies; pull secrets add up."""
    fields = {"labels": {"cost-center": "7"}, "image_pull_secrets": ["own"]}
    recording = recorded(services={"mcp-search": {**SERVICE, **fields}}, **EVERYWHERE)
    item = one(recording, "Deployment", "mcp-search")
    assert item["metadata"]["labels"]["cost-center"] == "7"
    assert item["spec"]["template"]["metadata"]["labels"]["cost-center"] == "7"
    assert item["spec"]["template"]["spec"]["imagePullSecrets"] == [{"name": "own"}, {"name": "registry"}]


OPTION = {"node_selector": {"pool": "system"}, "pod": {"dnsPolicy": "Default"}}
OTHERS: dict[str, dict[str, Any]] = {
    "mcp-registry": {"registry": OPTION},
    "mcp-fast-scaler": {"keda": {"fast_scaler": OPTION}},
    "mcp-rate-limit": {"mesh": {"rate_limiting": OPTION}},
    "jaeger": {"observability": {"jaeger": OPTION}},
    "otel-agent": {"observability": {"collectors": {"agents": OPTION}}},
    "otel-gateway": {"observability": {"collectors": {"gateways": OPTION}}},
}


def overlaid(base: Any, over: Any) -> Any:
    """`over` on `base`, recursively."""
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    return {**base, **{key: overlaid(base.get(key), value) for key, value in over.items()}}


@pytest.mark.parametrize("name", OTHERS)
def test_every_workload_takes_the_options_of_services(name: str) -> None:
    """Requirement POD-1: one model for all Deployments, StatefulSets and DaemonSets of the stack."""
    recording = recorded(**overlaid(WHOLE_STACK, OTHERS[name]))
    found = templates(recording.objects)[name]["spec"]
    assert (found["nodeSelector"], found["dnsPolicy"]) == ({"pool": "system"}, "Default")
    assert check(recording).issues == []


def test_the_deletion_cost_agent_and_the_nodes_pods_take_the_options() -> None:
    """Requirement POD-1: agents, pause pods and pre-pull pods run where the services run."""
    sessions = {"min_replicas": 1, "max_replicas": 3, "profile": "session", "sessions_per_replica": 10}
    placement = {"tolerations": [GPU], "node_selector": {"pool": "gpu"}}
    keys = {
        **WHOLE_STACK,
        "services": {"mcp-search": {**SERVICE, "legacy": "sticky", "scaling": sessions}},
        "deletion_cost": {"image": "registry.example/meshed-mcp:1", **OPTION},
        "nodes": {"buffer": {"kind": "pause"}, "pre_pull": True, "pods": placement},
    }
    found = templates(recorded(**keys).objects)
    assert found["mcp-deletion-cost"]["spec"]["dnsPolicy"] == "Default"
    assert {found[name]["spec"]["nodeSelector"]["pool"] for name in ("mcp-buffer", "mcp-pre-pull")} == {"gpu"}
    assert GPU in found["mcp-pre-pull"]["spec"]["tolerations"]


def test_the_index_cleaner_runs_where_jaeger_runs() -> None:
    """Requirement POD-1: options that do not depend on the container hold for its maintenance job."""
    found = templates(recorded(**overlaid(WHOLE_STACK, OTHERS["jaeger"])).objects)["jaeger-index-cleaner"]["spec"]
    assert found["nodeSelector"] == {"pool": "system"}
    assert "dnsPolicy" not in found


@pytest.mark.parametrize("name", ["mcp-fast-scaler", "mcp-rate-limit", "jaeger", "otel-agent"])
def test_an_overlay_of_a_platform_container_is_rejected(name: str) -> None:
    """Requirement POD-2: image, ports and variables of the platform's own workloads are owned."""
    container = {"mcp-fast-scaler": "fast-scaler", "mcp-rate-limit": "ratelimit", "otel-agent": "collector"}.get(
        name, name
    )
    patch = json.loads(json.dumps(OTHERS[name]).replace('{"dnsPolicy": "Default"}', json.dumps(
        {"containers": [{"name": container, "image": "x", "env": [{"name": "A", "value": "1"}]}]})))  # fmt: skip
    values = {f"meshed-mcp:{key}": json.dumps(value) for key, value in overlaid(WHOLE_STACK, patch).items()}
    with pytest.raises(ConfigurationError) as raised:
        planned(values)
    assert [str(issue).partition("pod.containers[0].")[2].split(":")[0] for issue in raised.value.issues] == [
        *("image", "env[0].name")
    ]
