"""Keeps a stack running until Ctrl-C: monitoring, autoscaling, fault injection."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Final, NamedTuple

from rich.console import Console

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.local.fault_injection import InjectedFault, start_faults, steady_calls
from meshed_mcp.local.observe.monitoring import MonitoringConfig, RunMonitor, monitored
from meshed_mcp.local.observe.prometheus import PROGRAM, Scraping
from meshed_mcp.local.process.autoscaler import Scaler, instant_query, scaled_deployments
from meshed_mcp.local.process.certificates import LIFETIME
from meshed_mcp.local.process.engines import engine
from meshed_mcp.local.process.stack_runner import Running
from meshed_mcp.local.verification import Call

WATCH_SECONDS: Final = 1.0
"""Interval between two steps."""

SUMMARY_SECONDS: Final = 30.0
"""Delay of the summary of targets and rules: two scrapes of the proxies."""

Step = Callable[[], None]
Report = Callable[[str], None]


class RunOptions(NamedTuple):
    """Options of a run; only `keep_running` makes the others effective."""

    keep_running: bool = False
    """Run until Ctrl-C; False = end after the report."""

    scale: bool = False
    """Autoscale the services."""

    monitor: bool | None = None
    """Run Prometheus and Alertmanager. None = if Prometheus is installed, or for `scale` and `faults`."""

    faults: tuple[InjectedFault, ...] = ()
    """Faults that start after the first round of calls."""

    max_hold_seconds: float | None = None
    """Upper bound of `for` of the alerts; None = as rendered."""

    @property
    def monitored(self) -> bool:
        """Whether the run is monitored."""
        wanted = engine(PROGRAM) is not None if self.monitor is None else self.monitor
        return wanted or self.scale or bool(self.faults)


def keep_running(
    up: Running, monitoring: MonitoringConfig, calls: Sequence[Call], options: RunOptions, console: Console
) -> None:
    """Run until Ctrl-C or until the certificates expire. Raises LocalRunError if Prometheus is needed and missing."""

    def report(line: str) -> None:
        console.print(line, markup=False, soft_wrap=True)

    with ExitStack() as ends:
        steps: list[Step] = [_report_ended(up, report)]
        if options.monitored:
            monitor = ends.enter_context(monitored(up, monitoring))
            steps.append(_report_alerts(monitor, report))
            if options.scale:
                steps.append(autoscaled(up, monitoring.objects, monitor.scraping, report))
        if options.faults:
            ends.enter_context(run_faults(up, calls, options.faults, report))
        report("Ctrl-C stops everything")
        _repeat(steps, report)


def _repeat(steps: Sequence[Step], report: Report) -> None:
    deadline = time.monotonic() + LIFETIME.total_seconds()
    try:
        while time.monotonic() < deadline:
            for step in steps:
                step()
            time.sleep(WATCH_SECONDS)
        report("the certificates of this run have expired; start it again")
    except KeyboardInterrupt:
        return


def _report_alerts(monitor: RunMonitor, report: Report) -> Step:
    """Report each alert that starts or ends, and the summary once."""
    due: list[float] = [time.monotonic() + SUMMARY_SECONDS]

    def step() -> None:
        for line in monitor.step():
            report(line)
        if due and time.monotonic() > due[0]:
            due.clear()
            report(monitor.summary())

    return step


def autoscaled(up: Running, objects: Sequence[Manifest], scraping: Scraping, report: Report) -> Step:
    """A step that autoscales the services and reports each change."""
    single = {each.name for each in up.topology.stack.deployments if each.loopback_server is not None}
    found = [each for each in scaled_deployments(objects) if each.deployment not in single]
    for name in sorted(single):
        report(f"{name} is not scaled: its server listens on one port of this machine")
    for each in found:
        rest = f"; not run here: {', '.join(each.not_run)}" if each.not_run else ""
        report(f"{each.deployment} scales by {', '.join(trigger.name for trigger in each.triggers)}{rest}")
    scaler = Scaler(up, found, instant_query(scraping.client.result))

    def step() -> None:
        scraping.follow(up.alive.values())
        for change in scaler.step():
            took = f"{change.done - change.decided:.1f} s"
            report(f"{change.deployment}: {change.before} -> {change.after} replicas in {took}")

    return step


@contextmanager
def run_faults(up: Running, calls: Sequence[Call], faults: Sequence[InjectedFault], report: Report) -> Iterator[None]:
    """Start the faults, and repeat the calls during the block."""
    for fault in faults:
        report(f"{fault.service} has the fault {fault.kind}; it makes {' and '.join(fault.alerts)} fire")
    start_faults(up, faults)
    with steady_calls(up, calls):
        yield


def _report_ended(up: Running, report: Report) -> Step:
    reported: set[str] = set()

    def step() -> None:
        for line in up.services.ended():
            if line not in reported:
                reported.add(line)
                report(line)

    return step
