"""Fault injection and experiments: active windows, and the rules of production."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.components.mesh.routing.fault_injection_args import MAX_WINDOW_HOURS
from meshed_mcp.infra.plan import Plan, planned

NOW: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)
SERVICE: Final = {"image": "registry.example/a:1"}
OPEN: Final = {"start": "2026-11-21T11:00:00Z", "end": "2026-11-21T13:00:00Z"}
OVER: Final = {"start": "2026-11-21T09:00:00Z", "end": "2026-11-21T12:00:00Z"}
TO_COME: Final = {"start": "2026-11-21T15:00:00+02:00", "end": "2026-11-21T16:00:00+02:00"}
SLOW: Final = {"delay_seconds": 2}
AT_LEAST: Final = timedelta(hours=MAX_WINDOW_HOURS)


def stack(faults: Any = None, **keys: Any) -> dict[str, str]:
    """A stack with one service."""
    values = {"services": {"mcp-a": {**SERVICE, "faults": faults or {}}}, **keys}
    return {
        f"meshed-mcp:{key}": value if isinstance(value, str) else json.dumps(value) for key, value in values.items()
    }


def plan(faults: Any = None, **keys: Any) -> Plan:
    """The plan at this time."""
    return planned(stack(faults, **keys), now=NOW)


def lines(faults: Any = None, **keys: Any) -> list[str]:
    """Issues at this time, as lines."""
    with pytest.raises(ConfigurationError) as raised:
        plan(faults, **keys)
    return [str(issue) for issue in raised.value.issues]


def experiment(**fields: Any) -> dict[str, Any]:
    """An experiment that is open."""
    return {"service": "mcp-a", "window": OPEN, **SLOW, **fields}


def test_production_accepts_fault_injection_in_a_window_only() -> None:
    """Requirement NET-11: rejected in production without a window; a stack that names no environment is production."""
    (line,) = lines({"slow": SLOW})
    assert line == (
        "service mcp-a: faults.slow: a production stack takes fault injection in a "
        "window only; set window: {start: ..., end: ...} of at most 24 h, or "
        "meshed-mcp:environment: development if it is not one"
    )
    assert list(plan({"slow": SLOW}, environment="development").services["mcp-a"].faults) == ["slow"]


@pytest.mark.parametrize(("window", "running"), [(OPEN, ["slow"]), (TO_COME, [])])
def test_fault_injection_is_rendered_while_its_window_is_open(window: dict[str, str], running: list[str]) -> None:
    """Requirement NET-11: what is rendered follows from the stack file and the time of the run."""
    assert list(plan({"slow": {**SLOW, "window": window}}).services["mcp-a"].faults) == running
    assert list(plan(chaos={"slow": experiment(window=window)}).services["mcp-a"].experiments) == running


def test_an_expired_window_is_rejected() -> None:
    """Requirement NET-11: experiments expire; the next run asks to remove them."""
    assert lines({"slow": {**SLOW, "window": OVER}}, chaos={"late": experiment(window=OVER)}) == [
        "service mcp-a: faults.slow.window: ended at 2026-11-21T12:00:00Z; remove it, or set a later window",
        "stack: chaos.late.window: ended at 2026-11-21T12:00:00Z; remove it, or set a later window",
    ]


def test_without_a_time_no_window_is_open_or_expired() -> None:
    """Requirement CMP-4: commands that read sizes or prices do not depend on the time."""
    services = planned(stack({"slow": {**SLOW, "window": OVER}}, chaos={"a": experiment()})).services
    assert (services["mcp-a"].faults, services["mcp-a"].experiments) == ({}, {})


def test_an_experiment_names_a_service_of_the_stack() -> None:
    """Requirement CFG-8: an unknown target is rejected, never an experiment without effect."""
    assert lines(chaos={"slow": experiment(service="mcp-b")}) == [
        "stack: chaos.slow.service: there is no service mcp-b; did you mean mcp-a?"
    ]


def test_an_experiment_has_an_end_in_every_environment() -> None:
    """Requirement NET-11: experiments are named and expire."""
    raw = {key: value for key, value in experiment().items() if key != "window"}
    (line,) = lines(chaos={"slow": raw}, environment="development")
    assert line.startswith("stack: chaos.slow.window: ")


def test_two_experiments_with_the_same_requests_are_rejected() -> None:
    """Istio, HTTPRoute: the first rule that matches decides, so the second would have no effect."""
    both = {"one": experiment(), "two": experiment(abort_status=500)}
    assert lines(chaos=both) == [
        (
            "stack: chaos.two: applies to the same requests of mcp-a as one at the same "
            "time, and a request takes one; set windows that do not overlap, or different tools"
        )
    ]
    apart = {"one": experiment(), "two": experiment(tool="search"), "three": experiment(window=TO_COME)}
    assert list(plan(chaos=apart).services["mcp-a"].experiments) == ["one", "two"]


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        ({}, "faults.a: the fault injection has no effect; set delay_seconds, abort_status or both"),
        (
            {**SLOW, "tool": "*"},
            (
                "faults.a.tool: '*' is not a tool; name one tool, or leave the field out for every "
                "request"
            ),
        ),
        (
            {**SLOW, "window": {"start": "2026-11-21 10:00", "end": OPEN["end"]}},
            (
                 "faults.a.window.start: '2026-11-21 10:00' is not a time with an offset; use one "
                 "such as '2026-11-21T10:00:00Z', in quotes"
             ),
        ),
        (
            {**SLOW, "window": {"start": OPEN["end"], "end": OPEN["start"]}},
            (
                 "faults.a.window: ends at 2026-11-21T11:00:00Z, not after its start "
                 "2026-11-21T13:00:00Z; set a later end"
             ),
        ),
        (
            {**SLOW, "window": {"start": "2026-11-20T10:00:00Z", "end": "2026-11-21T13:00:00Z"}},
            "faults.a.window: lasts 27 h; set an end at most 24 h after its start",
        ),
    ],
)  # fmt: skip
def test_an_invalid_fault_injection_is_rejected_with_the_fix(fault: dict[str, Any], line: str) -> None:
    """Requirement CFG-1: every error ends at preview and says what to set instead."""
    assert lines({"a": fault}, environment="development") == [f"service mcp-a: {line}"]


def test_a_name_that_is_no_header_value_is_rejected() -> None:
    """Requirement NET-11: the name is the value of the request header."""
    assert lines({"Slow Search": SLOW}, environment="development") == [
        (
            "service mcp-a: faults: 'Slow Search' is not a name of a fault injection; "
            "use at most 40 lower-case letters, digits and '-', such as 'slow-search'"
        )
    ]


@given(
    field=st.sampled_from(["percent", "abort_status", "delay_seconds"]),
    value=st.integers(-(10**6), 10**6) | st.floats(allow_nan=False, allow_infinity=False),
)
def test_numbers_outside_their_range_are_rejected_by_field(field: str, value: float) -> None:
    """Istio API: percentages up to 100, HTTP statuses; requirement CFG-9: a delay is bounded."""
    fits = {
        "percent": 0 < value <= 100,
        "abort_status": value == int(value) and 400 <= value <= 599 if abs(value) < 10**9 else False,
        "delay_seconds": 0.001 <= value <= 300,
    }
    fault = {"a": {**SLOW, field: value}}
    if fits[field]:
        assert plan(fault, environment="development").services["mcp-a"].faults["a"]
    else:
        (line,) = lines(fault, environment="development")
        assert line.startswith(f"service mcp-a: faults.a.{field}: ")


@given(start=st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)), hours=st.floats(-100, 100))  # noqa: DTZ001 - Hypothesis takes bounds without a zone
def test_a_window_has_a_bounded_length(start: datetime, hours: float) -> None:
    """Requirement NET-11: a window is at most one day; it is open, to come or expired, exactly one of them."""
    begins = start.replace(tzinfo=UTC)
    ends = begins + timedelta(hours=hours)
    window = {"start": begins.isoformat(), "end": ends.isoformat()}
    fault = {"a": {**SLOW, "window": window}}
    if timedelta(0) < ends - begins <= AT_LEAST and ends > NOW:
        assert list(plan(fault).services["mcp-a"].faults) == (["a"] if begins <= NOW else [])
    else:
        (line,) = lines(fault)
        assert line.startswith("service mcp-a: faults.a.window: ")
