"""The command `meshed-mcp gate`: is a new version of a service as good as the old one, by what Prometheus saw of both.

A service and a Prometheus in; the evidence and the exit code out: 0 good, 1 worse, 2 undecided.
Not here: the judgment (`canary_analysis.py`), the expressions (`components/promql/canary.py`).
"""

import contextlib
import re
import time
from collections.abc import Callable
from math import inf
from typing import Annotated, Final, NamedTuple

import typer
from rich.console import Console

from meshed_mcp import contract
from meshed_mcp.cli.canary_analysis import Counts, Finding, Verdict, finding, overall, slow, usual_bound
from meshed_mcp.cli.prometheus import Prometheus
from meshed_mcp.components.core.errors import ConfigIssue, ConfigurationError
from meshed_mcp.components.promql import canary as gate_queries
from meshed_mcp.components.promql import selectors
from meshed_mcp.error_codes.cli import INVALID_WINDOW, ONE_RELEASE_SEEN

console = Console(highlight=False, soft_wrap=True)

UNITS: Final = {"s": 1, "m": 60, "h": 3600}
LOOK_SECONDS: Final = 15.0
"""Pause between two looks of `--wait`: three scrapes."""

RELEASES_WINDOW: Final = "1d"
"""How long ago a release may have come, to be the new one."""


class Side(NamedTuple):
    """One version: what to call it, which series are its own, and when its window ends."""

    name: str
    select: str
    release: str | None
    end: float


def gate_command(  # noqa: PLR0913, PLR0917 - one parameter per option
    service: Annotated[str, typer.Option("--service", help="Service whose new version is judged.")],
    prometheus: Annotated[str, typer.Option("--prometheus", help="URL of Prometheus.")],
    window: Annotated[str, typer.Option("--for", help="How much of each version is compared: 30s, 10m, 1h.")] = "10m",
    canary: Annotated[bool, typer.Option("--canary", help="Compare canary and stable; else newest release.")] = False,
    namespace: Annotated[str, typer.Option("--namespace", help="Namespace of the service.")] = "mcp-system",
    errors: Annotated[
        float, typer.Option("--errors", min=0, max=1, help="Share of failures more that is borne.")
    ] = 0.01,
    slow_calls: Annotated[
        float, typer.Option("--slow", min=0, max=1, help="Share of slow calls more that is borne.")
    ] = 0.05,
    wait: Annotated[
        bool, typer.Option("--wait", help="Look on for as long as --for says; end once it is worse.")
    ] = False,
) -> None:
    """Compare the new version of a service with the old one: exit code 0 good, 1 worse, 2 undecided."""
    duration = seconds(window)
    select = selectors.selector(namespace, service)
    with contextlib.closing(Prometheus(prometheus)) as source:

        def look() -> list[Finding]:
            old, new = sides(source, select, time.time(), canary=canary)
            return compared(source, old, new, window, (errors, slow_calls))

        findings = look_on(look, duration) if wait else look()
    for each in findings:
        console.print(evidence(each), markup=False)
    verdict = overall(findings)
    console.print(f"{verdict.name.lower()}: {REASONS[verdict]}")
    raise typer.Exit(verdict.value)


REASONS: Final = {
    Verdict.GOOD: "the new version fails and lags no more than is borne",
    Verdict.WORSE: "the new version is worse, and not by chance",
    Verdict.UNDECIDED: "too few calls to tell; wait, send it more traffic, or bear a larger difference",
}


def look_on(look: Callable[[], list[Finding]], duration: float) -> list[Finding]:
    """The findings after `duration` seconds, or the first that are worse."""
    end = time.monotonic() + duration
    while True:
        findings = look()
        left = end - time.monotonic()
        if left <= 0 or overall(findings) is Verdict.WORSE:
            return findings
        time.sleep(min(LOOK_SECONDS, left))


def sides(source: Prometheus, select: str, now: float, *, canary: bool) -> tuple[Side, Side]:
    """The old version and the new one. Raises ConfigurationError where there are no two."""
    if canary:
        old, new = (
            Side(version, gate_queries.of_version(select, version), None, now)
            for version in (contract.STABLE, contract.CANARY)
        )
        return old, new
    found = source.values(gate_queries.releases(select, RELEASES_WINDOW), now)
    since = sorted((value, labels.get(contract.LABEL_RELEASE, "")) for labels, value in found)
    if len(since) <= 1:
        known = f"only release {since[0][1]!r} was" if since else "no release was"
        message = ONE_RELEASE_SEEN.message(known=known, window=RELEASES_WINDOW)
        raise ConfigurationError([ConfigIssue("--service", "", message)])
    began, newest = since[-1]
    return Side(since[-2][1], select, since[-2][1], began), Side(newest, select, newest, now)


def compared(source: Prometheus, old: Side, new: Side, window: str, borne: tuple[float, float]) -> list[Finding]:
    """Failures and slow calls of both."""
    failures = [Counts(*(count(source, ask, side, window) for ask in ERRORS)) for side in (old, new)]
    buckets = [by_bound(source, side, window) for side in (old, new)]
    bound = usual_bound(buckets[0])
    slow_of_old, slow_of_new = (slow(each, bound) for each in buckets)
    return [
        finding("operations that failed", failures[0], failures[1], borne[0]),
        finding(f"calls slower than {bound:g} s", slow_of_old, slow_of_new, borne[1]),
    ]


ERRORS: Final = (gate_queries.errors, gate_queries.operations)


def count(source: Prometheus, ask: Callable[[str, str, str | None], str], side: Side, window: str) -> float:
    """One number; 0 where nothing was counted."""
    return sum(value for _, value in source.values(ask(side.select, window, side.release), side.end))


def by_bound(source: Prometheus, side: Side, window: str) -> dict[float, float]:
    """Calls by the bound that they stayed below."""
    found = source.values(gate_queries.durations(side.select, window, side.release), side.end)
    return {float(labels["le"]) if labels["le"] != "+Inf" else inf: value for labels, value in found}


def evidence(found: Finding) -> str:
    """One measure of both versions, on one line that a log keeps whole."""
    old, new = (f"{side.share:.2%} of {side.every:.0f}" for side in (found.old, found.new))
    change = (found.new.share - found.old.share) * 100
    between = f"difference {change:+.2f} pp [{found.low * 100:+.2f}, {found.high * 100:+.2f}]"
    return f"{found.measure}: old {old}, new {new}, {between}: {found.verdict.name.lower()}"


def seconds(window: str) -> float:
    """Length of `10m`. Raises ConfigurationError."""
    found = re.fullmatch(r"([1-9][0-9]{0,5})([smh])", window)
    if found is None:
        message = INVALID_WINDOW.message(window=window)
        raise ConfigurationError([ConfigIssue("--for", "", message)])
    return float(found[1]) * UNITS[found[2]]
