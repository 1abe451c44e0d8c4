"""Validation of `platform` against every other key that must agree with it."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from meshed_mcp.components.core.errors import ConfigIssue
from meshed_mcp.components.core.platform import (
    MANAGED,
    SYSTEM_NAMESPACE,
    SYSTEM_PRIORITY_CLASSES,
    reserves_system_classes,
)
from meshed_mcp.components.observability.args import Platform
from meshed_mcp.error_codes import network as codes
from meshed_mcp.infra.config import NAMESPACE, StackConfig

PRIORITY_KEYS: Final = frozenset({"priority_class", "priorityClassName", "priority_class_name"})
"""Spellings of a priority class: ours, and that of Kubernetes in chart values and overlays."""


def platform_issues(config: StackConfig) -> Iterator[ConfigIssue]:
    """Settings that the platform rejects, or that contradict it."""
    if config.platform in MANAGED and config.observability.platform is Platform.SELF_MANAGED:
        message = codes.PLATFORM_CONTROL_PLANE.message(platform=config.platform.value)
        yield ConfigIssue("observability", "platform", message)
    if reserves_system_classes(config.platform):
        for path, name in system_classes(config):
            where, _, field = path.partition(".")
            message = codes.SYSTEM_PRIORITY_RESERVED.message(name=name)
            yield ConfigIssue("stack", f"{NAMESPACE}:{where}.{field}", message)


def system_classes(config: StackConfig) -> Iterator[tuple[str, str]]:
    """Path and name of every system class in the stack, except in the namespace that may use it."""
    for key in config.model_fields_set - {"mesh"}:
        yield from _classes_in(config.model_dump(include={key}), "")
    autoscaler = None if config.nodes is None else config.nodes.cluster_autoscaler
    if autoscaler is not None and autoscaler.namespace != SYSTEM_NAMESPACE:
        chosen = autoscaler.values.get("priorityClassName", "system-cluster-critical")
        if chosen in SYSTEM_PRIORITY_CLASSES:
            yield "nodes.cluster_autoscaler.namespace", chosen


def _classes_in(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if path == "nodes.cluster_autoscaler":
        return
    if isinstance(value, Mapping):
        for key, item in value.items():
            below = f"{path}.{key}" if path else str(key)
            if key in PRIORITY_KEYS and isinstance(item, str) and item in SYSTEM_PRIORITY_CLASSES:
                yield below, item
            yield from _classes_in(item, below)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _classes_in(item, f"{path}[{number}]")
