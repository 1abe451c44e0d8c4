"""Rules between the mode of the mesh and its services, and between clusters and monitoring: faults of a stack.

Configuration in, faults out. Not here: what a mode cannot do at all (components/mesh/ambient_faults.py).
"""

from collections.abc import Iterator

from meshed_mcp.components.core.errors import Fault
from meshed_mcp.components.mesh.ambient_faults import FAULTS, ambient_faults
from meshed_mcp.components.mesh.mode import MeshMode
from meshed_mcp.components.mesh.multi_cluster_args import Remote
from meshed_mcp.components.observability.args import CertManagerInstall
from meshed_mcp.components.observability.kiali_args import AnonymousLogin
from meshed_mcp.infra.chaos import Environment
from meshed_mcp.infra.config import ServiceConfig, StackConfig


def mode_faults(config: StackConfig, name: str, item: ServiceConfig) -> Iterator[Fault]:
    """Settings of one service that the mode of the mesh does not carry out."""
    if config.mesh.mode is MeshMode.AMBIENT:
        for field, why in ambient_faults(item):
            yield Fault(f"service {name}", field, f"{why} (mesh mode ambient)")


def membership_faults(config: StackConfig) -> Iterator[Fault]:
    """What the mode, or a mesh of several clusters, asks of the rest of a stack."""
    if config.mesh.mode is MeshMode.AMBIENT and config.chaos:
        yield Fault("stack", "chaos", f"its experiments {FAULTS} (mesh mode ambient)")
    kiali = config.observability.kiali
    if kiali is not None and isinstance(kiali.login, AnonymousLogin) and config.environment is Environment.PRODUCTION:
        message = "anonymous shows the cluster to whoever reaches Kiali; write strategy: openid or token"
        yield Fault("observability", "kiali.login", message)
    cluster = config.mesh.multi_cluster
    if cluster is None or isinstance(cluster, Remote):
        return
    if cluster.root.issuer is not None and config.observability.cert_manager.install is not CertManagerInstall.EXISTING:
        yield Fault(
            "observability",
            "cert_manager.install",
            "makes cert-manager after the mesh, whose root it is to issue (mesh.multi_cluster.root.issuer); install it "
            "before this stack and write install: existing",
        )
