"""The listening socket: its options, and the error when it cannot be opened."""

import asyncio
import socket

import pytest

from meshed_mcp import contract
from meshed_mcp.agents.http.addresses import canonical_address
from meshed_mcp.agents.http.listener import bind_socket
from meshed_mcp.agents.process.start_error import StartError


async def accepted_without_delay(listener: socket.socket) -> int:
    """TCP_NODELAY of a connection that asyncio accepts on `listener`."""
    seen: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.set_result(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(accept, sock=listener)
    async with server:
        _, writer = await asyncio.open_connection(*listener.getsockname()[:2])
        option = await asyncio.wait_for(seen, timeout=5)
        writer.close()
        await writer.wait_closed()
    return option


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_responses_are_not_delayed_by_nagles_algorithm(address: str) -> None:
    """RFC 1122, 4.2.3.4: an application must be able to switch Nagle's algorithm off; with it a call took 45 ms."""
    assert asyncio.run(accepted_without_delay(bind_socket(address, contract.ENV_PORT, 0))) != 0


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_the_default_address_accepts_both_families(address: str) -> None:
    """Requirement IP6-1: a pod's address is IPv4, IPv6, or both; the kernel's `bindv6only` does not matter."""
    with (
        bind_socket(contract.BIND_ADDRESS, contract.ENV_PORT, 0) as listener,
        socket.create_connection((address, listener.getsockname()[1]), timeout=5),
    ):
        connection, peer = listener.accept()
        connection.close()
    assert canonical_address(peer[0]) == address


def refusal(address: str, port: int) -> str:
    """Return the text of the error."""
    with pytest.raises(StartError) as refused:
        bind_socket(address, contract.ENV_PORT, port)
    return refused.value.messages[0]


def test_a_port_in_use_names_the_setting_to_change() -> None:
    """Requirement RUN-6: the line says what is wrong, and what to set instead."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert refusal("127.0.0.1", port) == (
            f"cannot listen on 127.0.0.1:{port}: another process listens there; "
            "stop that process, or set MESHED_MCP_PORT to a free port"
        )


def test_an_address_of_another_machine_names_the_setting_to_change() -> None:
    """RFC 5737: 192.0.2.0/24 belongs to no machine."""
    assert refusal("192.0.2.1", 8000) == (
        "cannot listen on 192.0.2.1:8000: Cannot assign requested address; "
        "set MESHED_MCP_BIND_ADDRESS or MESHED_MCP_PORT to one that this user may use"
    )


def test_an_invalid_address_names_the_setting_to_change() -> None:
    """RFC 6761, section 6.4: names below .invalid never resolve."""
    assert refusal("nowhere.invalid", 8000).startswith("cannot listen on nowhere.invalid:8000: ")
