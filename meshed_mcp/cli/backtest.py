"""Command `meshed-mcp backtest`: simulates a service on its own load history, with and without the forecast.

The simulation is in `components/autoscaling/forecast`.
"""

import time
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from meshed_mcp.cli.options import ProjectOption, StackOption
from meshed_mcp.cli.prometheus import Prometheus
from meshed_mcp.cli.scaling import scale_out_of
from meshed_mcp.components.autoscaling.args import ForecastSettings, ScalingTarget
from meshed_mcp.components.autoscaling.forecast import load_history
from meshed_mcp.components.autoscaling.forecast.load_history import STEP_SECONDS, History, read
from meshed_mcp.components.autoscaling.forecast.model import Series
from meshed_mcp.components.autoscaling.forecast.policy_comparison import TICKS_PER_MINUTE, Comparison, compare, verdict
from meshed_mcp.components.autoscaling.forecast.simulation import TARGET_SHARE, Service
from meshed_mcp.components.autoscaling.scale_out_latency import pod_ready_seconds
from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.components.mesh.service.container import READINESS_PERIOD_SECONDS
from meshed_mcp.error_codes import cli as codes
from meshed_mcp.infra.plan import planned
from meshed_mcp.infra.recording.project import read_project

console = Console(highlight=False, soft_wrap=True)

PEAK_QUANTILE = 0.99
"""Quantile of the load that `--peak-replicas` refers to."""


def backtest_command(  # noqa: PLR0913, PLR0917 - one parameter per option
    service: Annotated[str, typer.Option("--service", help="Service to simulate, with its scaling settings.")],
    stack: StackOption,
    project: ProjectOption = Path(),
    load: Annotated[
        Path | None, typer.Option("--load", help="CSV: time, and in-flight requests or requests per interval.")
    ] = None,
    prometheus: Annotated[
        str | None, typer.Option("--prometheus", help="URL of the Prometheus with the service's history.")
    ] = None,
    days: Annotated[float, typer.Option(min=0.05, max=400, help="Days of history from Prometheus.")] = 15,
    call_seconds: Annotated[
        float | None,
        typer.Option(min=0.001, max=3600, help="Mean duration of a call; required for counts of requests."),
    ] = None,
    peak_replicas: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Scale the load so that its p99 needs this number of replicas.")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option("--picture", help="PNG or SVG file for a plot of load and replicas.")
    ] = None,
) -> None:
    """Simulate a service on its own history: reactive, with the forecast, at equal cost, and with a control."""
    if (load is None) == (prometheus is None):
        raise ConfigurationError.single("--load", codes.ONE_HISTORY.message())
    files = read_project(project, stack)
    plan = planned(files.config, files.secret_keys)
    target = scale_out_of(plan, service, factor=2).target
    history = read(load) if load else prometheus_history(prometheus or "", plan.autoscaling.namespace, service, days)
    values = in_flight(history, target, call_seconds, peak_replicas)
    ready = pod_ready_seconds(target, READINESS_PERIOD_SECONDS)
    simulated = Service(target, capacity(target), ready, call_seconds=call_seconds or 1.0)
    found = compare(simulated, values, plan.autoscaling.forecast or ForecastSettings())
    for note in history.notes:
        console.print(f"note {codes.HISTORY_NOTE.message(source=load.name if load else prometheus, note=note).line}")
    console.print(outcome_table(found))
    console.print(verdict(found)[1])
    if picture is not None:
        draw(picture, history.start, values, found)
        console.print(f"picture: {picture}")


def prometheus_history(url: str, namespace: str, service: str, days: float) -> History:
    """The service's load of the last `days` in a Prometheus. Raises ConfigurationError."""
    end = int(time.time()) // STEP_SECONDS * STEP_SECONDS
    start = end - int(days * 24 * 3600) // STEP_SECONDS * STEP_SECONDS
    expression = load_history.demand_query(namespace, service)
    with closing(Prometheus(url)) as source:
        results = [
            source.result("query_range", {"query": expression, "start": begin, "end": until, "step": STEP_SECONDS})
            for begin, until in load_history.query_ranges(start, end)
        ]
    return load_history.from_ranges(results, service)


def in_flight(history: History, target: ScalingTarget, call_seconds: float | None, peak: int | None) -> Series:
    """In-flight and queued requests per minute: counts by Little's law, or scaled to `peak` replicas.

    Raises ConfigurationError for counts without either.
    """
    if peak is None:
        if history.counts and call_seconds is None:
            raise ConfigurationError.single("--load", codes.CALL_SECONDS_MISSING.message(column=history.column))
        factor = (call_seconds or 1.0) if history.counts else 1.0
    else:
        known = sorted(value for value in history.values if value is not None)
        top = known[min(len(known) - 1, int(len(known) * PEAK_QUANTILE))]
        factor = peak * capacity(target) * TARGET_SHARE / top if top else 1.0
    return [None if value is None else value * factor for value in history.values]


def capacity(target: ScalingTarget) -> float:
    """In-flight requests of one replica at most. Raises ConfigurationError if they are not a metric of the service."""
    if target.in_flight_per_replica is None:
        raise ConfigurationError.single("--service", codes.IN_FLIGHT_IS_NULL.message(), "scaling.in_flight_per_replica")
    return target.in_flight_per_replica / TARGET_SHARE


def outcome_table(found: Comparison) -> Table:
    """The four policies, per day."""
    table = Table("policy", title=f"Per day, over {found.days:.1f} days with data")
    for name in ("overloaded s", "unserved %", "replica-hours", "over-provisioned h"):
        table.add_column(name, justify="right")
    outcomes = {
        "reactive": found.reactive,
        "forecast": found.predicted,
        f"equal cost (target {found.equal_cost_target:.1f})": found.equal_cost,
        "control (12 h off)": found.control,
    }
    for name, outcome in outcomes.items():
        times = (outcome.overloaded_seconds, outcome.replica_hours, outcome.over_provisioned_hours)
        overloaded, used, spare = (f"{total / found.days:.0f}" for total in times)
        table.add_row(name, overloaded, f"{outcome.unserved_share * 100:.3f}", used, spare)
    return table


MOST_POINTS = 5000
"""Points per line of a plot at most, for the size of vector graphics."""


def draw(path: Path, start: datetime, load: Series, found: Comparison) -> None:
    """Plot load, forecast and replicas in the format of the file's suffix. Raises ConfigurationError if that fails."""
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise ConfigurationError.single("--picture", codes.MATPLOTLIB_MISSING.message()) from error
    figure = Figure(figsize=(12, 7), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    every = max(1, len(load) // MOST_POINTS)
    times = [start + timedelta(minutes=minute) for minute in range(0, len(load), every)]
    for name, values, width in (("load", load, 0.7), ("trusted forecast", found.forecast.trusted, 1.0)):
        above.plot(times, [float("nan") if value is None else value for value in values[::every]], label=name, lw=width)
    for name, outcome in (("reactive", found.reactive), ("forecast", found.predicted)):
        below.plot(times, outcome.sizes[:: every * TICKS_PER_MINUTE], label=name, lw=0.8)
    above.set_ylabel("in-flight and queued requests")
    below.set_ylabel("replicas")
    for axes in (above, below):
        axes.legend(loc="upper right")
        axes.set_ylim(bottom=0)
    try:
        figure.savefig(path)
    except (OSError, ValueError) as error:
        message = codes.FILE_NOT_WRITABLE.message(path=path, reason=error)
        raise ConfigurationError.single("--picture", message) from error
