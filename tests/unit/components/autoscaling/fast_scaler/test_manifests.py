"""Objects of the fast scaler, and the triggers of ScaledObjects beside it."""

from typing import Any

import pytest
from pydantic import ValidationError

from meshed_mcp import contract
from meshed_mcp.components.autoscaling import scalers
from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs
from meshed_mcp.components.autoscaling.component import AutoscalingPolicy
from meshed_mcp.components.autoscaling.fast_scaler import live_query
from meshed_mcp.components.autoscaling.fast_scaler.manifests import eligible_targets, fast_scaler_manifests
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.promql import fast_scaler
from meshed_mcp.infra.recording.recorder import record_program

RAW: dict[str, Any] = {
    "targets": {"mcp-rag": {}, "mcp-cpu": {"in_flight_per_replica": None}, "mcp-one": {"profile": "singleton"}},
    "namespace": "apps",
    "prometheus_url": "http://prometheus:9090",
    "keda": {"install": "existing", "fast_scaler": {"image": "runtime:1", "hold_seconds": 120}},
}


def policy(**more: Any) -> AutoscalingPolicyArgs:
    """A policy with a fast scaler."""
    return AutoscalingPolicyArgs.model_validate({**RAW, **more})


def of(kind: str, args: AutoscalingPolicyArgs) -> Manifest:
    """The fast scaler's one object of a kind."""
    (found,) = [item for item in fast_scaler_manifests(args) if item["kind"] == kind]
    return found


def test_fast_scaler_patches_only_targets_scaled_by_in_flight_requests() -> None:
    """Requirement SEC-6: the role names only those targets; other triggers are not measured in calls."""
    role = of("Role", policy())
    assert role["rules"] == [
        {"apiGroups": ["keda.sh"], "resources": ["scaledobjects"], "verbs": ["patch"], "resourceNames": ["mcp-rag"]}
    ]
    first = of("PrometheusRule", policy())["spec"]["groups"][0]
    assert first["interval"] == "5s"
    assert [rule["labels"][contract.LABEL_SCALED_OBJECT] for rule in first["rules"]] == ["mcp-rag"]
    assert first["rules"][0]["expr"].endswith("/ 28), 2, 10)")


def test_fast_scaler_reads_the_sidecars_of_a_server_without_the_runtime() -> None:
    """Requirement SIG-1: in the rule and in the live query, where servers of one kind share an expression."""
    targets = {"mcp-a": {}, "mcp-b": {}, "mcp-c": {"has_runtime": False}}
    args = policy(targets=targets)
    rules = of("PrometheusRule", args)["spec"]["groups"][0]["rules"]
    read = {
        rule["labels"][contract.LABEL_SCALED_OBJECT]: contract.METRIC_PROXY_ACTIVE in rule["expr"] for rule in rules
    }
    assert read == {"mcp-a": False, "mcp-b": False, "mcp-c": True}
    parts = live_query.parts(args.targets, "apps")
    assert {part.targets: contract.METRIC_PROXY_ACTIVE in part.text for part in parts} == {
        ("mcp-a", "mcp-b"): False,
        ("mcp-c",): True,
    }


def test_many_rules_are_split_into_groups_that_run_in_parallel() -> None:
    """Prometheus, "Recording rules": rules of one group run one after the other."""
    many = policy(targets={f"s-{number}": {} for number in range(250)})
    groups = of("PrometheusRule", many)["spec"]["groups"]
    assert [len(group["rules"]) for group in groups] == [100, 100, 50, 1]
    assert len({group["name"] for group in groups}) == 4


def test_fast_scaler_query_contains_hold_and_bounds() -> None:
    """Requirement SCL-6: hold and bounds are part of the query, so the process keeps no state."""
    (container,) = of("Deployment", policy())["spec"]["template"]["spec"]["containers"]
    environment = {item["name"]: item["value"] for item in container["env"]}
    assert "[120s]" in environment[contract.ENV_FAST_SCALER_QUERY]
    assert environment[contract.ENV_PROMETHEUS_URL] == RAW["prometheus_url"]


def query_of(args: AutoscalingPolicyArgs) -> str:
    """The query of the agent."""
    (container,) = of("Deployment", args)["spec"]["template"]["spec"]["containers"]
    return str(next(item["value"] for item in container["env"] if item["name"] == contract.ENV_FAST_SCALER_QUERY))


def asked(args: AutoscalingPolicyArgs) -> frozenset[str]:
    """Targets of the live query."""
    return live_query.live_targets(eligible_targets(args), args.namespace)


def test_services_with_equal_settings_share_one_expression() -> None:
    """Measured: a thousand expressions take Prometheus seconds; one for a thousand services takes a twentieth."""
    same = policy(targets={f"s-{number}": {} for number in range(200)})
    assert query_of(same).count("label_replace") == 1
    assert asked(same) == eligible_targets(same).keys()
    two = policy(targets={"a": {}, "b": {}, "c": {"max_replicas": 4}, "a-x": {"service": "a", "version": "x"}})
    assert query_of(two).count("label_replace") == 3
    assert "${1}-x" in query_of(two)


