"""Scaling profiles: defaults, and overrides of a stack."""

from typing import Any

import pytest

from meshed_mcp import contract
from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs, ScalingSettings, ScalingTarget
from meshed_mcp.components.autoscaling.profiles import Profile
from meshed_mcp.components.autoscaling.scalers import autoscaler_manifests
from meshed_mcp.components.core.errors import model_issues
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.service.limits_args import LimitSettings
from meshed_mcp.infra.checks.schema import schema_issues

QUEUE = {"query": 'sum(jobs_waiting{queue="ocr"})', "per_replica": 5}


def scaled(**settings: Any) -> Manifest:
    """Spec of the ScaledObject of a service with `settings`."""
    targets = {"mcp-rag": ScalingTarget.model_validate(settings)}
    (item,) = autoscaler_manifests(
        AutoscalingPolicyArgs(targets=targets, namespace="apps", prometheus_url="http://prometheus")
    )
    return dict(item["spec"])


def trigger_names(**settings: Any) -> list[str]:
    """Names of the triggers, in their order."""
    return [trigger["name"] for trigger in scaled(**settings)["triggers"]]


def refusals(**raw: Any) -> list[str]:
    """Issues of the settings, as lines."""
    return [str(issue) for issue in model_issues(ScalingSettings, raw, "scaling")]


def test_session_profile_scales_on_sessions_and_removes_replicas_one_by_one() -> None:
    """Requirement SCL-3: sessions cannot move, so replicas with sessions are removed slowly."""
    spec = scaled(profile="session")
    assert [trigger["name"] for trigger in spec["triggers"]] == ["in-flight", "sessions", "cpu"]
    assert spec["triggers"][1]["metadata"]["threshold"] == "7000"
    assert contract.METRIC_ACTIVE_SESSIONS in spec["triggers"][1]["metadata"]["query"]
    assert spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleDown"] == {
        "stabilizationWindowSeconds": 900,
        "policies": [{"type": "Pods", "value": 1, "periodSeconds": 120}],
    }


def test_default_session_target_is_a_share_of_the_session_limit() -> None:
    """Official SDK 2.3, `max_sessions`: a replica rejects more; 70 % of it leaves room until another is up."""
    assert ScalingSettings(profile=Profile.SESSION).sessions_per_replica == LimitSettings().sessions * 7 // 10


