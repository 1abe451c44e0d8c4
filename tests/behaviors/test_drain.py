"""A replica between SIGTERM and its exit, seen by the official client."""

import signal
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import httpx
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR

from meshed_mcp import contract
from meshed_mcp.agents.http.server import FORCED_EXIT
from tests.behaviors.replicas import StartService, eventually

pytestmark = pytest.mark.anyio

ACTIVE = 'mcp_server_active_requests{mcp_method_name="tools/call"}'
LISTENING = 'mcp_server_open_streams{kind="listen"}'


async def into(results: list[str], call: Callable[[], Awaitable[str]]) -> None:
    """Put what the call returns into `results`."""
    results.append(await call())


async def test_readiness_fails_at_once_and_an_in_flight_call_gets_its_result(start_service: StartService) -> None:
    """Kubernetes, "Pod Lifecycle": a terminating container finishes its requests inside the grace period."""
    service = start_service()
    results: list[str] = []
    async with Client(service.url) as client, anyio.create_task_group() as tasks:

        async def call() -> str:
            await client.list_tools()  # the client checks results against the schema and would ask for it afterwards
            return str((await client.call_tool("wait")).structured_content)

        tasks.start_soon(into, results, call)
        await eventually(lambda: service.sample(ACTIVE) == 1)
        service.signal(signal.SIGTERM)
        await eventually(lambda: not service.ready())
        assert service.management(contract.READINESS_PATH).text == "stopping\n"
        assert service.management(contract.LIVENESS_PATH).status_code == 200
        service.signal(signal.SIGUSR1)
    assert results == ["{'result': 'released'}"]
    assert await service.exit_code(within_seconds=5) == 0


@pytest.mark.parametrize("legacy", [contract.Legacy.STATELESS, contract.Legacy.STICKY])
async def test_a_legacy_call_with_an_event_stream_gets_its_result(
    start_service: StartService, legacy: contract.Legacy
) -> None:
    """Measured: with uvicorn's own signal handling sse-starlette cancels this response within half a second."""
    service = start_service(**{contract.ENV_LEGACY: legacy})
    results: list[str] = []
    progress: list[str | None] = []

    async def on_progress(*values: Any, **_: Any) -> None:
        progress.append(values[2])

    async with Client(service.url, mode="legacy") as client, anyio.create_task_group() as tasks:

        async def call() -> str:
            await client.list_tools()
            return str((await client.call_tool("wait", progress_callback=on_progress)).structured_content)

        tasks.start_soon(into, results, call)
        await eventually(lambda: progress == ["waiting"])
        service.signal(signal.SIGTERM)
        await eventually(lambda: service.said("SIGTERM"))
        with anyio.move_on_after(1):
            await anyio.sleep_forever()  # longer than sse-starlette's watcher needs to cut
        service.signal(signal.SIGUSR1)
    assert results == ["{'result': 'released'}"]
    assert await service.exit_code(within_seconds=5) == 0


async def test_an_open_listen_stream_ends_with_its_result(start_service: StartService) -> None:
    """MCP 2026-07-28, "Subscriptions", "Graceful Closure": the server sends the listen result first."""
    service = start_service()
    async with Client(service.url) as client, client.listen(tools_list_changed=True) as subscription:
        await eventually(lambda: service.sample(LISTENING) == 1)
        assert service.sample(ACTIVE) == 0
        service.signal(signal.SIGTERM)
        with anyio.fail_after(5):
            events = [event async for event in subscription]  # an abrupt end raises SubscriptionLost
    assert events == []
    assert await service.exit_code(within_seconds=5) == 0


