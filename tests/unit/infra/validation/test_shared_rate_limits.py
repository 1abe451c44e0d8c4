"""Rate limits over all pods of a stack."""

import json
from typing import Any, Final

import pytest

from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.infra.plan import planned

LIMITED: Final = {"image": "registry.example/a:1", "rate_limits": {"shared": {"service": {"rate": "100/min"}}}}
COUNTING: Final = {"redis": {"secret": "redis", "key": "address"}, "failure_mode": "closed"}


def stack(**keys: Any) -> dict[str, str]:
    """A stack with one limited service and one without limits."""
    values = {"services": {"mcp-a": LIMITED, "mcp-b": {"image": "registry.example/b:1"}}, **keys}
    return {f"meshed-mcp:{key}": json.dumps(value) for key, value in values.items()}


def lines(**keys: Any) -> list[str]:
    """Issues of the stack, as lines."""
    with pytest.raises(ConfigurationError) as raised:
        planned(stack(**keys))
    return [str(issue) for issue in raised.value.issues]


def test_shared_rate_limits_need_redis() -> None:
    """Requirement NET-14: a shared limit without Redis is rejected at preview with the fix."""
    assert lines() == [
        (
            "service mcp-a: rate_limits.shared: limits over all pods are counted in a "
            "Redis, and the stack has none; set meshed-mcp:mesh.rate_limiting: {redis: {secret: "
            "..., key: ...}, failure_mode: open}, or limit each pod"
        )
    ]


def test_the_rate_limit_service_is_configured_with_the_limits_of_the_services() -> None:
    """Requirement CFG-5: a limit is set at the service; the rate limit service and the proxies get it from there."""
    plan = planned(stack(mesh={"rate_limiting": COUNTING}))
    assert list(plan.mesh.shared_limits) == ["mcp-a"]
    asked = plan.services["mcp-a"].rate_limit_service
    assert asked is not None
    assert (asked.host, asked.failure_mode) == ("mcp-rate-limit.mcp-system.svc.cluster.local", "closed")


def test_limits_are_set_at_the_service_alone() -> None:
    """Requirement CFG-5: a second place could contradict the first."""
    found = lines(mesh={"rate_limiting": COUNTING, "shared_limits": {}}, services={"mcp-b": {"image": "b:1"}})
    assert found == ["mesh: shared_limits: follows from meshed-mcp:services; remove it and set meshed-mcp:services"]
