"""Autoscaling targets of a stack, and validation against a service's other settings."""

import json
from typing import Any

import pytest

from meshed_mcp.components.autoscaling.forecast.args import Prediction
from meshed_mcp.components.autoscaling.forecast.rules import forecast_services, prediction
from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.infra.plan import Plan
from meshed_mcp.infra.plan import planned as plan_of

CANARY = {"strategy": "canary", "image": "b:2", "weights": {"stable": 90, "canary": 10}}


def planned(service: dict[str, Any], name: str = "mcp-a", **keys: Any) -> Plan:
    """The plan of a stack with one service."""
    given = {"services": {name: {"image": "a:1", **service}}, **keys}
    return plan_of({f"meshed-mcp:{key}": json.dumps(value) for key, value in given.items()})


def lines(service: dict[str, Any], name: str = "mcp-a", **keys: Any) -> list[str]:
    """Its issues, as lines."""
    with pytest.raises(ConfigurationError) as raised:
        planned(service, name, **keys)
    return [str(issue) for issue in raised.value.issues]


def test_a_canary_has_its_own_scaler_and_each_sees_its_own_version() -> None:
    """Requirement SCL-4: otherwise the canary's Deployment would keep its initial size."""
    targets = planned({"rollout": CANARY, "scaling": {"max_replicas": 40}}).autoscaling.targets
    assert list(targets) == ["mcp-a", "mcp-a-canary"]
    canary = targets["mcp-a-canary"]
    assert (canary.service, canary.deployment, canary.version) == ("mcp-a", "mcp-a-canary", "canary")
    assert (canary.min_replicas, canary.max_replicas) == (1, 4)
    assert (targets["mcp-a"].version, targets["mcp-a"].max_replicas) == ("stable", 40)


def test_a_canary_with_a_small_weight_may_still_grow() -> None:
    """Requirement SCL-4: a maximum of one replica would make the smallest canary the slowest version."""
    canary = planned({"rollout": CANARY}).autoscaling.targets["mcp-a-canary"]
    assert (canary.min_replicas, canary.max_replicas) == (1, 2)


def test_minimums_and_fallback_of_a_canary_are_its_share() -> None:
    """Requirement SCL-4: the canary's sizes lie within its bounds, whatever the stack sets."""
    schedule = {"start": "0 8 * * *", "end": "0 9 * * *", "timezone": "UTC", "replicas": 40}
    scaling = {"max_replicas": 40, "fallback_replicas": 20, "schedules": [schedule]}
    canary = planned({"rollout": CANARY, "scaling": scaling}).autoscaling.targets["mcp-a-canary"]
    assert (canary.fallback_replicas, canary.schedules[0].replicas) == (2, 4)


def test_without_a_canary_every_pod_counts() -> None:
    """Requirement SCL-4: the label `version` is selected only where versions run side by side."""
    assert planned({}).autoscaling.targets["mcp-a"].version is None


def test_workers_that_may_scale_to_zero_start_with_one_replica() -> None:
    """Kubernetes: the Deployment's size at creation; afterwards it is the autoscaler's."""
    queue = {"profile": "queue", "min_replicas": 0, "queue": {"query": "sum(jobs)", "per_replica": 2}}
    assert planned({"scaling": queue}).services["mcp-a"].replicas == 1


def test_memory_scaling_uses_the_services_own_limit() -> None:
    """Requirement CFG-5: a second place for the limit could contradict it."""
    wanted = planned({"scaling": {"profile": "memory"}, "resources": {"memory_limit": "2Gi"}})
    assert wanted.autoscaling.targets["mcp-a"].memory_limit == "2Gi"


