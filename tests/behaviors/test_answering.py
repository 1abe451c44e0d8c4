"""The five services and the registry as processes: a question is answered, the catalog knows who is alive.

The services find each other by their names in the mesh, through a small HTTP proxy that stands for their sidecar.
"""

import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import anyio
import httpx
import pytest
from anyio.abc import ByteReceiveStream, SocketAttribute, SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream
from mcp import Client

from tests.behaviors.replicas import Service, StartService, eventually

pytestmark = pytest.mark.anyio

Start = Callable[..., Service]
TEXT = "Each replica of a service has its own sidecar. The sidecar encrypts calls with mutual TLS. Lunch is at noon."


@asynccontextmanager
async def sidecar(ports: dict[str, int], seen: list[str]) -> AsyncIterator[str]:
    """An HTTP proxy that knows hosts by their mesh names, as the outbound listener of a sidecar does."""

    async def serve(client: SocketStream) -> None:
        async with client:
            buffered = BufferedByteReceiveStream(client)
            line, _, headers = (await buffered.receive_until(b"\r\n\r\n", 65536)).partition(b"\r\n")
            method, target, version = line.split(b" ")
            host, path = urlsplit(target.decode())[1:3]  # a proxy is asked for the whole URL: RFC 9112, section 3.2.2
            seen.append(host)
            headers = headers.lower().replace(b"connection: keep-alive", b"connection: close")
            head = b"%s %s %s\r\n%s\r\n\r\n" % (method, path.encode(), version, headers)
            with suppress(OSError):
                async with await anyio.connect_tcp("127.0.0.1", ports[host]) as upstream:
                    await upstream.send(head)
                    async with anyio.create_task_group() as both:
                        both.start_soon(_copy, buffered, upstream, both.cancel_scope)
                        both.start_soon(_copy, upstream, client, both.cancel_scope)

    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, serve)
        port = listener.extra(SocketAttribute.local_port)  # noqa: S610 - anyio's, not Django's
        yield f"http://127.0.0.1:{port}"
        tasks.cancel_scope.cancel()


async def _copy(source: ByteReceiveStream, target: SocketStream, both: anyio.CancelScope) -> None:
    with suppress(anyio.EndOfStream, anyio.BrokenResourceError):
        while True:
            await target.send(await source.receive())
    both.cancel()


@pytest.fixture
def start(start_service: StartService, tmp_path: Path) -> Start:
    """Start one of our modules as `python -m` does."""

    def run(module: str, *, ready: bool = True, **variables: str) -> Service:
        script = tmp_path / f"{module}.py"
        script.write_text(f"import runpy\nrunpy.run_module('meshed_mcp.agents.{module}', run_name='__main__')\n")
        hosts = {"MESHED_MCP_ALLOWED_HOSTS": "mcp-rag:*,mcp-llm:*,127.0.0.1:*"}
        return start_service(script, ready=ready, **hosts, **variables)

    return run


async def test_a_question_is_answered_by_three_services_through_their_proxy(start: Start) -> None:
    """Requirement RUN-17: the controller uses the official client, honors HTTP_PROXY, survives a peer's restart."""
    rag, llm = start("services.rag", ready=False), start("services.llm", ready=False)
    seen: list[str] = []
    ports = {"mcp-rag:8000": rag.port, "mcp-llm:8000": llm.port}
    async with sidecar(ports, seen) as proxy:
        controller = await anyio.to_thread.run_sync(lambda: start("services.controller", HTTP_PROXY=proxy))
        await eventually(lambda: rag.ready() and llm.ready(), within_seconds=30)
        async with Client(controller.url) as client:
            kept = await client.call_tool("remember", {"title": "Sidecars", "text": TEXT})
            assert not kept.is_error, kept.content
            question = {"question": "What encrypts the calls?"}
            answer = (await client.call_tool("answer", question)).structured_content
            assert answer is not None
            assert answer["method"] == "extractive"
            assert "The sidecar encrypts calls with mutual TLS." in answer["text"]
            assert [source["title"] for source in answer["sources"]] == ["Sidecars"]
            assert set(seen) == {"mcp-rag:8000", "mcp-llm:8000"}

            unknown = (await client.call_tool("answer", {"question": "Elephants?"})).structured_content
            assert unknown == {
                "text": "No remembered text fits this question.",
                "method": "none",
                "model": None,
                "sources": [],
            }

            rag.signal(signal.SIGTERM)
            assert await rag.exit_code(within_seconds=15) == 0
            lost = await client.call_tool("answer", question)
            assert lost.is_error
            assert "mcp-rag is not available" in str(lost.content)
            ports["mcp-rag:8000"] = (await anyio.to_thread.run_sync(lambda: start("services.rag"))).port
            again = (await client.call_tool("answer", question)).structured_content
            assert again == answer


async def test_the_registry_lists_live_servers_and_forgets_killed_ones(start: Start) -> None:
    """Requirement REG-2: register with a lease, deregister at drain, expire when killed."""
    registry = start("registry")
    base = f"http://127.0.0.1:{registry.port}"
    variables = {"MESHED_MCP_REGISTRY_URL": base, "MESHED_MCP_LEASE_SECONDS": "3"}
    names = ("template", "organization", "llm")
    services = {name: start(f"services.{name}", ready=False, **variables) for name in names}

    def listed() -> dict[str, list[str]]:
        servers = httpx.get(f"{base}/v0.1/servers", trust_env=False).json()["servers"]
        provided = "io.modelcontextprotocol.registry/publisher-provided"
        return {
            item["server"]["name"]: [tool["name"] for tool in item["server"]["_meta"][provided]["tools"]]
            for item in servers
        }

    await eventually(lambda: len(listed()) == len(names), within_seconds=30)
    assert listed()["default/mcp-template"] == ["measure"]
    assert listed()["default/mcp-llm"] == ["complete", "summarize", "summarize_extractive"]
    services["llm"].signal(signal.SIGTERM)
    assert await services["llm"].exit_code(within_seconds=15) == 0
    assert set(listed()) == {"default/mcp-template", "default/mcp-organization"}
    services["template"].signal(signal.SIGKILL)
    await eventually(lambda: set(listed()) == {"default/mcp-organization"}, within_seconds=15)
    await eventually(lambda: registry.sample("mcp_registry_servers") == 1, within_seconds=15)
    registry.signal(signal.SIGTERM)
    assert await registry.exit_code(within_seconds=15) == 0


async def test_a_registry_with_a_wrong_database_ends_with_one_line(start_service: StartService, tmp_path: Path) -> None:
    """Requirement RUN-6: no traceback for a wrong setting."""
    script = tmp_path / "registry.py"
    script.write_text("import runpy\nrunpy.run_module('meshed_mcp.agents.registry', run_name='__main__')\n")
    registry = start_service(script, ready=False, MESHED_MCP_DATABASE_URL="mysql://u:secret@h/x")
    assert await registry.exit_code(within_seconds=30) == 1
    assert registry.log.read_text() == (
        "MM0803: MESHED_MCP_DATABASE_URL names the database 'mysql', which is not supported; "
        "set postgresql://user:password@host:5432/database or sqlite:////path/to/file (in the stack file: `database`)\n"
    )
