"""Cost of replicas, and the replicas that a budget pays for."""

import pytest

from meshed_mcp.components.autoscaling.cost import Prices, Requests, affordable_replicas, replica_month

REQUESTS = Requests(("400m", "100m"), ("896Mi", "128Mi"))
PRICES = Prices(cpu_hour=0.04, gib_hour=0.005)


def test_cost_of_a_replica_includes_server_and_proxy_requests() -> None:
    """Arithmetic: 730 h x (0.5 cores x 0.04 + 1 GiB x 0.005)."""
    assert replica_month(REQUESTS, PRICES) == pytest.approx(18.25)


@pytest.mark.parametrize(("budget", "replicas"), [(18.25, 1), (18.24, 0), (100, 5)])
def test_budget_pays_for_whole_replicas(budget: float, replicas: int) -> None:
    """Requirement SCL-7: a budget is a bound, so the number of replicas is never rounded up."""
    assert affordable_replicas(budget, REQUESTS, PRICES) == replicas


def test_budget_without_prices_is_rejected() -> None:
    """Requirement SCL-7: prices are never assumed; without them a budget bounds nothing."""
    with pytest.raises(
        ValueError, match=r"needs prices; set meshed-mcp:prices: \{cpu_hour: \.\.\., gib_hour: \.\.\.\}"
    ):
        affordable_replicas(10, REQUESTS, Prices())
