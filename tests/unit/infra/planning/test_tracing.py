"""Tracing of a stack, and its validation."""

from typing import Any

import pytest

from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.infra.plan import Plan, planned

SERVICES = {"mcp-rag": {"image": "registry.example/rag:1", "limits": {"call_seconds": 20}}}


def stack(observability: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Values of a stack with this monitoring."""
    values = {"services": SERVICES, "observability": observability, **more}
    return {f"meshed-mcp:{key}": value for key, value in values.items()}


def refusals(observability: dict[str, Any], **more: Any) -> list[str]:
    """Issues of the stack, as lines."""
    with pytest.raises(ConfigurationError) as caught:
        planned(stack(observability, **more))
    return [str(issue) for issue in caught.value.issues]


def endpoints(plan: Plan) -> tuple[str, str, float]:
    """Where a service and the mesh send spans, and of how many requests in a hundred."""
    tracing = plan.mesh.tracing
    assert tracing is not None
    return str(plan.services["mcp-rag"].otlp_endpoint), tracing.service, tracing.sampling_percent


def test_services_and_mesh_send_spans_to_the_same_collector() -> None:
    """Requirement OBS-9: a trace in two stores is two halves."""
    jaeger, agent = (f"{name}.monitoring.svc.cluster.local" for name in ("jaeger", "otel-agent"))
    assert endpoints(planned(stack({}))) == (f"http://{jaeger}:4318", jaeger, 10.0)
    assert endpoints(planned(stack({"collectors": {}}))) == (f"http://{agent}:4318", agent, 10.0)


def test_with_tail_sampling_every_trace_is_started_at_the_gateway() -> None:
    """Requirement OBS-9: a trace that the gateway does not start cannot be sampled later."""
    assert endpoints(planned(stack({"collectors": {"tail_sampling": {}}})))[2] == 100.0


def test_a_tail_sampling_wait_below_the_longest_call_is_rejected() -> None:
    """Requirement CFG-7: a tail policy waits at least as long as the longest tool deadline."""
    (text,) = refusals({"collectors": {"tail_sampling": {"decision_wait_seconds": 20}}})
    assert text == (
        "observability: collectors.tail_sampling.decision_wait_seconds: 20 s end before the "
        "longest call of mcp-rag, 20 s, so tail sampling would miss its errors; set more "
        "than 20, or a shorter limits.call_seconds of mcp-rag"
    )
    planned(stack({"collectors": {"tail_sampling": {"decision_wait_seconds": 21}}}))


def test_without_a_deadline_a_call_lasts_as_long_as_the_grace_period() -> None:
    """Runtime: `call_seconds` unset is what the grace period leaves."""
    services = {"mcp-slow": {"image": "slow:1", "drain": {"grace_seconds": 600}}}
    (text,) = refusals({"collectors": {"tail_sampling": {}}}, services=services)
    assert "60 s end before the longest call of mcp-slow, 59" in text


def test_traces_in_memory_are_for_development() -> None:
    """Requirement CFG-10: memory storage is rejected outside development."""
    memory = {"jaeger": {"storage": {"kind": "memory"}}}
    (text,) = refusals(memory)
    assert text == (
        "observability: jaeger.storage.kind: memory loses every trace with its pod; set "
        "kind: badger, opensearch or elasticsearch, or environment: development"
    )
    planned(stack(memory, environment="development"))


def test_collectors_that_get_no_spans_are_rejected() -> None:
    """Requirement CFG-6: a collector without spans has no effect."""
    mesh = {"tracing": {"service": "otel.apm.svc.cluster.local"}}
    (text,) = refusals({"collectors": {}}, mesh=mesh)
    assert text == (
        "observability: collectors: would get no spans, because mesh.tracing sends them to "
        "otel.apm.svc.cluster.local; remove one of the two"
    )


def test_span_metrics_of_unknown_services_are_rejected() -> None:
    """Requirement CFG-8: a misspelled name would count nothing."""
    assert refusals({"collectors": {"span_metrics": ["mcp-rga"]}}) == [
        "observability: collectors.span_metrics[0]: there is no service mcp-rga; did you mean mcp-rag?"
    ]
