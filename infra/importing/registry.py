"""Reads `server.json` of the MCP registry, also as its API returns it; also in the spelling of early schemas.

One package becomes the service: the first that can be carried over; otherwise the first remote.
Source: MCP registry, "server.json format specification".
"""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from meshed_mcp.infra.importing import reasons
from meshed_mcp.infra.importing.arguments import set_arguments, set_secret_argument, set_variable
from meshed_mcp.infra.importing.clients import NEEDS_COMMAND, use_container, use_package
from meshed_mcp.infra.importing.fields import Fields, Text
from meshed_mcp.infra.importing.launch import Container as DockerContainer
from meshed_mcp.infra.importing.launch import Package, container, exact
from meshed_mcp.infra.importing.reasons import Reason
from meshed_mcp.infra.importing.remotes import set_header, set_url
from meshed_mcp.infra.importing.report import Report, Server
from meshed_mcp.infra.importing.source import Location
from meshed_mcp.infra.importing.variables import literal

REGISTRIES: Final = ("npm", "pypi", "oci", "docker")

ANOTHER: Final = Reason("another way to run this server is imported", "replace that one by hand, if you prefer this")
OTHER_REGISTRY: Final = Reason("only packages of npm and PyPI, and images, can run", "build an image of it")
HTTP_PACKAGE: Final = Reason("a package runs over stdio only", "use its stdio transport, or build an image of it")
NOT_OFFERED: Final = Reason("it has no package or remote that can run", "build an image of it")
DESCRIPTION: Final = ("$schema", "name", "title", "description", "version", "repository", "websiteUrl", "website_url")
IGNORED: Final = (*DESCRIPTION, "icons", "status", "_meta", "packages", "remotes", "version_detail", "id")
"""Fields that describe the server and do not change how it runs."""


def server_of(document: Any) -> tuple[str, ...] | None:
    """Keys of the description in a document: none of them, or `server` of the API's response."""
    if not isinstance(document, Mapping):
        return None
    for keys, found in (((), document), (("server",), document.get("server"))):
        if isinstance(found, Mapping) and any(isinstance(found.get(key), list) for key in ("packages", "remotes")):
            return keys
    return None


def items_of(document: Any) -> list[tuple[Any, Location]]:
    """The descriptions of a document: one, or `servers` of the API's list."""
    listed = document.get("servers") if isinstance(document, Mapping) else None
    found = [(item, ("servers", index)) for index, item in enumerate(listed)] if isinstance(listed, list) else []
    return [*found] or [(document, ())]


def matches(document: Any) -> bool:
    """Whether a document describes servers as the registry does."""
    return any(server_of(item) is not None for item, _ in items_of(document))


def read(report: Report, document: Any, location: Location) -> None:
    """Draft one server per description."""
    for item, inner in items_of(document):
        keys = server_of(item)
        if keys is None:
            report.leave((*location, *inner), reasons.NOT_A_SERVER)
            continue
        entry = Fields(report, item[keys[0]] if keys else item, (*location, *inner, *keys))
        server = report.server((entry.text("name") or "server").rpartition("/")[2], entry.location)
        chosen: bool = False
        for each in [*entry.mappings("packages"), *entry.mappings("remotes")]:
            if chosen:
                report.leave(each.location, ANOTHER)
            else:
                chosen = set_remote(server, each) if each.values.get("url") else set_package(server, each)
        if not chosen:
            report.leave_server(entry.location, NOT_OFFERED)
        entry.raw(*IGNORED)
        entry.leave_rest({})


def set_package(server: Server, package: Fields) -> bool:
    """Set a package or image; False if it cannot be carried over."""
    registry = package.text("registryType", "registry_type", "registry_name") or ""
    name, version = package.text("identifier", "name"), package.text("version")
    transport = package.inner("transport")
    kind, url = transport.text("type") or "stdio", transport.text("url") or ""
    reason = refusal(registry, kind) if name else reasons.NO_PACKAGE
    if reason or name is None:
        server.report.leave(package.location, reason or reasons.NO_PACKAGE)
        return False
    package.raw("registryBaseUrl", "registry_base_url", "runtimeHint", "runtime_hint", "fileSha256", "file_sha256")
    arguments = package.mappings("runtimeArguments", "runtime_arguments")
    if registry in {"npm", "pypi"}:
        use_package(server, Package(registry, name, exact(registry, version)))
        leave_runtime_arguments(server, arguments)
    else:
        set_image(server, with_tag(name, version), arguments, kind, url)
    set_package_arguments(server, package.mappings("packageArguments", "package_arguments"))
    for each in package.mappings("environmentVariables", "environment_variables"):
        set_input(server, each)
    package.leave_rest({})
    return True


def refusal(registry: str, kind: str) -> Reason | None:
    """Why a package cannot be carried over."""
    if registry not in REGISTRIES:
        return OTHER_REGISTRY
    if kind == "sse":
        return reasons.SSE_ONLY
    return HTTP_PACKAGE if registry in {"npm", "pypi"} and kind != "stdio" else None


