"""Outputs that the stacks of a multicluster mesh read from each other by stack references.

The kubeconfig is a secret in the state of both stacks and in no rendered file.
"""

from typing import Final

import pulumi

from meshed_mcp.components.mesh.cluster.args import ServiceMeshArgs
from meshed_mcp.components.mesh.multicluster.args import MultiPrimary, Peer, Primary, Remote

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
        primary = cluster.primary
        if primary.stack is not None and primary.address is None:
            address = pulumi.StackReference(primary.stack).require_output(ADDRESS_OUTPUT)
            primary = primary.model_copy(update={"address": address})
        return mesh.model_copy(update={"multi_cluster": cluster.model_copy(update={"primary": primary})})
    return mesh


def with_kubeconfig(peer: Peer) -> Peer:
    """A peer with the kubeconfig that its stack exports."""
    if peer.stack is None or peer.kubeconfig is not None:
        return peer
    access = pulumi.StackReference(peer.stack).require_output(KUBECONFIG_OUTPUT)
    return peer.model_copy(update={"kubeconfig": pulumi.Output.secret(access)})
