"""Commands that are imported when they run, so that `--help` and every other command start without them.

Names, targets and help lines in; a command group for Typer out. Not here: what the commands do.
"""

from importlib import import_module
from typing import Any, Final, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup


class Target(NamedTuple):
    """Where a command is, and the line of `--help` about it: the first sentence of its docstring."""

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
        "Size Prometheus, Jaeger and the collectors for a stack at its most replicas; warn where it gives less.",
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
        "meshed_mcp.cli.usage",
        "usage_command",
        "Write tool calls by organization and tool, a row per part of the time; no user is in it.",
    ),
}
"""Commands that are functions."""

GROUPS: Final = {
    "canary": Target("meshed_mcp.cli.canary", "app", "Compare versions of a service."),
    "scaling": Target("meshed_mcp.cli.scaling", "app", "Look at how a service scales."),
    "local": Target(
        "meshed_mcp.cli.local",
        "app",
        "Run a stack on this machine: a process per replica, each behind its own Envoy, and a gateway.",
    ),
}
"""Commands with commands of their own."""


class LazyCommand(TyperCommand):
    """Stands for a command until it runs."""

    def __init__(self, name: str, target: Target) -> None:
        super().__init__(name=name, help=target.help)
        self.target: Final = target

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """The context of the command itself, which parses the arguments and runs."""
        return loaded(info_name or "", self.target).make_context(info_name, args, parent, **extra)


class LazyGroup(TyperGroup):
    """The commands that an app registers, between those of `COMMANDS` and of `GROUPS`."""

    def __init__(self, *, commands: Any = None, **attributes: Any) -> None:
        before, after = (
            {name: LazyCommand(name, target) for name, target in table.items()} for table in (COMMANDS, GROUPS)
        )
        super().__init__(commands={**before, **(commands or {}), **after}, **attributes)


def loaded(name: str, target: Target) -> Any:
    """The command behind `target`."""
    found = getattr(import_module(target.module), target.attribute)
    parent = typer.Typer(add_completion=False)
    parent.callback()(lambda: None)
    if isinstance(found, typer.Typer):
        parent.add_typer(found, name=name)
    else:
        parent.command(name)(found)
    return typer.main.get_group(parent).commands[name]