def with_tag(name: str, version: str | None) -> str:
    """The image with its version as tag, unless the name has a tag or digest."""
    has_tag = "@" in name or ":" in name.rpartition("/")[2]
    return name if has_tag or not version else f"{name}:{version}"


def set_image(server: Server, image: str, arguments: list[Fields], kind: str, url: str) -> None:
    """Set the image with the options of `docker run`, and its transport."""
    words = [word for each in arguments for word in argument(each)]
    found = container([*words, Text(image, server.location)])
    started = found if isinstance(found, DockerContainer) else DockerContainer(image)
    use_container(server, started, literal)
    if kind != "stdio":
        server.images.discard("image")
        server.settings.pop("transport")
        server.report.forget(f"{server.name}.command")
        server.settings |= {"runtime": "external", **endpoint(url)}
    elif "command" not in server.settings:
        server.to_set("command", NEEDS_COMMAND, server.location)
    for option in started.options:
        server.report.leave(option.location, reasons.COMMAND_OPTION)


def endpoint(url: str) -> dict[str, Any]:
    """Port and path of `http://localhost:8080/mcp`; braces stand for values that the user sets."""
    try:
        parts = urlsplit(re.sub(r"\{[^}]*\}", "", url))
        port = parts.port
    except ValueError:
        return {}
    path = parts.path.rstrip("/")
    return {**({"port": port} if port else {}), **({"path": path} if re.fullmatch(r"(/[\w.~-]+)+", path) else {})}


def leave_runtime_arguments(server: Server, arguments: list[Fields]) -> None:
    """Note options of npx and uvx, but the one that answers their question."""
    for each in arguments:
        if each.text("value", "name") not in {"-y", "--yes"}:
            server.report.leave(each.location, reasons.COMMAND_OPTION)


def argument(each: Fields) -> list[Text]:
    """The words of an argument; its value is the given one or the default."""
    name, value = each.text("name"), filled(each)
    words = [name, value] if each.text("type") == "named" else [value]
    return [Text(word, each.location) for word in words if word]


def filled(each: Fields) -> str | None:
    """The value of an input with the defaults of its variables."""
    value, variables = each.text("value", "default"), each.inner("variables")

    def known(found: re.Match[str]) -> str:
        inner = variables.inner(found[1])
        return inner.text("value", "default") or found[0]

    return re.sub(r"\{([^{}]+)\}", known, value) if value else value


def is_secret_input(each: Fields) -> bool:
    """Whether the input or one of its variables is a secret."""
    inner = each.inner("variables")
    return each.flag("isSecret", "is_secret") or any(
        inner.inner(name).flag("isSecret", "is_secret") for name in inner.values
    )


def set_package_arguments(server: Server, arguments: list[Fields]) -> None:
    """Set the arguments that have a value; note required ones without."""
    for each in arguments:
        words, secret = argument(each), is_secret_input(each)
        required = each.flag("isRequired", "is_required")
        valued = bool(filled(each)) or (each.text("type") == "named" and each.text("format") is None and not required)
        if secret:
            hint = each.text("name") or each.text("valueHint", "value_hint") or "argument"
            set_secret_argument(server, words[:1] if each.text("type") == "named" else [], hint, each.location)
        elif required and not valued:
            hint = each.text("name") or each.text("valueHint", "value_hint") or "value"
            server.to_set(f"args.{hint}", "the argument is required and has no value", each.location)
        elif filled(each):
            set_arguments(server, words)


def set_input(server: Server, each: Fields) -> None:
    """Set a variable with a value; refer to a required secret; note a required one without a value."""
    name, value, required = each.text("name") or "", filled(each), each.flag("isRequired", "is_required")
    if is_secret_input(each):
        if required:
            server.set_secret_variable(name, each.location)
        else:
            server.report.leave(each.location, OPTIONAL_SECRET)
    elif value is not None:
        set_variable(server, name, value, each.location)
    elif required:
        server.to_set(f"env.{name}", "the variable is required and has no value", each.location)


OPTIONAL_SECRET: Final = Reason("it is an optional secret", "set it in secret_env if the server should have it")


def set_remote(server: Server, remote: Fields) -> bool:
    """Set a remote URL and its headers; False if it cannot be carried over."""
    kind, url = remote.text("type", "transport_type"), Text(filled_url(remote), remote.at("url"))
    reason = reasons.NO_URL if "{" in url.text else set_url(server, url)
    reason = reasons.SSE_ONLY if kind == "sse" else reason
    if reason:
        server.settings.clear()
        server.images.clear()
        server.report.leave(remote.location, reason)
        return False
    for each in remote.mappings("headers"):
        if each.flag("isRequired", "is_required") or is_secret_input(each):
            set_header(server, each.text("name") or "", each.text("value", "default") or "", each.location)
        else:
            server.report.leave(each.location, OPTIONAL_HEADER)
    remote.leave_rest({})
    return True


OPTIONAL_HEADER: Final = Reason("it is an optional header", "set it in outbound_auth.headers if it should be sent")


def filled_url(remote: Fields) -> str:
    """The URL with the defaults of its variables."""
    url = remote.text("url") or ""
    return filled(Fields(remote.report, {**remote.values, "value": url}, remote.location)) or ""
