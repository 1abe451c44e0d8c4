"""Shared state of services with several replicas."""

import json
from typing import Any

import pytest

from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.components.mesh.service.args import SharedState
from meshed_mcp.infra.plan import Plan
from meshed_mcp.infra.plan import planned as plan_of

KEYS = {"secret": "mcp-request-state", "key": "keys"}
REDIS = {"secret": "mcp-redis", "key": "url"}
CANARY = {"strategy": "canary", "image": "b:2", "weights": {"stable": 90, "canary": 10}}


def planned(service: dict[str, Any], **keys: Any) -> Plan:
    """The plan of a stack with one service."""
    given = {"services": {"mcp-a": {"image": "a:1", **service}}, **keys}
    return plan_of({f"meshed-mcp:{key}": json.dumps(value) for key, value in given.items()})


def lines(service: dict[str, Any], **keys: Any) -> list[str]:
    """Its issues, as lines."""
    with pytest.raises(ConfigurationError) as raised:
        planned(service, **keys)
    return [str(issue) for issue in raised.value.issues]


def test_each_shared_part_that_replicas_need_is_required_by_name() -> None:
    """Requirement RUN-11: both are optional for one replica, and required for more."""
    keys, bus = lines({"shared_state": ["request-state", "subscriptions"]})
    assert keys == (
        "service mcp-a: shared_state[0]: request-state: its replicas would each seal with a key of their own, so a "
        "second round fails on all but one; set meshed-mcp:request_state: {secret: ..., key: ...}, "
        "or run one replica and no canary"
    )
    assert bus == (
        "service mcp-a: shared_state[1]: subscriptions: its replicas would each notify their own listeners only; "
        "set meshed-mcp:redis: {secret: ..., key: ...}, or run one replica and no canary"
    )


def test_a_canary_counts_as_a_second_replica() -> None:
    """Requirement RUN-11: stable and canary of a service serve the same clients."""
    one = {"min_replicas": 1, "max_replicas": 1}
    assert planned({"shared_state": ["subscriptions"], "scaling": one}).services["mcp-a"].replicated is False
    (line,) = lines({"shared_state": ["subscriptions"], "scaling": one, "rollout": CANARY})
    assert line.startswith("service mcp-a: shared_state[0]: subscriptions")


def test_the_stack_names_the_shared_parts_once_for_all_services() -> None:
    """Requirement RUN-11: the audience separates services that seal with one key."""
    own = {"shared_state": [*SharedState], "database": {"secret": "mcp-database", "key": "url"}}
    args = planned(own, request_state=KEYS, redis=REDIS).services["mcp-a"]
    assert args.request_state is not None
    assert args.redis is not None
    assert (args.request_state.key, args.redis.secret) == ("keys", "mcp-redis")


def test_a_service_without_shared_state_requires_nothing() -> None:
    """Requirement CMP-8: the quick start, two replicas by default, needs neither keys nor Redis."""
    assert planned({}).services["mcp-a"].replicated is True
