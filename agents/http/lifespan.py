"""Lifespan of an ASGI application: its start-up and shutdown events.

In: an application. Out: a context that is entered when its start-up is complete and left when its shutdown is.
uvicorn logs a failed start-up and exits; here the application's own exception reaches the caller.
Source: ASGI specification, "Lifespan Protocol" 2.0. Not here: the port (listener.py).
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from meshed_mcp.agents.process.start_error import StartError, start_error
from meshed_mcp.error_codes.runtime import LIFESPAN_FAILED

logger = logging.getLogger(__name__)


@asynccontextmanager
async def lifespan(app: ASGIApp) -> AsyncIterator[ASGIApp]:
    """Yield the application for requests, with the lifespan's state in their scopes.

    Raises StartError when the start-up fails, after one log line where the application has no StartError of its own;
    an exception of the shutdown is logged. An application that does not know the protocol is served without it: it
    raises before it sends a message. Source: ASGI, "Lifespan Protocol", "Scope".
    """
    events = _Events(app)
    await events.start()
    try:
        yield events.with_state if events.state else app
    finally:
        await events.stop()


class _Events:
    """One call of the application, which lasts from start-up to shutdown."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.state: dict[str, Any] = {}
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._from_app: asyncio.Queue[Message] = asyncio.Queue()
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        self._task = asyncio.create_task(self._run(scope), name="lifespan")
        self._is_supported = False

    async def _run(self, scope: Scope) -> None:
        try:
            await self._app(scope, self._to_app.get, self._from_app.put)
        except SystemExit as error:  # would end the event loop before anything is logged
            raise RuntimeError(f"sys.exit({error.code!r}) in the lifespan") from error

    async def start(self) -> None:
        """Start up, or find out that the application has no lifespan."""
        try:
            answer = await self._event("startup")
        except BaseException:
            self._task.cancel()
            raise
        if answer == "lifespan.startup.complete":
            self._is_supported = True
        elif answer == "lifespan.startup.failed":
            await self._raise_failure()
        elif self._task.done() and (error := self._task.exception()) is not None:
            if known := start_error(error):
                raise known
            logger.debug("the application does not support the lifespan protocol: %r", error)
        else:
            self._task.cancel()

    async def _raise_failure(self) -> None:
        try:
            await self._task
        except Exception as error:
            if known := start_error(error):
                raise known from None
            logger.exception("the lifespan failed")
        raise StartError(LIFESPAN_FAILED.message()) from None

    async def stop(self) -> None:
        """Shut down what has started."""
        if self._is_supported:
            await self._event("shutdown")
            try:
                await self._task
            except Exception:
                logger.exception("the application's shutdown failed")

    async def with_state(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        scope.setdefault("state", {}).update(self.state)
        await self._app(scope, receive, send)

    async def _event(self, name: str) -> str:
        """Type of the application's answer; "" when its call ended without one."""
        self._to_app.put_nowait({"type": f"lifespan.{name}"})
        answer = asyncio.ensure_future(self._from_app.get())
        try:
            await asyncio.wait({answer, self._task}, return_when=asyncio.FIRST_COMPLETED)
            return str(answer.result()["type"]) if answer.done() else ""
        finally:
            answer.cancel()
