"""Runs an ASGI application as one replica: two ports, readiness, and an orderly end on SIGTERM or SIGINT.

In: the application and `Settings`. Out: a process that ends with code 0 after its calls, 1 when it cannot start.
The end, in order: not ready, wait for endpoints to notice, refuse new requests, end streams, await calls, cut.
Not here: what counts as in work (gate.py), what a service is (service.py).
"""

import asyncio
import contextlib
import logging
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from time import monotonic
from typing import Final

from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp

from meshed_mcp import contract
from meshed_mcp.agents import heap, logs
from meshed_mcp.agents.admission import Admission
from meshed_mcp.agents.connection import bounded_http
from meshed_mcp.agents.gate import Gate
from meshed_mcp.agents.hosts import AllowedHosts
from meshed_mcp.agents.listener import bound, listening
from meshed_mcp.agents.log_export import start_log_export
from meshed_mcp.agents.management import Phase, management_app
from meshed_mcp.agents.settings import Settings
from meshed_mcp.agents.start_error import StartError
from meshed_mcp.agents.telemetry import process_registry
from meshed_mcp.agents.tracing import start_tracing

SIGNAL_EXIT_BASE: Final = 128
"""Exit code of a process ended by signal n is 128 + n. Source: POSIX shell, "Exit Status for Commands"."""

PRESENCE_SECONDS: Final = 2.0
"""Longest wait for leaving `presence` once nothing is in work; the lease runs out by itself anyway."""

logger = logging.getLogger(__name__)


def serve(
    app: ASGIApp,
    settings: Settings,
    *,
    registry: CollectorRegistry | None = None,
    end_streams: Callable[[], None] = lambda: None,
    presence: AbstractAsyncContextManager[None] | None = None,
) -> None:
    """Serve `app` until SIGTERM or SIGINT; return after an orderly end. A second signal ends the process at once.

    The process is expected to end then: when the grace period is over, it is ended whatever it does.
    `registry` holds the metrics to expose beside those of HTTP; `end_streams` is called during the drain, maybe more
    than once; `presence` is entered when ready and left when stopping (a lease), and delays neither.
    Raises SystemExit with code 1 when a port is taken or the application does not start, after one log line.
    """
    logs.configure(settings)
    registry = registry or process_registry()
    end_tracing = start_tracing(settings, registry)
    end_log_export = start_log_export(settings)
    replica = Replica(app, settings, registry, end_streams)
    try:
        asyncio.run(replica.run(presence or nullcontext()))
    except StartError as error:
        logger.error("%s", error)  # noqa: TRY400 - a wrong setting needs a sentence, not a traceback
        raise SystemExit(1) from None
    end_tracing()
    end_log_export()


class Replica:
    """One process's life between start and end."""

    def __init__(
        self, app: ASGIApp, settings: Settings, registry: CollectorRegistry, end_streams: Callable[[], None]
    ) -> None:
        self._settings = settings
        self._gate = Gate(Admission(app, settings, registry), registry, AllowedHosts.of(settings.allowed_hosts))
        self._management = management_app(lambda: self._phase, registry, self._keeps_sessions)
        self._end_streams = end_streams
        self._phase = Phase.STARTING
        self._stop = asyncio.Event()
        self._stopped_at = 0.0
        # A thread of its own, never called off: after the loop the interpreter awaits threads that calls may block.
        self._deadline = threading.Timer(settings.grace_seconds, self._give_up)
        self._deadline.daemon = True

    async def run(self, presence: AbstractAsyncContextManager[None]) -> None:
        """Open both ports, serve, drain. Raises StartError."""
        service = bound(self._settings.bind_address, contract.ENV_PORT, self._settings.port)
        management = bound(self._settings.bind_address, contract.ENV_MANAGEMENT_PORT, self._settings.management_port)
        self._take_signals()
        http = bounded_http(self._settings.read_seconds, self._gate.rejected)
        async with listening(self._management, management), listening(self._gate, service, http):
            if not self._stop.is_set():
                heap.freeze()
                self._phase = Phase.READY
                logger.info("ready on %s:%d", self._settings.bind_address, self._settings.port)
            async with _beside(self._hold(presence)):
                await self._stop.wait()
                await self._drain()
        logger.info("stopped %.1f s after the signal", monotonic() - self._stopped_at)

    def _keeps_sessions(self) -> bool:
        return self._settings.legacy is contract.Legacy.STICKY and not self._gate.refusing

    async def _hold(self, presence: AbstractAsyncContextManager[None]) -> None:
        try:
            async with presence:
                await self._stop.wait()
        except Exception:
            logger.exception("the service goes on without its registration")

    async def _drain(self) -> None:
        self._gate.retire()
        await asyncio.sleep(self._settings.endpoint_seconds)
        self._gate.refuse()
        logger.info("refusing new requests")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._seconds_for_calls()):
                await self._gate.emptied(self._end_streams)
        for work in self._gate.cut():
            logger.warning("cut at the end of the grace period of %g s: %s", self._settings.grace_seconds, work)

    def _seconds_for_calls(self) -> float:
        return self._stopped_at + self._settings.grace_seconds - contract.CLOSING_SECONDS - monotonic()

    def _take_signals(self) -> None:
        # The loop's own handlers: uvicorn's would close the port at once, and sse-starlette, which looks for them,
        # would cut the event streams that still carry answers.
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_signal, number)

    def _on_signal(self, number: signal.Signals) -> None:
        if self._stop.is_set():
            logger.warning("%s again: ending at once", number.name)
            os._exit(SIGNAL_EXIT_BASE + number)
        logger.info("%s: stopping within %g s", number.name, self._settings.grace_seconds)
        self._phase = Phase.STOPPING
        self._stopped_at = monotonic()
        self._stop.set()
        self._deadline.start()

    def _give_up(self) -> None:
        logger.warning(
            "the grace period of %g s is over: ending although threads are at work", self._settings.grace_seconds
        )
        os._exit(0)


@asynccontextmanager
async def _beside(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)  # no supervisor: `_hold` logs what fails, and a registration restarts by itself
    try:
        yield
        await asyncio.wait({task}, timeout=PRESENCE_SECONDS)
    finally:
        task.cancel()
