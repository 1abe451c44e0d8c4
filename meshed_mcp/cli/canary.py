"""Command `meshed-mcp canary analyze`: compares two versions of a service by what Prometheus recorded of them.

Prints the evidence and exits with the verdict. The statistics are in `canary_analysis.py`, the queries in
`components/promql/canary.py`.
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
from meshed_mcp.cli.canary_analysis import Counts, Finding, Verdict, compare_shares, overall, slow_calls, usual_bound
from meshed_mcp.cli.prometheus import Prometheus
from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.components.promql import canary as canary_queries
from meshed_mcp.components.promql import selectors
from meshed_mcp.error_codes.cli import INVALID_WINDOW, ONE_RELEASE_SEEN

app = typer.Typer(no_args_is_help=True, help="Compare versions of a service.")
console = Console(highlight=False, soft_wrap=True)

UNITS: Final = {"s": 1, "m": 60, "h": 3600}
POLL_SECONDS: Final = 15.0
"""Pause between two analyses of `--wait`: three scrapes."""

RELEASES_WINDOW: Final = "1d"
"""Longest time since the first scrape of the new release."""


class Version(NamedTuple):
    """One of the two versions: its name, the selector of its series, and the end of its window (Unix time)."""

    name: str
    select: str
    release: str | None
    end: float


@app.callback()
def canary_app() -> None:
    """Compare versions of a service."""


@app.command("analyze")
def analyze_command(  # noqa: PLR0913, PLR0917 - one parameter per option
    service: Annotated[str, typer.Option("--service", help="Service whose new version is analyzed.")],
    prometheus: Annotated[str, typer.Option("--prometheus", help="URL of Prometheus.")],
    window: Annotated[str, typer.Option("--for", help="Window of each version: 30s, 10m, 1h.")] = "10m",
    canary: Annotated[
        bool, typer.Option("--canary", help="Compare canary and stable instead of the two newest releases.")
    ] = False,
    namespace: Annotated[str, typer.Option("--namespace", help="Namespace of the service.")] = "mcp-system",
    errors: Annotated[
        float, typer.Option("--errors", min=0, max=1, help="Tolerated increase of the share of failures.")
    ] = 0.01,
    slow: Annotated[
        float, typer.Option("--slow", min=0, max=1, help="Tolerated increase of the share of slow calls.")
    ] = 0.05,
    wait: Annotated[
        bool, typer.Option("--wait", help="Repeat for the duration of --for; end at the first fail.")
    ] = False,
) -> None:
    """Compare the new version of a service with the old one: exit code 0 pass, 1 fail, 2 inconclusive."""
    duration = seconds(window)
    select = selectors.selector(namespace, service)
    with contextlib.closing(Prometheus(prometheus)) as source:

        def analyze() -> list[Finding]:
            old, new = versions(source, select, time.time(), canary=canary)
            return findings(source, old, new, window, (errors, slow))

        found = repeat(analyze, duration) if wait else analyze()
    for each in found:
        console.print(evidence(each), markup=False)
    verdict = overall(found)
    console.print(f"{verdict.name.lower()}: {REASONS[verdict]}")
    raise typer.Exit(verdict.value)


REASONS: Final = {
    Verdict.PASS: "the new version is within the thresholds",
    Verdict.FAIL: "the new version exceeds a threshold, and not by chance",
    Verdict.INCONCLUSIVE: "too few calls to decide; wait, send it more traffic, or raise the thresholds",
}


def repeat(analyze: Callable[[], list[Finding]], duration: float) -> list[Finding]:
    """The findings after `duration` seconds, or the first that fail."""
    end = time.monotonic() + duration
    while True:
        found = analyze()
        left = end - time.monotonic()
        if left <= 0 or overall(found) is Verdict.FAIL:
            return found
        time.sleep(min(POLL_SECONDS, left))


def versions(source: Prometheus, select: str, now: float, *, canary: bool) -> tuple[Version, Version]:
    """The old version and the new one. Raises ConfigurationError if Prometheus knows fewer than two releases."""
    if canary:
        stable, new = (
            Version(name, canary_queries.version_selector(select, name), None, now)
            for name in (contract.STABLE, contract.CANARY)
        )
        return stable, new
    found = source.values(canary_queries.release_first_seen(select, RELEASES_WINDOW), now)
    since = sorted((value, labels.get(contract.LABEL_RELEASE, "")) for labels, value in found)
    if len(since) <= 1:
        known = f"only release {since[0][1]!r} was" if since else "no release was"
        raise ConfigurationError.single("--service", ONE_RELEASE_SEEN.message(known=known, window=RELEASES_WINDOW))
    began, newest = since[-1]
    return Version(since[-2][1], select, since[-2][1], began), Version(newest, select, newest, now)


def findings(
    source: Prometheus, old: Version, new: Version, window: str, tolerances: tuple[float, float]
) -> list[Finding]:
    """Failures and slow calls of both versions, compared."""
    failures = [Counts(*(count(source, query, side, window) for query in ERRORS)) for side in (old, new)]
    buckets = [calls_by_bound(source, side, window) for side in (old, new)]
    bound = usual_bound(buckets[0])
    slow_of_old, slow_of_new = (slow_calls(each, bound) for each in buckets)
    return [
        compare_shares("operations that failed", failures[0], failures[1], tolerances[0]),
        compare_shares(f"calls slower than {bound:g} s", slow_of_old, slow_of_new, tolerances[1]),
    ]


ERRORS: Final = (canary_queries.errors, canary_queries.operations)


def count(source: Prometheus, query: Callable[[str, str, str | None], str], side: Version, window: str) -> float:
    """Sum of a query's series; 0 without any."""
    return sum(value for _, value in source.values(query(side.select, window, side.release), side.end))


def calls_by_bound(source: Prometheus, side: Version, window: str) -> dict[float, float]:
    """Upper bound of a bucket (seconds) -> calls up to it."""
    found = source.values(canary_queries.durations(side.select, window, side.release), side.end)
    return {float(labels["le"]) if labels["le"] != "+Inf" else inf: value for labels, value in found}


def evidence(found: Finding) -> str:
    """One measure of both versions, on one line."""
    old, new = (f"{side.share:.2%} of {side.every:.0f}" for side in (found.old, found.new))
    change = (found.new.share - found.old.share) * 100
    interval = f"difference {change:+.2f} pp [{found.low * 100:+.2f}, {found.high * 100:+.2f}]"
    return f"{found.measure}: old {old}, new {new}, {interval}: {found.verdict.name.lower()}"


def seconds(window: str) -> float:
    """Length of `10m`. Raises ConfigurationError."""
    found = re.fullmatch(r"([1-9][0-9]{0,5})([smh])", window)
    if found is None:
        raise ConfigurationError.single("--for", INVALID_WINDOW.message(window=window))
    return float(found[1]) * UNITS[found[2]]
