"""Cost of replicas and the replicas that a budget pays for, from prices and resource requests, proxy included.

Amounts are per month, in the currency of the prices. Spot prices, traffic, disks and the control plane are left out.
"""

from typing import Annotated, Final, NamedTuple

from pydantic import Field

from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.quantity import cpu_millicores, memory_bytes
from meshed_mcp.error_codes.autoscaling import BUDGET_WITHOUT_PRICES

HOURS_PER_MONTH: Final = 730
"""365 * 24 / 12, the month of cloud price lists."""

GIB: Final = 2**30

Price = Annotated[float, Field(ge=0, le=1_000_000)]


class Prices(Model):
    """Prices of the cluster's nodes, per hour, in one currency of your choice."""

    cpu_hour: Price = 0.0
    """Price of a core for an hour: from the bill, or OpenCost's `node_cpu_hourly_cost`."""

    gib_hour: Price = 0.0
    """Price of a GiB of memory for an hour; OpenCost: `node_ram_hourly_cost`."""


class Requests(NamedTuple):
    """Requests of one replica, server and proxy, as Kubernetes quantities."""

    cpu: tuple[str, ...]
    memory: tuple[str, ...]


def replica_month(requests: Requests, prices: Prices) -> float:
    """Cost of one replica for a month."""
    cores = sum(map(cpu_millicores, requests.cpu)) / 1000
    gib = sum(map(memory_bytes, requests.memory)) / GIB
    return HOURS_PER_MONTH * (cores * prices.cpu_hour + gib * prices.gib_hour)


def affordable_replicas(budget: float, requests: Requests, prices: Prices) -> int:
    """Replicas that the monthly `budget` pays for when they run all month. Raises ValueError if both prices are 0."""
    each = replica_month(requests, prices)
    if each <= 0:
        raise BUDGET_WITHOUT_PRICES.error()
    return int(budget / each + 1e-9)
