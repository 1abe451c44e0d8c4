"""One listening port, served by uvicorn's h11 protocol; a process may have several.

uvicorn's httptools protocol is not used: it turns a trailer field into a request header, which forges the client
certificate header of a sidecar (docs/adr/0013). Not here: signals (process/stop_signals.py), the shutdown (server.py).
"""

import asyncio
import contextlib
import errno
import socket
from collections.abc import AsyncIterator
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from meshed_mcp import contract
from meshed_mcp.agents.http.addresses import host_and_port, listen_address
from meshed_mcp.agents.http.lifespan import lifespan
from meshed_mcp.agents.process.start_error import StartError
from meshed_mcp.error_codes.runtime import CANNOT_LISTEN, SERVER_ENDED, SERVER_NOT_STARTED

KEEP_ALIVE_SECONDS: Final = 3660
"""Longer than the hour after which the sidecar closes an idle connection. If the server closed first, it would lose a
request that is just being sent. Source: Envoy, `HttpProtocolOptions.idle_timeout`, default 1 h."""

CLOSE_SECONDS: Final = 1
"""Longest wait for responses that are still being sent when the port closes; requests have ended before."""

START_CHECK_SECONDS: Final = 0.01
"""Polling interval of uvicorn's start, which has no event; the lifespan has started before."""


def bind_socket(address: str, variable: str, port: int) -> socket.socket:
    """Return a listening TCP socket; `variable` is the name of the setting, for the error.

    `::` listens on all addresses, IPv6 and IPv4, or on IPv4 alone on a machine without IPv6.

    The protocol is explicit: asyncio sets TCP_NODELAY only on sockets whose protocol is TCP. Without it each response
    of two writes waits 40 ms for the client's delayed acknowledgment.
    Raises StartError when the port is taken or the address is not local.
    """
    address = listen_address(address)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind((address, port))
        listener.listen()
    except OSError as error:
        listener.close()
        advice = f"{error.strerror}; set {contract.ENV_BIND_ADDRESS} or {variable} to one that this user may use"
        if error.errno == errno.EADDRINUSE:
            advice = f"another process listens there; stop that process, or set {variable} to a free port"
        raise StartError(CANNOT_LISTEN.message(place=host_and_port(address, port), advice=advice)) from None
    return listener


@contextlib.asynccontextmanager
async def listening(app: ASGIApp, listener: socket.socket) -> AsyncIterator[None]:
    """Serve `app` on `listener`: entered when its lifespan has started, left when its last response is sent.

    uvicorn handles SIGTERM and SIGINT while it serves, unless the block installs its own handlers; uvicorn raises a
    signal that it has caught again when it ends. Raises StartError, or what uvicorn raises at its start.
    """
    with listener:
        async with lifespan(app) as application:
            server = uvicorn.Server(_config(application))
            task = asyncio.create_task(_serve(server, listener), name="uvicorn")
            try:
                while not (server.started or task.done()):
                    await asyncio.wait({task}, timeout=START_CHECK_SECONDS)
                if server.should_exit or not server.started:
                    raise StartError(SERVER_ENDED.message())
                yield
            finally:
                server.should_exit = True
                await task


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=CLOSE_SECONDS,
    )


async def _serve(server: uvicorn.Server, listener: socket.socket) -> None:
    """Serve. Raises StartError where uvicorn calls `sys.exit`, which would end the event loop."""
    try:
        await server.serve(sockets=[listener])
    except SystemExit:
        raise StartError(SERVER_NOT_STARTED.message()) from None
