"""What a stack says about the prediction of load. Values in, a frozen model out; its rules are `rules.py`."""

from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field

from meshed_mcp.components.core.args import Model

YAML_BOOLEANS: Final = {True: "on", False: "off"}
"""YAML 1.1 reads unquoted `on` and `off` as booleans; which of the two a parser follows must not matter."""


class Prediction(StrEnum):
    """What a forecast may do."""

    OFF = "off"
    """There is none."""

    FORECAST_ONLY = "forecast-only"
    """It is recorded and its error is known; no replica follows from it."""

    ON = "on"
    """It adds replicas before load comes, while its error is small; it never removes one."""


def unquoted(value: Any) -> Any:
    """`on` and `off` as they were meant."""
    return YAML_BOOLEANS[value] if isinstance(value, bool) else value


PredictionChoice = Annotated[Prediction, BeforeValidator(unquoted)]


class ForecastSettings(Model):
    """The forecast of load, for all services of a stack."""

    mode: PredictionChoice = Prediction.FORECAST_ONLY
    """`off`, `forecast-only` or `on`, for services that say nothing else. Turn it on where a backtest of the service's
    own history says that it is worth its cost."""

    horizon_minutes: int = Field(default=10, ge=6, le=60)
    """How far ahead. At least the start of a replica, 5 minutes of smoothing and one of rules."""

    trusted_error_percent: int = Field(default=40, ge=1, le=200)
    """Mean absolute error of the last day, % of the mean load, above which the forecast is not used. Daily rhythms of
    public traces stay at 19 to 35, load without one is at 71 and more (measured)."""
