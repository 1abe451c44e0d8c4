"""What a service costs, and how many replicas a budget pays for: prices and requests in, amounts out.

Amounts are in the currency of the prices, per month. Requests count, since they are what a node must hold free; the
proxy beside the server counts too. Not here: spot prices, traffic, disks, the control plane.
"""

from typing import Annotated, Final, NamedTuple

from pydantic import Field

from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.quantity import cpu_millicores, memory_bytes
from meshed_mcp.error_codes.autoscaling import BUDGET_WITHOUT_PRICES

HOURS_PER_MONTH: Final = 730
"""365 days by 24 hours, a twelfth of it: the usual month of cloud price lists."""

GIB: Final = 2**30

Price = Annotated[float, Field(ge=0, le=1_000_000)]


class Prices(Model):
    """What the cluster's nodes cost, per hour, in any one currency."""

    cpu_hour: Price = 0.0
    """One core for an hour. Source of yours: the bill, or OpenCost's `node_cpu_hourly_cost`."""

    gib_hour: Price = 0.0
    """One GiB of memory for an hour. OpenCost: `node_ram_hourly_cost`."""


class Requests(NamedTuple):
    """CPU and memory that one replica asks for: server and proxy, as Kubernetes quantities."""

    cpu: tuple[str, ...]
    memory: tuple[str, ...]


def replica_month(requests: Requests, prices: Prices) -> float:
    """One replica for a month."""
    cores = sum(map(cpu_millicores, requests.cpu)) / 1000
    gib = sum(map(memory_bytes, requests.memory)) / GIB
    return HOURS_PER_MONTH * (cores * prices.cpu_hour + gib * prices.gib_hour)


def affordable_replicas(budget: float, requests: Requests, prices: Prices) -> int:
    """Replicas that `budget`, an amount per month, pays for if they all run all the time.

    Raises ValueError where nothing has a price: a budget would then allow any number.
    """
    each = replica_month(requests, prices)
    if each <= 0:
        raise BUDGET_WITHOUT_PRICES.error()
    return int(budget / each + 1e-9)
