"""Namespaces and Gateways that the components of a recording declare as existing: the stack does not create them."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from meshed_mcp.components.core.charts import ChartInstall
from meshed_mcp.infra.recording import Recording

MESH: Final = "meshed-mcp:index:ServiceMesh"
MONITORING: Final = "meshed-mcp:index:ObservabilityStack"
"""Types of the components. Source: components/mesh/component.py, components/observability/component.py."""

PARTS: Final = ("prometheus", "grafana", "jaeger")
"""Parts of monitoring that run pods in its namespace."""


class Existing(NamedTuple):
    """Objects that references may name without being rendered."""

    namespaces: frozenset[str] = frozenset()
    gateways: frozenset[str] = frozenset()
    """Istio Gateways as "namespace/name"."""


NOTHING: Final = Existing()


def existing_objects(recording: Recording) -> Existing:
    """The namespaces and Gateways that the components' arguments declare as existing."""
    meshes = [item.inputs for item in recording.registrations if item.type == MESH]
    stacks = [item.inputs for item in recording.registrations if item.type == MONITORING]
    gateways = (mesh["gateway"].get("name") for mesh in meshes if is_existing(mesh["gateway"]))
    return Existing(frozenset(existing_namespaces(stacks)), frozenset(name for name in gateways if name))


def existing_namespaces(stacks: list[dict[str, Any]]) -> Iterator[str]:
    """Namespaces of monitoring in which the stack runs no pods."""
    for stack in stacks:
        if all(is_existing(stack[part]) for part in PARTS) and not stack.get("kiali"):
            yield stack["namespace"]


def is_existing(part: Mapping[str, Any]) -> bool:
    """Whether the cluster has a part already."""
    return part.get("install") == ChartInstall.EXISTING.value
