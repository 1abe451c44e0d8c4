"""Settings of alerts in a stack: `observability.alerts: {MCPServerDown: {for: 5m}}`.

A wrong value is rejected with the alert, the field and what to set instead. Not here: the rules (`rule.py`).
"""

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, model_validator

from meshed_mcp.components.alerts.catalog import CATALOG
from meshed_mcp.components.alerts.record import Alert, Severity
from meshed_mcp.components.core.args import Model
from meshed_mcp.error_codes.code import Message, raise_all
from meshed_mcp.error_codes.observability import (
    FOR_OF_BURN_RATE,
    FOR_TOO_LONG,
    INVALID_FOR,
    NO_THRESHOLD,
    THRESHOLD_OUT_OF_RANGE,
    THRESHOLD_SET_ELSEWHERE,
    UNKNOWN_ALERT,
)

DURATION: Final = re.compile(r"(?=\d)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
"""Days, hours, minutes, seconds. Source: Prometheus, "Duration literals"."""

SECONDS: Final = (86_400, 3600, 60, 1)
LONGEST_FOR_DAYS: Final = 7
"""A longer `for` outlives the samples of a default Prometheus twice in a month, and hides every incident."""


def number_as_text(value: Any) -> Any:
    """A number as text, so that `for: 300` is rejected with the unit that is missing."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


class AlertSettings(Model):
    """Changes of one alert; what is not set keeps the alert's default (docs/reference/alerts.md)."""

    enabled: bool = True
    """false = the alert is not rendered."""

    for_: Annotated[str, BeforeValidator(number_as_text)] | None = None
    """How long the expression must hold before the alert fires, such as `5m` or `1h30m`; `0s` = at once, at most `7d`.
    Fixed by the windows in a burn-rate alert."""

    severity: Severity | None = None
    """`critical`, `warning` or `info`; in a burn-rate alert the severity of all its windows."""

    threshold: float | None = None
    """Number that the expression compares with, in the unit of docs/reference/alerts.md; a ratio is 0 to 1. In a
    burn-rate alert it is the minimum number of operations in the long window."""

    @model_validator(mode="before")
    @classmethod
    def _for_is_a_keyword_of_python(cls, raw: Any) -> Any:
        if isinstance(raw, Mapping) and "for" in raw:
            return {"for_" if key == "for" else key: value for key, value in raw.items()}
        return raw


UNCHANGED: Final = AlertSettings()


def seconds_of(duration: str) -> int | None:
    """Seconds of a Prometheus duration such as "1h30m"; None where it is none."""
    match = DURATION.fullmatch(duration)
    if match is None:
        return None
    return sum(int(count or 0) * unit for count, unit in zip(match.groups(), SECONDS, strict=True))


def for_seconds(settings: AlertSettings) -> int | None:
    """`for` in seconds; None where it is not set."""
    return None if settings.for_ is None else seconds_of(settings.for_)


def checked(alerts: dict[str, AlertSettings]) -> dict[str, AlertSettings]:
    """`alerts` unchanged, if each fits its alert. Raises ValueError with one line per violation."""
    raise_all(message for name, settings in alerts.items() for message in violations(name, settings))
    return alerts


AlertOverrides = Annotated[dict[str, AlertSettings], AfterValidator(checked)]
"""Name of an alert -> its settings."""


def violations(name: str, settings: AlertSettings) -> Iterator[Message]:
    """What is wrong with the settings of one alert, and what to set instead."""
    alert = CATALOG.get(name)
    if alert is None:
        yield UNKNOWN_ALERT.message(advice=name_advice(name)).at(name)
        return
    if settings.for_ is not None:
        yield from for_violations(alert, settings.for_)
    if settings.threshold is not None:
        yield from threshold_violations(alert, settings.threshold)


def name_advice(name: str) -> str:
    """`did you mean MCPServerDown?`, or where the names are."""
    by_lower_case = {known.lower(): known for known in CATALOG}
    close = difflib.get_close_matches(name.lower(), by_lower_case, n=1, cutoff=0.6)
    return f"did you mean {by_lower_case[close[0]]}?" if close else "set a name of docs/reference/alerts.md"


def for_violations(alert: Alert, duration: str) -> Iterator[Message]:
    """What is wrong with `for`."""
    seconds, place = seconds_of(duration), f"{alert.name}.for"
    if alert.burn_rates:
        yield FOR_OF_BURN_RATE.message().at(place)
    elif seconds is None:
        advice = f"{duration}s" if duration.isdigit() else "a duration such as 5m"
        yield INVALID_FOR.message(duration=duration, advice=advice).at(place)
    elif seconds > LONGEST_FOR_DAYS * SECONDS[0]:
        yield FOR_TOO_LONG.message(duration=duration, most=f"{LONGEST_FOR_DAYS}d").at(place)


def threshold_violations(alert: Alert, value: float) -> Iterator[Message]:
    """What is wrong with `threshold`."""
    known, where = alert.threshold, f"{alert.name}.threshold"
    if known is None:
        yield NO_THRESHOLD.message().at(where)
    elif known.stack_key:
        yield THRESHOLD_SET_ELSEWHERE.message(key=f"meshed-mcp:{known.stack_key}").at(where)
    elif not known.minimum <= value <= known.maximum:
        yield THRESHOLD_OUT_OF_RANGE.message(value=f"{value:g}", allowed=known.allowed, unit=known.unit).at(where)
