"""Command group of Typer that imports a command's module when the command runs, for a fast `--help`."""

from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

COMMANDS: Final = {
    "backtest": (
        "Simulate a service on its own history: reactive, with the forecast, at equal cost, and with a control."
    ),
    "capacity": (
        "Size Prometheus, Jaeger and the collectors for a stack at its maximum of replicas; warn of smaller sizes."
    ),
    "cost": "Price the services of a stack, per month: requests of server and proxy times replicas; prices as given.",
    "dashboards": "Write the dashboards as JSON, to import them into a Grafana by hand.",
    "import": (
        "Write a stack file from mcp.json, Compose, ToolHive, kmcp or server.json; list what is not carried over."
    ),
    "usage": "Export tool calls by organization, tool and interval, without users.",
}
"""Command -> its help: the first sentence of the docstring of `<command>_command` in `meshed_mcp.cli.<command>`."""

MODULES: Final = {"import": "import_stack"}
"""Command -> its module, where its name is a keyword of Python."""

GROUPS: Final = {
    "canary": "Compare versions of a service.",
    "scaling": "Look at how a service scales.",
    "local": "Run a stack on this machine: a process per replica, each behind its own Envoy, and a gateway.",
}
"""Command group -> its help, as of `app` in `meshed_mcp.cli.<group>`."""


class LazyCommand(TyperCommand):
    """Placeholder of a command until it runs."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """The context of the imported command."""
        return loaded(self.name or "").make_context(info_name, args, parent, **extra)


class LazyGroup(TyperGroup):
    """`COMMANDS`, the commands that the app registers, and `GROUPS`, in this order."""

    def __init__(self, *, commands: Any = None, **attributes: Any) -> None:
        before, after = (
            {name: LazyCommand(name, help=text) for name, text in table.items()} for table in (COMMANDS, GROUPS)
        )
        super().__init__(commands={**before, **(commands or {}), **after}, **attributes)


def loaded(name: str) -> Any:
    """The imported command or group."""
    module = import_module(f"meshed_mcp.cli.{MODULES.get(name, name)}")
    parent = typer.Typer(add_completion=False)
    parent.callback()(lambda: None)
    if name in GROUPS:
        parent.add_typer(module.app, name=name)
    else:
        parent.command(name)(getattr(module, f"{name}_command"))
    return typer.main.get_group(parent).commands[name]
