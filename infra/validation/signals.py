"""Validation of settings that need the runtime's series, or a sidecar's, of services that have neither."""

from collections.abc import Iterator

from meshed_mcp.components.autoscaling.args import ScalingSettings
from meshed_mcp.components.core.errors import ConfigIssue
from meshed_mcp.components.mesh.cluster.mode import MeshMode
from meshed_mcp.error_codes import signals as codes
from meshed_mcp.error_codes.code import Message
from meshed_mcp.infra.config import ServiceConfig, StackConfig


def signal_issues(config: StackConfig) -> Iterator[ConfigIssue]:
    """Scaling and objectives of services without the runtime that nothing measures."""
    for name, item in config.services.items():
        if not item.has_runtime:
            yield from scaling_issues(config, name, item)
            yield from objective_issues(config, name)


def scaling_issues(config: StackConfig, name: str, item: ServiceConfig) -> Iterator[ConfigIssue]:
    """Sessions, which a sidecar does not count, and requests in flight without a sidecar."""
    for field, message in _uncounted(item.scaling, has_sidecar=has_sidecar(config)):
        yield ConfigIssue(f"service {name}", f"scaling.{field}", message)


def objective_issues(config: StackConfig, name: str) -> Iterator[ConfigIssue]:
    """Objectives of tools, and any objective without a sidecar."""
    objective = config.observability.slo.services.get(name)
    if objective is None:
        return
    if not has_sidecar(config):
        message = codes.OBJECTIVE_WITHOUT_SIDECAR.message(name=name)
        yield ConfigIssue("observability", f"slo.services.{name}", message)
    elif objective.tools:
        message = codes.TOOL_OBJECTIVE_WITHOUT_RUNTIME.message(name=name)
        yield ConfigIssue("observability", f"slo.services.{name}.tools", message)


def has_sidecar(config: StackConfig) -> bool:
    """Whether the pods of services have a sidecar, which counts their requests."""
    return config.mesh.mode is MeshMode.SIDECAR


def _uncounted(scaling: ScalingSettings, *, has_sidecar: bool) -> Iterator[tuple[str, Message]]:
    if not scaling.scales:
        return
    if scaling.sessions_per_replica is not None:
        yield "sessions_per_replica", codes.SESSIONS_WITHOUT_RUNTIME.message()
    if scaling.in_flight_per_replica is not None and not has_sidecar:
        yield "in_flight_per_replica", codes.IN_FLIGHT_WITHOUT_SIDECAR.message()
