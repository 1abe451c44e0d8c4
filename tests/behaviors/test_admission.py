"""Concurrency limit, queue and deadline of one process, seen by its clients."""

import signal
import socket
from functools import partial
from typing import Any, Final

import anyio
import httpx
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR

from meshed_mcp import contract
from tests.behaviors.replicas import Service, StartService, eventually

pytestmark = pytest.mark.anyio

ACTIVE: Final = 'mcp_server_active_requests{mcp_method_name="tools/call"}'
LISTENING: Final = 'mcp_server_open_streams{kind="listen"}'
OVERLOADS: Final = 'mcp_server_rejected_requests_total{reason="overload"}'
OLD: Final = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"}


@pytest.fixture(scope="module")
def impatient(start_shared: StartService) -> Service:
    """A service whose calls have half a second."""
    return start_shared(**{contract.ENV_CALL_SECONDS: "0.5"})


def call(tool: str, arguments: dict[str, Any] | None = None) -> dict[str, Any]:
    """A call as clients up to 2025-11-25 send it."""
    return {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": tool, "arguments": arguments or {}}}


async def fill(
    service: Service, http: httpx.AsyncClient, tasks: anyio.abc.TaskGroup, responses: list[httpx.Response]
) -> None:
    """Take the only concurrency slot and the only position in the queue."""

    async def ask() -> None:
        responses.append(await http.post(service.url, json=call("wait")))

    tasks.start_soon(ask)
    await eventually(lambda: service.sample(ACTIVE) == 1)
    tasks.start_soon(ask)
    await eventually(lambda: service.sample(contract.METRIC_QUEUE_DEPTH) == 1)


async def test_a_call_over_queue_and_limit_gets_503_at_once_and_may_be_retried(
    start_service: StartService,
) -> None:
    """RFC 9110, section 15.6.4: 503 with Retry-After; requirement RUN-4: the queue is bounded."""
    service = start_service(**{contract.ENV_CONCURRENT_CALLS: "1", contract.ENV_QUEUED_CALLS: "1"})
    responses: list[httpx.Response] = []
    async with httpx.AsyncClient(trust_env=False, headers=OLD, timeout=60) as http, anyio.create_task_group() as tasks:
        await fill(service, http, tasks, responses)
        refused = await http.post(service.url, json=call("echo", {"text": "a"}))
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert "was not executed" in refused.text
        assert service.sample(OVERLOADS) == 1
        service.signal(signal.SIGUSR1)
    assert [response.status_code for response in responses] == [200, 200]
    assert service.sample(contract.METRIC_QUEUE_DEPTH) == 0


async def test_streams_and_notifications_need_no_slot(start_service: StartService) -> None:
    """Requirement RUN-4: calls do not block a listener, nor the notification that a call waits for."""
    service = start_service(**{contract.ENV_CONCURRENT_CALLS: "1", contract.ENV_QUEUED_CALLS: "0"})
    notice = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}
    async with (
        Client(service.url) as listener,
        httpx.AsyncClient(trust_env=False, headers=OLD, timeout=60) as http,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(partial(http.post, service.url, json=call("wait")))
        await eventually(lambda: service.sample(ACTIVE) == 1)
        async with listener.listen(tools_list_changed=True):
            await eventually(lambda: service.sample(LISTENING) == 1)
            assert (await http.post(service.url, json=notice)).status_code == 202
            assert (await http.post(service.url, json=call("echo", {"text": "a"}))).status_code == 503
        service.signal(signal.SIGUSR1)


async def test_a_client_that_leaves_the_queue_releases_its_slot(start_service: StartService) -> None:
    """Requirement RUN-4: a disconnected client is not served; the next in the queue is."""
    service = start_service(**{contract.ENV_CONCURRENT_CALLS: "1", contract.ENV_QUEUED_CALLS: "1"})
    responses: list[httpx.Response] = []
    async with httpx.AsyncClient(trust_env=False, headers=OLD, timeout=60) as http:
        async with (
            httpx.AsyncClient(trust_env=False, headers=OLD, timeout=60) as impatient,
            anyio.create_task_group() as tasks,
        ):
            await fill(service, impatient, tasks, responses)
            tasks.cancel_scope.cancel()
        await eventually(lambda: service.sample(contract.METRIC_QUEUE_DEPTH) == 0)
        await eventually(lambda: service.sample(ACTIVE) == 0)
        assert (await http.post(service.url, json=call("echo", {"text": "a"}))).status_code == 200
    assert responses == []


async def test_a_call_queued_for_too_long_was_not_executed(start_service: StartService) -> None:
    """Requirement RUN-5: the deadline of a call holds in the queue, too, and is a rejection there."""
    service = start_service(**{contract.ENV_CONCURRENT_CALLS: "1", contract.ENV_CALL_SECONDS: "1"})
    responses: list[httpx.Response] = []
    async with httpx.AsyncClient(trust_env=False, headers=OLD, timeout=60) as http, anyio.create_task_group() as tasks:

        async def ask(tool: str) -> None:
            responses.append(await http.post(service.url, json=call(tool)))

        tasks.start_soon(ask, "block_a_thread")  # holds its slot after its response, because nothing can cancel it
        await eventually(lambda: service.sample(ACTIVE) == 1)
        tasks.start_soon(ask, "wait")
    assert sorted(response.status_code for response in responses) == [200, 503]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize("tool", ["wait", "wait_forever", "block_a_thread"])
async def test_a_call_gets_a_response_at_its_deadline(impatient: Service, tool: str, mode: str) -> None:
    """MCP 2026-07-28, "Error Codes": no code for timeouts, so it is JSON-RPC's -32603; also in open event streams."""
    async with Client(impatient.url, mode=mode) as client:
        with pytest.raises(MCPError, match=r"took longer than 0\.5 s\..*`limits\.call_seconds`") as refusal:
            await client.call_tool(tool)
        assert refusal.value.error.code == INTERNAL_ERROR
        assert (await client.call_tool("echo", {"text": "a"})).structured_content == {"result": "a"}
    assert not [line for line in impatient.lines() if "exception" in line]


async def test_uploads_cannot_fill_the_memory(start_service: StartService) -> None:
    """Requirement RUN-4: incoming bodies are bounded together, and the next one is rejected."""
    service = start_service(**{contract.ENV_BODY_BYTES: "100000"})
    head = b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n\r\n"
    uploads = [socket.create_connection(("127.0.0.1", service.port), 30) for _ in range(contract.BODIES_HELD + 1)]
    try:
        for upload in uploads:
            await anyio.to_thread.run_sync(upload.sendall, head + b"a" * 99_999)
        await eventually(lambda: service.sample(OVERLOADS) == 1)
        async with httpx.AsyncClient(trust_env=False, headers=OLD) as http:
            assert (await http.post(service.url, json=call("echo", {"text": "a"}))).status_code == 200
    finally:
        for upload in uploads:
            upload.close()


async def test_a_sessions_call_keeps_its_deadline_when_its_client_disconnects(start_service: StartService) -> None:
    """MCP 2025-11-25, "Streamable HTTP": a disconnect is no cancellation; requirement RUN-4: time is bounded."""
    service = start_service(**{contract.ENV_LEGACY: contract.Legacy.STICKY, contract.ENV_CALL_SECONDS: "4"})
    me = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "old", "version": "1"}}
    async with httpx.AsyncClient(trust_env=False, headers=OLD, timeout=60) as http:
        hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": me}
        session = {"Mcp-Session-Id": (await http.post(service.url, json=hello)).headers["mcp-session-id"]}
        await http.post(service.url, json={"jsonrpc": "2.0", "method": "notifications/initialized"}, headers=session)
        async with http.stream("POST", service.url, json=call("wait_forever"), headers=session) as response:
            assert response.status_code == 200
            await eventually(lambda: service.sample(ACTIVE) == 1)
    await eventually(lambda: service.sample(ACTIVE) == 0)
    assert service.said("tools/call wait_forever")
    assert service.said("was cancelled at its deadline")