def test_memory_trigger_uses_bytes_of_the_limit() -> None:
    """Kubernetes: a container is killed at its limit; its request, KEDA's base of Utilization, is far below."""
    (guard,) = [
        entry for entry in scaled(profile="memory", memory_limit="1Gi")["triggers"] if entry["type"] == "memory"
    ]
    assert guard["metricType"] == "AverageValue"
    assert guard["metadata"] == {"value": str(2**30 * 75 // 100), "containerName": "server"}


def test_queue_profile_scales_only_on_the_queue() -> None:
    """Requirement SCL-1: the backlog outside says how many workers are needed."""
    spec = scaled(profile="queue", queue=QUEUE)
    assert [trigger["metadata"]["query"] for trigger in spec["triggers"]] == [QUEUE["query"]]
    assert spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleUp"]["policies"][0]["value"] == 100


def test_queue_workers_scale_to_zero_and_back_by_keda() -> None:
    """KEDA: only below the minimum of 1 do its own polling and cool-down work; the HPA does not run there."""
    spec = scaled(profile="queue", queue=QUEUE, min_replicas=0)
    assert (spec["minReplicaCount"], spec["pollingInterval"], spec["cooldownPeriod"]) == (0, 5, 300)
    assert spec["fallback"]["replicas"] == 1


def test_singleton_has_no_autoscaler() -> None:
    """Requirement SCL-1: the singleton profile has a fixed size of one replica."""
    targets = {"mcp-one": ScalingTarget.model_validate({"profile": "singleton"})}
    assert autoscaler_manifests(AutoscalingPolicyArgs(targets=targets, prometheus_url="http://prometheus")) == []


def test_explicit_field_overrides_the_profile_and_keeps_its_siblings() -> None:
    """Requirement SCL-1: every number of a profile may be overridden, inside its structures too."""
    settings = ScalingSettings.model_validate({"profile": "session", "scale_down": {"period_seconds": 60}})
    down = settings.scale_down
    assert (down.pods, down.percent, down.period_seconds, down.stabilization_seconds) == (1, None, 60, 900)


def test_fields_in_camel_case_override_the_profile_too() -> None:
    """Pulumi: programs in other languages send `memoryPercent`."""
    assert ScalingSettings.model_validate({"profile": "memory", "memoryPercent": 60}).memory_percent == 60


def test_applied_profile_is_unchanged_by_a_second_validation() -> None:
    """Requirement CFG-13: settings that pass through a second model are the same settings."""
    first = ScalingSettings.model_validate({"profile": "session", "cpu_percent": None})
    again = ScalingTarget(**dict(first))
    assert {field: getattr(again, field) for field in ScalingSettings.model_fields} == dict(first)


@pytest.mark.parametrize("profile", [item for item in Profile if item is not Profile.SINGLETON])
def test_every_profile_matches_the_schema(profile: Profile) -> None:
    """KEDA's CRD, closed: an unknown field would be pruned."""
    schedule = {"start": "45 8 * * 1-5", "end": "0 18 * * 1-5", "timezone": "Europe/Berlin", "replicas": 4}
    settings = {"profile": profile.value, "queue": QUEUE, "schedules": [schedule], "scale_down": {"percent": 10}}
    item = {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": {"name": "mcp-ocr"},
        "spec": scaled(**settings),
    }
    assert schema_issues(item) == []


def test_slower_of_two_scale_down_policies_wins() -> None:
    """Kubernetes, HPA `selectPolicy`: its default, Max, would take the faster."""
    down = scaled(scale_down={"pods": 2})["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleDown"]
    assert down["selectPolicy"] == "Min"
    assert [policy["type"] for policy in down["policies"]] == ["Percent", "Pods"]


def test_schedule_is_a_minimum() -> None:
    """KEDA, "Cron": desiredReplicas from start to end; every value of the metadata is text."""
    schedule = {"start": "45 8 * * 1-5", "end": "0 18 * * 1-5", "timezone": "Europe/Berlin", "replicas": 4}
    (trigger,) = [item for item in scaled(schedules=[schedule])["triggers"] if item["type"] == "cron"]
    assert trigger["metadata"] == {
        "timezone": "Europe/Berlin",
        "start": "45 8 * * 1-5",
        "end": "0 18 * * 1-5",
        "desiredReplicas": "4",
    }


def test_canary_scaler_counts_only_pods_of_its_version() -> None:
    """Requirement SCL-4: a canary's scaler ignores the calls of the stable version."""
    spec = scaled(service="mcp-search", version="canary", deployment="mcp-search-canary")
    assert spec["triggers"][0]["metadata"]["query"].count('mcp_server_name="mcp-search",version="canary"') == 3


def test_scaled_object_without_a_query_has_no_fallback() -> None:
    """KEDA's webhook rejects a fallback where CPU and memory alone count."""
    assert "fallback" not in scaled(in_flight_per_replica=None)


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "misspelled profile": ({"profile": "sessions"}, "profile: 'sessions' is not a choice; did you mean session?"),
    "singleton of three": (
        {"profile": "singleton", "max_replicas": 3},
        (
            "profile singleton is one replica, and the bounds are 1 to 3; remove min_replicas "
            "and max_replicas, or set another profile"
        ),
    ),
    "queue without a queue": (
        {"profile": "queue"},
        "profile queue needs the length of the queue; set queue: {query: ..., per_replica: ...}",
    ),
    "zero with a gauge of pods": (
        {"profile": "queue", "queue": QUEUE, "min_replicas": 0, "in_flight_per_replica": 5},
        (
            "min_replicas 0 excludes in_flight_per_replica, which only pods report; set it to "
            "null, or set min_replicas: 1"
        ),
    ),
    "CPU alone from zero": (
        {"min_replicas": 0, "in_flight_per_replica": None},
        (
            "min_replicas 0 leaves no pod that takes a call or reports one; set 1 or more, or "
            "profile: queue with a queue outside the pods"
        ),
    ),
    "nothing counts": (
        {"in_flight_per_replica": None, "cpu_percent": None},
        "every measure is null, so the service would not scale; set in_flight_per_replica",
    ),
    "no way down": (
        {"scale_down": {"percent": None}},
        "scale_down: percent and pods are both null, so the service would never scale down; set one of them",
    ),
    "threshold in words": (
        {"in_flight_per_replica": "many"},
        "in_flight_per_replica: 'many' is not a whole number; use digits only",
    ),
}


@pytest.mark.parametrize(("raw", "line"), BAD.values(), ids=BAD)
def test_settings_that_keda_accepts_but_cannot_scale_are_rejected_in_one_line(raw: dict[str, Any], line: str) -> None:
    """Measured: KEDA accepts most of this and then scales nothing."""
    assert refusals(**raw) == [f"scaling: {line}"]


SCHEDULE = {"start": "45 8 * * 1-5", "end": "0 18 * * mon-fri", "timezone": "Europe/Berlin", "replicas": 4}
BAD_SCHEDULES: dict[str, tuple[dict[str, Any], str]] = {
    "four fields": (
        {"start": "45 8 * *"},
        (
            "schedules[0].start: '45 8 * *' has 4 fields, and cron has 5 (minute hour day month "
            "weekday); use one such as '45 8 * * 1-5'"
        ),
    ),
    "hour 25": (
        {"end": "0 25 * * *"},
        "schedules[0].end: '25' in '0 25 * * *' is not a hour; use 0 to 23, '*', a range or a list",
    ),
    "no time": (
        {"end": SCHEDULE["start"]},
        "schedules[0]: start and end are both '45 8 * * 1-5', so the schedule has no length; set a later end",
    ),
    "nowhere": (
        {"timezone": "Europe/Atlantis"},
        (
            "schedules[0].timezone: 'Europe/Atlantis' is not a time zone; use one of the IANA "
            "database, such as 'Europe/Berlin'"
        ),
    ),
    "above the maximum": (
        {"replicas": 50},
        (
            "schedules[0].replicas 50 is outside min_replicas 2 to max_replicas 10; set a "
            "number between them, or remove it"
        ),
    ),
}


@pytest.mark.parametrize(("change", "line"), BAD_SCHEDULES.values(), ids=BAD_SCHEDULES)
def test_schedules_without_effect_are_rejected(change: dict[str, Any], line: str) -> None:
    """KEDA finds these errors in the cluster only."""
    assert refusals(schedules=[SCHEDULE]) == []
    assert refusals(schedules=[{**SCHEDULE, **change}]) == [f"scaling: {line}"]
