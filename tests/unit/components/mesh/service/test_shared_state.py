"""Shared state: required for several replicas, passed only to services that declare it."""

from typing import Any

import pytest
from pydantic import ValidationError

from meshed_mcp import contract
from meshed_mcp.components.core.errors import model_issues
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs
from tests.unit.components.mesh.mesh_rendering import CANARY, render, service_args

KEYS = {"secret": "mcp-request-state", "key": "keys"}
REDIS = {"secret": "mcp-redis", "key": "url"}
REQUEST_STATE = "MESHED_MCP_REQUEST_STATE_KEYS_FILE"
REDIS_URL = "MESHED_MCP_REDIS_URL_FILE"
BOTH = ["request-state", "subscriptions"]


def variables(**settings: Any) -> dict[str, Any]:
    """Variables of the stable version's container."""
    pod = render(**settings).one("Deployment", "mcp-search")["spec"]["template"]["spec"]
    return {item["name"]: item["value"] for item in pod["containers"][0]["env"]}


def lines(**settings: Any) -> list[str]:
    """The faults of a service with these settings."""
    return [
        str(fault) for fault in model_issues(MeshedMCPServiceArgs, {"image": "search:1", **settings}, "service mcp-a")
    ]


def test_replicas_without_shared_state_are_rejected_with_a_reason_per_feature() -> None:
    """Official SDK 2.3, "Deploy": keys and bus are of one process unless they are given."""
    text = "\n".join(lines(shared_state=BOTH, replicas=2))
    assert "uses request-state, and its replicas would each seal with a key of their own" in text
    assert "set request_state, or run one replica and no canary" in text
    assert "uses subscriptions, and its replicas would each notify their own listeners only; set redis" in text


def test_single_replica_needs_no_shared_state() -> None:
    """Requirement RUN-11: both features are optional for one replica."""
    assert lines(shared_state=BOTH, replicas=1) == []
    assert contract.ENV_REPLICATED not in variables(shared_state=BOTH, replicas=1)


@pytest.mark.parametrize(
    "several", [{"replicas": 2}, {"replicas": 1, "max_replicas": 2}, {"replicas": 1, "rollout": CANARY}]
)
def test_runtime_is_configured_as_replicated_when_another_pod_may_serve(several: dict[str, Any]) -> None:
    """Requirement RUN-11: replicas, autoscaling and a canary beside the stable version all count."""
    assert variables(**several)[contract.ENV_REPLICATED] == "true"
    with pytest.raises(ValidationError):
        service_args(shared_state=BOTH, **several)


def test_shared_state_settings_come_from_secrets() -> None:
    """Requirement CFG-11: a secret is never written into an object."""
    found = variables(shared_state=BOTH, request_state=KEYS, redis=REDIS)
    assert found[REQUEST_STATE] == "/etc/meshed-mcp/files/secret/mcp-request-state/keys"
    assert found[REDIS_URL] == "/etc/meshed-mcp/files/secret/mcp-redis/url"


def test_service_gets_only_the_shared_features_that_it_uses() -> None:
    """Requirement SEC-6: a stack configures both features for all of its services."""
    found = variables(shared_state=["subscriptions"], request_state=KEYS, redis=REDIS)
    assert REDIS_URL in found
    assert REQUEST_STATE not in found
    assert not {REDIS_URL, REQUEST_STATE} & set(variables(request_state=KEYS, redis=REDIS))


def test_unknown_or_duplicate_feature_is_rejected_with_the_choices() -> None:
    """Requirement CFG-8: the error names what is wrong and what to set instead."""
    assert lines(shared_state=["request_state"], replicas=1) == [
        "service mcp-a: shared_state[0]: 'request_state' is not a choice; did you mean request-state?"
    ]
    assert lines(shared_state=["subscriptions", "subscriptions"], replicas=1) == [
        "service mcp-a: shared_state: 'subscriptions' is listed twice; remove one"
    ]


def test_shared_state_variables_have_one_source() -> None:
    """Requirement CFG-5: a second source would bypass the validation."""
    (line,) = lines(secret_env={contract.ENV_REDIS_URL: REDIS})
    assert "MESHED_MCP_REDIS_URL' is set from other fields; remove it and set `redis`" in line
