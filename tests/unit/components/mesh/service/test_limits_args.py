"""`limits` of a service: consistency with grace period and memory, and the environment of the runtime."""

from typing import get_args

import pytest
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from meshed_mcp import contract
from meshed_mcp.agents.http.limits import Limits
from meshed_mcp.components.mesh.service.args import ServiceSettings
from meshed_mcp.components.mesh.service.container_args import Drain
from meshed_mcp.components.mesh.service.limits_args import LimitSettings
from meshed_mcp.contract.limits import LIMIT_VARIABLES
from tests.unit.components.mesh.mesh_rendering import render


def error_message(**settings: object) -> str:
    """The one error message of a rejected service."""
    with pytest.raises(ValidationError) as rejection:
        ServiceSettings.model_validate({"image": "search:1", **settings})
    (only,) = rejection.value.errors()
    return only["msg"].removeprefix("Value error, ")


def limit_variables(**settings: object) -> dict[str, str]:
    """Limit variables of the container."""
    (container,) = render(**settings).one("Deployment", "mcp-search")["spec"]["template"]["spec"]["containers"]
    return {item["name"]: item["value"] for item in container["env"] if item["name"] in LIMIT_VARIABLES.values()}


def bounds(field: FieldInfo) -> set[str]:
    """Bounds of a field, including those inside an optional type."""
    infos = [info for part in get_args(field.annotation) for info in getattr(part, "__metadata__", ())]
    return {repr(bound) for each in (field, *infos) for bound in each.metadata}


def test_platform_and_runtime_share_limits_defaults_and_bounds() -> None:
    """Requirement CFG-13: what preview accepts, the process accepts too."""
    assert LimitSettings().model_dump() == Limits().model_dump()
    for name, field in LimitSettings.model_fields.items():
        assert bounds(field) <= bounds(Limits.model_fields[name]) | {"Ge(ge=1)"}, name


def test_only_limits_that_differ_from_the_defaults_are_rendered() -> None:
    """Requirement CMP-9: a manifest shows decisions, not defaults."""
    assert limit_variables() == {}
    assert limit_variables(limits={"concurrent_calls": 8, "queued_calls": contract.QUEUED_CALLS}) == {
        contract.ENV_CONCURRENT_CALLS: "8"
    }


def test_call_deadline_longer_than_the_drain_is_rejected_with_both_fixes() -> None:
    """Requirement CFG-7: every rollout would cut such calls."""
    assert error_message(limits={"call_seconds": 60}, drain={"grace_seconds": 30}) == (
        "limits.call_seconds 60 is longer than the 23 s that a stopping pod waits for "
        "calls, so every rollout would interrupt some; set drain.grace_seconds to 67 or "
        "more, or remove call_seconds"
    )
    ServiceSettings.model_validate(
        {"image": "search:1", "limits": {"call_seconds": 60}, "drain": {"grace_seconds": 67}}
    )


@pytest.mark.parametrize(("never", "text"), [(None, "null"), (0, "0")])
def test_sessions_without_an_idle_timeout_are_rejected(never: int | None, text: str) -> None:
    """Requirement RUN-4: without an idle timeout the session gauge never falls and nothing scales in."""
    message = error_message(legacy="sticky", limits={"session_idle_seconds": never})
    assert message == (
        f"{text} would never end a session, so that no replica could be removed; set seconds such as 1800"
    )


def test_session_idle_timeout_reaches_the_process() -> None:
    """Requirement CFG-13: the process gets the value of the stack."""
    assert limit_variables(limits={"session_idle_seconds": 600}) == {contract.ENV_SESSION_IDLE_SECONDS: "600"}


def grace(**settings: object) -> int:
    """The grace period of a service."""
    return ServiceSettings.model_validate({"image": "search:1", **settings}).drain.grace_seconds


def test_grace_period_follows_from_the_longest_call() -> None:
    """Requirement RUN-1: grace periods are derived from deadlines; an explicit one is validated."""
    assert grace() == 30
    assert grace(limits={"call_seconds": 10}) == 30
    assert grace(limits={"call_seconds": 60}) == 67
    assert grace(limits=LimitSettings(call_seconds=60), drain=Drain(pre_stop_delay_seconds=10)) == 72
    assert grace(limits={"callSeconds": 60}, drain={"preStopDelaySeconds": 10}) == 72
    assert grace(limits={"call_seconds": 60}, pools={"slow": {"tools": ["a"], "call_seconds": 600}}) == 607
    assert grace(limits={"call_seconds": 60}, drain={"grace_seconds": 90}) == 90


def test_body_limit_that_could_fill_the_pod_is_rejected_with_the_maximum() -> None:
    """Requirement RUN-4: a pod whose memory is full is killed."""
    assert error_message(limits={"body_bytes": 32 * 2**20}) == (
        "limits.body_bytes 33554432 lets 16 bodies fill more than half of "
        "resources.memory_limit 512Mi; set body_bytes to 16777216 or less, or a higher "
        "memory_limit"
    )
    ServiceSettings.model_validate({"image": "search:1", "limits": {"body_bytes": 16777216}})


def test_limit_set_as_an_environment_variable_is_rejected() -> None:
    """Requirement CFG-5: a limit has one source, which is validated."""
    assert error_message(env={contract.ENV_BODY_BYTES: "1"}) == (
        "'MESHED_MCP_BODY_BYTES' is set from other fields; remove it and set `limits.body_bytes`"
    )
