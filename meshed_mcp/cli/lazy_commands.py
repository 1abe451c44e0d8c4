"""Command group of Typer that imports a command's module when the command runs, for a fast `--help`."""

from importlib import import_module
from typing import Any, Final, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup


class Target(NamedTuple):
    """Module and attribute of a command, and its help: the first sentence of its docstring."""

    module: str
    attribute: str
    help: str


COMMANDS: Final = {
    "backtest": Target(
        "meshed_mcp.cli.backtest",
        "backtest_command",
        "Simulate a service on its own history: reactive, with the forecast, at equal cost, and with a control.",
    ),
    "capacity": Target(
        "meshed_mcp.cli.capacity",
        "capacity_command",
        "Size Prometheus, Jaeger and the collectors for a stack at its maximum of replicas; warn of smaller sizes.",
    ),
    "cost": Target(
        "meshed_mcp.cli.cost",
        "cost_command",
        "Price the services of a stack, per month: requests of server and proxy times replicas; prices as given.",
    ),
    "dashboards": Target(
        "meshed_mcp.cli.dashboards",
        "dashboards_command",
        "Write the dashboards as JSON, to import them into a Grafana by hand.",
    ),
    "usage": Target(
        "meshed_mcp.cli.usage", "usage_command", "Export tool calls by organization, tool and interval, without users."
    ),
}
"""Commands."""

GROUPS: Final = {
    "canary": Target("meshed_mcp.cli.canary", "app", "Compare versions of a service."),
    "scaling": Target("meshed_mcp.cli.scaling", "app", "Look at how a service scales."),
    "local": Target(
        "meshed_mcp.cli.local",
        "app",
        "Run a stack on this machine: a process per replica, each behind its own Envoy, and a gateway.",
    ),
}
"""Command groups."""


class LazyCommand(TyperCommand):
    """Placeholder of a command until it runs."""

    def __init__(self, name: str, target: Target) -> None:
        super().__init__(name=name, help=target.help)
        self.target: Final = target

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """The context of the imported command."""
        return loaded(info_name or "", self.target).make_context(info_name, args, parent, **extra)


class LazyGroup(TyperGroup):
    """`COMMANDS`, the commands that the app registers, and `GROUPS`, in this order."""

    def __init__(self, *, commands: Any = None, **attributes: Any) -> None:
        before, after = (
            {name: LazyCommand(name, target) for name, target in table.items()} for table in (COMMANDS, GROUPS)
        )
        super().__init__(commands={**before, **(commands or {}), **after}, **attributes)


def loaded(name: str, target: Target) -> Any:
    """The imported command."""
    found = getattr(import_module(target.module), target.attribute)
    parent = typer.Typer(add_completion=False)
    parent.callback()(lambda: None)
    if isinstance(found, typer.Typer):
        parent.add_typer(found, name=name)
    else:
        parent.command(name)(found)
    return typer.main.get_group(parent).commands[name]
