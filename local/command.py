"""Entry of the local run: starts a stack, verifies it, prints the report, and stops it or keeps it running."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import anyio
from rich.console import Console

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.local.errors import LocalRunError
from meshed_mcp.local.fault_injection import with_faults
from meshed_mcp.local.observe.monitoring import MonitoringConfig
from meshed_mcp.local.process.container import RunFolders
from meshed_mcp.local.process.stack_runner import Running, running
from meshed_mcp.local.session import RunOptions, keep_running
from meshed_mcp.local.translate.envoy.telemetry import Collector
from meshed_mcp.local.translate.stack import read_stack
from meshed_mcp.local.verification import (
    Call,
    Rejections,
    Row,
    make_calls,
    rows,
    summary_lines,
    table,
    verify_rejections,
)

__all__ = ["Call", "RunOptions", "run"]

CHECK_ONLY: Final = RunOptions()
"""Ends after the report."""

SECRETS: Final = "secrets"
"""Folder beside the state folders of the stacks, with a file <secret>/<key> per key of a Secret."""


def run(  # noqa: PLR0913 - one parameter per option of the command
    objects: Sequence[Manifest],
    *,
    gateway_port: int,
    calls: Sequence[Call],
    state_dir: Path,
    console: Console,
    options: RunOptions = CHECK_ONLY,
    routes: Manifest | None = None,
) -> int:
    """Run a stack and stop it before returning: 0 on success, 1 on an error, 130 after Ctrl-C during the start.

    `routes` is the rendered configuration of Alertmanager. Call it from the main thread: processes end with the thread
    that started them.
    """
    folders = RunFolders(state=state_dir, secrets=state_dir.parent / SECRETS)
    try:
        with _sigterm_as_interrupt():
            return _run(objects, folders, gateway_port, calls, console, options, routes)
    except LocalRunError as error:
        for message in error.messages:
            console.print(f"error {message.line}", markup=False, soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        console.print("stopped")
        return 128 + signal.SIGINT


def _run(  # noqa: PLR0913, PLR0917 - as `run`
    objects: Sequence[Manifest],
    folders: RunFolders,
    gateway_port: int,
    calls: Sequence[Call],
    console: Console,
    options: RunOptions,
    routes: Manifest | None,
) -> int:
    stack = read_stack(with_faults(objects, options.faults))
    for warning in stack.warnings:
        console.print(f"warning {warning.line}", markup=False, soft_wrap=True)
    collector, begin = Collector.from_environment(os.environ), time.monotonic()
    changes = options.keep_running and options.scale

    def report(step: str) -> None:
        console.print(f"{time.monotonic() - begin:6.1f} s  {step}", markup=False, soft_wrap=True)

    with (
        console.status("starting") as spinner,
        running(stack, gateway_port, folders, report, collector, changes=changes) as up,
    ):
        services, rejections = anyio.run(_verify, up, calls, report)
        spinner.stop()
        console.print(table(services))
        for line in summary_lines(services, rejections, stack.not_run, folders.state / "logs"):
            console.print(line, markup=False, soft_wrap=True)
        if options.keep_running:
            keep_running(up, MonitoringConfig(objects, routes, options.max_hold_seconds), calls, options, console)
        console.print("stopping")
    return 0


async def _verify(up: Running, calls: Sequence[Call], report: Callable[[str], None]) -> tuple[list[Row], Rejections]:
    await make_calls(up, calls, report)
    rejections = await verify_rejections(up.topology)
    return await rows(up, report), rejections


@contextmanager
def _sigterm_as_interrupt() -> Iterator[None]:
    """SIGTERM and SIGHUP stop the run as Ctrl-C does. Only the main thread can set signal handlers."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    interrupt = signal.default_int_handler
    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
