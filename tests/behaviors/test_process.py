"""One service as a process: start, Host check, metrics, start-up errors, and the SDK's own transports."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from mcp import Client, StdioServerParameters
from mcp.shared.exceptions import MCPError

from meshed_mcp import contract
from meshed_mcp.agents.registry import RegistryClient
from tests.behaviors.replicas import StartService, eventually

pytestmark = pytest.mark.anyio

QUICK_START = '''
from meshed_mcp.agents import MCPService

service = MCPService("mcp-search")


@service.tool()
def search(query: str) -> list[str]:
    """Find a query's words."""
    return query.split()


if __name__ == "__main__":
    service.run()
'''

CALLS = "mcp_server_operation_duration_seconds_count"


async def test_the_quick_start_service_serves_the_official_client(start_service: StartService, tmp_path: Path) -> None:
    """Requirement RUN-14: the decorator and `run()` are all a user writes."""
    script = tmp_path / "my_service.py"
    script.write_text(QUICK_START)
    service = start_service(script)
    async with Client(service.url) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == ["search"]
        result = await client.call_tool("search", {"query": "two words"})
    assert result.structured_content == {"result": ["two", "words"]}


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_calls_are_counted_by_tool_and_invented_tools_share_one_label(
    start_service: StartService, mode: str
) -> None:
    """OpenTelemetry MCP conventions, `gen_ai.tool.name`; requirement OBS-2: a caller cannot add series."""
    service = start_service()
    async with Client(service.url, mode=mode) as client:
        await client.call_tool("echo", {"text": "a"})
        for name in ("invented-1", "invented-2"):
            with pytest.raises(MCPError, match=f"Unknown tool: {name}"):
                await client.call_tool(name, {})
    method = 'mcp_method_name="tools/call"'
    protocol = f'mcp_protocol_version="{"2026-07-28" if mode == "auto" else "2025-11-25"}"'
    assert service.sample(f'{CALLS}{{error_type="",gen_ai_tool_name="echo",{method},{protocol}}}') == 1
    assert service.sample(f'{CALLS}{{error_type="-32602",gen_ai_tool_name="_OTHER",{method},{protocol}}}') == 2
    assert service.sample(f"mcp_server_active_requests{{{method}}}") == 0
    assert service.sample(contract.METRIC_QUEUE_DEPTH) == 0
    assert service.sample(contract.METRIC_REGISTERED_TOOLS) == 4
    assert "invented" not in service.management(contract.METRICS_PATH).text


async def test_only_allowed_hosts_are_served(start_service: StartService) -> None:
    """MCP 2026-07-28, "Security Warning" of Streamable HTTP; RFC 9110, section 15.5.20: 421 for another's name."""
    service = start_service(**{contract.ENV_ALLOWED_HOSTS: "mcp-rag:*,mcp.example.com"})
    statuses = {
        "mcp-rag": 200,
        "mcp-rag:8000": 200,
        "mcp.example.com": 200,
        "mcp.example.com:444": 421,
        "attacker.example": 421,
    }
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    headers = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"}
    async with httpx.AsyncClient(trust_env=False, headers=headers) as http:
        responses = {host: await http.post(service.url, json=ping, headers={"Host": host}) for host in statuses}
    assert {host: response.status_code for host, response in responses.items()} == statuses
    series = 'http_request_method="POST",http_response_status_code="421",http_route="_OTHER"'
    assert service.sample(f"http_server_request_duration_seconds_count{{{series}}}") == 2


async def test_a_port_in_use_is_one_line_that_names_the_setting(start_service: StartService) -> None:
    """Requirement RUN-6: a start that cannot succeed says what to change, without a traceback."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        service = start_service(ready=False, **{contract.ENV_PORT: port})
        assert await service.exit_code(within_seconds=15) == 1
    (line,) = service.lines()
    assert (line["level"], line["code"]) == ("ERROR", "MM0810")
    assert line["message"] == (
        f"cannot listen on 127.0.0.1:{port}: another process listens there; "
        "stop that process, or set MESHED_MCP_PORT to a free port"
    )


async def test_a_wrong_environment_is_one_line_per_variable(start_service: StartService) -> None:
    """Requirement CFG-3: all errors in one run, no traceback."""
    service = start_service(ready=False, **{contract.ENV_GRACE_SECONDS: "soon", contract.ENV_LOG_LEVEL: "loud"})
    assert await service.exit_code(within_seconds=15) == 1
    assert service.log.read_text().splitlines() == [
        (
            "MM0823: MESHED_MCP_GRACE_SECONDS='soon' is not usable; set seconds from 0 to 3600, such as 5 or 0.5 "
            "(in the stack file: `drain.grace_seconds`)"
        ),
        "MM0823: MESHED_MCP_LOG_LEVEL='loud' is not usable; set one of DEBUG, INFO, WARNING, ERROR, CRITICAL",
    ]


async def test_a_lifespan_that_fails_ends_the_process_with_code_1(start_service: StartService, tmp_path: Path) -> None:
    """Requirement RUN-6: Kubernetes restarts a service that cannot reach what it needs."""
    script = tmp_path / "failing.py"
    script.write_text(
        QUICK_START.replace(
            'MCPService("mcp-search")', 'MCPService("mcp-search", lifespan=lambda _: open("/does/not/exist"))'
        )
    )
    service = start_service(script, ready=False)
    assert await service.exit_code(within_seconds=15) == 1
    assert service.said("the application did not start, because its lifespan failed")


EXITING = """
import asyncio, sys
from meshed_mcp.agents import MCPService

service = MCPService("mcp-exiting")

async def leave():
    sys.exit(3)

@service.tool()
async def leave_in_a_task() -> str:
    await asyncio.create_task(leave())
    return ""

@service.tool()
async def stay() -> str:
    return "here"

service.run()
"""


async def test_sys_exit_in_a_task_of_a_tool_ends_neither_the_replica_nor_its_drain(
    start_service: StartService, tmp_path: Path
) -> None:
    """Requirement RUN-8: a request does not end others. CPython raises SystemExit of tasks from the event loop."""
    script = tmp_path / "exiting.py"
    script.write_text(EXITING)
    service = start_service(script)
    async with Client(service.url) as client:
        assert (await client.call_tool("leave_in_a_task")).is_error
        assert (await client.call_tool("stay")).structured_content == {"result": "here"}
    service.signal(signal.SIGTERM)
    assert await service.exit_code(within_seconds=10) == 0
    assert service.said("a task raised SystemExit; the replica goes on serving")
    assert service.said("stopped")


async def test_an_unreachable_registry_does_not_stop_the_service(start_service: StartService) -> None:
    """Requirement REG-3: calls do not depend on the registry; registration is retried."""
    service = start_service(**{contract.ENV_REGISTRY_URL: "http://127.0.0.1:9"})
    async with Client(service.url) as client:
        assert (await client.call_tool("echo", {"text": "a"})).structured_content == {"result": "a"}
    await eventually(lambda: service.said("registry"))
    assert service.process.poll() is None


BROKEN_PRESENCE = """
from contextlib import asynccontextmanager
from starlette.applications import Starlette
from meshed_mcp.agents import Settings, serve


@asynccontextmanager
async def presence():
    raise RuntimeError("broken")
    yield


serve(Starlette(), Settings.from_environment(), registration=presence())
"""


async def test_a_failing_registration_is_logged_and_the_application_goes_on(
    start_service: StartService, tmp_path: Path
) -> None:
    """Requirement RUN-8: a failing background task does not end the application."""
    script = tmp_path / "broken_presence.py"
    script.write_text(BROKEN_PRESENCE)
    service = start_service(script)
    await eventually(lambda: service.said("the service goes on without its registration"))
    assert service.ready()
    service.signal(signal.SIGTERM)
    assert await service.exit_code(within_seconds=5) == 0


REGISTRY = """
from meshed_mcp.agents.registry.__main__ import main

if __name__ == "__main__":
    main()
"""


async def test_a_service_is_registered_from_ready_to_sigterm(start_service: StartService, tmp_path: Path) -> None:
    """Requirement REG-1: a lookup returns services that accept calls; both processes use the same runner."""
    script = tmp_path / "registry.py"
    script.write_text(REGISTRY)
    registry = start_service(script)
    url = f"http://127.0.0.1:{registry.port}"
    service = start_service(
        **{
            contract.ENV_REGISTRY_URL: url,
            contract.ENV_NAMESPACE: "mcp-system",
            contract.ENV_PRE_STOP_DELAY_SECONDS: "5",
        }
    )
    await eventually(lambda: registry.sample(contract.METRIC_REGISTRY_SERVERS) == 1)
    async with RegistryClient(url) as client:
        entry = await client.look_up("mcp-system/mcp-waiting")
        assert entry.url == "http://mcp-waiting:8000/mcp"
        assert {tool.name for tool in entry.tools} == {"echo", "wait", "wait_forever", "block_a_thread"}
        service.signal(signal.SIGTERM)
        await eventually(lambda: registry.sample(contract.METRIC_REGISTRY_SERVERS) == 0)
        assert service.process.poll() is None  # it left the registry first, then waits for endpoints
    registry.signal(signal.SIGTERM)
    assert await registry.exit_code(within_seconds=5) == 0


async def test_stdio_is_the_sdks_own_and_needs_no_port(tmp_path: Path) -> None:
    """Official SDK, `MCPServer.run("stdio")`."""
    script = tmp_path / "stdio_service.py"
    script.write_text(QUICK_START.replace("service.run()", 'service.run("stdio")'))
    async with Client(StdioServerParameters(command=sys.executable, args=[str(script)])) as client:
        result = await client.call_tool("search", {"query": "one"})
    assert result.structured_content == {"result": ["one"]}


def test_importing_a_service_reads_no_environment_and_opens_no_port() -> None:
    """Requirement RUN-14: an import has no side effects, so tools and tests can inspect a service."""
    code = "from meshed_mcp.agents import MCPService; MCPService('x'); print('imported')"
    environment = {contract.ENV_PORT: "not a number"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "imported\n"
