"""Command `meshed-mcp cost`: monthly cost of a stack's services at their minimum and maximum of replicas."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from meshed_mcp.cli.options import ProjectOption, StackOption
from meshed_mcp.components.autoscaling.args import ScalingTarget
from meshed_mcp.components.autoscaling.cost import Prices, replica_month
from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.components.mesh.routing.tool_args import Pool
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs
from meshed_mcp.error_codes.cli import PRICES_MISSING
from meshed_mcp.infra.parsing import parse_stack
from meshed_mcp.infra.plan import Plan, planned
from meshed_mcp.infra.recording.project import read_project
from meshed_mcp.infra.validation.budgets import requests_of

console = Console(highlight=False, soft_wrap=True)


def cost_command(
    stack: StackOption,
    project: ProjectOption = Path(),
    cpu_hour: Annotated[float | None, typer.Option(min=0, help="Price of a core for an hour.")] = None,
    gib_hour: Annotated[float | None, typer.Option(min=0, help="Price of a GiB of memory for an hour.")] = None,
) -> None:
    """Price the services of a stack, per month: requests of server and proxy times replicas; prices as given."""
    files = read_project(project, stack)
    plan = planned(files.config, files.secret_keys)
    config = parse_stack(files.config, files.secret_keys).config
    given = {"cpu_hour": cpu_hour, "gib_hour": gib_hour}
    known = Prices() if config is None else config.prices
    prices = known.model_copy(update={name: value for name, value in given.items() if value is not None})
    if prices.cpu_hour == prices.gib_hour == 0:
        raise ConfigurationError.single("prices", PRICES_MISSING.message())
    console.print(cost_table(plan, prices))


def cost_table(plan: Plan, prices: Prices) -> Table:
    """A row per service and the totals: replicas, cost of one, of the minimum and of the maximum."""
    table = Table("service", title="Per month, in the currency of the prices")
    for name in ("replicas", "one", "fewest", "most"):
        table.add_column(name, justify="right")
    total_least = total_most = 0.0
    for name, least, most, each in priced(plan, prices):
        table.add_row(name, f"{least} to {most}", f"{each:.2f}", f"{each * least:.2f}", f"{each * most:.2f}")
        total_least, total_most = total_least + each * least, total_most + each * most
    table.add_section()
    table.add_row("all", "", "", f"{total_least:.2f}", f"{total_most:.2f}")
    return table


def priced(plan: Plan, prices: Prices) -> Iterator[tuple[str, int, int, float]]:
    """Name, minimum and maximum of replicas, and cost of one, of every service (all versions) and every pool."""
    for name, args in plan.services.items():
        targets = {key: target for key, target in plan.autoscaling.targets.items() if (target.service or key) == name}
        pools = {f"{name}-{pool}": settings for pool, settings in args.pools.items()}
        yield name, *sizes(args.replicas, [targets[key] for key in targets.keys() - pools.keys()]), cost(args, prices)
        for key, pool in pools.items():
            found = [targets[key]] if key in targets else []
            yield key, *sizes(pool.replicas, found), cost(args, prices, pool)


def cost(args: MeshedMCPServiceArgs, prices: Prices, pool: Pool | None = None) -> float:
    """Cost of one replica for a month."""
    return replica_month(requests_of(args, pool=pool, bridge=args.bridge_resources), prices)


def bounds(plan: Plan, name: str) -> tuple[int, int]:
    """Minimum and maximum of a service's replicas, versions and pools included."""
    targets = [target for key, target in plan.autoscaling.targets.items() if (target.service or key) == name]
    return sizes(plan.services[name].replicas, targets)


def sizes(fixed: int, targets: Sequence[ScalingTarget]) -> tuple[int, int]:
    """Sums of minimum and maximum of the targets; `fixed` without targets."""
    if not targets:
        return fixed, fixed
    return sum(target.min_replicas for target in targets), sum(target.max_replicas for target in targets)
