"""Budgets of a stack: the maximum of replicas, and invalid budgets."""

import json
from typing import Any

import pytest
from typer import Typer
from typer.testing import CliRunner

from meshed_mcp.cli.cost import cost_command, priced
from meshed_mcp.components.autoscaling.cost import Prices
from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.infra.plan import Plan
from meshed_mcp.infra.plan import planned as plan_of
from tests.stacks import ROOT

PRICES = {"cpu_hour": 0.04, "gib_hour": 0.005}
"""One replica of the defaults, 200m and 256Mi with its proxy, is 6.7525 a month."""


def planned(scaling: dict[str, Any], prices: dict[str, float] | None = None, **service: Any) -> Plan:
    """The plan of a stack with one service."""
    services = {"mcp-a": {"image": "a:1", "scaling": scaling, **service}}
    given = {"services": services, "prices": PRICES if prices is None else prices}
    return plan_of({f"meshed-mcp:{key}": json.dumps(value) for key, value in given.items()})


def line(scaling: dict[str, Any], prices: dict[str, float] | None = None, **service: Any) -> str:
    """Its only issue."""
    with pytest.raises(ConfigurationError) as raised:
        planned(scaling, prices, **service)
    return str(raised.value)


def test_a_budget_lowers_the_maximum_when_the_stack_is_deployed() -> None:
    """Requirement SCL-7: a monthly budget per service gives the replica cap at deploy time."""
    done = planned({"monthly_budget": 35, "max_replicas": 10})
    assert done.autoscaling.targets["mcp-a"].max_replicas == done.services["mcp-a"].max_replicas == 5


def test_a_budget_alert_uses_the_stacks_own_prices() -> None:
    """Requirement SCL-7: a budget has a spend alert; without a budget there is none."""
    target = planned({"monthly_budget": 35}).autoscaling.targets["mcp-a"]
    assert target.replica_month_cost == pytest.approx(6.7525)
    assert planned({}).autoscaling.targets["mcp-a"].replica_month_cost is None


def test_a_budget_never_raises_the_maximum() -> None:
    """Requirement SCL-7: the maximum of the stack and that of the budget are both upper bounds."""
    assert planned({"monthly_budget": 3500, "max_replicas": 10}).autoscaling.targets["mcp-a"].max_replicas == 10


def test_a_budget_below_the_minimum_is_rejected_with_the_minimums_cost() -> None:
    """Requirement CFG-7: a budget below the cost of the minimum replicas could never hold."""
    assert line({"monthly_budget": 10}) == (
        "MM0113: service mcp-a: scaling.monthly_budget: 10 pays for 1 replicas, and "
        "min_replicas, fallback_replicas or schedules need 2, which cost 13.51; set 13.51 "
        "or more, or lower them"
    )


def test_a_budget_without_prices_is_rejected() -> None:
    """Requirement SCL-7: without prices a budget bounds nothing."""
    assert line({"monthly_budget": 10}, prices={}) == (
        "MM0604: service mcp-a: scaling.monthly_budget: needs prices; set "
        "meshed-mcp:prices: {cpu_hour: ..., gib_hour: ...}"
    )


def test_a_budget_and_a_canary_exclude_each_other() -> None:
    """Requirement CFG-7: a canary runs for hours, and its replicas are added to the service's."""
    canary = {"strategy": "canary", "image": "b:2", "weights": {"stable": 90, "canary": 10}}
    assert line({"monthly_budget": 100}, rollout=canary).endswith("set max_replicas while a canary runs")


def cost(*arguments: str) -> tuple[str, BaseException | None]:
    """Output and exception of the command."""
    app = Typer()
    app.command()(cost_command)
    result = CliRunner().invoke(app, ["--stack", "dev", "--project", str(ROOT), *arguments])
    return result.output, None if isinstance(result.exception, SystemExit) else result.exception


def test_the_cost_command_prices_every_service_and_their_sum() -> None:
    """Requirement SCL-7: `meshed-mcp cost --stack S` takes prices as input."""
    output, error = cost("--cpu-hour", "0.04", "--gib-hour", "0.005")
    assert error is None
    row = next(text for text in output.splitlines() if "mcp-rag" in text)
    assert [cell.strip() for cell in row.strip("│ ").split("│")] == ["mcp-rag", "1 to 1", "6.75", "6.75", "6.75"]
    assert any("all" in text for text in output.splitlines())


def test_a_pool_is_priced_by_its_own_requests() -> None:
    """Requirement SCL-7: the sum of a service includes its pools, each at its own resource requests."""
    pool = {"tools": ["report"], "resources": {"cpu": "1", "memory": "1Gi", "memory_limit": "1Gi"}}
    done = planned({"max_replicas": 4}, pools={"slow": {**pool, "scaling": {"max_replicas": 3}}})
    found = {name: (least, most, round(each, 2)) for name, least, most, each in priced(done, Prices(**PRICES))}
    assert found == {"mcp-a": (2, 4, 6.75), "mcp-a-slow": (2, 3, 36.23)}


def test_the_cost_command_requires_prices() -> None:
    """Requirement SCL-7: no price is assumed."""
    _, error = cost()
    assert str(error) == (
        "MM0856: prices: are unknown; set --cpu-hour and --gib-hour, or meshed-mcp:prices: in the stack"
    )
