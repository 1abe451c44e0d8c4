"""Settings of a multi-cluster mesh (`multi_cluster`), tagged by `topology`; every cluster is a separate stack."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from meshed_mcp.components.core.args import In, Model
from meshed_mcp.components.core.names import namespace_name, object_name
from meshed_mcp.error_codes import mesh as codes
from meshed_mcp.error_codes.code import Message, raise_all

Label = Annotated[str, AfterValidator(namespace_name)]
"""A name that is also a label value. Source: Kubernetes, "Labels and Selectors"."""


class Topology(StrEnum):
    """Control plane model. Source: Istio, "Deployment Models", control plane models."""

    MULTI_PRIMARY = "multi-primary"
    """Every cluster has a control plane with its own configuration."""

    PRIMARY = "primary"
    """This cluster's control plane also configures the proxies of remote clusters."""

    REMOTE = "remote"
    """The control plane of another cluster configures this cluster's proxies."""


class IssuerKind(StrEnum):
    """Kind of a cert-manager issuer."""

    ISSUER = "Issuer"
    """Issuer in the namespace of the control plane."""

    CLUSTER_ISSUER = "ClusterIssuer"
    """Issuer of the whole cluster."""


class RootIssuer(Model):
    """cert-manager issuer that signs this cluster's intermediate CA with the common root."""

    name: Annotated[str, AfterValidator(object_name)]
    """Name of the issuer."""

    kind: IssuerKind = IssuerKind.CLUSTER_ISSUER
    """`ClusterIssuer` or `Issuer`."""


class SharedRoot(Model):
    """Certificate authority under the common root: an existing Secret, or a cert-manager issuer."""

    existing: bool = False
    """True = the Secret `cacerts` exists in the namespace of the control plane."""

    issuer: RootIssuer | None = None
    """Issuer that creates the Secret; cert-manager must be installed before the mesh."""

    @model_validator(mode="after")
    def _has_one_source(self) -> "SharedRoot":
        if self.existing == (self.issuer is not None):
            raise codes.ROOT_NEEDS_ONE_SOURCE.error()
        return self


class Peer(Model):
    """Another cluster of the mesh, whose services this cluster's control plane discovers."""

    network: Label
    """Network of the peer's pods; must differ from this cluster's."""

    stack: str | None = None
    """Stack of the peer, "organization/project/stack", whose output `remote_kubeconfig` is used."""

    kubeconfig: In[str] | None = None
    """Kubeconfig for the peer's API server, a secret output; for programs. Stack files set `stack` instead. Both
    unset = the Secret `istio-remote-secret-<cluster>` exists already."""


class PrimaryCluster(Model):
    """The cluster whose control plane configures this one."""

    cluster: Label
    """Name of the primary cluster."""

    network: Label
    """Network of the primary cluster's pods."""

    stack: str | None = None
    """Stack of the primary cluster, "organization/project/stack", whose output `east_west_address` is used."""

    address: In[str] | None = None
    """Host name or address of the primary cluster's east-west gateway; required unless `stack` is set."""

    @model_validator(mode="after")
    def _has_address(self) -> "PrimaryCluster":
        if self.address is None and self.stack is None:
            raise codes.PRIMARY_WITHOUT_ADDRESS.error(cluster=self.cluster)
        return self


class Membership(Model):
    """Settings that all topologies share."""

    mesh_id: Label
    """Name of the mesh, the same in all clusters."""

    cluster: Label
    """Name of this cluster, unique in the mesh."""

    network: Label
    """Network of this cluster's pods, unique in the mesh; traffic to other networks uses the east-west gateways."""

    root: SharedRoot
    """Certificate authority under the common root, which makes clusters trust each other's identities."""

    api_server: str | None = None
    """URL of this cluster's API server for other clusters; set = the stack output `remote_kubeconfig` grants them
    read-only access, encrypted."""

    gateway_address: str | None = None
    """Host name or address of this cluster's east-west gateway for other clusters; the output `east_west_address`."""


class _WithPeers(Membership):
    peers: dict[Label, Peer] = Field(default_factory=dict)
    """Cluster name -> other cluster. Leave empty until the other clusters have been deployed once."""

    @model_validator(mode="after")
    def _has_other_peers(self) -> "_WithPeers":
        raise_all(peer_issues(self, self.peers))
        return self


class MultiPrimary(_WithPeers):
    """Control planes in this cluster and in each peer, which discover the services of all clusters."""

    topology: Literal[Topology.MULTI_PRIMARY]
    """`multi-primary`."""


class Primary(_WithPeers):
    """Control plane of this cluster and of the remote clusters in `peers`."""

    topology: Literal[Topology.PRIMARY]
    """`primary`."""


class Remote(Membership):
    """Cluster without a control plane, configured by a primary cluster."""

    topology: Literal[Topology.REMOTE]
    """`remote`."""

    primary: PrimaryCluster
    """The cluster whose control plane configures this one."""

    @model_validator(mode="after")
    def _is_consistent(self) -> "Remote":
        raise_all(peer_issues(self, {self.primary.cluster: self.primary}))
        return self


def peer_issues(own: Membership, others: Mapping[str, Peer | PrimaryCluster]) -> Iterator[Message]:
    """Other clusters with the name or the network of this one, one message each."""
    for name, other in others.items():
        if name == own.cluster:
            yield codes.CLUSTER_NAME_TWICE.message(name=name)
        if other.network == own.network:
            yield codes.SAME_NETWORK.message(name=name, network=own.network)


def require_root_and_primary(value: Any) -> Any:
    """Reject a missing `root` or `primary` with a message that says why it is required."""
    if isinstance(value, dict):
        primary = {"primary": codes.PRIMARY_MISSING.message()} if value.get("topology") == Topology.REMOTE else {}
        required = {"root": codes.ROOT_MISSING.message()} | primary
        raise_all(message for field, message in required.items() if value.get(field) is None)
    return value


MultiCluster = Annotated[
    MultiPrimary | Primary | Remote, Field(discriminator="topology"), BeforeValidator(require_root_and_primary)
]
"""Membership of one topology."""
