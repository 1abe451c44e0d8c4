"""Validation of settings that need the runtime's series, or a sidecar's."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.infra.plan import planned

AMBIENT: dict[str, Any] = {"meshed-mcp:mesh": {"mode": "ambient", "outbound": "ALLOW_ANY"}}
PATH = "service mcp-a: scaling"


def refusals(service: dict[str, Any], **keys: Any) -> list[str]:
    """Issues of a stack with one server without the runtime, as lines."""
    outside = {"image": "registry.example/a:1", "runtime": "external", **service}
    try:
        planned({"meshed-mcp:services": {"mcp-a": outside}, **keys})
    except ConfigurationError as error:
        return [str(issue) for issue in error.issues]
    return []


def slo(**objective: Any) -> dict[str, Any]:
    """Monitoring with an objective of the service."""
    return {"meshed-mcp:observability": {"slo": {"services": {"mcp-a": objective}}}}


def test_server_without_the_runtime_scales_and_has_objectives() -> None:
    """Requirement SIG-1: its sidecars measure requests, errors and durations."""
    settings = {"scaling": {"max_replicas": 30, "in_flight_per_replica": 500}}
    assert refusals(settings, **slo(availability_percent=99.9, latency_seconds=5)) == []


def test_sessions_of_a_server_without_the_runtime_are_rejected() -> None:
    """Requirement SIG-4: a sidecar counts requests, not sessions."""
    (text,) = refusals({"scaling": {"sessions_per_replica": 70}})
    assert text.startswith(f"{PATH}.sessions_per_replica: counts sessions")


def test_session_profile_is_rejected_by_what_it_sets() -> None:
    """Requirement SIG-4: the profile sets a number of sessions."""
    (text,) = refusals({"scaling": {"profile": "session"}, "legacy": "sticky"})
    assert text.startswith(f"{PATH}.sessions_per_replica: counts sessions")
    assert "set scaling.profile: stateless" in text


def test_fixed_size_needs_no_signal() -> None:
    """Requirement SIG-4: a service without an autoscaler reads no series."""
    assert refusals({"scaling": {"min_replicas": 2, "max_replicas": 2}}, **AMBIENT) == []


@pytest.mark.parametrize("mesh", [AMBIENT, {"meshed-mcp:mesh": {"mode": "none"}}])
def test_requests_in_flight_are_rejected_without_sidecars(mesh: dict[str, Any]) -> None:
    """Requirement SIG-4: neither ztunnel nor a waypoint counts the requests of a pod."""
    counted: dict[str, Any] = {"scaling": {"max_replicas": 20}}
    cpu: dict[str, Any] = {"scaling": {"in_flight_per_replica": None}}
    assert [text for text in refusals(counted, **mesh) if text.startswith("service mcp-a: scaling.in_flight")]
    assert [text for text in refusals(cpu, **mesh) if "in_flight" in text] == []


def test_objectives_of_tools_are_rejected() -> None:
    """Requirement SIG-4: a sidecar does not see the tool in a body."""
    (text,) = refusals({}, **slo(tools={"find": {"latency_seconds": 5}}))
    assert text.startswith("observability: slo.services.mcp-a.tools: names tools")


def test_objective_without_a_sidecar_is_rejected() -> None:
    """Requirement SIG-4: an objective that nothing measures would look met."""
    cpu = {"scaling": {"in_flight_per_replica": None}}
    (text,) = refusals(cpu, **AMBIENT, **slo(latency_seconds=5))
    assert text.startswith("observability: slo.services.mcp-a: sets an objective")


@given(
    sessions=st.none() | st.integers(1, 1000),
    in_flight=st.none() | st.integers(1, 1000),
    tools=st.booleans(),
    ambient=st.booleans(),
)
@pytest.mark.property
def test_each_setting_is_judged_alone(sessions: int | None, in_flight: int | None, tools: bool, ambient: bool) -> None:
    """Requirement SIG-4: one line per setting, and none for settings that are measured."""
    objective = slo(tools={"find": {"latency_seconds": 5}}) if tools else {}
    scaling = {"sessions_per_replica": sessions, "in_flight_per_replica": in_flight}
    found = refusals({"scaling": scaling}, **objective, **(AMBIENT if ambient else {}))
    assert len(found) == (sessions is not None) + (ambient and in_flight is not None) + tools