def test_a_canary_name_leaves_room_for_kedas_prefix() -> None:
    """KEDA: keda-hpa- and the name make 63 characters at most."""
    (line,) = lines({"rollout": CANARY}, name="a" * 50)
    assert line.endswith(
        "rollout: the autoscaler of its canary needs a service name of at most 47 characters, and "
        + "a" * 50
        + " has 50; use a shorter name"
    )


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "sessions without sessions": (
        {"scaling": {"profile": "session"}},
        (
            "scaling.profile: session counts sessions, and legacy: stateless has none; set "
            "legacy: sticky, or another profile"
        ),
    ),
    "more calls than served at a time": (
        {"limits": {"concurrent_calls": 10}},
        (
            "scaling.in_flight_per_replica: 28 is above limits.concurrent_calls 10, so replicas "
            "queue requests before one is added; set 7 or less"
        ),
    ),
    "more sessions than let in": (
        {"legacy": "sticky", "scaling": {"profile": "session"}, "limits": {"sessions": 100}},
        (
            "scaling.sessions_per_replica: 7000 is above limits.sessions 100, so replicas "
            "reject sessions before one is added; set 70 or less"
        ),
    ),
}


@pytest.mark.parametrize(("service", "line"), BAD.values(), ids=BAD)
def test_scaling_that_contradicts_the_service_is_rejected(service: dict[str, Any], line: str) -> None:
    """Requirement CFG-7: what could never work is rejected at preview."""
    assert lines(service) == [f"service mcp-a: {line}"]


def test_a_metric_that_needs_keda_is_rejected_without_it() -> None:
    """Requirement CFG-6: a metric that would silently not count is an error."""
    schedule = {"start": "0 8 * * *", "end": "0 9 * * *", "timezone": "UTC", "replicas": 4}
    assert lines({"scaling": {"schedules": [schedule]}}, keda={"install": "none"}) == [
        (
            "service mcp-a: scaling.schedules: needs KEDA, which keda.install: none "
            "leaves out; remove it, or set keda.install: component or existing"
        )
    ]


def test_deletion_cost_without_sessions_is_rejected() -> None:
    """Requirement CFG-6: a process that would annotate no pod is rejected."""
    marks = {"image": "runtime:1"}
    assert lines({}, deletion_cost=marks) == [
        (
            "deletion_cost: has no effect, because no service counts sessions; set "
            "scaling: {profile: session} for one, or remove deletion_cost"
        )
    ]
    chat = {"legacy": "sticky", "scaling": {"profile": "session"}}
    assert planned(chat, deletion_cost=marks).autoscaling.deletion_cost is not None


def test_a_forecast_needs_the_history_that_it_reads() -> None:
    """Requirement CFG-7: a retention shorter than the forecast's history is rejected."""
    short = {"prometheus": {"retention_days": 10}}
    assert lines({}, observability=short) == [
        (
            "observability: prometheus.retention_days: 10 is shorter than the 15 days "
            "of history that a forecast reads; set 15 or more, or meshed-mcp:forecast: {mode: "
            '"off"}'
        )
    ]
    assert planned({}, observability=short, forecast={"mode": "off"}).autoscaling.forecast is not None


def test_a_horizon_shorter_than_a_replicas_start_is_rejected() -> None:
    """Requirement CFG-7: horizon >= start of a replica + 5 minutes of smoothing + 1 minute of rules."""
    slow = {"scaling": {"pod_ready_seconds": 300}}
    assert lines(slow) == [
        (
            "service mcp-a: scaling.pod_ready_seconds: 300 s are too long for "
            "forecast.horizon_minutes 10; set forecast.horizon_minutes to 11 or more"
        )
    ]
    assert planned(slow, forecast={"horizon_minutes": 11}).autoscaling.targets["mcp-a"].pod_ready_seconds == 300


BLUE_GREEN = {"strategy": "blue_green", "image": "b:2"}


def test_both_blue_green_versions_may_grow_to_the_services_maximum() -> None:
    """Requirement SCL-4: at a switch the other version gets all calls at once."""
    targets = planned({"rollout": BLUE_GREEN, "scaling": {"min_replicas": 3, "max_replicas": 40}}).autoscaling.targets
    assert {name: (item.version, item.min_replicas, item.max_replicas) for name, item in targets.items()} == {
        "mcp-a": ("stable", 3, 40),
        "mcp-a-green": ("green", 3, 40),
    }


