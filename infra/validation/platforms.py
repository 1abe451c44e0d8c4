"""Validation of `platform` against every other key that must agree with it, in every spelling."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from meshed_mcp.components.core.errors import ConfigIssue
from meshed_mcp.components.core.platform import (
    MANAGED,
    SYSTEM_NAMESPACE,
    SYSTEM_PRIORITY_CLASSES,
    assigns_user_ids,
    reserves_system_classes,
)
from meshed_mcp.components.observability.args import Platform
from meshed_mcp.error_codes import network as codes
from meshed_mcp.infra.config import NAMESPACE, StackConfig

PRIORITY_KEYS: Final = frozenset({"priority_class", "priorityClassName"})
"""Spellings of a priority class: ours, and that of Kubernetes in chart values and overlays."""

ID_KEYS: Final = frozenset({"run_as_user", "fs_group", "runAsUser", "runAsGroup", "fsGroup"})
"""Spellings of user and group ids."""


def platform_issues(config: StackConfig) -> Iterator[ConfigIssue]:
    """Settings that the platform rejects, or that contradict it."""
    if config.platform in MANAGED and config.observability.platform is Platform.SELF_MANAGED:
        message = codes.PLATFORM_CONTROL_PLANE.message(platform=config.platform.value)
        yield ConfigIssue("observability", "platform", message)
    if reserves_system_classes(config.platform):
        for path, name in system_classes(config):
            yield ConfigIssue("stack", f"{NAMESPACE}:{path}", codes.SYSTEM_PRIORITY_RESERVED.message(name=name))
    if assigns_user_ids(config.platform):
        for path, value in values_of(given(config), ID_KEYS):
            if value is not None:
                yield ConfigIssue("stack", f"{NAMESPACE}:{path}", codes.USER_ID_ASSIGNED.message(value=value))


def given(config: StackConfig) -> dict[str, Any]:
    """The keys that the stack sets, without the node autoscaler, whose namespace decides."""
    found = config.model_dump(exclude_unset=True)
    if config.nodes is not None and isinstance(found.get("nodes"), dict):
        found["nodes"].pop("cluster_autoscaler", None)
    return found


def system_classes(config: StackConfig) -> Iterator[tuple[str, str]]:
    """Path and name of every system class, except in the namespace that may use it; that of the mesh reports itself."""
    found = given(config)
    found.get("mesh", {}).pop("priority_class", None)
    for path, value in values_of(found, PRIORITY_KEYS):
        if isinstance(value, str) and value in SYSTEM_PRIORITY_CLASSES:
            yield path, value
    autoscaler = None if config.nodes is None else config.nodes.cluster_autoscaler
    if autoscaler is not None and autoscaler.namespace != SYSTEM_NAMESPACE:
        chosen = autoscaler.values.get("priorityClassName", "system-cluster-critical")
        if chosen in SYSTEM_PRIORITY_CLASSES:
            yield "nodes.cluster_autoscaler", chosen


def values_of(value: Any, keys: Collection[str], path: str = "") -> Iterator[tuple[str, Any]]:
    """Path and value of every one of `keys`, at any depth."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            below = f"{path}.{key}" if path else str(key)
            if key in keys:
                yield below, item
            yield from values_of(item, keys, below)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from values_of(item, keys, f"{path}[{number}]")
