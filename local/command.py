"""The local run from beginning to end: start, ask, measure, show, stay or leave.

Rendered objects in, an exit code out. Every fault is one line on the console; nothing that was started is left.
Not here: how the objects are recorded and how the command line is read (meshed_mcp/__main__.py).
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import FrameType
from typing import Final, NamedTuple, Self

import anyio
from rich.console import Console

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.local.certificates import LIFETIME
from meshed_mcp.local.collector import Collector
from meshed_mcp.local.container import Places
from meshed_mcp.local.faults import LocalRunError
from meshed_mcp.local.refusals import Refusals, refusals
from meshed_mcp.local.report import closing_lines, table
from meshed_mcp.local.running import Running, running
from meshed_mcp.local.scaling import Scaler, one_number, read_scaled
from meshed_mcp.local.scraping import scraping
from meshed_mcp.local.stack import read_stack
from meshed_mcp.local.trying import Call, Row, make_calls, rows

__all__ = ["Call", "run"]

WATCH_SECONDS: Final = 1.0
"""Pause between two looks at the processes while the stack stays up."""

SECRETS: Final = "secrets"
"""Folder beside the stacks' state folders: <secret>/<key> files, read where a Deployment names a Secret."""


def run(  # noqa: PLR0913 - one parameter per option of the command
    objects: Sequence[Manifest],
    *,
    check: bool,
    gateway_port: int,
    calls: Sequence[Call],
    state_dir: Path,
    console: Console,
    scale: bool = False,
) -> int:
    """Run a stack; 0 when everything answered as it must, 1 otherwise, 130 after Ctrl-C during the start.

    With `check` it ends after the table, else it stays up until Ctrl-C; with `scale` its services scale meanwhile.
    Everything is stopped before it returns.
    Call it from the main thread: the processes die with the thread that started them.
    """
    places = Places(state=state_dir, secrets=state_dir.parent / SECRETS)
    try:
        with _terminated_like_interrupted():
            return _run(objects, places, gateway_port, calls, console, _Stay(stays=not check, scales=scale))
    except LocalRunError as error:
        for fault in error.faults:
            console.print(f"error: {fault}", markup=False, soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        console.print("stopped")
        return 128 + signal.SIGINT


def _run(
    objects: Sequence[Manifest],
    places: Places,
    gateway_port: int,
    calls: Sequence[Call],
    console: Console,
    stay: "_Stay",
) -> int:
    stack = read_stack(objects)
    collector = Collector.from_environment(os.environ)
    with (
        _Progress(console) as progress,
        running(stack, gateway_port, places, progress.tell, collector, changes=stay.stays and stay.scales) as up,
    ):
        found, refused = anyio.run(_ask, up, calls, progress)
        progress.close()
        console.print(table(found))
        for line in closing_lines(found, refused, stack.not_run, places.state / "logs"):
            console.print(line, markup=False, soft_wrap=True)
        if stay.stays:
            with scaled(up, objects, places, console) if stay.scales else nullcontext(_nothing) as step:
                _stay(up, console, step)
        console.print("stopping")
    return 0


async def _ask(up: Running, calls: Sequence[Call], progress: "_Progress") -> tuple[list[Row], Refusals]:
    await make_calls(up, calls, progress.tell)
    refused = await refusals(up.topology)
    return await rows(up, progress.tell), refused


@contextmanager
def scaled(up: Running, objects: Sequence[Manifest], places: Places, console: Console) -> Iterator[Callable[[], None]]:
    """What to call once a second so that services scale; each change is a line."""
    found = read_scaled(objects)
    with scraping(objects, places.state) as seen:
        console.print(f"Prometheus of this run: {seen.asking.http.base_url}", soft_wrap=True)
        for each in found:
            rest = f"; not run here: {', '.join(each.not_run)}" if each.not_run else ""
            counts = ", ".join(trigger.name for trigger in each.triggers)
            console.print(f"{each.deployment} scales by {counts}{rest}", markup=False, soft_wrap=True)
        scaler = Scaler(up, found, one_number(seen.asking.result))

        def step() -> None:
            seen.follow(up.alive.values())
            for change in scaler.step():
                took = f"{change.done - change.decided:.1f} s"
                console.print(f"{change.deployment}: {change.before} -> {change.after} replicas in {took}")

        yield step


def _nothing() -> None:
    """No scaling."""


def _stay(up: Running, console: Console, step: Callable[[], None]) -> None:
    """Until Ctrl-C, or until the certificates run out; says which processes ended meanwhile."""
    console.print("Ctrl-C stops everything")
    deadline = time.monotonic() + LIFETIME.total_seconds()
    told: set[str] = set()
    try:
        while time.monotonic() < deadline:
            for line in up.services.ended():
                if line not in told:
                    console.print(line, markup=False, soft_wrap=True)
                    told.add(line)
            step()
            time.sleep(WATCH_SECONDS)
        console.print("the certificates of this run are at their end; start it again")
    except KeyboardInterrupt:
        return


class _Stay(NamedTuple):
    """Whether the stack stays up after the table, and whether its services scale meanwhile."""

    stays: bool
    scales: bool


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
