"""Servers that others wrote, from npm, PyPI and Go modules, behind the bridge and driven by the official client."""

import json
import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final

import anyio
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import ElicitResult, TextContent

from meshed_mcp import contract
from tests.behaviors.conftest import starting
from tests.behaviors.replicas import free_port
from tests.engines.waiting import wait_for

pytestmark = [pytest.mark.anyio, pytest.mark.filterwarnings("ignore::mcp.MCPDeprecationWarning")]

FASTMCP_SERVER: Final = Path(__file__).with_name("fastmcp_server.py")
BRIDGE: Final = Path(__file__).with_name("bridge_service.py")
MODES: Final = ("auto", "legacy")
SECONDS: Final = 60


@pytest.fixture
def bridge(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Start a bridge with sessions and return its URL."""
    with starting(tmp_path) as start:
        yield lambda **variables: start(BRIDGE, **{contract.ENV_LEGACY: contract.Legacy.STICKY, **variables}).url


@asynccontextmanager
async def client(url: str, mode: str) -> AsyncIterator[Client]:
    """The official client, which accepts every form."""

    async def accept(context: Any, params: Any) -> ElicitResult:  # noqa: ARG001 - named by the SDK's protocol
        return ElicitResult(action="accept", content={})

    async with Client(streamable_http_client(url), mode=mode, elicitation_callback=accept) as found:
        yield found


async def text_of(url: str, mode: str, tool: str, **arguments: Any) -> str:
    """Call a tool and return its text."""
    async with client(url, mode) as found:
        assert tool in {each.name for each in (await found.list_tools()).tools}
        result = await found.call_tool(tool, arguments)
        assert not result.is_error, result
        return "".join(each.text for each in result.content if isinstance(each, TextContent))


@contextmanager
def http_server(command: list[str], log: Path, port: int, **variables: str) -> Iterator[None]:
    """Run an HTTP server on `port`."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env={**os.environ, **variables})
    try:

        def listens() -> bool:
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        wait_for(listens, "the server listens", SECONDS)
        yield
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("mode", MODES)
async def test_the_time_server_of_pypi(bridge: Callable[..., str], find_engine: Any, mode: str) -> None:
    """Requirement BRG-11: `mcp-server-time`, stdio."""
    command = json.dumps([str(find_engine("mcp-server-time")), "--local-timezone", "UTC"])
    url = bridge(**{contract.ENV_UPSTREAM_COMMAND: command})
    found = json.loads(await text_of(url, mode, "get_current_time", timezone="Europe/Lisbon"))
    assert found["timezone"] == "Europe/Lisbon"


@pytest.mark.parametrize("mode", MODES)
async def test_the_git_server_of_pypi(bridge: Callable[..., str], find_engine: Any, tmp_path: Path, mode: str) -> None:
    """Requirement BRG-11: `mcp-server-git`, stdio."""
    repository = tmp_path / "repository"
    git = shutil.which("git")
    assert git is not None
    await anyio.run_process([git, "init", "--quiet", "--initial-branch", "trunk", str(repository)])
    command = json.dumps([str(find_engine("mcp-server-git")), "--repository", str(repository)])
    url = bridge(**{contract.ENV_UPSTREAM_COMMAND: command})
    assert "trunk" in await text_of(url, mode, "git_status", repo_path=str(repository))


@pytest.mark.parametrize("mode", MODES)
async def test_the_everything_server_of_npm_over_stdio(bridge: Callable[..., str], find_engine: Any, mode: str) -> None:
    """Requirement BRG-11: `@modelcontextprotocol/server-everything`, stdio."""
    command = json.dumps([str(find_engine("mcp-server-everything")), "stdio"])
    url = bridge(**{contract.ENV_UPSTREAM_COMMAND: command})
    assert "hello" in await text_of(url, mode, "echo", message="hello")
    async with client(url, mode) as found:
        reported: list[float] = []

        async def note(progress: float, total: float | None, message: str | None) -> None:  # noqa: ARG001 - as above
            reported.append(progress)

        operation = {"duration": 1, "steps": 2}
        await found.call_tool("trigger-long-running-operation", operation, progress_callback=note)
        assert len(reported) == 2
        resources = (await found.list_resources()).resources
        assert (await found.read_resource(resources[0].uri)).contents
        assert (await found.list_prompts()).prompts


@pytest.mark.parametrize("mode", MODES)
async def test_the_everything_server_of_npm_over_http(
    bridge: Callable[..., str], find_engine: Any, tmp_path: Path, mode: str
) -> None:
    """Requirement BRG-11: `@modelcontextprotocol/server-everything`, streamable HTTP with sessions."""
    port = free_port()
    command = [str(find_engine("mcp-server-everything")), "streamableHttp"]
    with http_server(command, tmp_path / "everything.log", port, PORT=str(port)):
        url = bridge(**{contract.ENV_UPSTREAM_URL: f"http://127.0.0.1:{port}/mcp"})
        assert "hello" in await text_of(url, mode, "echo", message="hello")


@pytest.mark.parametrize("mode", MODES)
async def test_a_fastmcp_server_over_http(
    bridge: Callable[..., str], find_engine: Any, tmp_path: Path, mode: str
) -> None:
    """Requirement BRG-11: a server written with FastMCP, streamable HTTP."""
    port = free_port()
    python = find_engine("fastmcp").resolve().with_name("python")
    with http_server([str(python), str(FASTMCP_SERVER), str(port)], tmp_path / "fastmcp.log", port):
        url = bridge(**{contract.ENV_UPSTREAM_URL: f"http://127.0.0.1:{port}/mcp"})
        assert await text_of(url, mode, "add", a=2, b=3) == "5"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("transport", ["launcher", "http"])
async def test_a_static_go_server(
    bridge: Callable[..., str], find_engine: Any, tmp_path: Path, transport: str, mode: str
) -> None:
    """Requirement BRG-11: a server on the Go SDK, by the stdio launcher as in an image without a shell, and HTTP."""
    port, program = free_port(), str(find_engine("go-sdk-everything"))
    if transport == "launcher":
        command = [str(find_engine("stdio-launcher")), "--listen", f"127.0.0.1:{port}", "--", program]
        upstream = {contract.ENV_UPSTREAM_ADDRESS: f"127.0.0.1:{port}"}
    else:
        command = [program, "-http", f"127.0.0.1:{port}"]
        upstream = {contract.ENV_UPSTREAM_URL: f"http://127.0.0.1:{port}/"}
    with http_server(command, tmp_path / "server.log", port):
        url = bridge(**upstream)
        async with client(url, mode) as found:
            tools = {each.name for each in (await found.list_tools()).tools}
            assert "greet" in tools
            greeted = await found.call_tool("greet", {"name": "Ada"})
            assert "Ada" in str(greeted.content)
