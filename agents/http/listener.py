"""One listening port of a process that may have several, served by uvicorn's h11 protocol.

In: an ASGI application and a socket. Out: a context in which the port is served.
Never uvicorn's httptools protocol: a trailer field becomes a request header there, which forges the client certificate
header of a sidecar (docs/adr/0013). Not here: signals (process/stop_signals.py), the order of a shutdown (server.py).
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
from meshed_mcp.agents.http.lifespan import lifespan
from meshed_mcp.agents.process.start_error import StartError
from meshed_mcp.error_codes.runtime import CANNOT_LISTEN, SERVER_ENDED, SERVER_NOT_STARTED

KEEP_ALIVE_SECONDS: Final = 3660
"""Longer than the hour after which the sidecar closes an idle connection. If the server closed first, it would lose a
request that is just being sent. Source: Envoy, `HttpProtocolOptions.idle_timeout`, default 1 h."""

CLOSE_SECONDS: Final = 1
"""Longest wait for responses that are still being sent when the port closes; requests have ended before."""

START_CHECK_SECONDS: Final = 0.01
"""How often the start of uvicorn is checked, which has no event for it; the lifespan has started before."""


def bound(address: str, variable: str, port: int) -> socket.socket:
    """Return a socket that listens; `variable` is the name of the setting, for the error.

    Its protocol is named: asyncio switches Nagle's algorithm off only for sockets that say they are TCP, and with it on
    every answer of two writes waits 40 ms for the client's delayed acknowledgment.
    Raises StartError when the port is taken or the address is not ours.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise StartError(CANNOT_LISTEN.message(address=address, port=port, advice=_advice(error, variable))) from None
    return listener


def _advice(error: OSError, variable: str) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"another process listens there; stop that process, or set {variable} to a free port"
    return f"{error.strerror}; set {contract.ENV_BIND_ADDRESS} or {variable} to one that this user may use"


@contextlib.asynccontextmanager
async def listening(app: ASGIApp, listener: socket.socket) -> AsyncIterator[None]:
    """Serve `app` on `listener`: entered when its lifespan has started, left when its last response is sent.

    uvicorn handles SIGTERM and SIGINT while it serves, unless the block installs handlers of its own; a signal that
    uvicorn has caught is raised again when it ends. Raises StartError, or what uvicorn raises at its start.
    """
    with listener:
        async with lifespan(app) as application:
            server = uvicorn.Server(_config(application))
            task = asyncio.create_task(_served(server, listener), name="uvicorn")
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


async def _served(server: uvicorn.Server, listener: socket.socket) -> None:
    """Serve. Raises StartError where uvicorn calls `sys.exit`, which would end the event loop."""
    try:
        await server.serve(sockets=[listener])
    except SystemExit:
        raise StartError(SERVER_NOT_STARTED.message()) from None
