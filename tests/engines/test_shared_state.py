"""Multi-round calls and change notifications with replicas behind real Envoys without session affinity."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.server.subscriptions import ResourceUpdated, ToolsListChanged
from mcp_types import ElicitResult

from meshed_mcp import contract
from meshed_mcp.components.mesh.cluster import manifests as cluster
from meshed_mcp.components.mesh.service import manifests as service
from meshed_mcp.components.mesh.service.args import ServiceMeshArgs
from meshed_mcp.local.clients import http_client
from meshed_mcp.local.process.container import RunFolders
from meshed_mcp.local.process.stack_runner import Running, running
from meshed_mcp.local.translate.endpoints import Endpoint, through_mesh
from meshed_mcp.local.translate.stack import read_stack
from tests.conftest import engine_path
from tests.engines import local_stack
from tests.engines.processes import free_port
from tests.redis_server import redis_server

pytestmark = pytest.mark.engine("redis-server")

SCRIPT = ["python", str(Path(__file__).parent.parent / "behaviors" / "asking_service.py")]
REPLICAS = 3
CALLS = 12
URI = "memo://today"


def arguments() -> dict[str, Any]:
    """A service that uses both, with several replicas, reached through the gateway."""
    return {
        "command": SCRIPT,
        "expose": True,
        "replicas": REPLICAS,
        "shared_state": ["request-state", "subscriptions"],
        "request_state": {"secret": "mcp-request-state", "key": "keys"},
        "redis": {"secret": "mcp-redis", "key": "url"},
    }


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The stack, running, with its Secrets as files and a Redis."""
    folder, redis = tmp_path_factory.mktemp("shared"), redis_server(engine_path("redis-server"))
    for secret, text in (("mcp-request-state/keys", "k" * 64), ("mcp-redis/url", redis.url)):
        (folder / "secrets" / secret).parent.mkdir(parents=True)
        (folder / "secrets" / secret).write_text(f"{text}\n")
    objects = [
        *cluster.mesh_manifests(
            ServiceMeshArgs.model_validate({"domain": local_stack.HOST, "namespaces": ["mcp-system"]})
        ),
        *service.service_manifests("shop", local_stack.arguments(**arguments())),
    ]
    redis.start()
    try:
        folders = RunFolders(folder / "stack", folder / "secrets")
        with running(read_stack(objects), free_port(), folders, lambda _: None) as stack:
            yield stack
    finally:
        redis.stop()


def gateway(up: Running) -> Endpoint:
    """The way through the ingress gateway."""
    endpoint = through_mesh(up, up.topology.stack.services[0])
    assert endpoint is not None
    return endpoint


def rounds(up: Running) -> list[float]:
    """How many rounds of `order` each replica has answered."""
    series = f"{contract.METRIC_OPERATION_DURATION}_count{{"
    found = []
    for pod in up.topology.pods:
        text = httpx.get(f"http://{pod.address}:{contract.MANAGEMENT_PORT}/metrics", trust_env=False, timeout=30).text
        lines = [line for line in text.splitlines() if line.startswith(series) and 'gen_ai_tool_name="order"' in line]
        found.append(sum(float(line.rpartition(" ")[2]) for line in lines))
    return found


async def answer(*_: Any, **__: Any) -> ElicitResult:
    """What the caller says when it is asked."""
    return ElicitResult(action="accept", content={"size": 43})


async def ordered(endpoint: Endpoint) -> list[str]:
    """The answers to several orders, each of two rounds."""
    async with (
        http_client(endpoint) as http,
        Client(streamable_http_client(endpoint.url, http_client=http), elicitation_callback=answer) as client,
    ):
        return [str((await client.call_tool("order", {"item": "shoes"})).structured_content) for _ in range(CALLS)]


def test_calls_of_two_rounds_succeed_on_any_replica(up: Running) -> None:
    """MCP 2026-07-28, "Multi Round-Trip Requests"; Envoy chooses per request, so 12 pairs hardly all stay together."""
    assert anyio.run(ordered, gateway(up)) == ["{'result': 'shoes in 43'}"] * CALLS
    counts = rounds(up)
    assert sum(counts) == 2 * CALLS
    assert len([count for count in counts if count]) > 1


async def notifications(endpoint: Endpoint) -> list[object]:
    """Notifications that a client receives for several calls, each of which changes something on any replica."""
    received: list[object] = []
    async with (
        http_client(endpoint) as http,
        Client(streamable_http_client(endpoint.url, http_client=http)) as client,
        client.listen(tools_list_changed=True, resource_subscriptions=[URI]) as subscription,
    ):
        with anyio.fail_after(60):
            for what in ("tools", URI) * REPLICAS:
                await client.call_tool("change", {"what": what})
                received.append(await anext(subscription))
    return received


def test_a_listener_gets_every_change_of_any_replica(up: Running) -> None:
    """MCP 2026-07-28, "Subscriptions"; six changes in turn over three replicas, one listener on one of them."""
    assert anyio.run(notifications, gateway(up)) == [ToolsListChanged(), ResourceUpdated(URI)] * REPLICAS
