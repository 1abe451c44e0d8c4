"""A stack that stays up: watched, scaled, under faults and calls where that is wanted, until Ctrl-C.

A running stack and choices in, lines out. Not here: the start and the first round of calls (command.py).
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Final, NamedTuple

from rich.console import Console

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.local.fault_injection import SeededFault, begin
from meshed_mcp.local.observe.load import steady_calls
from meshed_mcp.local.observe.monitoring import Monitoring, Watching, watching
from meshed_mcp.local.observe.prometheus import PROGRAM, Scraping
from meshed_mcp.local.process.autoscaler import Scaler, one_number, read_scaled
from meshed_mcp.local.process.certificates import LIFETIME
from meshed_mcp.local.process.engines import engine
from meshed_mcp.local.process.stack_runner import Running
from meshed_mcp.local.verification import Call

WATCH_SECONDS: Final = 1.0
"""Pause between two looks at the processes while the stack stays up."""

SEEN_SECONDS: Final = 30.0
"""When it is said how many targets answer: two scrapes of the proxies after the start."""

Step = Callable[[], None]
Tell = Callable[[str], None]


class Choices(NamedTuple):
    """What a run does beside starting and asking."""

    stays: bool = False
    """Up until Ctrl-C; else it ends after the table, and nothing below is done."""

    scales: bool = False
    """Its services scale meanwhile."""

    monitors: bool | None = None
    """Prometheus and Alertmanager watch it; None = where this machine has Prometheus, or where it scales or fails."""

    faults: tuple[SeededFault, ...] = ()
    """What goes wrong on purpose, after the first round of calls."""

    longest_hold: float | None = None
    """Seconds that an alert waits at most; None = as rendered."""

    @property
    def watched(self) -> bool:
        """Whether the run is watched."""
        needed = self.scales or bool(self.faults)
        wanted = engine(PROGRAM) is not None if self.monitors is None else self.monitors
        return needed or wanted


def stay(up: Running, monitoring: Monitoring, calls: Sequence[Call], choices: Choices, console: Console) -> None:
    """Until Ctrl-C, or until the certificates run out. Raises LocalRunError where Prometheus is wanted and not here."""

    def tell(line: str) -> None:
        console.print(line, markup=False, soft_wrap=True)

    with ExitStack() as ends:
        steps: list[Step] = [_ended(up, tell)]
        if choices.watched:
            watch = ends.enter_context(watching(up, monitoring))
            steps.append(watched(watch, tell))
            if choices.scales:
                steps.append(scaled(up, monitoring.objects, watch.seen, tell))
        if choices.faults:
            ends.enter_context(faulty(up, calls, choices.faults, tell))
        tell("Ctrl-C stops everything")
        keep(steps, tell)


def keep(steps: Sequence[Step], tell: Tell) -> None:
    """Take every step once a second."""
    deadline = time.monotonic() + LIFETIME.total_seconds()
    try:
        while time.monotonic() < deadline:
            for step in steps:
                step()
            time.sleep(WATCH_SECONDS)
        tell("the certificates of this run are at their end; start it again")
    except KeyboardInterrupt:
        return


def watched(watch: Watching, tell: Tell) -> Step:
    """Tell once what is watched, then each alert that begins or ends."""
    due: list[float] = [time.monotonic() + SEEN_SECONDS]

    def step() -> None:
        for line in watch.step():
            tell(line)
        if due and time.monotonic() > due[0]:
            due.clear()
            tell(watch.summary())

    return step


def scaled(up: Running, objects: Sequence[Manifest], seen: Scraping, tell: Tell) -> Step:
    """What to call once a second so that services scale; each change is a line."""
    found = read_scaled(objects)
    for each in found:
        rest = f"; not run here: {', '.join(each.not_run)}" if each.not_run else ""
        tell(f"{each.deployment} scales by {', '.join(trigger.name for trigger in each.triggers)}{rest}")
    scaler = Scaler(up, found, one_number(seen.asking.result))

    def step() -> None:
        seen.follow(up.alive.values())
        for change in scaler.step():
            took = f"{change.done - change.decided:.1f} s"
            tell(f"{change.deployment}: {change.before} -> {change.after} replicas in {took}")

    return step


@contextmanager
def faulty(up: Running, calls: Sequence[Call], faults: Sequence[SeededFault], tell: Tell) -> Iterator[None]:
    """The faults begun, the calls made over and over for the block."""
    for fault in faults:
        tell(f"{fault.service} has the fault {fault.kind}; it makes {' and '.join(fault.alerts)} fire")
    begin(up, faults)
    with steady_calls(up, calls):
        yield


def _ended(up: Running, tell: Tell) -> Step:
    told: set[str] = set()

    def step() -> None:
        for line in up.services.ended():
            if line not in told:
                told.add(line)
                tell(line)

    return step
