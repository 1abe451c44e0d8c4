"""Reads the files of MCP clients: `mcpServers` of Claude Desktop, Claude Code and Cursor, `servers` of VS Code.

Sources: MCP, "Connect to local MCP servers"; VS Code, "MCP configuration reference"; Cursor, "Model Context Protocol".
"""

from collections.abc import Mapping
from typing import Any, Final

from meshed_mcp.infra.importing import reasons
from meshed_mcp.infra.importing.arguments import set_arguments, set_variable
from meshed_mcp.infra.importing.fields import Fields, Text, scalar_text
from meshed_mcp.infra.importing.launch import Container, Package, Program, Remote, launch
from meshed_mcp.infra.importing.reasons import Reason
from meshed_mcp.infra.importing.remotes import set_header, set_url
from meshed_mcp.infra.importing.report import Report, Server
from meshed_mcp.infra.importing.variables import Input

KEYS: Final = ("mcpServers", "servers", "context_servers")
"""Keys of the mapping of servers: most clients, VS Code, Zed."""

REASONS: Final[Mapping[str, Reason]] = {
    "cwd": reasons.WORKING_DIRECTORY,
    "envFile": reasons.MACHINE_FILE,
    "dev": reasons.CLIENT_SETTING,
    "oauth": Reason("clients sign in to it", "set outbound_auth with a token of the platform's own account"),
    "auth": Reason("clients sign in to it", "set outbound_auth with a token of the platform's own account"),
    "tools": Reason("it selects tools in the client", "set tools of the service"),
    "sandbox": Reason("it is the client's sandbox", "remove it: a pod is one; set egress_hosts for allowed hosts"),
}
"""Keys of an entry that are noted with a reason of their own."""


def servers_of(document: Any) -> tuple[tuple[str, ...], Any] | None:
    """Keys of the mapping of servers in a client's file, and the mapping that has its inputs."""
    if not isinstance(document, Mapping):
        return None
    for key in KEYS:
        if isinstance(document.get(key), Mapping):
            return (key,), document
    inner = document.get("mcp")
    if isinstance(inner, Mapping) and isinstance(inner.get("servers"), Mapping):
        return ("mcp", "servers"), inner
    return None


def read_clients(report: Report, number: int) -> None:
    """Draft the servers of a document."""
    found = servers_of(report.source.documents[number])
    if found is None:
        return
    keys, holder = found
    inputs = inputs_of(holder.get("inputs"))
    location = (number, *keys)
    for name, value in holder[keys[-1]].items():
        if isinstance(value, Mapping):
            read_entry(report, str(name), Fields(report, value, (*location, name)), inputs)
        else:
            report.leave_server((*location, name), reasons.NOT_A_SERVER)


def inputs_of(value: Any) -> dict[str, Input]:
    """The inputs of VS Code by id."""
    found = [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []
    return {
        str(item["id"]): Input(item.get("password") is True, default_of(item))
        for item in found
        if isinstance(item.get("id"), str)
    }


def default_of(item: Mapping[str, Any]) -> str | None:
    """The default of an input, which a secret has not."""
    default = item.get("default")
    return scalar_text(default) if isinstance(default, str | int | float) and item.get("password") is not True else None


def read_entry(report: Report, name: str, entry: Fields, inputs: Mapping[str, Input]) -> None:
    """Draft one server."""
    if entry.flag("disabled") or entry.raw("enabled") is False:
        report.leave_server(entry.location, reasons.DISABLED)
        return
    server = report.server(name, entry.location)
    transport = entry.text("type", "transport") or ""
    url = entry.text("url", "serverUrl", "httpUrl")
    if url and not entry.values.get("command"):
        remote = Remote(Text(url, entry.at(entry.present(("url", "serverUrl", "httpUrl")))), sse=transport == "sse")
        kept = use_remote(server, remote, inputs)
        for header, value in entry.inner("headers").values.items():
            if kept:
                set_header(server, header, scalar_text(value), (*entry.at("headers"), header), inputs)
    else:
        kept = use_command(server, entry, inputs)
    if kept:
        set_variables(server, entry, inputs)
        entry.leave_rest(REASONS, reasons.CLIENT_SETTING)


def command_of(entry: Fields) -> list[Text]:
    """The command and its arguments; Zed nests them in `command`."""
    command = entry.raw("command")
    if isinstance(command, Mapping):
        inner = entry.inner("command")
        return [*inner.texts("path"), *inner.texts("args")]
    return [*entry.texts("command"), *entry.texts("args")]


def use_command(server: Server, entry: Fields, inputs: Mapping[str, Input]) -> bool:
    """Set what the command starts; False if the server is left out."""
    started = launch(command_of(entry))
    if isinstance(started, Program):
        server.report.leave_server(server.location, started.reason)
        return False
    if isinstance(started, Remote):
        variables = {key: scalar_text(value) for key, value in entry.inner("env").values.items()}
        entry.values = {key: value for key, value in entry.values.items() if key != "env"}
        known = {**inputs, **{key: Input(secret=False, default=value) for key, value in variables.items()}}
        return use_remote(server, started, known)
    if isinstance(started, Package):
        use_package(server, started)
    else:
        use_container(server, started, inputs)
    set_arguments(server, started.args, inputs)
    for option in started.options:
        server.report.leave(option.location, reasons.COMMAND_OPTION)
    return True


def use_package(server: Server, package: Package) -> None:
    """Set the package, or note that its version is missing."""
    server.settings["transport"] = "stdio"
    if package.version:
        server.settings["package"] = package.reference
    else:
        why = f'an exact version is required, as in "{package.reference}"'
        server.to_set("package", why, server.location)
    server.images.add(f"{package.registry}_image")
    if package.program:
        server.report.leave(server.location, PROGRAM_OF_PACKAGE)


PROGRAM_OF_PACKAGE: Final = Reason(
    "it runs a program of the package that has another name", "use a package whose only program is the server"
)


def use_container(server: Server, started: Container, inputs: Mapping[str, Input]) -> None:
    """Set the image; the command is unknown unless the entry point is given."""
    server.settings |= {"image": started.image, "transport": "stdio"}
    server.images.add("image")
    if started.entrypoint:
        server.settings["command"] = [started.entrypoint]
    else:
        server.to_set("command", NEEDS_COMMAND, server.location)
    for each in started.variables:
        name, equals, value = each.text.partition("=")
        set_variable(server, name, value if equals else f"${{{name}}}", each.location, inputs)


NEEDS_COMMAND: Final = "the entry point of the image is required with transport: stdio; see docker image inspect"


def use_remote(server: Server, started: Remote, inputs: Mapping[str, Input]) -> bool:
    """Set the URL and headers; False if the server is left out."""
    if started.sse:
        server.report.leave_server(server.location, reasons.SSE_ONLY)
        return False
    if not set_url(server, started.url, inputs):
        return False
    for header in started.headers:
        name, _, value = header.text.partition(":")
        set_header(server, name.strip(), value.strip(), header.location, inputs)
    for option in started.options:
        server.report.leave(option.location, reasons.COMMAND_OPTION)
    return True


def set_variables(server: Server, entry: Fields, inputs: Mapping[str, Input]) -> None:
    """Set the environment variables of an entry. A variable that `docker run -e NAME` names gets its value here."""
    for name, value in entry.inner("env").values.items():
        set_variable(server, name, scalar_text(value), (*entry.at("env"), name), inputs)
