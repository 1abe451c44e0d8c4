"""The command `meshed-mcp backtest`: whether a forecast would have helped a service, on its own history.

A stack, a service and its load, from a file or a Prometheus, in; a table, a picture and a plain answer out. Not here:
the simulation (`components/autoscaling/forecast/policy_comparison.py`), reading the load (`load_history.py`,
`range_history.py`), drawing (`backtest_plot.py`).
"""

import time
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from meshed_mcp.cli.prometheus import Prometheus
from meshed_mcp.cli.scaling import scale_out_of
from meshed_mcp.components.autoscaling.args import ForecastSettings, ScalingTarget
from meshed_mcp.components.autoscaling.forecast.load_history import History, read
from meshed_mcp.components.autoscaling.forecast.model import Series
from meshed_mcp.components.autoscaling.forecast.policy_comparison import Comparison, compare, verdict
from meshed_mcp.components.autoscaling.forecast.range_history import STEP_SECONDS, from_ranges, parts, query
from meshed_mcp.components.autoscaling.forecast.simulation import TARGET_SHARE, Outcome, Service
from meshed_mcp.components.autoscaling.scale_out_latency import pod_ready_seconds
from meshed_mcp.components.core.errors import ConfigIssue, ConfigurationError
from meshed_mcp.components.mesh.service.container import READINESS_PERIOD_SECONDS
from meshed_mcp.error_codes.cli import CALL_SECONDS_MISSING, HISTORY_NOTE, IN_FLIGHT_IS_NULL, ONE_HISTORY
from meshed_mcp.infra.plan import planned
from meshed_mcp.infra.recording.project import read_project

console = Console(highlight=False, soft_wrap=True)

PEAK_QUANTILE = 0.99
"""The load that `--peak-replicas` is about; the last percent is spikes."""


def backtest_command(  # noqa: PLR0913, PLR0917 - one parameter per option
    service: Annotated[str, typer.Option("--service", help="Service whose scaling settings are tried.")],
    stack: Annotated[str, typer.Option("--stack", "-s", help="Stack: reads Pulumi.<stack>.yaml.")],
    project: Annotated[Path, typer.Option("--project", "-p", help="Folder with Pulumi.yaml.")] = Path(),
    load: Annotated[
        Path | None, typer.Option("--load", help="CSV: time, and calls in work or requests per interval.")
    ] = None,
    prometheus: Annotated[
        str | None, typer.Option("--prometheus", help="URL of the Prometheus that has the service's own history.")
    ] = None,
    days: Annotated[float, typer.Option(min=0.05, max=400, help="Days of history to ask it for, until now.")] = 15,
    call_seconds: Annotated[
        float | None, typer.Option(min=0.001, max=3600, help="Mean duration of a call; needed for counts of requests.")
    ] = None,
    peak_replicas: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Scale the load so that its p99 needs so many replicas.")
    ] = None,
    picture: Annotated[Path | None, typer.Option("--picture", help="PNG or SVG to draw load and replicas to.")] = None,
) -> None:
    """Simulate a service on its own history: reactive, with the forecast, at equal cost, and with a control."""
    if (load is None) == (prometheus is None):
        message = ONE_HISTORY.message()
        raise ConfigurationError([ConfigIssue("--load", "", message)])
    files = read_project(project, stack)
    plan = planned(files.config, files.secret_keys)
    target = scale_out_of(plan, service, factor=2).target
    history = read(load) if load else recorded(prometheus or "", plan.autoscaling.namespace, service, days)
    values = in_flight(history, target, call_seconds, peak_replicas)
    found = compare(simulated(target, call_seconds or 1.0), values, plan.autoscaling.forecast or ForecastSettings())
    for note in history.notes:
        found_note = HISTORY_NOTE.message(source=load.name if load else prometheus, note=note)
        console.print(f"note {found_note.line}")
    console.print(outcome_table(found))
    console.print(verdict(found)[1])
    if picture is not None:
        from meshed_mcp.cli.backtest_plot import draw  # noqa: PLC0415 - needs matplotlib, which is an extra

        draw(picture, history.start, values, found)
        console.print(f"picture: {picture}")


def recorded(url: str, namespace: str, service: str, days: float) -> History:
    """The service's load in a Prometheus, of the last `days`. Raises ConfigurationError."""
    end = int(time.time()) // STEP_SECONDS * STEP_SECONDS
    start = end - int(days * 24 * 3600) // STEP_SECONDS * STEP_SECONDS
    expression = query(namespace, service)
    with closing(Prometheus(url)) as asked:
        answers = [
            asked.result("query_range", {"query": expression, "start": begin, "end": until, "step": STEP_SECONDS})
            for begin, until in parts(start, end)
        ]
    return from_ranges(answers, service)


def in_flight(history: History, target: ScalingTarget, call_seconds: float | None, peak: int | None) -> Series:
    """Calls in work and waiting per minute: counts by Little's law, or scaled to a number of replicas.

    Raises ConfigurationError where counts come without either.
    """
    if peak is None:
        if history.counts and call_seconds is None:
            raise ConfigurationError([ConfigIssue("--load", "", CALL_SECONDS_MISSING.message(column=history.column))])
        factor = (call_seconds or 1.0) if history.counts else 1.0
    else:
        known = sorted(value for value in history.values if value is not None)
        top = known[min(len(known) - 1, int(len(known) * PEAK_QUANTILE))]
        factor = peak * capacity(target) * TARGET_SHARE / top if top else 1.0
    return [None if value is None else value * factor for value in history.values]


def capacity(target: ScalingTarget) -> float:
    """Calls in work that one replica bears. Raises ConfigurationError where calls do not count."""
    if target.in_flight_per_replica is None:
        raise ConfigurationError(
            [ConfigIssue("--service", "scaling.in_flight_per_replica", IN_FLIGHT_IS_NULL.message())]
        )
    return target.in_flight_per_replica / TARGET_SHARE


def simulated(target: ScalingTarget, call_seconds: float) -> Service:
    """The service as the simulation takes it."""
    ready = pod_ready_seconds(target, READINESS_PERIOD_SECONDS)
    return Service(target, capacity(target), ready, call_seconds=call_seconds)


def outcome_table(found: Comparison) -> Table:
    """The four policies side by side, per day."""
    table = Table("policy", title=f"Per day, over {found.days:.1f} days with data")
    for name in ("overloaded s", "unserved %", "replica-hours", "over-provisioned h"):
        table.add_column(name, justify="right")
    for name, outcome in outcomes(found).items():
        table.add_row(name, *cells(outcome, found.days))
    return table


def outcomes(found: Comparison) -> dict[str, Outcome]:
    """Every policy by the name that tables give it."""
    return {
        "reactive": found.reactive,
        "forecast": found.predicted,
        f"equal cost (target {found.equal_cost_target:.1f})": found.equal_cost,
        "control (12 h off)": found.control,
    }


def cells(outcome: Outcome, days: float) -> tuple[str, ...]:
    """One policy's figures per day, as text."""
    return (
        f"{outcome.overloaded_seconds / days:.0f}",
        f"{outcome.unserved_share * 100:.3f}",
        f"{outcome.replica_hours / days:.0f}",
        f"{outcome.over_provisioned_hours / days:.0f}",
    )
