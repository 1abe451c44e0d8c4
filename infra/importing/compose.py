"""Reads a Docker Compose file: services with an image become servers, but for databases and other parts.

Source: Compose Specification. Of a container, `entrypoint` is the command and `command` its arguments.
"""

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any, Final

from meshed_mcp.infra.importing import reasons
from meshed_mcp.infra.importing.arguments import set_arguments, set_variable
from meshed_mcp.infra.importing.clients import NEEDS_COMMAND
from meshed_mcp.infra.importing.compose_files import set_environment_files, set_files, set_volumes
from meshed_mcp.infra.importing.fields import Fields, Text, scalar_text
from meshed_mcp.infra.importing.reasons import Reason
from meshed_mcp.infra.importing.report import Report, Server
from meshed_mcp.infra.importing.sizes import compose_cpu, compose_memory, set_replicas, set_resources
from meshed_mcp.infra.importing.source import Location
from meshed_mcp.infra.importing.variables import interpolated

PARTS: Final = re.compile(
    r"(postgres|postgis|pgvector|timescaledb|mysql|mariadb|mongo|redis|valkey|memcached|rabbitmq|kafka|zookeeper|nats"
    r"|elasticsearch|opensearch|minio|qdrant|chroma|weaviate|milvus|neo4j|nginx|traefik|caddy|haproxy|envoy|etcd|vault"
    r"|jaeger|prometheus|grafana|otel.*|opentelemetry-collector.*|ollama|adminer|pgadmin4?|busybox|mailhog)"
)
"""Last part of the names of images that are no MCP servers."""

DONE_BY_PODS: Final = Reason("Kubernetes does this for every pod", "remove it")
NETWORK: Final = Reason("the mesh connects the services", "set callers and cluster_dependencies")

REASONS: Final[Mapping[str, Reason]] = {
    **dict.fromkeys(("restart", "container_name", "hostname", "init", "logging", "stop_grace_period"), DONE_BY_PODS),
    **dict.fromkeys(("networks", "network_mode", "links", "dns", "extra_hosts"), NETWORK),
    "build": Reason("a stack runs images", "build and push the image, and set image"),
    "working_dir": Reason("the image has a working directory", "set workingDir of the container in pod"),
    "platform": Reason("nodes have a platform", "set node_selector: {kubernetes.io/arch: ...}"),
    "profiles": Reason("a stack has no profiles", "use a stack per profile"),
    "privileged": Reason("privileged containers are rejected", "use an image that runs without"),
    "devices": Reason("devices are resources of nodes", "set resources and node_selector"),
    "gpus": Reason("devices are resources of nodes", "set resources and node_selector"),
    "extends": Reason("another service or file has the rest", "import the output of docker compose config"),
}
"""Keys of a service that are noted with a reason of their own."""

PORT: Final = re.compile(r"(?:.*:)?(?P<port>\d{1,5})(?:-\d+)?(?:/(?P<protocol>tcp|udp))?")
"""Source: Compose Specification, `ports`, short syntax: the last number is the port of the container."""

LOCAL_URL: Final = re.compile(
    r"https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\])(?::(?P<port>\d+))?(?P<path>/[!#-&(-~]*)?"
)


def matches(document: Any) -> bool:
    """Whether a document is a Compose file."""
    return isinstance(document, Mapping) and isinstance(document.get("services"), Mapping)


def read(report: Report, document: Any, location: Location) -> None:
    """Draft the servers of a Compose file."""
    compose = Fields(report, document, location)
    services = compose.inner("services")
    names: dict[str, Server] = {}
    for name, value in services.values.items():
        service = Fields(report, value, services.at(name))
        image = interpolated(service.text("image") or "").text
        if PARTS.fullmatch(re.split(r"[:@]", image.rpartition("/")[2])[0]):
            report.leave_server(service.location, reasons.DEPENDENCY)
        elif service.values:
            names[name] = report.server(name, service.location)
            read_service(names[name], service, compose)
    for name, server in names.items():
        set_dependencies(server, Fields(report, services.values[name], services.at(name)), names)
    compose.raw("version", "name", "networks", "volumes", *(key for key in compose.values if key.startswith("x-")))
    compose.leave_rest({"include": REASONS["extends"]})


def read_service(server: Server, service: Fields, compose: Fields) -> None:
    """Set what a service of the Compose file says."""
    image = interpolated(service.text("image") or "")
    if image.text and not image.missing:
        server.settings["image"] = image.text
    else:
        server.to_set(
            "image", "build and push an image" if not image.text else "its name has variables", service.location
        )
    variables = variables_of(service)
    set_transport(server, service, variables)
    for each in variables:
        name, equals, value = each.text.partition("=")
        set_variable(server, name, value if equals else f"${{{name}}}", each.location, interpolated)
    set_environment_files(server, service)
    set_files(server, service, compose)
    set_volumes(server, service)
    set_sizes(server, service)
    user = (service.text("user") or "").partition(":")[0]
    if user.isascii() and user.isdecimal() and 0 < int(user) < LARGEST_USER:
        server.settings["run_as_user"] = int(user)
    elif user:
        server.report.leave(service.at("user"), reasons.USER)
    service.raw("depends_on", "healthcheck", "labels", "read_only", "cap_drop", "security_opt", "tty", "pull_policy")
    service.raw("annotations", *(key for key in service.values if key.startswith("x-")))
    service.leave_rest(REASONS)


