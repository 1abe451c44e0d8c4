"""Reads the files of MCP clients: `mcpServers` of Claude Desktop, Claude Code and Cursor, `servers` of VS Code.

Sources: MCP, "Connect to local MCP servers"; VS Code, "MCP configuration reference"; Cursor, "Model Context Protocol".
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from meshed_mcp.infra.importing import reasons
from meshed_mcp.infra.importing.arguments import set_arguments, set_variable
from meshed_mcp.infra.importing.fields import Fields, Text, scalar_text
from meshed_mcp.infra.importing.launch import Container, Package, Program, Remote, launch
from meshed_mcp.infra.importing.reasons import Reason
from meshed_mcp.infra.importing.remotes import set_header, set_url
from meshed_mcp.infra.importing.report import Report, Server
from meshed_mcp.infra.importing.source import Location
from meshed_mcp.infra.importing.variables import Input, Resolver, with_variables

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


def matches(document: Any) -> bool:
    """Whether a document is a client's file."""
    return servers_of(document) is not None


def read(report: Report, document: Any, location: Location) -> None:
    """Draft the servers of a client's file."""
    found = servers_of(document)
    if found is None:
        return
    keys, holder = found
    inputs = inputs_of(holder.get("inputs"))
    inner = (*location, *keys)
    for name, value in holder[keys[-1]].items():
        if isinstance(value, Mapping):
            read_entry(report, name, Fields(report, value, (*inner, name)), inputs)
        else:
            report.leave_server((*inner, name), reasons.NOT_A_SERVER)


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
    variables = {key: scalar_text(value) for key, value in entry.inner("env").values.items()}
    resolve = with_variables(variables, inputs)
    transport = entry.text("type", "transport") or ""
    url = entry.text("url", "serverUrl", "httpUrl")
    if url and not entry.values.get("command"):
        remote = Remote(Text(url, entry.at(entry.present(("url", "serverUrl", "httpUrl")))), sse=transport == "sse")
        kept = use_remote(server, remote, resolve)
        for header, value in entry.inner("headers").values.items():
            if kept:
                set_header(server, header, scalar_text(value), (*entry.at("headers"), header), resolve)
    else:
        kept = use_command(server, command_of(entry), resolve)
    if kept and "url" not in server.settings:
        own = with_variables({}, inputs)
        for key, value in variables.items():
            set_variable(server, key, value, (*entry.at("env"), key), own)
    if kept:
        entry.leave_rest(REASONS, reasons.CLIENT_SETTING)


def command_of(entry: Fields) -> list[Text]:
    """The command and its arguments; Zed nests them in `command`."""
    if isinstance(entry.raw("command"), Mapping):
        inner = entry.inner("command")
        return [*inner.texts("path"), *inner.texts("args")]
    return [*entry.texts("command"), *entry.texts("args")]


def use_command(server: Server, command: Sequence[Text], resolve: Resolver) -> bool:
    """Set what the command starts; False if the server is left out."""
    started = launch(command)
    if isinstance(started, Program):
        server.report.leave_server(server.location, started.reason)
        return False
    if isinstance(started, Remote):
        return use_remote(server, started, resolve)
    if isinstance(started, Package):
        use_package(server, started)
    else:
        use_container(server, started, resolve)
    set_arguments(server, started.args, resolve)
    for option in started.options:
        server.report.leave(option.location, reasons.COMMAND_OPTION)
    return True


def use_package(server: Server, package: Package) -> None:
    """Set the package, or note that its version is missing."""
    if package.version:
        server.settings["package"] = package.reference
    else:
        why = f'an exact version is required, as in "{package.reference}"'
        server.to_set("package", why, server.location)
    if package.program:
        server.settings["command"] = [package.program]
    server.images.add(f"{package.registry}_image")


def use_container(server: Server, started: Container, resolve: Resolver) -> None:
    """Set the image; the command is unknown unless the entry point is given."""
    server.settings |= {"image": started.image, "transport": "stdio"}
    server.images.add("image")
    if started.entrypoint:
        server.settings["command"] = [started.entrypoint]
    else:
        server.to_set("command", NEEDS_COMMAND, server.location)
    for each in started.variables:
        name, equals, value = each.text.partition("=")
        set_variable(server, name, value if equals else f"${{{name}}}", each.location, resolve)


NEEDS_COMMAND: Final = "the entry point of the image is required with transport: stdio; see docker image inspect"


def use_remote(server: Server, started: Remote, resolve: Resolver) -> bool:
    """Set the URL and headers; False if the server is left out."""
    reason = reasons.SSE_ONLY if started.sse else set_url(server, started.url, resolve)
    if reason:
        server.report.leave_server(server.location, reason)
        return False
    for header in started.headers:
        name, _, value = header.text.partition(":")
        set_header(server, name.strip(), value.strip(), header.location, resolve)
    for option in started.options:
        server.report.leave(option.location, reasons.COMMAND_OPTION)
    return True
