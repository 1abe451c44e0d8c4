"""`legacy: sticky` in a stack file: what excludes it, and the key that masks addresses."""

import asyncio
import json
from typing import Any

import pulumi
import pytest

from meshed_mcp import contract
from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.components.mesh.service.container_args import SecretKey
from meshed_mcp.components.mesh.service.environment import environment
from meshed_mcp.components.mesh.service.secret_files import mounted_path
from meshed_mcp.infra.checks.rules import rule_issues
from meshed_mcp.infra.plan import Plan
from meshed_mcp.infra.plan import planned as plan_of
from meshed_mcp.infra.recording import record
from tests.stacks import ROOT


def planned(service: dict[str, Any], **keys: Any) -> Plan:
    """The plan of a stack with one service; texts as they are, structures as JSON."""
    services = {"services": json.dumps({"mcp-a": {"image": "a:1", "legacy": "sticky", **service}})}
    return plan_of({f"meshed-mcp:{key}": value for key, value in {**services, **keys}.items()})


def secret(text: str) -> pulumi.Output[str]:
    """An encrypted value; Pulumi makes outputs in an event loop only, which Python 3.14 no longer makes for it."""

    async def made() -> pulumi.Output[str]:
        return pulumi.Output.secret(text)

    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(made())
    finally:
        loop.close()


def test_sessions_need_a_permanent_replica() -> None:
    """Requirement CFG-7: a session is in a pod's memory; KEDA removes the last pod of an idle service."""
    queue = {"profile": "queue", "queue": {"query": "sum(jobs)", "per_replica": 5}}
    with pytest.raises(ConfigurationError) as refused:
        planned({"scaling": {"min_replicas": 0, **queue}})
    assert (
        "service mcp-a: legacy: sticky keeps sessions in the memory of a pod, and "
        "min_replicas 0 ends them; set scaling.min_replicas: 1, or legacy: stateless"
    ) in [str(issue) for issue in refused.value.issues]


def test_sessions_with_one_replica_are_accepted() -> None:
    """Requirement NET-7: during a rolling update there are two replicas."""
    assert planned({"scaling": {"min_replicas": 1, "max_replicas": 1}}).services["mcp-a"].legacy == "sticky"


@pytest.mark.parametrize("encrypted", [False, True])
def test_the_stacks_session_key_reaches_every_service(encrypted: bool) -> None:
    """Requirement CFG-5: one key per stack, plain or encrypted."""
    key = secret("encrypted text") if encrypted else "plain text"
    assert planned({}, session_key=key).services["mcp-a"].session_key is key


def test_a_filter_that_istios_proxy_lacks_is_an_error() -> None:
    """Istio 1.31's proxy has no `envoy.filters.http.mcp`: it would reject the listener."""
    mcp = {"@type": "type.googleapis.com/envoy.extensions.filters.http.mcp.v3.Mcp"}
    patch = {"applyTo": "HTTP_FILTER", "patch": {"operation": "INSERT_BEFORE", "value": {"typed_config": mcp}}}
    item = {
        "apiVersion": "networking.istio.io/v1alpha3",
        "kind": "EnvoyFilter",
        "metadata": {"name": "mcp", "namespace": "mcp-system"},
        "spec": {"configPatches": [patch]},
    }
    (fault,) = rule_issues([item])
    assert str(fault) == (
        "EnvoyFilter mcp-system/mcp: spec.configPatches: envoy.filters.http.mcp is not in "
        "the proxy of Istio 1.31; use one of its own filters"
    )


def test_rendered_sessions_have_no_error() -> None:
    """Requirement SEC-14: a stack with sessions uses only filters that Istio's proxy has."""
    objects = record(ROOT / "examples" / "conformance", "dev").objects
    assert "EnvoyFilter" in {item["kind"] for item in objects}
    assert rule_issues(objects) == []


REDIS = json.dumps({"secret": "redis", "key": "url"})
STORED: dict[str, Any] = {"sessions": {"store": "redis"}, "cluster_dependencies": ["data/redis"]}


def test_sessions_in_redis_reach_the_runtime() -> None:
    """Requirement STR-5: the replicas get the store and the URL of the stack's Redis, from its Secret."""
    args = planned(STORED, redis=REDIS).services["mcp-a"]
    found = {each["name"]: each for each in environment("mcp-a", args)}
    assert found[contract.ENV_SESSION_STORE]["value"] == "redis"
    variable = f"{contract.ENV_REDIS_URL}{contract.FILE_SUFFIX}"
    assert found[variable]["value"] == mounted_path(SecretKey(secret="redis", key="url"))  # noqa: S106 - its name


def test_sessions_in_memory_render_nothing() -> None:
    """Requirement NET-18: what is not asked for costs nothing."""
    names = {each["name"] for each in environment("mcp-a", planned({}, redis=REDIS).services["mcp-a"])}
    assert not {contract.ENV_SESSION_STORE, f"{contract.ENV_REDIS_URL}{contract.FILE_SUFFIX}"} & names


@pytest.mark.parametrize(
    ("service", "stack", "wrong"),
    [
        (STORED, {}, "sessions.store: redis needs a Redis; set meshed-mcp:redis"),
        (STORED | {"legacy": "stateless"}, {"redis": REDIS}, "and the service has none; set legacy: sticky"),
        (STORED | {"pools": {"slow": {"tools": ["find"]}}}, {"redis": REDIS}, "cannot be combined with pools"),
        (STORED | {"runtime": "external", "port": 3001}, {"redis": REDIS}, "needs the runtime"),
        ({"sessions": {"store": "postgresql"}}, {"redis": REDIS}, "known here: memory, redis"),
    ],
)
def test_a_store_that_cannot_work_is_rejected(service: dict[str, Any], stack: dict[str, Any], wrong: str) -> None:
    """Requirement STR-5: one line that names what to set instead."""
    with pytest.raises(ConfigurationError) as refused:
        planned(service, **stack)
    assert [str(issue) for issue in refused.value.issues if wrong in str(issue)], refused.value.issues
