"""Validation of mesh mode and multicluster against services and monitoring."""

from collections.abc import Iterator

from meshed_mcp.components.core.errors import ConfigIssue
from meshed_mcp.components.mesh.ambient.validation import ambient_issues
from meshed_mcp.components.mesh.cluster.mode import MeshMode
from meshed_mcp.components.mesh.multicluster.args import Remote
from meshed_mcp.components.mesh.service.without_mesh import meshless_issues
from meshed_mcp.components.observability.kiali.args import AnonymousLogin
from meshed_mcp.components.observability.releases import installs_cert_manager
from meshed_mcp.error_codes.stack import AMBIENT_CHAOS, ANONYMOUS_KIALI, CERT_MANAGER_BEFORE_MESH
from meshed_mcp.infra.config import Environment, ServiceConfig, StackConfig


def mode_issues(config: StackConfig, name: str, item: ServiceConfig) -> Iterator[ConfigIssue]:
    """Settings of one service that the mode of the mesh does not support."""
    rules = {MeshMode.AMBIENT: ambient_issues, MeshMode.NONE: meshless_issues}
    if (issues := rules.get(config.mesh.mode)) is not None:
        for field, why in issues(item):
            yield ConfigIssue(f"service {name}", field, why)


def membership_issues(config: StackConfig) -> Iterator[ConfigIssue]:
    """Settings of the stack that contradict the mesh mode, the environment or multicluster."""
    if config.mesh.mode is MeshMode.AMBIENT and config.chaos:
        yield ConfigIssue("stack", "chaos", AMBIENT_CHAOS.message())
    kiali = config.observability.kiali
    if kiali is not None and isinstance(kiali.login, AnonymousLogin) and config.environment is Environment.PRODUCTION:
        yield ConfigIssue("observability", "kiali.login", ANONYMOUS_KIALI.message())
    cluster = config.mesh.multi_cluster
    if cluster is None or isinstance(cluster, Remote):
        return
    if cluster.root.issuer is not None and installs_cert_manager(config.observability):
        yield ConfigIssue("observability", "cert_manager.install", CERT_MANAGER_BEFORE_MESH.message())
