"""Commands `meshed-mcp local` and `meshed-mcp local top`: run a stack on this machine and observe it."""

import contextlib
import json
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from meshed_mcp.cli.options import ProjectOption, StackOption
from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.error_codes.cli import INVALID_CALL_OPTION, NO_LOCAL_RUN
from meshed_mcp.infra import checks, recording

app = typer.Typer(invoke_without_command=True)
console = Console(highlight=False, soft_wrap=True)

GATEWAY_PORT: Final = 8080
"""Port of the local gateway on 127.0.0.1."""

RUNS: Final = ".local"
"""Folder of the runs in a project."""

CheckOption = Annotated[bool, typer.Option("--check", help="Exit with 0 or 1 after the first round of calls.")]
PortOption = Annotated[int, typer.Option(min=1, max=65535, help="Port of the gateway on 127.0.0.1.")]
CallOption = Annotated[
    list[str] | None,
    typer.Option("--call", metavar="SERVICE/TOOL=JSON", help="Call a tool through the gateway; repeatable."),
]
ScaleOption = Annotated[
    bool, typer.Option("--scale", help="Scale by the rendered ScaledObjects; needs prometheus on the PATH.")
]
MonitorOption = Annotated[
    bool | None, typer.Option(help="Run Prometheus and Alertmanager; by default if they are on the PATH.")
]
FaultOption = Annotated[
    list[str] | None,
    typer.Option("--fault", metavar="SERVICE=KIND", help="Inject errors, slow or down, to see alerts; repeatable."),
]
HoldOption = Annotated[
    float | None, typer.Option(min=0, help="Upper bound of `for` of alerts, seconds; by default as rendered.")
]


@app.callback()
def local(  # noqa: PLR0913, PLR0917 - one parameter per option
    context: typer.Context,
    stack: StackOption = "dev",
    project: ProjectOption = Path(),
    check: CheckOption = False,
    port: PortOption = GATEWAY_PORT,
    call: CallOption = None,
    scale: ScaleOption = False,
    monitor: MonitorOption = None,
    fault: FaultOption = None,
    hold: HoldOption = None,
) -> None:
    """Run a stack on this machine: a process per replica, each behind its own Envoy, and a gateway."""
    if context.invoked_subcommand is not None:
        return
    from meshed_mcp.local import command, fault_injection  # noqa: PLC0415 - need packages that render and check do not
    from meshed_mcp.local.observe import alertmanager  # noqa: PLC0415 - need packages that render and check do not

    calls = [command.Call(*parsed_call(text)) for text in call or ()]
    recorded = recording.record(project, stack)
    issues = checks.check(recorded).issues
    if issues:
        raise ConfigurationError(issues)
    seeds = tuple(fault_injection.InjectedFault.parsed(text) for text in fault or ())
    code = command.run(
        recorded.objects,
        gateway_port=port,
        calls=calls,
        state_dir=project / RUNS / stack,
        console=console,
        options=command.RunOptions(not check, scale, monitor, seeds, hold),
        routes=alertmanager.rendered_routes(recorded.releases),
    )
    raise typer.Exit(code)


@app.command("top")
def top_command(
    stack: StackOption = "dev",
    project: ProjectOption = Path(),
    prometheus: Annotated[str | None, typer.Option("--prometheus", help="URL; by default the local run's.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Print it once.")] = False,
) -> None:
    """Show calls per second, p99, errors, calls in flight and burn of each service, live, and the alerts that fire."""
    from meshed_mcp.cli.prometheus import Prometheus  # noqa: PLC0415 - as above
    from meshed_mcp.local.observe import monitoring, top  # noqa: PLC0415 - as above

    found = {"prometheus": prometheus} if prometheus else monitoring.addresses(project / RUNS / stack)
    url = None if found is None else found["prometheus"]
    if found is None or url is None:
        raise ConfigurationError.single(f"stack {stack}", NO_LOCAL_RUN.message())
    with contextlib.closing(Prometheus(url)) as source:
        top.top(source, found.get("alertmanager"), console, once=once)


def parsed_call(text: str) -> tuple[str, str, dict[str, Any]]:
    """Service, tool and arguments of `mcp-controller/answer={"question": "..."}`. Raises ConfigurationError."""
    target, _, arguments = text.partition("=")
    service, _, tool = target.partition("/")
    try:
        values: Any = json.loads(arguments or "{}")
    except ValueError:
        values = None
    if not (service and tool and isinstance(values, dict)):
        raise ConfigurationError.single("--call", INVALID_CALL_OPTION.message(text=text))
    return service, tool, values
