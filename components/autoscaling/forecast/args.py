"""Arguments of the load forecast; its rules are in `rules.py`."""

from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field

from meshed_mcp.components.core.args import Model

YAML_BOOLEANS: Final = {True: "on", False: "off"}
"""YAML 1.1 reads unquoted `on` and `off` as booleans, YAML 1.2 as text."""


class Prediction(StrEnum):
    """Use of a forecast."""

    OFF = "off"
    """No forecast."""

    FORECAST_ONLY = "forecast-only"
    """Records the forecast and its error; it does not scale."""

    ON = "on"
    """Adds replicas ahead of load while its error is small; it never removes one."""


def unquoted(value: Any) -> Any:
    """`on` and `off` as text."""
    return YAML_BOOLEANS[value] if isinstance(value, bool) else value


PredictionChoice = Annotated[Prediction, BeforeValidator(unquoted)]


class ForecastSettings(Model):
    """Load forecast for all services of a stack."""

    mode: PredictionChoice = Prediction.FORECAST_ONLY
    """`off`, `forecast-only` or `on`, for services without `scaling.prediction`. Turn it on if `meshed-mcp backtest`
    says that it is worth its cost."""

    horizon_minutes: int = Field(default=10, ge=6, le=60)
    """Forecast horizon: at least the start of a replica, plus 5 minutes of smoothing and one of rules."""

    trusted_error_percent: int = Field(default=40, ge=1, le=200)
    """Mean absolute error of the last day, % of the mean load, above which the forecast is not used. Public traces with
    a daily rhythm have 19 to 35, load without one 71 and more (measured)."""
