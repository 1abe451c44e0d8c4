"""HTTP server of one replica: two ports, readiness, and graceful shutdown on SIGTERM or SIGINT.

Exit codes: 0 after the in-flight requests have ended, 1 when the replica cannot start, FORCED_EXIT when the grace
period ends first. The shutdown, in order: not ready, wait for the pre-stop delay, reject requests, end streams, await
requests, cancel. Not here: which requests are in flight (drain.py), signals before readiness (process/stop_signals.py).
"""

import asyncio
import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from functools import partial
from time import monotonic
from typing import Final

from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp

from meshed_mcp import contract
from meshed_mcp.agents.http import rejections
from meshed_mcp.agents.http.addresses import host_and_port, listen_address
from meshed_mcp.agents.http.concurrency_limiter import ConcurrencyLimitMiddleware
from meshed_mcp.agents.http.drain import DrainMiddleware
from meshed_mcp.agents.http.edge import EdgeMiddleware
from meshed_mcp.agents.http.listener import bind_socket, listening
from meshed_mcp.agents.http.management import Phase, management_app
from meshed_mcp.agents.process import gc_tuning
from meshed_mcp.agents.process.loop_watchdog import watched_event_loop
from meshed_mcp.agents.process.start_error import StartError
from meshed_mcp.agents.process.stop_signals import STOP_SIGNALS
from meshed_mcp.agents.settings import Settings
from meshed_mcp.agents.telemetry import logs
from meshed_mcp.agents.telemetry.log_export import start_log_export
from meshed_mcp.agents.telemetry.metrics import process_registry
from meshed_mcp.agents.telemetry.tracing import run_with_timeout, start_tracing

FORCED_EXIT: Final = 124
"""Exit code of a process that outlasts its grace period. Source: GNU coreutils, `timeout`, "Exit status"."""

FLUSH_SECONDS: Final = 0.5
"""End of the grace period, reserved for sending the last log records and spans of a forced exit."""

EXITS: Final = (SystemExit, KeyboardInterrupt)
"""Exceptions that asyncio raises out of the event loop, whichever task raises them. Source: CPython, `asyncio.Task`."""

DEREGISTRATION_SECONDS: Final = 2.0
"""Longest wait for the end of the registration after the drain; the lease expires by itself anyway."""

logger = logging.getLogger(__name__)


def serve(
    app: ASGIApp,
    settings: Settings,
    *,
    registry: CollectorRegistry | None = None,
    end_streams: Callable[[], None] = lambda: None,
    registration: AbstractAsyncContextManager[None] | None = None,
) -> None:
    """Serve `app` until SIGTERM or SIGINT and return after a graceful shutdown.

    A signal before the replica is ready ends the process at once with code 0, a second signal with 128 + n. A process
    that outlasts its grace period ends with FORCED_EXIT. `registry` holds the metrics to expose beside those of HTTP;
    `end_streams` is called during the drain, maybe repeatedly; `registration` is entered when ready and left when
    stopping (a lease), and delays neither.
    Raises SystemExit with code 1 when a port is taken or the application does not start, after one log line.
    """
    STOP_SIGNALS.install()
    logs.configure(settings)
    registry = registry or process_registry()
    end_tracing = start_tracing(settings, registry)
    end_log_export = start_log_export(settings)

    def flush() -> None:
        end_log_export()
        end_tracing()

    replica = Replica(app, settings, registry, end_streams, flush)
    try:
        _run(replica.run(registration or nullcontext()))
    except StartError as error:
        for message in error.messages:
            logger.error("%s", contract.with_stack_keys(message), extra={"fields": {"code": message.code}})  # noqa: TRY400 - a wrong setting needs a sentence, not a traceback
        raise SystemExit(1) from None
    flush()


def _run(main: Coroutine[None, None, None]) -> None:
    """Run to the end; `sys.exit` in another task does not end the event loop, and with it all in-flight requests."""
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        task = loop.create_task(main)
        while not task.done():
            try:
                loop.run_until_complete(task)
            except EXITS as error:
                if task.done():
                    raise
                logger.exception("a task raised %s; the replica goes on serving", type(error).__name__)


