"""Validation and defaults of the scaling arguments."""

from typing import Any

import pulumi
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs, ScalingSettings
from meshed_mcp.components.core.errors import model_issues
from meshed_mcp.infra.recording import record_program

URL = "http://prometheus.monitoring.svc:9090"


def refusals(raw: Any, model: type[Any] = ScalingSettings) -> list[str]:
    """Issues of `raw`, as lines."""
    return [str(issue) for issue in model_issues(model, raw, "scaling")]


def test_minimum_above_maximum_is_rejected_with_both_fixes() -> None:
    """Requirement CFG-7: a range without a valid size is rejected."""
    assert refusals({"min_replicas": 5, "max_replicas": 3}) == [
        "scaling: min_replicas 5 is above max_replicas 3; set max_replicas to 5 or more, or min_replicas to 3 or less"
    ]


def test_equal_bounds_are_a_fixed_size() -> None:
    """Requirement SCL-1: the quick start fixes one replica by equal bounds."""
    assert refusals({"min_replicas": 1, "max_replicas": 1}) == []


def test_scale_to_zero_is_rejected() -> None:
    """Requirement CFG-7: a service that scales on a gauge of its own pods cannot leave zero."""
    assert refusals({"min_replicas": 0}) == [
        (
            "scaling: min_replicas 0 leaves no pod that takes a call or reports one; set 1 or "
            "more, or profile: queue with a queue outside the pods"
        )
    ]


def test_fallback_outside_the_bounds_is_rejected_with_the_bounds() -> None:
    """Requirement CFG-7: the HPA would cut a fallback outside the bounds to another size."""
    assert refusals({"min_replicas": 2, "max_replicas": 4, "fallback_replicas": 6}) == [
        (
            "scaling: fallback_replicas 6 is outside min_replicas 2 to max_replicas 4; set a "
            "number between them, or remove it"
        )
    ]


def test_misspelled_field_is_rejected_with_the_nearest_name() -> None:
    """Requirement CFG-8: the error asks "did you mean max_replicas?"."""
    assert refusals({"max_replica": 3}) == ["scaling: max_replica: unknown field; did you mean max_replicas?"]


def test_short_scale_down_stabilization_is_rejected() -> None:
    """Measured: below 60 s the HPA removes a replica that it has just added."""
    assert refusals({"scale_down": {"stabilization_seconds": 30}}) == [
        "scaling: scale_down.stabilization_seconds: 30 is below 60; set 60 or more"
    ]


def test_name_too_long_for_the_hpa_is_rejected() -> None:
    """KEDA, ScaledObject: the HPA is named keda-hpa-<name>, of at most 63 characters."""
    raw = {"targets": {"a" * 55: {}}, "prometheus_url": URL}
    assert any("use at most 54" in text for text in refusals(raw, AutoscalingPolicyArgs))


def test_longest_name_is_accepted() -> None:
    """KEDA, ScaledObject: 9 characters of keda-hpa- and 54 of the name make 63."""
    assert refusals({"targets": {"a" * 54: {}}, "prometheus_url": URL}, AutoscalingPolicyArgs) == []


def test_two_targets_of_one_deployment_are_rejected() -> None:
    """KEDA's webhook rejects a second ScaledObject on a target; preview reports it before any deployment."""
    raw = {"targets": {"mcp-a": {}, "mcp-b": {"deployment": "mcp-a"}}, "prometheus_url": URL}
    assert refusals(raw, AutoscalingPolicyArgs) == [
        (
            "scaling: 2 targets scale the Deployment 'mcp-a', and two autoscalers of one "
            "Deployment work against each other; remove all but one"
        )
    ]


def test_prometheus_address_without_scheme_is_rejected() -> None:
    """KEDA accepts it and then fails at every sync."""
    assert refusals({"targets": {}, "prometheus_url": "prometheus:9090"}, AutoscalingPolicyArgs) == [
        (
            "scaling: 'prometheus:9090' is not a web address; use an http or https URL, such as "
            "'http://prometheus.monitoring.svc:9090'"
        )
    ]


def test_prometheus_address_may_be_an_output() -> None:
    """Requirement CFG-16: a value that is only passed through may be another component's output."""
    kept = []

    def program() -> None:
        url = pulumi.Output.from_input(URL)
        kept.append(AutoscalingPolicyArgs(targets={}, prometheus_url=url).prometheus_url is url)

    record_program(program, "project", "stack", {})
    assert kept == [True]


def test_defaults_that_repeat_kubernetes_equal_its_defaults(scaled_object_schema: dict[str, Any]) -> None:
    """Kubernetes, HorizontalPodAutoscalerBehavior, as KEDA's CRD documents it: 0 s up, 300 s down."""
    advanced = scaled_object_schema["properties"]["spec"]["properties"]["advanced"]["properties"]
    rules = advanced["horizontalPodAutoscalerConfig"]["properties"]["behavior"]["properties"]["scaleDown"]["properties"]
    text = " ".join(rules["stabilizationWindowSeconds"]["description"].split())
    settings = ScalingSettings()
    assert f"For scale up: {settings.scale_up.stabilization_seconds} " in text
    assert f"For scale down: {settings.scale_down.stabilization_seconds} " in text


words = st.text("0159.-+eEms%Gi \n", max_size=6)
plain = st.none() | st.booleans() | st.integers() | st.floats() | words
values = plain | st.lists(plain, max_size=2) | st.dictionaries(st.text("abm_ ", max_size=6), plain, max_size=2)


@given(st.dictionaries(st.sampled_from([*ScalingSettings.model_fields, "replicas"]), values, max_size=4))
def test_any_settings_are_accepted_or_rejected_in_one_line_each(raw: dict[str, Any]) -> None:
    """Requirement CFG-4: no configuration ends in a traceback, and each error is one line."""
    try:
        settings = ScalingSettings.model_validate(raw)
    except ValidationError:
        texts = refusals(raw)
        assert texts
        assert not [text for text in texts if "\n" in text]
    else:
        assert 0 <= settings.min_replicas <= settings.max_replicas