async def test_calls_are_served_during_the_pre_stop_delay_then_rejected(start_service: StartService) -> None:
    """RFC 9110, section 10.2.3: a rejection has Retry-After; before it, connections are closed one by one."""
    service = start_service(**{contract.ENV_PRE_STOP_DELAY_SECONDS: "1", contract.ENV_GRACE_SECONDS: "10"})
    async with (
        httpx.AsyncClient(trust_env=False) as http,
        Client(service.url) as client,
        anyio.create_task_group() as group,
    ):
        await client.list_tools()
        group.start_soon(client.call_tool, "wait")
        await eventually(lambda: service.sample(ACTIVE) == 1)
        service.signal(signal.SIGTERM)
        await eventually(lambda: not service.ready())
        response = await http.post(service.url, json={})
        assert response.status_code == 400  # served, and found not to be JSON-RPC
        assert response.headers["connection"] == "close"
        await eventually(lambda: service.said("rejecting"))
        response = await http.post(service.url, json={})
        assert response.status_code == 503
        assert response.headers["retry-after"] == "1"
        assert "was not executed" in response.text
        service.signal(signal.SIGUSR1)
    assert await service.exit_code(within_seconds=5) == 0


async def test_an_endless_call_hits_its_deadline_before_the_grace_period_ends(start_service: StartService) -> None:
    """Requirement RUN-2: the longest call is what the grace period leaves, so its client gets a response."""
    service = start_service(**{contract.ENV_GRACE_SECONDS: "4"})
    errors: list[MCPError] = []

    async def call() -> None:
        async with Client(service.url) as client:
            with pytest.raises(MCPError) as refusal:
                await client.call_tool("wait_forever")
            errors.append(refusal.value)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call)
        await eventually(lambda: service.sample(ACTIVE) == 1)
        service.signal(signal.SIGTERM)
        assert await service.exit_code(within_seconds=20) == 0
    assert [error.error.code for error in errors] == [INTERNAL_ERROR]
    assert not service.said("cancelled at the end")


async def test_an_endless_thread_is_killed_within_the_grace_period_and_logged(start_service: StartService) -> None:
    """Requirement RUN-2: the process ends before Kubernetes kills it, logs what was lost, and is no success."""
    service = start_service(**{contract.ENV_GRACE_SECONDS: "3"})
    errors: list[Exception] = []

    async def call() -> None:
        try:
            async with Client(service.url) as client:
                await client.call_tool("block_a_thread")
        except Exception as error:  # noqa: BLE001 - which error the client shows is not promised
            errors.append(error)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call)
        await eventually(lambda: service.sample(ACTIVE) == 1)
        service.signal(signal.SIGTERM)
        assert await service.exit_code(within_seconds=20) == FORCED_EXIT
    assert service.said("cancelled at the end of the grace period of 3 s: POST /mcp tools/call block_a_thread")
    assert len(errors) == 1


async def test_a_queued_call_is_rejected_for_another_replica(start_service: StartService) -> None:
    """Requirement RUN-5: a queued call has not been executed; 503 says that it may be sent again."""
    service = start_service(**{contract.ENV_CONCURRENT_CALLS: "1"})
    results: list[str] = []
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "wait", "arguments": {}}}
    headers = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"}

    async with (
        httpx.AsyncClient(trust_env=False, headers=headers, timeout=30) as http,
        anyio.create_task_group() as tasks,
    ):

        async def ask() -> str:
            response = await http.post(service.url, json=call)
            return f"{response.status_code} {response.headers.get('retry-after')} {'released' in response.text}"

        tasks.start_soon(into, results, ask)
        await eventually(lambda: service.sample(ACTIVE) == 1)
        tasks.start_soon(into, results, ask)
        await eventually(lambda: service.sample(contract.METRIC_QUEUE_DEPTH) == 1)
        service.signal(signal.SIGTERM)
        await eventually(lambda: results == ["503 1 False"])
        service.signal(signal.SIGUSR1)
    assert results == ["503 1 False", "200 None True"]
    assert await service.exit_code(within_seconds=20) == 0


async def test_an_idle_replica_exits_at_once(start_service: StartService) -> None:
    """Requirement RUN-1: the grace period is a limit, not a delay."""
    service = start_service()
    service.signal(signal.SIGINT)
    assert await service.exit_code(within_seconds=3) == 0
    assert service.said("stopped")


