"""Start-up and shutdown events of an application."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from meshed_mcp.agents.http.lifespan import lifespan
from meshed_mcp.agents.process.start_error import StartError
from meshed_mcp.error_codes.code import Message

pytestmark = pytest.mark.anyio


async def test_lifespan_state_is_in_the_scope_of_each_request() -> None:
    """ASGI, "Lifespan Protocol", "Lifespan State": servers copy `state` into the scope of each request."""
    events: list[str] = []

    @asynccontextmanager
    async def around(_: Starlette) -> AsyncIterator[dict[str, Any]]:
        events.append("started")
        yield {"pool": "open"}
        events.append("stopped")

    app = Starlette(lifespan=around)

    async def seen(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await app(scope, receive, send)
        else:
            events.append(scope["state"]["pool"])

    async with lifespan(seen) as served:
        scope = {"type": "http", "state": {"pool": "none", "other": 1}}
        await served(scope, asyncio.Queue[Any]().get, asyncio.Queue[Any]().put)
        assert scope["state"] == {"pool": "open", "other": 1}
        assert events == ["started", "open"]
    assert events == ["started", "open", "stopped"]


async def unsupported(scope: Scope, _: Receive, __: Send) -> None:
    """An application for requests alone."""
    assert scope["type"] == "http"


@pytest.mark.parametrize("app", [unsupported, PlainTextResponse("ok")], ids=["raises", "sends a response"])
async def test_an_application_without_a_lifespan_is_served_without_it(app: Any) -> None:
    """ASGI, "Lifespan Protocol", "Scope": the server must continue when the application raises."""
    async with asyncio.timeout(20), lifespan(app) as served:
        assert served is app


def failing(error: BaseException, *, at_end: bool = False) -> Starlette:
    """An application whose lifespan raises this."""

    @asynccontextmanager
    async def around(_: Starlette) -> AsyncIterator[None]:
        if not at_end:
            raise error
        yield
        raise error

    return Starlette(lifespan=around)


@pytest.mark.parametrize("group", [False, True])
async def test_a_start_error_reaches_the_caller_without_a_log_line(
    caplog: pytest.LogCaptureFixture, *, group: bool
) -> None:
    """Requirement RUN-6: a wrong setting is one line, also from the exception groups of task groups."""
    caplog.set_level(logging.INFO)
    error: Exception = StartError(Message("MM0000", "set X"))
    with pytest.raises(StartError, match=r"^MM0000: set X$"):
        async with lifespan(failing(ExceptionGroup("tasks", [error]) if group else error)):
            pass
    assert not caplog.records


@pytest.mark.parametrize("error", [OSError("no such file"), SystemExit(3)])
async def test_another_failure_is_logged_with_its_traceback_and_ends_the_start(
    caplog: pytest.LogCaptureFixture, error: BaseException
) -> None:
    """Requirement RUN-6: a start that fails logs the cause and ends, `sys.exit` in a lifespan too."""
    with pytest.raises(StartError, match="its lifespan failed"):
        async with lifespan(failing(error)):
            pass
    (record,) = caplog.records
    assert record.exc_info is not None
    assert error in (record.exc_info[1], getattr(record.exc_info[1], "__cause__", None))


async def test_a_shutdown_failure_is_logged_and_does_not_stop_later_steps(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """ASGI, "Lifespan Protocol", "Shutdown Failed": servers should log it and terminate."""
    async with lifespan(failing(OSError("already closed"), at_end=True)):
        pass
    assert [record.getMessage() for record in caplog.records] == ["the application's shutdown failed"]
