"""What replicas cost, and what a budget pays for."""

import pytest

from meshed_mcp.components.autoscaling.cost import Prices, Requests, affordable_replicas, replica_month

REQUESTS = Requests(("400m", "100m"), ("896Mi", "128Mi"))
PRICES = Prices(cpu_hour=0.04, gib_hour=0.005)


def test_a_replica_costs_what_server_and_proxy_ask_for() -> None:
    """Arithmetic: 730 h x (0.5 cores x 0.04 + 1 GiB x 0.005)."""
    assert replica_month(REQUESTS, PRICES) == pytest.approx(18.25)


@pytest.mark.parametrize(("budget", "replicas"), [(18.25, 1), (18.24, 0), (100, 5)])
def test_a_budget_pays_for_whole_replicas(budget: float, replicas: int) -> None:
    """Product rule: a budget is a bound, so it is never rounded up."""
    assert affordable_replicas(budget, REQUESTS, PRICES) == replicas


def test_a_budget_without_prices_is_refused() -> None:
    """Product rule: free replicas would be no bound."""
    with pytest.raises(
        ValueError, match=r"needs prices; set meshed-mcp:prices: \{cpu_hour: \.\.\., gib_hour: \.\.\.\}"
    ):
        affordable_replicas(10, REQUESTS, Prices())
