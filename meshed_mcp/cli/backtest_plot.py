"""Plot of a backtest: load and forecast, and replicas of each policy. Needs the extra `plots`."""

from datetime import datetime, timedelta
from pathlib import Path

from meshed_mcp.components.autoscaling.forecast.model import Series
from meshed_mcp.components.autoscaling.forecast.policy_comparison import TICKS_PER_MINUTE, Comparison
from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.error_codes.cli import FILE_NOT_WRITABLE, MATPLOTLIB_MISSING

try:
    from matplotlib.figure import Figure
except ModuleNotFoundError as error:
    raise ConfigurationError.single("--picture", MATPLOTLIB_MISSING.message()) from error

MOST_POINTS = 5000
"""Points per line at most, for the size of vector graphics."""


def draw(path: Path, start: datetime, load: Series, found: Comparison) -> None:
    """Write the plot to `path`, in the format of its suffix. Raises ConfigurationError if that fails."""
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
        raise ConfigurationError.single("--picture", FILE_NOT_WRITABLE.message(path=path, reason=error)) from error