LARGEST_USER: Final = 2**31
"""Source: Kubernetes API, SecurityContext, `runAsUser`."""


def variables_of(service: Fields) -> list[Text]:
    """The environment as `NAME=value`, or `NAME` for a variable of the shell."""
    if isinstance(service.raw("environment"), Mapping):
        inner = service.inner("environment")
        return [
            Text(name if value is None else f"{name}={scalar_text(value)}", inner.at(name))
            for name, value in inner.values.items()
        ]
    return service.texts("environment")


def set_transport(server: Server, service: Fields, variables: list[Text]) -> None:
    """Set command, arguments, and either the port of an HTTP server or the stdio transport."""
    entrypoint, command = words_of(service, "entrypoint"), words_of(service, "command")
    if entrypoint:
        server.settings["command"] = [interpolated(each.text).text for each in entrypoint]
    set_arguments(server, command, interpolated)
    ports = [port for port in ports_of(service) if port is not None]
    opened = service.flag("stdin_open")
    speaks = any(re.search(r"\bstdio\b", each.text) for each in [*entrypoint, *command, *variables])
    if speaks or (opened and not ports):
        server.settings["transport"] = "stdio"
        server.images.add("image")
        if not entrypoint:
            server.to_set("command", NEEDS_COMMAND, service.location)
        return
    server.settings["runtime"] = "external"
    if ports:
        server.settings["port"] = ports[0]
        set_probes(server, service.inner("healthcheck"), ports[0])
    else:
        server.to_set("port", "the service publishes no port; with stdio, set transport and command", service.location)
    for extra in ports[1:]:
        server.report.leave(service.at("ports"), Reason(f"a service has one port, and {extra} is another", SECOND_PORT))


SECOND_PORT: Final = "remove it, or set port to it"


def words_of(service: Fields, key: str) -> list[Text]:
    """A command as a list, or as text that a shell would split."""
    value = service.raw(key)
    if not isinstance(value, str):
        return service.texts(key)
    try:
        return [Text(word, service.at(key)) for word in shlex.split(value)]
    except ValueError:  # an open quote
        service.report.leave(service.at(key), reasons.WRONG_TYPE)
        return []


def ports_of(service: Fields) -> Iterator[int | None]:
    """Ports of the container over TCP, from `ports` and `expose`."""
    for key in ("ports", "expose"):
        values = service.raw(key)
        for index, value in enumerate(values if isinstance(values, list) else []):
            location = (*service.at(key), index)
            if isinstance(value, Mapping):
                inner = Fields(service.report, value, location)
                target = inner.number("target") if inner.text("protocol") != "udp" else None
            else:
                found = PORT.fullmatch(interpolated(str(value)).text)
                target = int(found["port"]) if found and found["protocol"] != "udp" else None
            if target is None or not 1 <= target <= LARGEST_PORT:
                service.report.leave(location, NO_PORT)
            else:
                yield target


LARGEST_PORT: Final = 65535
NO_PORT: Final = Reason("it is no TCP port of the container", "set port")


def set_probes(server: Server, check: Fields, port: int) -> None:
    """Set the probes from the URL of a health check."""
    words = " ".join(each.text for each in check.texts("test"))
    found = LOCAL_URL.search(interpolated(words).text)
    if check.flag("disable") or words == "NONE":
        server.settings["probes"] = "none"
    elif found:
        probed = int(found["port"] or 80)
        own = {} if probed == port or not 1 <= probed <= LARGEST_PORT else {"port": probed}
        server.settings["probes"] = {"http": found["path"] or "/", **own}
    elif words:
        server.report.leave(check.location, Reason("probes are TCP or HTTP", "set probes: {http: PATH}, or keep TCP"))


def set_sizes(server: Server, service: Fields) -> None:
    """Set resources and replicas."""
    deploy = service.inner("deploy")
    resources = deploy.inner("resources")
    limits, requests = resources.inner("limits"), resources.inner("reservations")
    found = {
        "cpu": compose_cpu(requests.text("cpus")),
        "memory": compose_memory(requests.text("memory") or service.text("mem_reservation")),
        "cpu_limit": compose_cpu(limits.text("cpus") or service.text("cpus")),
        "memory_limit": compose_memory(limits.text("memory") or service.text("mem_limit")),
    }
    set_resources(server, found, resources.location if resources.values else service.location)
    set_replicas(server, deploy.number("replicas") or service.number("scale"))
    limits.leave_rest({})
    requests.leave_rest({})
    deploy.raw("restart_policy", "update_config", "rollback_config", "mode", "endpoint_mode", "labels")
    deploy.leave_rest({})


def set_dependencies(server: Server, service: Fields, names: Mapping[str, Server]) -> None:
    """Allow calls to other servers that `depends_on` names, and note other services."""
    depends = service.raw("depends_on")
    for name in depends if isinstance(depends, list | Mapping) else []:
        if not isinstance(name, str):
            continue
        other = names.get(name)
        if other is None:
            why = f"it depends on {name}, which is not imported; name it as namespace/service"
            server.to_set("cluster_dependencies", why, service.at("depends_on"))
        elif other is not server:
            callers = other.settings.setdefault("callers", [])
            callers += [] if server.name in callers else [server.name]
