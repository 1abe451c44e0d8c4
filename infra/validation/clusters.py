"""Validation of a stack against what its cluster has: no mesh, existing monitoring."""

from collections.abc import Iterator

from meshed_mcp.components.core.charts import ChartInstall
from meshed_mcp.components.core.errors import ConfigIssue
from meshed_mcp.components.mesh.cluster.mode import MeshMode
from meshed_mcp.components.observability.existing import installed, mesh_issues
from meshed_mcp.error_codes.mesh import LOG_WITHOUT_PROVIDER
from meshed_mcp.error_codes.observability import INSTALLED_PART_ONLY
from meshed_mcp.error_codes.stack import STACK_KEY_WITHOUT_MESH
from meshed_mcp.infra.config import NAMESPACE, StackConfig

MESH_KEYS = ("chaos", "domain", "session_key", "previous_session_key")
"""Keys of a stack that need a mesh: faults are injected by proxies, the domain is that of the gateway, and a session
reaches its replica by the mesh."""


def cluster_issues(config: StackConfig) -> Iterator[ConfigIssue]:
    """Keys that need a mesh in a cluster without one, and keys of parts that the stack does not install."""
    if config.grafana_admin_password is not None and not installed(config.observability.grafana):
        message = INSTALLED_PART_ONLY.message(part="observability.grafana")
        yield ConfigIssue("stack", f"{NAMESPACE}:grafana_admin_password", message)
    if config.mesh.install is ChartInstall.EXISTING and config.mesh.access_log_provider is None:
        for name, item in config.services.items():
            if item.access_log is not None:
                yield ConfigIssue(f"service {name}", "access_log", LOG_WITHOUT_PROVIDER.message())
    if config.mesh.mode is not MeshMode.NONE:
        return
    for key in MESH_KEYS:
        if key in config.model_fields_set and getattr(config, key):
            yield ConfigIssue("stack", f"{NAMESPACE}:{key}", STACK_KEY_WITHOUT_MESH.message())
    for field, message in mesh_issues(config.observability):
        yield ConfigIssue("observability", field, message)
