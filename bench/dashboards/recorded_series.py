"""Synthetic recorded series, which cover the whole range of a dashboard without running the rules for so long."""

from collections.abc import Iterator
from typing import Final

from bench.dashboards.series import (
    CALLS_PER_SECOND,
    ERROR_RATIO,
    ORGANIZATIONS,
    RELEASE_PHASES,
    Fleet,
    Pace,
    Series,
    Shape,
    median_of,
    shares_below,
)
from meshed_mcp import contract
from meshed_mcp.components.alerts.burn_rate import BURN_RATES
from meshed_mcp.components.promql import capacity, cost, forecast, load, mesh, sli

SLOW_RATIO: Final = 0.01
RATIOS: Final = {"operations": 1.0, "errors": ERROR_RATIO, "calls": 1.0, "slow_calls": SLOW_RATIO}


def recorded_series(fleet: Fleet) -> Iterator[Series]:
    """Recorded series of all servers and tools, and of the registry."""
    for number in range(fleet.servers):
        of_server = {"namespace": fleet.namespace(number), contract.LABEL_SERVER: fleet.server(number)}
        yield from server_records(of_server, CALLS_PER_SECOND * fleet.pods * fleet.tools, number)
        yield from release_records(of_server, fleet.pods, number)
        yield from durations(of_server, fleet, number)
        yield from loads(of_server, fleet.pods, number)
        yield from forecasts(of_server, 4.0 * fleet.pods, number)
        yield from mesh_records(fleet, number)
        for tool in range(fleet.tools):
            yield from tool_records(of_server | {contract.LABEL_TOOL: f"tool-{tool}"}, fleet, number, tool)
    registry = {"namespace": fleet.namespace(0), contract.LABEL_SERVER: contract.REGISTRY_NAME}
    yield from server_records(registry, 20.0, 1)
    yield from loads(registry, 2, 1)
    for resource, share in (("cpu", 0.55), ("memory", 0.7)):
        yield recorded(capacity.REQUESTED_RATIO, {"resource": resource}, share)


def recorded(name: str, labels: dict[str, str], size: float, phase: int = 0, shape: Shape = Shape.GAUGE) -> Series:
    """One recorded series."""
    return Series({"__name__": name, **labels}, size, shape, Pace.RECORDED, phase % RELEASE_PHASES)


def server_records(labels: dict[str, str], per_second: float, phase: int) -> Iterator[Series]:
    """Rates, ratios over the burn-rate windows, budgets."""
    for what, ratio in RATIOS.items():
        yield recorded(sli.rate_name("server", what), labels, per_second * ratio, phase)
    for bad, allowed in (("errors", 0.005), ("slow_calls", 0.05)):
        for window in {window for burn in BURN_RATES for window in (burn.long, burn.short)}:
            yield recorded(sli.ratio_name("server", bad, window), labels, RATIOS[bad], phase)
        yield recorded(sli.budget_name("server", bad), labels, allowed, shape=Shape.FLAT)
        yield recorded(sli.budget_remaining_name(bad), labels, 0.2 + 0.1 * (phase % 8), phase, Shape.FALLING)
    yield recorded(cost.POD_COST, labels, 0.4 + 0.05 * (phase % 7), phase)


def durations(labels: dict[str, str], fleet: Fleet, number: int) -> Iterator[Series]:
    """Buckets over all tools of a server, methods, protocol versions, tokens."""
    calls = [(CALLS_PER_SECOND * fleet.pods * (1 + tool % 3), median_of(number, tool)) for tool in range(fleet.tools)]
    for bound in shares_below(1.0):
        below = sum(per_second * shares_below(median)[bound] for per_second, median in calls)
        yield recorded(sli.SERVER_DURATIONS, labels | {"le": bound}, below, number)
    for method, version, share in (
        ("tools/call", "2026-07-28", 0.7),
        ("tools/list", "2026-07-28", 0.1),
        ("tools/call", "2025-11-25", 0.2),
    ):
        spoken = labels | {contract.LABEL_METHOD: method, contract.LABEL_PROTOCOL: version}
        yield recorded(sli.OPERATIONS_BY_PROTOCOL, spoken, share * sum(per_second for per_second, _ in calls), number)
    for kind, per_second in (("input", 90.0), ("output", 30.0)):
        tokens = labels | {"model": "small-1", "token_type": kind}
        yield recorded(sli.TOKENS, tokens, per_second * fleet.pods, number)