@pytest.mark.parametrize(("active", "preview"), [("blue", "mcp-a-green"), ("green", "mcp-a")])
def test_a_blue_green_version_is_scaled_before_the_switch(active: str, preview: str) -> None:
    """Requirement SCL-4: a switch under load starts no pod."""
    rollout = BLUE_GREEN | {"active": active, "preview_replicas": 12}
    targets = planned({"rollout": rollout, "scaling": {"min_replicas": 3, "max_replicas": 40}}).autoscaling.targets
    assert {name: item.min_replicas for name, item in targets.items()} == {"mcp-a": 3, "mcp-a-green": 3} | {preview: 12}


def test_a_variant_has_the_services_bounds() -> None:
    """Requirement SCL-4: the number of calls with a matching header is not known beforehand."""
    rollout = {"strategy": "ab", "image": "b:2", "regex": ".*Mobile.*"}
    variant = planned({"rollout": rollout, "scaling": {"max_replicas": 40}}).autoscaling.targets["mcp-a-variant"]
    assert (variant.deployment, variant.version, variant.max_replicas) == ("mcp-a-variant", "variant", 40)


def test_a_pool_scales_by_its_own_load_and_settings() -> None:
    """Requirement SCL-4: slow calls need other numbers than fast ones."""
    pool = {
        "tools": ["report"],
        "scaling": {"min_replicas": 1, "max_replicas": 6},
        "resources": {"memory_limit": "2Gi"},
    }
    plan = planned({"pools": {"slow": pool}})
    target = plan.autoscaling.targets["mcp-a-slow"]
    assert (target.service, target.deployment, target.version) == ("mcp-a", "mcp-a-slow", "pool-slow")
    assert (target.min_replicas, target.max_replicas, target.memory_limit) == (1, 6, "2Gi")
    assert plan.autoscaling.targets["mcp-a"].version == "stable"
    assert plan.services["mcp-a"].pools["slow"].replicas == 1
    assert plan.services["mcp-a"].replicated


POOL = {"tools": ["report"], "resources": {"cpu": "1", "memory": "1Gi", "memory_limit": "1Gi"}}
BAD_POOLS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "resizing without a VPA": (
        {"right_sizing": {"mode": "in-place"}},
        {},
        (
            "pools.slow.scaling.right_sizing.mode: needs a VerticalPodAutoscaler; set "
            "meshed-mcp:vpa: {install: component}, or remove it"
        ),
    ),
    "sessions": (
        {"profile": "session"},
        {},
        (
            "pools.slow.scaling.sessions_per_replica: counts sessions, and requests of clients "
            "with sessions do not reach pools; remove it, or set another profile"
        ),
    ),
    "more calls than served at a time": (
        {"in_flight_per_replica": 500},
        {},
        (
            "pools.slow.scaling.in_flight_per_replica: 500 is above limits.concurrent_calls "
            "100, so replicas queue requests before one is added; set 70 or less"
        ),
    ),
    "what needs KEDA": (
        {"queue": {"query": "sum(jobs)", "per_replica": 5}},
        {"keda": {"install": "none"}},
        (
            "pools.slow.scaling.queue: needs KEDA, which keda.install: none leaves out; remove "
            "it, or set keda.install: component or existing"
        ),
    ),
    "a budget below its minimum": (
        {"monthly_budget": 50},
        {"prices": {"cpu_hour": 0.04}},
        (
            "pools.slow.scaling.monthly_budget: 50 pays for 1 replicas, and min_replicas, "
            "fallback_replicas or schedules need 2, which cost 64.24; set 64.24 or more, or "
            "lower them"
        ),
    ),
}


