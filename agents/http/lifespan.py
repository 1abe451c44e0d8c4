"""Lifespan of an ASGI application as an async context manager: its start-up and shutdown events.

uvicorn logs a failed start-up and exits; here the caller gets the application's own exception.
Source: ASGI specification, "Lifespan Protocol" 2.0.
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
    """Yield the started application, which puts the lifespan's state into each request's scope.

    Raises StartError when the start-up fails, after one log line unless the application raised a StartError; an
    exception of the shutdown is logged. An application without support for the protocol raises before it sends a
    message, and is served without a lifespan. Source: ASGI, "Lifespan Protocol", "Scope".
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
        """Send the start-up event; an application without a lifespan is left alone."""
        try:
            outcome = await self._event("startup")
        except BaseException:
            self._task.cancel()
            raise
        if outcome == "lifespan.startup.complete":
            self._is_supported = True
        elif outcome == "lifespan.startup.failed":
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
        """Send the shutdown event if the start-up was complete."""
        if self._is_supported:
            await self._event("shutdown")
            try:
                await self._task
            except Exception:
                logger.exception("the application's shutdown failed")

    async def with_state(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request with the lifespan's state."""
        scope.setdefault("state", {}).update(self.state)
        await self._app(scope, receive, send)

    async def _event(self, name: str) -> str:
        """Send an event and return the type of the application's message; "" if its call ended without one."""
        self._to_app.put_nowait({"type": f"lifespan.{name}"})
        message = asyncio.ensure_future(self._from_app.get())
        try:
            await asyncio.wait({message, self._task}, return_when=asyncio.FIRST_COMPLETED)
            return str(message.result()["type"]) if message.done() else ""
        finally:
            message.cancel()