class Replica:
    """One process from start to exit."""

    def __init__(
        self,
        app: ASGIApp,
        settings: Settings,
        registry: CollectorRegistry,
        end_streams: Callable[[], None],
        flush: Callable[[], None],
    ) -> None:
        self._settings, self._registry, self._flush = settings, registry, flush
        limited = ConcurrencyLimitMiddleware(app, settings, registry)
        in_redis = settings.session_store is contract.SessionStore.REDIS
        in_session = rejections.SESSION_MOVES if in_redis else rejections.SESSION_ENDED
        self._app = DrainMiddleware(EdgeMiddleware(limited, settings), registry, in_session)
        self._management = management_app(lambda: self._phase, registry, self._keeps_sessions)
        self._end_streams = end_streams
        self._phase = Phase.STARTING
        self._stop = asyncio.Event()
        self._stopped_at = 0.0
        self._signaled = threading.Event()

    async def run(self, registration: AbstractAsyncContextManager[None]) -> None:
        """Open both ports, serve, drain. Raises StartError."""
        address = self._settings.bind_address
        service = bind_socket(address, contract.ENV_PORT, self._settings.port)
        management = bind_socket(address, contract.ENV_MANAGEMENT_PORT, self._settings.management_port)
        with watched_event_loop(self._registry):
            async with listening(self._management, management):
                STOP_SIGNALS.install()  # instead of uvicorn's handlers: the application may take long to start
                async with listening(self._app, service):
                    self._become_ready()
                    async with background_task(self._run_registration(registration)):
                        await self._stop.wait()
                        await self._drain()
        logger.info("stopped %.1f s after the signal", monotonic() - self._stopped_at)

    def _become_ready(self) -> None:
        gc_tuning.freeze()
        # A thread of its own: a blocked event loop does not delay it, and it outlasts the loop, after which the
        # interpreter waits for worker threads.
        threading.Thread(target=self._enforce_grace_period, name="grace period", daemon=True).start()
        loop = asyncio.get_running_loop()
        STOP_SIGNALS.set_stop(partial(self._on_signal, loop))
        self._phase = Phase.READY
        logger.info("ready on %s", host_and_port(listen_address(self._settings.bind_address), self._settings.port))

    def _keeps_sessions(self) -> bool:
        return self._settings.legacy is contract.Legacy.STICKY and not self._app.rejecting

    async def _run_registration(self, registration: AbstractAsyncContextManager[None]) -> None:
        if self._signaled.is_set():
            return
        try:
            async with registration:
                await self._stop.wait()
        except Exception:
            logger.exception("the service goes on without its registration")

    async def _drain(self) -> None:
        self._app.start_connection_close()
        await asyncio.sleep(self._settings.pre_stop_delay_seconds)
        self._app.start_rejecting()
        logger.info("rejecting new requests")
        with contextlib.suppress(TimeoutError):
            seconds = self._stopped_at + self._settings.grace_seconds - contract.CLOSING_SECONDS - monotonic()
            async with asyncio.timeout(seconds):
                await self._app.wait_drained(self._end_streams)
        for request in self._app.cancel_in_flight():
            logger.warning(
                "cancelled at the end of the grace period of %g s: %s", self._settings.grace_seconds, request
            )

    def _on_signal(self, loop: asyncio.AbstractEventLoop, number: signal.Signals) -> None:
        """Signal handler. Source: asyncio, `call_soon_threadsafe`: safe to call from one."""
        self._stopped_at = monotonic()
        self._signaled.set()
        loop.call_soon_threadsafe(self._begin_stop, number)

    def _begin_stop(self, number: signal.Signals) -> None:
        logger.info("%s: stopping within %g s", number.name, self._settings.grace_seconds)
        self._phase = Phase.STOPPING
        self._stop.set()

    def _enforce_grace_period(self) -> None:
        self._signaled.wait()
        time.sleep(max(0.0, self._stopped_at + self._settings.grace_seconds - FLUSH_SECONDS - monotonic()))
        logger.warning(
            "the grace period of %g s is over: ending with code %d although threads or tasks still run",
            self._settings.grace_seconds,
            FORCED_EXIT,
        )
        run_with_timeout(self._flush, FLUSH_SECONDS)
        os._exit(FORCED_EXIT)


@asynccontextmanager
async def background_task(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Run `work` beside the block without a supervisor: it logs its own failure."""
    task = asyncio.create_task(work)
    try:
        yield
        await asyncio.wait({task}, timeout=DEREGISTRATION_SECONDS)
    finally:
        task.cancel()
