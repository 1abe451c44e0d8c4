"""What stacks of one mesh tell each other: outputs of this cluster's stack, and those of others put in their place.

Arguments of the mesh in, the same with outputs of the named stacks out. The access to an API server is a secret in the
state of both stacks, and nothing rendered shows it. Not here: the objects (components/mesh/multicluster/manifests.py).
"""

from typing import Final

import pulumi

from meshed_mcp.components.mesh.cluster.args import ServiceMeshArgs
from meshed_mcp.components.mesh.multicluster.args import MultiPrimary, Peer, Primary, PrimaryCluster, Remote

KUBECONFIG_OUTPUT: Final = "remote_kubeconfig"
ADDRESS_OUTPUT: Final = "east_west_address"
"""Names of the outputs."""


def resolved(mesh: ServiceMeshArgs) -> ServiceMeshArgs:
    """The arguments with what the stacks of other clusters export; unchanged where none is named."""
    cluster = mesh.multi_cluster
    if isinstance(cluster, MultiPrimary | Primary):
        peers = {name: with_access(peer) for name, peer in cluster.peers.items()}
        return mesh.model_copy(update={"multi_cluster": cluster.model_copy(update={"peers": peers})})
    if isinstance(cluster, Remote):
        primary = with_address(cluster.primary)
        return mesh.model_copy(update={"multi_cluster": cluster.model_copy(update={"primary": primary})})
    return mesh


def with_access(peer: Peer) -> Peer:
    """A peer with the access that its stack exports."""
    if peer.stack is None or peer.kubeconfig is not None:
        return peer
    access = pulumi.StackReference(peer.stack).require_output(KUBECONFIG_OUTPUT)
    return peer.model_copy(update={"kubeconfig": pulumi.Output.secret(access)})


def with_address(primary: PrimaryCluster) -> PrimaryCluster:
    """A primary with the address that its stack exports."""
    if primary.stack is None or primary.address is not None:
        return primary
    return primary.model_copy(update={"address": pulumi.StackReference(primary.stack).require_output(ADDRESS_OUTPUT)})