def loads(labels: dict[str, str], pods: int, phase: int) -> Iterator[Series]:
    """Load over all pods, at their scrape interval."""
    for name, size, shape in (
        (load.IN_FLIGHT, 4.2 * pods, Shape.GAUGE),
        (load.QUEUED, 0.2 * pods, Shape.GAUGE),
        (load.SATURATION, 4 / contract.CONCURRENT_CALLS, Shape.GAUGE),
        (load.REPLICAS_UP, pods, Shape.FLAT),
        (load.SESSIONS, 3 * pods, Shape.GAUGE),
    ):
        yield Series({"__name__": name, **labels}, size, shape, Pace.RECORDED_FAST, phase % RELEASE_PHASES)


def release_records(labels: dict[str, str], pods: int, number: int) -> Iterator[Series]:
    """Replicas by release; every eighth server has a new one."""
    stable = labels | {contract.LABEL_VERSION: contract.STABLE}
    yield recorded(sli.REPLICAS_BY_RELEASE, stable | {contract.LABEL_RELEASE: "1.4.0"}, pods, shape=Shape.FLAT)
    if number % RELEASE_PHASES == 0:
        new = {"__name__": sli.REPLICAS_BY_RELEASE, **stable, contract.LABEL_RELEASE: "1.5.0"}
        yield Series(new, pods, Shape.FLAT, Pace.NEW)


def forecasts(labels: dict[str, str], load: float, phase: int) -> Iterator[Series]:
    """The forecast and its error."""
    for name, size in (
        (forecast.MEAN_5M, load),
        (forecast.FORECAST, load * 1.2),
        (forecast.TRUSTED, load * 1.2),
        (forecast.WAPE, 0.15),
        (forecast.UNDERFORECAST, 0.05),
    ):
        yield recorded(name, labels, size, phase)


def mesh_records(fleet: Fleet, number: int) -> Iterator[Series]:
    """Recorded series of the proxies."""
    workload = {"destination_workload": fleet.server(number), "destination_workload_namespace": fleet.namespace(number)}
    for bound, share in {"50": 0.4, "250": 0.8, "1000": 0.98, "10000": 1.0, "+Inf": 1.0}.items():
        yield recorded(mesh.DURATIONS, workload | {"le": bound}, 10.0 * fleet.pods * share, number)
    caller = {"source_workload": fleet.server((number + 1) % fleet.servers)}
    for reporter in ("source", "destination"):
        for code, flags, per_second in (("200", mesh.NO_FLAGS, 10.0), ("503", "UF", 0.01)):
            seen = {"reporter": reporter, "response_code": code, "response_flags": flags}
            tls = {"connection_security_policy": "mutual_tls"}
            yield recorded(mesh.REQUESTS, workload | caller | seen | tls, per_second * fleet.pods, number)


def tool_records(labels: dict[str, str], fleet: Fleet, number: int, tool: int) -> Iterator[Series]:
    """Rates, durations and usage of one tool over all pods."""
    per_second, median = CALLS_PER_SECOND * fleet.pods * (1 + tool % 3), median_of(number, tool)
    for what, ratio in RATIOS.items():
        yield recorded(sli.rate_name("tool", what), labels, per_second * ratio, number)
    for bound, share in shares_below(median).items():
        yield recorded(sli.DURATIONS, labels | {"le": bound}, per_second * share, number)
    yield recorded(sli.SECONDS, labels, per_second * median * 1.4, number)
    for rank, organization in enumerate(ORGANIZATIONS, start=1):
        of_organization = labels | {contract.LABEL_ORGANIZATION: organization}
        yield recorded(sli.USAGE, of_organization, per_second / 2**rank, number + rank)
