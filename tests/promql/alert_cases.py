"""For each alert: series on which it fires, and series on which it does not, as (series, promtool's notation, labels).

One minute per value. Rates of service levels are given as recorded; how they are recorded is test_service_levels.py.
"""

from typing import Any, NamedTuple

from rule_cases import series

from meshed_mcp import contract
from meshed_mcp.components.core import sli_queries as sli

Series = list[dict[str, str]]


class Case(NamedTuple):
    """Two situations that differ in what the alert is about; `at`: when the question is put."""

    alert: str
    fires: Series
    quiet: Series
    at: str = "2h"


def steady(value: float | str, minutes: int = 130) -> str:
    """The same value all the time."""
    return f"{value}x{minutes}"


def pod_up(value: str, **labels: str) -> dict[str, str]:
    """Whether the server's container answers scrapes."""
    return series("up", value, container=contract.CONTAINER_NAME, **labels)


def wanted(server: str, replicas: int) -> dict[str, str]:
    """What kube-state-metrics says of the Deployment."""
    labels = {contract.LABEL_SERVER: "", "pod": ""}
    return series("kube_deployment_spec_replicas", steady(replicas), deployment=server, **labels)


def gone(server: str) -> tuple[Series, Series]:
    """A server whose only pod stops answering; and one that was scaled to none."""
    of = {contract.LABEL_SERVER: server}
    vanished = pod_up("1x100 0x30", **of)
    return [wanted(server, 3), vanished], [wanted(server, 0), vanished]


def burn(alert: str, level: str, bad: str, tool: str = "") -> Case:
    """A fifth is bad; quiet: the same share of too few calls to mean anything."""
    labels = {"pod": ""} | ({contract.LABEL_TOOL: tool} if tool else {})

    def shares(per_second: float) -> Series:
        return [
            series(sli.recorded(level, sli.GOOD_AND_BAD[bad]), steady(per_second, 600), **labels),
            series(sli.budget_name(level, bad), steady(0.005, 600), **labels),
            *(series(sli.share_name(level, bad, window), steady(0.2, 600), **labels) for window in ("5m", "1h")),
        ]

    return Case(alert, shares(2), shares(0.001))


def counter(name: str, per_minute: float, **labels: str) -> dict[str, str]:
    """A counter that grows evenly."""
    return series(name, f"0+{per_minute}x130", **labels)


def container(name: str, values: str, **labels: str) -> dict[str, str]:
    """A series of the kubelet or of kube-state-metrics about the server's container."""
    return series(name, values, container=contract.CONTAINER_NAME, **{contract.LABEL_SERVER: "", **labels})


def memory(used: int) -> Series:
    """A container with a limit of 100 bytes."""
    return [
        container("container_memory_working_set_bytes", steady(used)),
        container("kube_pod_container_resource_limits", steady(100), resource="memory"),
        series(contract.METRIC_INFO, steady(1)),
    ]


def periods(held: int) -> Series:
    """A container that was held back in `held` of 100 periods a minute."""
    return [
        container("container_cpu_cfs_throttled_periods_total", f"0+{held}x130"),
        container("container_cpu_cfs_periods_total", "0+100x130"),
        series(contract.METRIC_INFO, steady(1)),
    ]


def refusals(refused: int, requests: int) -> Series:
    """Refusals and requests a minute."""
    return [
        counter(contract.METRIC_REJECTED, refused, reason="overload"),
        counter(f"{contract.METRIC_HTTP_DURATION}_count", requests, http_response_status_code="503"),
    ]


def grafana(value: int) -> Series:
    """Grafana's target."""
    nothing: dict[str, Any] = {contract.LABEL_SERVER: "", "pod": ""}
    return [series("up", steady(value), job="grafana", **nothing | {"namespace": "monitoring"})]


RATE = sli.recorded("server", "operations")
OVERFLOW = {"metric": contract.METRIC_OPERATION_DURATION, "label": contract.LABEL_TOOL}
LOST = {contract.LABEL_ERROR: "export_failed"}

CASES = [
    Case("MCPServerDown", *gone("mcp-rag")),
    Case("MCPRegistryDown", *gone(contract.REGISTRY_NAME)),
    Case(
        "MCPRegistryDatabaseDown",
        [series(contract.METRIC_REGISTRY_DATABASE_UP, steady(0))],
        [series(contract.METRIC_REGISTRY_DATABASE_UP, steady(1))],
    ),
    Case(
        "MCPReplicasDisconnected",
        [series(contract.METRIC_BUS_CONNECTED, steady(0))],
        [series(contract.METRIC_BUS_CONNECTED, "1x117 0x10")],
    ),
    burn("MCPServerErrorBudgetBurn", "server", "errors"),
    burn("MCPServerLatencyBudgetBurn", "server", "slow_calls"),
    burn("MCPToolErrorRate", "tool", "errors", "search"),
    burn("MCPToolLatencyBudgetBurn", "tool", "slow_calls", "search"),
    Case(
        "MCPServerQueueGrowing",
        [series(contract.METRIC_QUEUE_DEPTH, steady(7))],
        [series(contract.METRIC_QUEUE_DEPTH, "7x3 0 7x3 0 " * 16)],
    ),
    Case(
        "MCPServerNoTraffic",
        [series(RATE, "2x9900 0x400", pod="")],
        [series(RATE, "0.05x9900 0x400", pod="")],
        "169h",
    ),
    Case("MCPRejectedRequests", refusals(10, 100), refusals(1, 5)),
    Case(
        "MCPLabelOverflow",
        [counter(contract.METRIC_LABEL_OVERFLOW, 3, **OVERFLOW)],
        [counter(contract.METRIC_LABEL_OVERFLOW, 1, **OVERFLOW)],
    ),
    Case("MCPPodMemoryNearLimit", memory(95), memory(80)),
    Case("MCPPodCPUThrottled", periods(40), periods(10)),
    Case(
        "MCPSpansLost",
        [counter(contract.METRIC_SPANS_EXPORTED, 5, **LOST)],
        [counter(contract.METRIC_SPANS_EXPORTED, 0, **LOST)],
    ),
    Case("GrafanaDown", grafana(0), grafana(1)),
]
