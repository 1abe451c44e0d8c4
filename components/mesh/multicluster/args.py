"""Arguments of a mesh over several clusters: this cluster's place in it, its peers, and the root they share.

Stack keys in, frozen models out: one choice, tagged by `topology`. Every cluster is a stack of its own and names the
others. Not here: the objects and chart values that follow (manifests.py), where calls go when a region fails
(`traffic` of a service).
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from meshed_mcp.components.core.args import In, Model
from meshed_mcp.components.core.names import namespace_name, object_name
from meshed_mcp.error_codes.code import Message, raise_all
from meshed_mcp.error_codes.mesh import (
    CLUSTER_NAME_TWICE,
    PRIMARY_MISSING,
    PRIMARY_WITHOUT_ADDRESS,
    ROOT_MISSING,
    ROOT_NEEDS_ONE_SOURCE,
    SAME_NETWORK,
)

Label = Annotated[str, AfterValidator(namespace_name)]
"""A name that is also the value of a label. Source: Kubernetes, "Labels and Selectors"."""


class Topology(StrEnum):
    """Who governs the proxies of a cluster. Source: Istio, "Deployment Models", control plane models."""

    MULTI_PRIMARY = "multi-primary"
    """A control plane in every cluster; each holds its own routes and policies."""

    PRIMARY = "primary"
    """This cluster's control plane, which also governs remote clusters."""

    REMOTE = "remote"
    """The control plane of another cluster, which also holds the routes and policies."""


class IssuerKind(StrEnum):
    """Kinds of cert-manager's issuers."""

    ISSUER = "Issuer"
    """In the namespace of the control plane."""

    CLUSTER_ISSUER = "ClusterIssuer"
    """For every namespace of the cluster."""


class RootIssuer(Model):
    """An issuer of cert-manager that signs this cluster's intermediate by the root of all clusters."""

    name: Annotated[str, AfterValidator(object_name)]
    """Name of the issuer."""

    kind: IssuerKind = IssuerKind.CLUSTER_ISSUER
    """`ClusterIssuer` or `Issuer`."""


class SharedRoot(Model):
    """The certificate authority under one root with all other clusters: from a Secret that exists, or an issuer."""

    existing: bool = False
    """True = the Secret `cacerts` is in the namespace of the control plane; somebody else makes it."""

    issuer: RootIssuer | None = None
    """Issuer that makes the Secret; cert-manager must be in the cluster before the mesh."""

    @model_validator(mode="after")
    def _has_one_source(self) -> "SharedRoot":
        if self.existing == (self.issuer is not None):
            raise ROOT_NEEDS_ONE_SOURCE.error()
        return self


class Peer(Model):
    """Another cluster of the mesh whose services this one's control plane learns."""

    network: Label
    """Network of its pods; another than this cluster's, because pods of one network need no gateway between them."""

    stack: str | None = None
    """Stack of that cluster, "organization/project/stack", whose outputs hold the access to its API server."""

    kubeconfig: In[str] | None = None
    """The access itself, where a program has it from elsewhere: a secret output with a kubeconfig. A stack file names
    `stack` instead. Both unset: somebody else makes the Secret `istio-remote-secret-<cluster>`."""


class PrimaryCluster(Model):
    """The cluster whose control plane governs this one."""

    cluster: Label
    """Its name."""

    network: Label
    """Network of its pods."""

    stack: str | None = None
    """Stack of that cluster, "organization/project/stack", whose outputs hold the address of its gateway."""

    address: In[str] | None = None
    """Host name or address of its east-west gateway; needed unless `stack` tells it."""

    @model_validator(mode="after")
    def _can_be_found(self) -> "PrimaryCluster":
        if self.address is None and self.stack is None:
            raise PRIMARY_WITHOUT_ADDRESS.error(cluster=self.cluster)
        return self


class Membership(Model):
    """What every cluster of a mesh says about itself."""

    mesh_id: Label
    """Name of the mesh, the same in all its clusters."""

    cluster: Label
    """Name of this cluster, another in each."""

    network: Label
    """Network of this cluster's pods, another in each cluster: what crosses goes through the gateways."""

    root: SharedRoot
    """The certificate authority of all clusters, without which none would believe the others' identities."""

    api_server: str | None = None
    """URL of this cluster's API server as other clusters reach it; given = the stack's output `remote_kubeconfig` holds
    a read-only access for them, encrypted."""

    gateway_address: str | None = None
    """Host name or address of this cluster's east-west gateway as other clusters reach it; the output
    `east_west_address`."""


class MultiPrimary(Membership):
    """A control plane here and in each peer; each reads the services of all."""

    topology: Literal[Topology.MULTI_PRIMARY]
    """`multi-primary`."""

    peers: dict[Label, Peer] = Field(default_factory=dict)
    """Cluster name -> the other cluster. Empty until the others have been made once."""

    @model_validator(mode="after")
    def _is_consistent(self) -> "MultiPrimary":
        raise_all(peer_issues(self, self.peers))
        return self


class Primary(Membership):
    """The control plane here, which also governs the peers."""

    topology: Literal[Topology.PRIMARY]
    """`primary`."""

    peers: dict[Label, Peer] = Field(default_factory=dict)
    """Cluster name -> the remote cluster. Empty until it has been made once."""

    @model_validator(mode="after")
    def _is_consistent(self) -> "Primary":
        raise_all(peer_issues(self, self.peers))
        return self


class Remote(Membership):
    """The control plane elsewhere; here are only pods and gateways."""

    topology: Literal[Topology.REMOTE]
    """`remote`."""

    primary: PrimaryCluster
    """The cluster whose control plane governs this one."""

    @model_validator(mode="after")
    def _is_consistent(self) -> "Remote":
        raise_all(peer_issues(self, {self.primary.cluster: self.primary}))
        return self


def peer_issues(own: Membership, others: Mapping[str, Peer | PrimaryCluster]) -> Iterator[Message]:
    """What the other clusters contradict, one line each."""
    for name, other in others.items():
        if name == own.cluster:
            yield CLUSTER_NAME_TWICE.message(name=name)
        if other.network == own.network:
            yield SAME_NETWORK.message(name=name, network=own.network)


WITHOUT_ROOT: Final = ROOT_MISSING.message()
WITHOUT_PRIMARY: Final = PRIMARY_MISSING.message()


def explained(value: Any) -> Any:
    """`value`; a root or primary that was left out is refused with its reason, not only as missing."""
    if isinstance(value, dict):
        topology = value.get("topology")
        needed = {"root": WITHOUT_ROOT} | ({"primary": WITHOUT_PRIMARY} if topology == Topology.REMOTE else {})
        raise_all(text for field, text in needed.items() if value.get(field) is None)
    return value


MultiCluster = Annotated[MultiPrimary | Primary | Remote, Field(discriminator="topology"), BeforeValidator(explained)]
"""One of the topologies, by its tag."""
