"""Monthly budgets: the replicas that they allow, and their validation. The arithmetic is in `autoscaling/cost.py`."""

from collections.abc import Iterator
from math import ceil

from meshed_mcp.components.autoscaling.cost import Requests, affordable_replicas, replica_month
from meshed_mcp.components.core.errors import ConfigIssue
from meshed_mcp.components.mesh.cluster.mode import MeshMode
from meshed_mcp.components.mesh.routing.tool_args import PoolSettings
from meshed_mcp.components.mesh.service.args import ServiceSettings
from meshed_mcp.components.mesh.service.container_args import ServerResources
from meshed_mcp.components.mesh.service.proxy_size import ProxySize, size_annotations
from meshed_mcp.error_codes.autoscaling import BUDGET_WITHOUT_PRICES
from meshed_mcp.error_codes.stack import BUDGET_TOO_SMALL, BUDGET_WITH_CANARY
from meshed_mcp.infra.config import PoolConfig, ServiceConfig, StackConfig


def sidecar_size(config: StackConfig) -> ProxySize | None:
    """Size of the sidecars; None without sidecars."""
    return config.mesh.proxy if config.mesh.mode is MeshMode.SIDECAR else None


def requests_of(
    item: ServiceSettings,
    proxy: ProxySize | None = ProxySize.MEDIUM,
    pool: PoolSettings | None = None,
    bridge: ServerResources | None = None,
) -> Requests:
    """Requests of one replica of a service or its `pool`: server, sidecar, and the bridge beside the server.

    `proxy` is the size of the sidecar if the service sets none, `bridge` that of the bridge. None = no sidecar; so has
    a service whose own `mode` has none.
    """
    server = item.resources if pool is None or pool.resources is None else pool.resources
    servers = [server, *([bridge or ServerResources()] if item.has_upstream else [])]
    cpu, memory = [each.cpu for each in servers], [each.memory for each in servers]
    if proxy is not None and getattr(item, "mode", MeshMode.SIDECAR) is MeshMode.SIDECAR:
        size = size_annotations(item.proxy or proxy)
        cpu.append(size["sidecar.istio.io/proxyCPU"])
        memory.append(size["sidecar.istio.io/proxyMemory"])
    return Requests(tuple(cpu), tuple(memory))


def stack_requests(config: StackConfig, item: ServiceSettings, pool: PoolSettings | None = None) -> Requests:
    """As requests_of, with the stack's sizes of sidecar and bridge."""
    return requests_of(item, sidecar_size(config), pool, config.bridge.resources)


def most_replicas(config: StackConfig, item: ServiceConfig, pool: PoolConfig | None = None) -> int:
    """`max_replicas`, lowered to what the budget pays for, and never below the minimum."""
    scaling = (pool or item).scaling
    if scaling.monthly_budget is None:
        return scaling.max_replicas
    paid = affordable_replicas(scaling.monthly_budget, stack_requests(config, item, pool), config.prices)
    return max(scaling.min_replicas, 1, min(scaling.max_replicas, paid))


def bounds(config: StackConfig, item: ServiceConfig, pool: PoolConfig | None = None) -> dict[str, object]:
    """`max_replicas`, and with a budget the cost of a replica for the alert."""
    most = {"max_replicas": most_replicas(config, item, pool)}
    if (pool or item).scaling.monthly_budget is None:
        return {**most}
    return {**most, "replica_month_cost": replica_month(stack_requests(config, item, pool), config.prices)}


def budget_issues(
    config: StackConfig, name: str, item: ServiceConfig, place: str = "scaling", pool: PoolConfig | None = None
) -> Iterator[ConfigIssue]:
    """A budget without prices, beside a canary, or below the minimum replicas of the service or its pool."""
    scaling, where, field = (pool or item).scaling, f"service {name}", f"{place}.monthly_budget"
    if scaling.monthly_budget is None:
        return
    if item.rollout.second is not None and pool is None:
        yield ConfigIssue(where, field, BUDGET_WITH_CANARY.message())
        return
    requests = stack_requests(config, item, pool)
    each = replica_month(requests, config.prices)
    if each <= 0:
        yield ConfigIssue(where, field, BUDGET_WITHOUT_PRICES.message())
        return
    floors = [scaling.min_replicas, scaling.fallback_replicas or 1, *(floor.replicas for floor in scaling.schedules)]
    paid = affordable_replicas(scaling.monthly_budget, requests, config.prices)
    if paid < max(floors):
        least = ceil(each * max(floors) * 100 - 1e-6) / 100
        message = BUDGET_TOO_SMALL.message(budget=scaling.monthly_budget, paid=paid, most=max(floors), least=least)
        yield ConfigIssue(where, field, message)