@pytest.mark.parametrize(("scaling", "keys", "line"), BAD_POOLS.values(), ids=BAD_POOLS)
def test_the_scaling_of_a_pool_is_validated_like_a_services(
    scaling: dict[str, Any], keys: dict[str, Any], line: str
) -> None:
    """Requirement CFG-2: an error is one line that names the field, in pools too."""
    assert lines({"pools": {"slow": {**POOL, "scaling": scaling}}}, **keys) == [f"service mcp-a: {line}"]


def test_a_budget_lowers_a_pools_maximum_at_its_own_size() -> None:
    """Requirement SCL-7: a replica of the pool costs what the pool requests, its sidecar included."""
    pool = {**POOL, "scaling": {"monthly_budget": 100}}
    targets = planned({"pools": {"slow": pool}}, prices={"cpu_hour": 0.04}).autoscaling.targets
    assert (targets["mcp-a-slow"].max_replicas, targets["mcp-a"].max_replicas) == (3, 10)
    assert targets["mcp-a-slow"].replica_month_cost == pytest.approx(730 * 1.1 * 0.04)


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        ({"pools": {"slow": POOL}}, {"mcp-a"}),
        ({"rollout": {"strategy": "blue_green", "image": "b:2"}}, {"mcp-a"}),
        ({"rollout": {"strategy": "blue_green", "image": "b:2", "active": "green"}}, {"mcp-a-green"}),
        ({"rollout": {"strategy": "ab", "image": "b:2", "regex": ".*Mobile.*"}}, {"mcp-a"}),
    ],
    ids=["pool", "blue", "green", "variant"],
)
def test_only_the_main_version_grows_by_a_services_forecast(service: dict[str, Any], expected: set[str]) -> None:
    """Requirement SCL-5: a forecast covers all calls of a service; a preview or a pool would grow for nothing."""
    args = planned({"scaling": {"prediction": "on"}, **service}).autoscaling
    assert {name for name, item in args.targets.items() if prediction(item, args) is Prediction.ON} == expected
    assert forecast_services(args, Prediction.ON) == ["mcp-a"]


def test_a_pools_name_may_not_be_another_services() -> None:
    """Requirement CMP-10: two Deployments of one name would overwrite each other."""
    services = {"mcp-a": {"image": "a:1", "pools": {"slow": {"tools": ["report"]}}}, "mcp-a-slow": {"image": "a:1"}}
    with pytest.raises(ConfigurationError) as raised:
        plan_of({"meshed-mcp:services": json.dumps(services)})
    assert str(raised.value) == (
        "MM0103: service mcp-a: pools: its slow would be named mcp-a-slow, as another service is; rename one"
    )


def test_a_pool_name_leaves_room_for_kedas_prefix() -> None:
    """KEDA: keda-hpa- and the name make 63 characters at most."""
    (line,) = lines({"pools": {"slow": {"tools": ["report"]}}}, name="a" * 50)
    assert line.endswith(
        "pools: the autoscaler of its slow needs a service name of at most 49 characters, and "
        + "a" * 50
        + " has 50; use a shorter name"
    )


def test_every_target_of_a_server_without_the_runtime_reads_its_sidecars() -> None:
    """Requirement SIG-1: each version has sidecars of its own."""
    targets = planned({"runtime": "external", "rollout": CANARY}).autoscaling.targets
    assert list(targets) == ["mcp-a", "mcp-a-canary"]
    assert not any(target.has_runtime for target in targets.values())
    assert planned({}).autoscaling.targets["mcp-a"].has_runtime


def test_limits_of_the_runtime_do_not_bound_a_server_without_it() -> None:
    """Requirement SIG-4: the image, not `limits`, decides how many requests a replica takes."""
    scaling = {"in_flight_per_replica": 5000}
    assert (
        planned({"runtime": "external", "scaling": scaling}).autoscaling.targets["mcp-a"].in_flight_per_replica == 5000
    )
    assert lines({"scaling": scaling})
