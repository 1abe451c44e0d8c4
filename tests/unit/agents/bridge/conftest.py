"""Upstreams as real processes, and bridges in front of them on loopback ports."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CreateMessageResult, ElicitResult, ListRootsResult, Root, TextContent
from pydantic import FileUrl

from meshed_mcp import contract
from meshed_mcp.agents.bridge.service import BridgeService
from meshed_mcp.agents.bridge.settings import BridgeSettings
from meshed_mcp.agents.http.listener import bind_socket, listening

SERVER = Path(__file__).with_name("upstream_server.py")
START_SECONDS = 30


@dataclass
class Seen:
    """What a client received."""

    questions: list[str] = field(default_factory=list)
    logs: list[Any] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    progress: list[Any] = field(default_factory=list)

    async def on_progress(self, progress: float, total: float | None, message: str | None) -> None:
        """Note progress."""
        self.progress.append((progress, total, message))


@dataclass
class Bridge:
    """A running bridge."""

    url: str
    service: BridgeService

    @asynccontextmanager
    async def client(self, mode: str = "auto", **options: Any) -> AsyncIterator[tuple[Client, Seen]]:
        """The official client with every capability, and what it has received."""
        seen = Seen()

        async def elicit(_: Any, params: Any) -> ElicitResult:
            seen.questions.append(params.message)
            return ElicitResult(action="accept", content={"yes": True})

        async def sample(_: Any, __: Any) -> CreateMessageResult:
            return CreateMessageResult(role="assistant", content=TextContent(type="text", text="hello"), model="small")

        async def roots(_: Any) -> ListRootsResult:
            return ListRootsResult(roots=[Root(uri=FileUrl("file:///work"))])

        async def log(params: Any) -> None:
            seen.logs.append(params.data)

        async def receive(message: Any) -> None:
            seen.messages.append(getattr(message, "method", repr(message)))

        level = {"log_level": "debug"} if mode != "legacy" else {}
        callbacks = {"elicitation_callback": elicit, "sampling_callback": sample, "list_roots_callback": roots}
        async with Client(
            streamable_http_client(self.url),
            mode=mode,
            logging_callback=log,
            message_handler=receive,
            **(callbacks | level | options),
        ) as client:
            yield client, seen

    def sample(self, name: str, **labels: str) -> float:
        """Return the value of a metric."""
        value = self.service.metrics.get_sample_value(name, labels)
        assert value is not None, name
        return value


@pytest.fixture(autouse=True)
def signal_handlers() -> Iterator[None]:
    """Restore them: of two servers in this process that do not end in reverse order, one leaves its own.

    sse-starlette would then end every later event stream of the process.
    """
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@asynccontextmanager
async def bridged(given: BridgeSettings | None = None, **settings: Any) -> AsyncIterator[Bridge]:
    """A bridge on a free loopback port."""
    service = BridgeService("mcp-bridge")
    app = service.http_app(given or BridgeSettings(**settings))
    listener = bind_socket("127.0.0.1", contract.ENV_PORT, 0)
    port = listener.getsockname()[1]
    async with listening(app, listener):
        yield Bridge(f"http://127.0.0.1:{port}/mcp", service)


@pytest.fixture
async def start_bridge() -> AsyncIterator[Callable[..., Any]]:
    """Start bridges with the given settings; they end with the test."""
    async with AsyncExitStack() as stack:

        async def start(**settings: Any) -> Bridge:
            return await stack.enter_async_context(bridged(**settings))

        yield start


def serve(only: str) -> tuple[subprocess.Popen[bytes], str]:
    """Start the upstream over HTTP."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = subprocess.Popen([sys.executable, SERVER, str(port)], env={**os.environ, "ONLY": only})
    deadline = time.monotonic() + START_SECONDS
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return process, f"http://127.0.0.1:{port}/mcp"
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture(scope="module")
def http_upstreams() -> Iterator[Callable[[str], str]]:
    """URL of the upstream that speaks `legacy`, `modern`, or both (``); one process each."""
    running: dict[str, tuple[subprocess.Popen[bytes], str]] = {}

    def url(only: str) -> str:
        if only not in running:
            running[only] = serve(only)
        return running[only][1]

    yield url
    for process, _ in running.values():
        process.kill()
        process.wait()
