"""The listening socket: what asyncio makes of it."""

import asyncio
import socket

from meshed_mcp.agents.listener import bound


async def accepted_without_delay(listener: socket.socket) -> int:
    """TCP_NODELAY of a connection that asyncio accepts on `listener`."""
    seen: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.set_result(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(accept, sock=listener)
    async with server:
        _, writer = await asyncio.open_connection(*listener.getsockname())
        option = await asyncio.wait_for(seen, timeout=5)
        writer.close()
        await writer.wait_closed()
    return option


def test_answers_are_not_held_back_for_acknowledgements() -> None:
    """RFC 1122, 4.2.3.4: an application must be able to switch Nagle's algorithm off; with it a call took 45 ms."""
    assert asyncio.run(accepted_without_delay(bound("127.0.0.1", "PORT", 0))) != 0
