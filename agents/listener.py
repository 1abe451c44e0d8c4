"""One listening port: uvicorn as a part of our process instead of its master.

In: an ASGI application and a socket. Out: a context in which the port is served.
Not here: signals and the order of the end (serving.py).
"""

import asyncio
import contextlib
import errno
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Final

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from meshed_mcp import contract
from meshed_mcp.agents.start_error import StartError, start_error

KEEP_ALIVE_SECONDS: Final = 3660
"""Above the hour after which the sidecar closes an idle connection: who closes first must not be us, or a call that
is just being sent is lost. Source: Envoy, `HttpProtocolOptions.idle_timeout`, default 1 h."""

CLOSE_SECONDS: Final = 1
"""Longest wait for answers that are still on their way when the port closes; calls have ended before."""

UVICORN_LOGGER: Final = logging.getLogger("uvicorn.error")


def bound(address: str, variable: str, port: int) -> socket.socket:
    """Return a socket that listens; `variable` is the name of the setting, for the error.

    Its protocol is named: asyncio switches Nagle's algorithm off only for sockets that say they are TCP, and with it on
    every answer of two writes waits 40 ms for the client's delayed acknowledgement.
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
        raise StartError(f"cannot listen on {address}:{port}: {_advice(error, variable)}") from None
    return listener


def _advice(error: OSError, variable: str) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"another process listens there. Stop that process, or set {variable} to a free port."
    return f"{error.strerror}. Set {contract.ENV_BIND_ADDRESS} or {variable} to one this user may use."


@contextlib.asynccontextmanager
async def listening(
    app: ASGIApp, listener: socket.socket, http: type[asyncio.Protocol] = H11Protocol
) -> AsyncIterator[None]:
    """Serve `app` on `listener`; entered when its lifespan has started, left when its last answer is out.

    Raises StartError when the application's lifespan fails: its own, or one that names the traceback in the log.
    """
    watched = _Watched(app)
    server = _Server(
        uvicorn.Config(
            watched,
            http=http,
            ws="none",  # no handshake passes the gate; uvicorn would open it beside us
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=CLOSE_SECONDS,
        )
    )
    UVICORN_LOGGER.addFilter(watched.is_unexplained)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await server.start_ended.wait()
        if not server.started:
            await task
    except StartError as error:
        raise watched.fault or error from None
    finally:
        UVICORN_LOGGER.removeFilter(watched.is_unexplained)
    try:
        yield
    finally:
        server.should_exit = True
        await task


class _Watched:
    """The application; a StartError of its lifespan is kept for us, and its traceback from the log."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.fault: StartError | None = None

    def is_unexplained(self, _: logging.LogRecord) -> bool:
        """Whether uvicorn may still say something of the failure: not once our own sentence is known."""
        return self.fault is None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return
        failed: list[Message] = []

        async def withhold(message: Message) -> None:
            if message["type"] == "lifespan.startup.failed":
                failed.append(message)
            else:
                await send(message)

        try:
            await self._app(scope, receive, withhold)
        except Exception as error:
            self.fault = start_error(error)
            raise
        finally:
            for message in failed:
                await send({**message, "message": ""} if self.fault else message)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.start_ended = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        except SystemExit:
            raise StartError("the application did not start: its lifespan failed, see the log line before") from None
        finally:
            self.start_ended.set()
