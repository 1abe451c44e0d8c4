"""The local run from beginning to end: start, ask, measure, show, stay or leave.

Rendered objects in, an exit code out. Every fault is one line on the console; nothing that was started is left.
Not here: how the objects are recorded and how the command line is read (meshed_mcp/__main__.py).
"""

import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final, Self

import anyio
from rich.console import Console

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.local.errors import LocalRunError
from meshed_mcp.local.fault_injection import with_faults
from meshed_mcp.local.observe.collector import Collector
from meshed_mcp.local.observe.monitoring import Monitoring
from meshed_mcp.local.observe.report import closing_lines, table
from meshed_mcp.local.process.container import Places
from meshed_mcp.local.process.stack_runner import Running, running
from meshed_mcp.local.rejections import Refusals, refusals
from meshed_mcp.local.session import Choices, stay
from meshed_mcp.local.translate.stack import read_stack
from meshed_mcp.local.verification import Call, Row, make_calls, rows

__all__ = ["Call", "Choices", "run"]

AT_ONCE: Final = Choices()
"""It ends after the table."""

SECRETS: Final = "secrets"
"""Folder beside the stacks' state folders: <secret>/<key> files, read where a Deployment names a Secret."""


def run(  # noqa: PLR0913 - one parameter per option of the command
    objects: Sequence[Manifest],
    *,
    gateway_port: int,
    calls: Sequence[Call],
    state_dir: Path,
    console: Console,
    choices: Choices = AT_ONCE,
    routes: Manifest | None = None,
) -> int:
    """Run a stack; 0 when everything answered as it must, 1 otherwise, 130 after Ctrl-C during the start.

    `routes`: the rendered configuration of Alertmanager. Everything is stopped before it returns.
    Call it from the main thread: the processes die with the thread that started them.
    """
    places = Places(state=state_dir, secrets=state_dir.parent / SECRETS)
    try:
        with _terminated_like_interrupted():
            return _run(objects, places, gateway_port, calls, console, choices, routes)
    except LocalRunError as error:
        for message in error.messages:
            console.print(f"error {message.line}", markup=False, soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        console.print("stopped")
        return 128 + signal.SIGINT


def _run(  # noqa: PLR0913, PLR0917 - as `run`
    objects: Sequence[Manifest],
    places: Places,
    gateway_port: int,
    calls: Sequence[Call],
    console: Console,
    choices: Choices,
    routes: Manifest | None,
) -> int:
    stack = read_stack(with_faults(objects, choices.faults))
    collector = Collector.from_environment(os.environ)
    changes = choices.stays and choices.scales
    with (
        _Progress(console) as progress,
        running(stack, gateway_port, places, progress.tell, collector, changes=changes) as up,
    ):
        found, refused = anyio.run(_ask, up, calls, progress)
        progress.close()
        console.print(table(found))
        for line in closing_lines(found, refused, stack.not_run, places.state / "logs"):
            console.print(line, markup=False, soft_wrap=True)
        if choices.stays:
            stay(up, Monitoring(objects, routes, choices.longest_hold), calls, choices, console)
        console.print("stopping")
    return 0


async def _ask(up: Running, calls: Sequence[Call], progress: "_Progress") -> tuple[list[Row], Refusals]:
    await make_calls(up, calls, progress.tell)
    refused = await refusals(up.topology)
    return await rows(up, progress.tell), refused


class _Progress:
    """Lines with the time since the start, and a sign of life on a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._begin = time.monotonic()
        self._status = console.status("starting")

    def __enter__(self) -> Self:
        self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def tell(self, line: str) -> None:
        """One step."""
        self._console.print(f"{time.monotonic() - self._begin:6.1f} s  {line}", markup=False, soft_wrap=True)

    def close(self) -> None:
        """No more steps."""
        self._status.stop()


@contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """SIGTERM and a closed terminal stop everything as Ctrl-C does; only the main thread can ask for that."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
