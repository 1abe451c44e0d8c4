"""Outputs that the stacks of a multicluster mesh read from each other by stack references.

The kubeconfig is a secret in the state of both stacks and in no rendered file.
"""

from typing import Final

import pulumi

from meshed_mcp.components.mesh.cluster.args import ServiceMeshArgs
from meshed_mcp.components.mesh.multicluster.args import MultiPrimary, Peer, Primary, PrimaryCluster, Remote

KUBECONFIG_OUTPUT: Final = "remote_kubeconfig"
ADDRESS_OUTPUT: Final = "east_west_address"
"""Names of the outputs."""


def with_peer_outputs(mesh: ServiceMeshArgs) -> ServiceMeshArgs:
    """The arguments with the outputs of the referenced stacks."""
    cluster = mesh.multi_cluster
    if isinstance(cluster, MultiPrimary | Primary):
        peers = {name: with_kubeconfig(peer) for name, peer in cluster.peers.items()}
        return mesh.model_copy(update={"multi_cluster": cluster.model_copy(update={"peers": peers})})
    if isinstance(cluster, Remote):
        primary = with_address(cluster.primary)
        return mesh.model_copy(update={"multi_cluster": cluster.model_copy(update={"primary": primary})})
    return mesh


def with_kubeconfig(peer: Peer) -> Peer:
    """A peer with the kubeconfig that its stack exports."""
    if peer.stack is None or peer.kubeconfig is not None:
        return peer
    access = pulumi.StackReference(peer.stack).require_output(KUBECONFIG_OUTPUT)
    return peer.model_copy(update={"kubeconfig": pulumi.Output.secret(access)})


def with_address(primary: PrimaryCluster) -> PrimaryCluster:
    """A primary with the address that its stack exports."""
    if primary.stack is None or primary.address is not None:
        return primary
    return primary.model_copy(update={"address": pulumi.StackReference(primary.stack).require_output(ADDRESS_OUTPUT)})