async def test_a_second_signal_ends_the_process_at_once(start_service: StartService) -> None:
    """POSIX shell, "Exit Status for Commands": 128 plus the number of the signal."""
    service = start_service()
    async with anyio.create_task_group() as tasks:

        async def call() -> None:
            with pytest.raises(Exception):  # noqa: B017, PT011 - the connection breaks; how it shows is not promised
                async with Client(service.url) as client:
                    await client.call_tool("wait_forever")

        tasks.start_soon(call)
        await eventually(lambda: service.sample(ACTIVE) == 1)
        service.signal(signal.SIGTERM)
        await eventually(lambda: service.said("SIGTERM"))
        service.signal(signal.SIGTERM)
        assert await service.exit_code(within_seconds=2) == 128 + signal.SIGTERM


async def test_an_open_legacy_event_stream_does_not_delay_the_drain(start_service: StartService) -> None:
    """Requirement RUN-1: a GET stream of an old client carries no pending result; it ends with a last chunk."""
    service = start_service(**{contract.ENV_LEGACY: contract.Legacy.STICKY})
    async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
        session = await opened_session(http, service.url)
        async with http.stream("GET", service.url, headers=session | {"Accept": "text/event-stream"}) as stream:
            assert stream.status_code == 200
            assert service.sample('mcp_server_open_streams{kind="sse"}') == 1
            service.signal(signal.SIGTERM)
            assert [chunk async for chunk in stream.aiter_text()] == []  # a torn stream raises RemoteProtocolError
    assert await service.exit_code(within_seconds=5) == 0


async def test_an_open_stream_of_a_session_ends_with_a_last_chunk_and_the_session_ends(
    start_service: StartService,
) -> None:
    """MCP 2025-11-25, "Session Management": 404 makes the client start a new session; a broken stream would not."""
    service = start_service(**{contract.ENV_LEGACY: contract.Legacy.STICKY, contract.ENV_GRACE_SECONDS: "20"})
    async with (
        httpx.AsyncClient(trust_env=False, timeout=10) as http,
        Client(service.url) as busy,
        anyio.create_task_group() as tasks,
    ):
        await busy.list_tools()
        session = await opened_session(http, service.url)
        async with http.stream("GET", service.url, headers=session | {"Accept": "text/event-stream"}) as stream:
            assert stream.status_code == 200
            tasks.start_soon(busy.call_tool, "wait")  # holds the drain, so that the session can still ask
            await eventually(lambda: service.sample(ACTIVE) == 1)
            service.signal(signal.SIGTERM)
            assert [chunk async for chunk in stream.aiter_text()] == []
        response = await http.post(service.url, json=message("tools/list", 2), headers=session)
        assert response.status_code == 404
        assert "initialize" in response.text
        service.signal(signal.SIGUSR1)
    assert await service.exit_code(within_seconds=10) == 0


def message(method: str, number: int, **params: object) -> dict[str, object]:
    """A JSON-RPC request."""
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


async def opened_session(http: httpx.AsyncClient, url: str) -> dict[str, str]:
    """Open a session as a client of 2025-11-25 does, and return the headers that name it."""
    accept = {"Accept": "application/json, text/event-stream"}
    client = {"name": "test", "version": "1"}
    opening = message("initialize", 1, protocolVersion="2025-11-25", capabilities={}, clientInfo=client)
    response = await http.post(url, json=opening, headers=accept)
    assert response.status_code == 200
    named = {contract.SESSION_HEADER: response.headers[contract.SESSION_HEADER], "MCP-Protocol-Version": "2025-11-25"}
    return accept | named


async def test_an_incomplete_request_does_not_delay_the_drain(start_service: StartService) -> None:
    """Requirement RUN-1: an incomplete request is not in flight, and may be sent again."""
    service = start_service()
    with socket.create_connection(("127.0.0.1", service.port)) as connection:
        connection.sendall(b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{")
        service.signal(signal.SIGTERM)
        connection.settimeout(20)
        response = await anyio.to_thread.run_sync(connection.makefile("rb").read)
        assert response.startswith(b"HTTP/1.1 503 ")
        assert b"it was not executed" in response
        assert await service.exit_code(within_seconds=20) == 0
    assert not service.said("cancelled at the end")
