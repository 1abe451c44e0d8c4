"""Refusals that name a setting: the setting ends the refusal, in a process and in a stack."""

import re
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

import anyio
import httpx
import pytest

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs
from meshed_mcp.components.mesh.service.environment import environment
from tests.behaviors.replicas import Service, StartService

pytestmark = pytest.mark.anyio

SCRIPT: Final = Path(__file__).with_name("sleeping_service.py")
ADVICE: Final = re.compile(r"`([a-z_.]+)` in the stack file, (MESHED_MCP_[A-Z_]+) without one")
OLD: Final = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"}
UNKNOWN_HOST: Final = "tools.example.org"


async def post(service: Service, message: Any, **headers: str) -> str:
    """Response to one message of a client up to 2025-11-25."""
    async with httpx.AsyncClient(trust_env=False, headers=OLD | headers, timeout=30) as http:
        return (await http.post(service.url, json=message)).text


async def call(service: Service, tool: str, **arguments: Any) -> str:
    """Response to a call."""
    params = {"name": tool, "arguments": arguments}
    return await post(service, {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params})


async def unknown_host(service: Service) -> str:
    """Response to a Host that is not in the allow-list."""
    return await post(service, {"jsonrpc": "2.0", "id": 7, "method": "ping"}, Host=UNKNOWN_HOST)


async def large_body(service: Service) -> str:
    """Response to a body of 3,000 bytes."""
    return await call(service, "echo", text="a" * 3000)


async def deep_arguments(service: Service) -> str:
    """Response to arguments that nest eight lists deep."""
    nested: Any = "a"
    for _ in range(8):
        nested = [nested]
    return await call(service, "echo", text="a", extra=nested)


async def long_call(service: Service) -> str:
    """Response to a call that lasts one second."""
    return await call(service, "sleep_a_second")


async def slow_body(service: Service) -> str:
    """Response to a request whose last byte comes after two seconds, if nothing came before."""
    body = b'{"jsonrpc":"2.0","id":7,"method":"ping"}'
    head = f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{fields()}"
    head += f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return await anyio.to_thread.run_sync(_exchange, service.port, head.encode() + body[:-1], body[-1:])


def fields() -> str:
    """Header fields of OLD."""
    return "".join(f"{name}: {value}\r\n" for name, value in OLD.items())


def _exchange(port: int, first: bytes, last: bytes) -> str:
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        connection.sendall(first)
        connection.settimeout(2)
        try:
            received = connection.recv(65536)
        except TimeoutError:
            connection.settimeout(30)
            connection.sendall(last)
            received = b""
        while part := connection.recv(65536):
            received += part
        return received.decode()


class Refusal(NamedTuple):
    """One refusal: the setting that causes it, the request, and the setting that its text advises."""

    variables: dict[str, str]
    send: Callable[[Service], Awaitable[str]]
    advised: str
    """Value to give to the variable that the text names."""

    stack: dict[str, Any]
    """The same value at the key that the text names."""

    key: str
    rendered: str
    """Text in the value that the stack renders."""


REFUSALS: Final = {
    "host": Refusal({}, unknown_host, f"127.0.0.1,{UNKNOWN_HOST}", {"hosts": [UNKNOWN_HOST]}, "hosts", UNKNOWN_HOST),
    "body": Refusal(
        {contract.ENV_BODY_BYTES: "2048"},
        large_body,
        "4096",
        {"limits": {"body_bytes": 4096}},
        "limits.body_bytes",
        "4096",
    ),
    "depth": Refusal(
        {contract.ENV_ARGUMENT_DEPTH: "5"},
        deep_arguments,
        "20",
        {"limits": {"argument_depth": 20}},
        "limits.argument_depth",
        "20",
    ),
    "read": Refusal(
        {contract.ENV_READ_SECONDS: "1"}, slow_body, "20", {"limits": {"read_seconds": 20}}, "limits.read_seconds", "20"
    ),
    "call": Refusal(
        {contract.ENV_CALL_SECONDS: "0.5"},
        long_call,
        "10",
        {"limits": {"call_seconds": 10}},
        "limits.call_seconds",
        "10",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
async def test_the_setting_that_a_refusal_advises_ends_it(name: str, start_service: StartService) -> None:
    """Requirement MSG-1: a refusal names the key and the variable, and either ends it."""
    refusal = REFUSALS[name]
    found = ADVICE.search(await refusal.send(start_service(SCRIPT, **refusal.variables)))
    assert found is not None
    key, variable = found.groups()
    assert key == refusal.key
    followed = start_service(SCRIPT, **{**refusal.variables, variable: refusal.advised})
    assert ADVICE.search(await refusal.send(followed)) is None
    assert refusal.rendered in rendered(refusal.stack)[variable]


def rendered(settings: Manifest) -> dict[str, str]:
    """Environment of an exposed service with these settings."""
    ingress = {"host": "mcp.example.com", "gateway": "istio-ingress/mcp", "principal": "cluster.local/ns/i/sa/i"}
    args = MeshedMCPServiceArgs.model_validate({"image": "a:1", "expose": True, "ingress": ingress, **settings})
    return {each["name"]: each.get("value", "") for each in environment("mcp-a", args)}