def test_target_with_another_name_than_its_service_keeps_its_name() -> None:
    """Requirement CMP-5: with the `service` option a target may have any name."""
    other = policy(targets={"checkout": {"service": "mcp-rag"}})
    assert '"scaledobject", "checkout", "mcp_server_name"' in query_of(other)


def test_live_query_is_bounded_and_the_rest_is_left_to_the_rule() -> None:
    """Linux takes 128 KiB in one variable; expressions that many services share come first."""
    own = {
        f"own-{number}": {"in_flight_per_replica": 1 + number % 28, "max_replicas": 10 + number}
        for number in range(300)
    }
    many = policy(targets=own | {f"same-{number}": {} for number in range(300)})
    found = asked(many)
    assert {f"same-{number}" for number in range(300)} < found < eligible_targets(many).keys()
    assert len(query_of(many)) < 2 * live_query.TEXT_BYTES
    assert {rule["labels"]["scaledobject"] for rule in rules_of(many)} == eligible_targets(many).keys()


def rules_of(args: AutoscalingPolicyArgs) -> list[Manifest]:
    """Every recording rule of the fast scaler."""
    return [
        rule for group in of("PrometheusRule", args)["spec"]["groups"] for rule in group["rules"] if "record" in rule
    ]


def test_rule_and_query_use_the_resolution_of_the_fast_scaler_period() -> None:
    """Requirement SCL-6: the rule records each peak that raised a minimum, however short it was."""
    (rule,) = rules_of(policy())
    assert "[5s:500ms]" in rule["expr"]
    assert query_of(policy()).count("[6s:500ms]") == 1
    assert contract.FAST_SCALER_PERIOD_SECONDS == 0.5
    assert fast_scaler.SEEN_SECONDS > fast_scaler.RULE_SECONDS


def test_triggers_never_become_active_with_the_fast_scaler() -> None:
    """Measured: KEDA writes a raised minimum at once only while no trigger is active."""
    with_fast_scaler = scalers.autoscaler_manifests(policy())[0]["spec"]["triggers"][0]["metadata"]
    without = scalers.autoscaler_manifests(policy(keda={"install": "existing"}))[0]["spec"]["triggers"][0]["metadata"]
    assert float(with_fast_scaler.pop("activationThreshold")) == 1e9
    assert with_fast_scaler == without


def test_queue_that_scales_to_zero_stays_active_by_its_length() -> None:
    """KEDA, "Activating and scaling thresholds": out of reach, zero would never be left."""
    queue = {"profile": "queue", "min_replicas": 0, "queue": {"query": "jobs", "per_replica": 5}}
    (item,) = scalers.autoscaler_manifests(policy(targets={"worker": queue}))
    assert "activationThreshold" not in item["spec"]["triggers"][0]["metadata"]


def test_update_keeps_the_raised_minimum() -> None:
    """Pulumi, `ignoreChanges`: the fast scaler writes the minimum after creation, on its own targets only."""

    def program() -> None:
        AutoscalingPolicy("scaling", RAW)

    found = record_program(program, "project", "test", {}).registrations
    ignored = {item.name: list(item.ignore_changes) for item in found if item.type.endswith(":ScaledObject")}
    assert ignored == {"apps/mcp-rag": ["spec.minReplicaCount"], "apps/mcp-cpu": []}


def test_fast_scaler_is_rendered_only_when_it_has_targets() -> None:
    """Requirement CMP-8: the fast scaler is optional."""
    assert fast_scaler_manifests(policy(keda={"install": "existing"})) == []
    assert fast_scaler_manifests(policy(targets={"mcp-one": {"profile": "singleton"}})) == []


def test_fast_scaler_without_keda_is_rejected() -> None:
    """Requirement CFG-2: the error names object, field and what to set instead."""
    with pytest.raises(ValidationError) as raised:
        policy(keda={"install": "none", "fast_scaler": {"image": "runtime:1"}})
    assert (
        "fast_scaler raises the minimum of ScaledObjects, and install: none renders none; remove fast_scaler, or set "
        in str(raised.value)
    )


def test_fast_scaler_metrics_are_reachable_only_for_prometheus() -> None:
    """Requirement SEC-12: the metrics port is outside the mesh, so a NetworkPolicy names who may scrape."""
    (rule,) = of("NetworkPolicy", policy())["spec"]["ingress"]
    assert rule["from"] == [
        {"namespaceSelector": {}, "podSelector": {"matchLabels": {"app.kubernetes.io/name": "prometheus"}}}
    ]
    assert rule["ports"] == [{"protocol": "TCP", "port": 9464}]
