"""Sets resources of a server from the quantities of Kubernetes and of Compose, and its number of replicas."""

import math
import re
from collections.abc import Mapping
from typing import Final

from pydantic import ValidationError

from meshed_mcp.components.autoscaling.args import ScalingSettings
from meshed_mcp.components.core.quantity import cpu_millicores, memory_bytes
from meshed_mcp.components.mesh.service.container_args import ServerResources
from meshed_mcp.infra.importing.fields import Fields
from meshed_mcp.infra.importing.reasons import QUANTITY
from meshed_mcp.infra.importing.report import Server
from meshed_mcp.infra.importing.source import Location

BYTES: Final = re.compile(r"(?P<number>\d+)\s*(?P<unit>[kmgt]?)i?b?", re.IGNORECASE)
"""Source: Compose Specification, "Specifying byte values": units are powers of 1024."""

UNITS: Final = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}

CORES: Final = re.compile(r"\d{1,3}(?:\.\d{1,4})?|\.\d{1,4}")


def set_kubernetes_resources(server: Server, resources: Fields) -> None:
    """Set `resources` from `requests` and `limits` of a container; other resources are noted."""
    found: dict[str, str | None] = {}
    for group, suffix in (("requests", ""), ("limits", "_limit")):
        amounts = resources.inner(group)
        found |= {f"{name}{suffix}": amounts.text(name) for name in ("cpu", "memory")}
        amounts.leave_rest({})
    resources.leave_rest({})
    set_resources(server, found, resources.location)


def set_resources(server: Server, found: Mapping[str, str | None], location: Location) -> None:
    """Set the given resources, and those without which they contradict the defaults."""
    given = {key: value for key, value in found.items() if value}
    try:
        complete = {**given, **defaults_around(given)}
        ServerResources.model_validate(complete, by_name=True)
    except (ValueError, ValidationError):
        server.report.leave(location, QUANTITY)
    else:
        if complete:
            server.settings["resources"] = {**server.settings.get("resources", {}), **complete}


def defaults_around(given: Mapping[str, str]) -> dict[str, str]:
    """A request at a lower limit than the default request, and a limit at a higher request than the default limit."""
    defaults, found = ServerResources(), dict[str, str]()
    limit, request = given.get("memory_limit"), given.get("memory")
    if limit and not request and memory_bytes(limit) < memory_bytes(defaults.memory):
        found["memory"] = limit
    if request and not limit and memory_bytes(request) > memory_bytes(defaults.memory_limit):
        found["memory_limit"] = request
    cpu = given.get("cpu_limit")
    if cpu and "cpu" not in given and cpu_millicores(cpu) < cpu_millicores(defaults.cpu):
        found["cpu"] = cpu
    return found


def compose_memory(text: str | None) -> str | None:
    """`512m` of Compose as `512Mi`; other texts are unchanged, to be noted."""
    found = BYTES.fullmatch((text or "").strip())
    if found is None:
        return text
    count = int(found["number"]) * UNITS[found["unit"].lower()]
    return f"{count // 2**20}Mi" if count % 2**20 == 0 else f"{math.ceil(count / 2**10)}Ki"


def compose_cpu(text: str | None) -> str | None:
    """`0.5` cores of Compose as `500m`; other texts are unchanged, to be noted."""
    return text if text is None or CORES.fullmatch(text) is None else f"{math.ceil(float(text) * 1000)}m"


def set_replicas(server: Server, count: int | None) -> None:
    """Set the minimum of replicas; the maximum only where its default is below."""
    if count is not None and 1 <= count <= MOST:
        above = {"max_replicas": count} if count > ScalingSettings().max_replicas else {}
        server.settings["scaling"] = {"min_replicas": count, **above}


MOST: Final = 1000
"""Bound of `scaling.min_replicas`."""
