"""The ScaledObject of one service."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshed_mcp import contract
from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs, ScalingTarget
from meshed_mcp.components.autoscaling.scalers import autoscaler_manifests
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.promql import selectors, sidecar
from meshed_mcp.infra.checks.schema import schema_issues

URL = "http://prometheus.monitoring.svc:9090"


def scaled(**settings: Any) -> Manifest:
    """The ScaledObject of a service with `settings`."""
    target = ScalingTarget(**settings)
    (item,) = autoscaler_manifests(
        AutoscalingPolicyArgs(targets={"mcp-rag": target}, namespace="apps", prometheus_url=URL)
    )
    return item


def trigger(item: Manifest, kind: str) -> Manifest:
    """The one trigger of a type."""
    (found,) = [entry for entry in item["spec"]["triggers"] if entry["type"] == kind]
    return dict(found)


def test_scaled_object_is_in_the_namespace_of_its_deployment() -> None:
    """KEDA, ScaledObject: the target is looked up in the ScaledObject's namespace."""
    item = scaled(min_replicas=3, max_replicas=7)
    assert item["metadata"]["namespace"] == "apps"
    assert item["spec"]["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "mcp-rag"}
    assert (item["spec"]["minReplicaCount"], item["spec"]["maxReplicaCount"]) == (3, 7)


def test_deployment_with_another_name_is_scaled_by_the_metrics_of_its_service() -> None:
    """Requirement SCL-4: the target's name is the service's, whatever its Deployment is called."""
    item = scaled(deployment="mcp-rag-v2")
    assert item["spec"]["scaleTargetRef"]["name"] == "mcp-rag-v2"
    assert 'mcp_server_name="mcp-rag"' in trigger(item, "prometheus")["metadata"]["query"]


def test_load_query_is_uncached_and_an_empty_result_is_an_error() -> None:
    """Measured: cached results are up to 30 s old; an empty one read as 0 shrank 8 replicas to 2 in 15 s."""
    load = trigger(scaled(in_flight_per_replica=12), "prometheus")
    assert load["useCachedMetrics"] is False
    assert load["metricType"] == "AverageValue"
    assert load["metadata"] == {
        "serverAddress": URL,
        "query": selectors.held_in_flight(selectors.selector("apps", "mcp-rag")),
        "threshold": "12",
        "ignoreNullValues": "false",
    }


def test_cpu_counts_for_the_server_container_alone() -> None:
    """KEDA, CPU scaler: containerName; a sidecar without a CPU request would stop the pod's metric."""
    cpu = trigger(scaled(cpu_percent=60), "cpu")
    assert cpu["metricType"] == "Utilization"
    assert cpu["metadata"] == {"value": "60", "containerName": "server"}


def test_cpu_may_be_left_out() -> None:
    """Requirement SCL-1: a service that waits for others sets cpu_percent: null."""
    assert [entry["type"] for entry in scaled(cpu_percent=None)["spec"]["triggers"]] == ["prometheus"]


def test_outage_of_prometheus_never_shrinks() -> None:
    """KEDA, fallback: only `currentReplicasIfHigher` keeps a size above the fallback's."""
    assert scaled(min_replicas=2)["spec"]["fallback"] == {
        "failureThreshold": 3,
        "replicas": 2,
        "behavior": "currentReplicasIfHigher",
    }
    assert scaled(fallback_replicas=6)["spec"]["fallback"]["replicas"] == 6
    assert scaled(fallback_failures=1)["spec"]["fallback"]["failureThreshold"] == 1


def test_several_triggers_use_no_composite_formula() -> None:
    """Measured: a composite metric loses "no shrinking while one metric is invalid", so no formula is rendered."""
    item = scaled()
    assert "scalingModifiers" not in item["spec"]["advanced"]
    assert len(item["spec"]["triggers"]) == 2


def test_scale_up_is_tenfold_per_step_and_scale_down_is_slow() -> None:
    """Measured: 900 % per 15 s and a tolerance of 0.05 up; stabilization of 300 s and 25 % a minute down."""
    assert scaled()["spec"]["advanced"]["horizontalPodAutoscalerConfig"]["behavior"] == {
        "scaleUp": {
            "stabilizationWindowSeconds": 0,
            "tolerance": "0.05",
            "policies": [{"type": "Percent", "value": 900, "periodSeconds": 15}],
        },
        "scaleDown": {
            "stabilizationWindowSeconds": 300,
            "policies": [{"type": "Percent", "value": 25, "periodSeconds": 60}],
        },
    }


def test_scale_down_tolerance_is_rendered_only_when_it_differs_from_the_cluster() -> None:
    """Kubernetes, HPA tolerance: unset, it is the controller's flag."""
    behavior = scaled(scale_down={"tolerance_percent": 3})["spec"]["advanced"]["horizontalPodAutoscalerConfig"][
        "behavior"
    ]
    assert behavior["scaleDown"]["tolerance"] == "0.03"


def test_settings_without_effect_are_left_out() -> None:
    """KEDA: with a minimum of 1 or more, pollingInterval and cooldownPeriod do nothing and its webhook warns."""
    assert not {"pollingInterval", "cooldownPeriod"} & set(scaled()["spec"])


@given(data=st.data())
def test_trigger_metadata_is_text_and_matches_the_schema(data: st.DataObject) -> None:
    """KEDA's CRD: values of a trigger's metadata are strings; an unknown field would be pruned."""
    low = data.draw(st.integers(1, 999))
    item = scaled(
        min_replicas=low,
        max_replicas=data.draw(st.integers(low + 1, 1000)),
        in_flight_per_replica=data.draw(st.integers(1, 100_000)),
        cpu_percent=data.draw(st.none() | st.integers(1, 1000)),
    )
    texts = [value for entry in item["spec"]["triggers"] for value in entry["metadata"].values()]
    assert all(isinstance(value, str) for value in texts)
    assert schema_issues(item) == []


@pytest.mark.parametrize("percent", [0, 1, 5, 10, 100])
def test_tolerance_is_a_quantity(percent: int) -> None:
    """Kubernetes, HPA tolerance: a quantity, 0.01 for 1 %."""
    item = scaled(scale_up={"tolerance_percent": percent})
    text = item["spec"]["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleUp"]["tolerance"]
    assert float(text) == percent / 100
    assert schema_issues(item) == []


def test_server_without_the_runtime_scales_on_its_sidecars_requests() -> None:
    """Requirement SIG-1: the same trigger, by the gauge of the pods' sidecars; CPU is that of the server."""
    item = scaled(has_runtime=False)
    query = trigger(item, "prometheus")["metadata"]["query"]
    assert query == sidecar.held_in_flight(selectors.selector("apps", "mcp-rag"))
    assert contract.METRIC_ACTIVE_REQUESTS not in query
    assert trigger(item, "cpu")["metadata"]["containerName"] == contract.CONTAINER_NAME
