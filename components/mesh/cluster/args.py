"""Arguments of the mesh of one cluster: its version, its parts, their sizes, and what they let through.

Stack keys in, a frozen model out. Not here: one service in the mesh (mesh/service/args.py), chart values
(istio_releases.py).
"""

from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, field_validator, model_validator

from meshed_mcp import contract
from meshed_mcp.components.core import charts
from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.names import domain_name, host_name, listed, namespace_name, object_name
from meshed_mcp.components.core.quantity import cpu_millicores, memory_bytes
from meshed_mcp.components.mesh.ambient.validation import ambient_mesh_issues
from meshed_mcp.components.mesh.authorization.claim_args import ClaimName
from meshed_mcp.components.mesh.authorization.enforcement_args import Authorizer, authorizer_names
from meshed_mcp.components.mesh.authorization.role_groups import RoleGroups
from meshed_mcp.components.mesh.cluster.chart_value_args import value_issues
from meshed_mcp.components.mesh.cluster.extension_args import Extensions
from meshed_mcp.components.mesh.cluster.mode import MeshMode
from meshed_mcp.components.mesh.cluster.revision_args import (
    CanaryRevision,
    istio_version,
    revision_issues,
    revision_name,
    served_host,
)
from meshed_mcp.components.mesh.cluster.telemetry_args import AccessLog, OrganizationTag
from meshed_mcp.components.mesh.egress.cluster_dependencies import Reachable
from meshed_mcp.components.mesh.egress.external_hosts import one_port_each
from meshed_mcp.components.mesh.multicluster.args import MultiCluster
from meshed_mcp.components.mesh.rate_limit.args import SharedLimits
from meshed_mcp.components.mesh.rate_limit.server_args import RateLimiting
from meshed_mcp.components.mesh.service.proxy_size import ProxySize
from meshed_mcp.error_codes.code import raise_all
from meshed_mcp.error_codes.mesh import MESH_NAMESPACE, MINIMUM_ABOVE_MAXIMUM, UNKNOWN_RELEASE, VALUES_NOT_A_MAPPING
from meshed_mcp.error_codes.values import LISTED_TWICE

ROOT_NAMESPACE: Final = "istio-system"
"""Namespace of the control plane; policies in it hold for the whole mesh. Source: Istio, default `rootNamespace`."""

INGRESS_NAMESPACE: Final = "istio-ingress"
"""Namespace of the ingress gateway, apart from the control plane. Source: Istio, "Installing Gateways"."""

EGRESS_NAMESPACE: Final = "istio-egress"
"""Namespace of the egress gateway. Source: as INGRESS_NAMESPACE."""

ISTIO_RELEASES: Final = (
    "istio-base",
    "istiod",
    "istio-cni",
    "ztunnel",
    "istio-ingress",
    "istio-egress",
    "istio-eastwestgateway",
)
"""Helm releases of the mesh, by name. Source: Istio, "Install with Helm"."""


class GatewayApiSource(StrEnum):
    """Who brings the Gateway API CRDs into the cluster."""

    RELEASE = "release"
    """This program, as a pinned Helm release."""

    EXISTING = "existing"
    """Somebody else; it is already there."""


class IstioPlatform(StrEnum):
    """Kubernetes distributions for which Istio's charts carry own settings. Source: Istio charts, `global.platform`."""

    GKE = "gke"
    K3D = "k3d"
    K3S = "k3s"
    MICROK8S = "microk8s"
    MINIKUBE = "minikube"
    OPENSHIFT = "openshift"


class TrafficCapture(StrEnum):
    """What leads a pod's traffic through its sidecar."""

    CNI = "cni"
    """A node agent; pods need no privilege, so meshed namespaces enforce the restricted Pod Security Standard."""

    INIT_CONTAINER = "init-container"
    """An init container with NET_ADMIN in every pod; meshed namespaces then can only warn, not enforce."""


class OutboundPolicy(StrEnum):
    """Where meshed pods may connect to. Source: Istio, MeshConfig `outboundTrafficPolicy.mode`."""

    REGISTRY_ONLY = "REGISTRY_ONLY"
    """Only to services and hosts that the mesh knows."""

    ALLOW_ANY = "ALLOW_ANY"
    """Anywhere."""


class Scale(Model):
    """Replicas of a part of the control plane, and what the scheduler reserves for each."""

    min_replicas: int = Field(ge=1, le=100)
    """From 2 on the part also gets a PodDisruptionBudget; the charts render none for a single replica."""

    max_replicas: int = Field(ge=1, le=100)
    """Where its autoscaler stops."""

    cpu: str
    """CPU per replica, as a Kubernetes quantity."""

    memory: str
    """Memory per replica, as a Kubernetes quantity."""

    @field_validator("cpu")
    @classmethod
    def _is_cpu(cls, value: str) -> str:
        cpu_millicores(value)
        return value

    @field_validator("memory")
    @classmethod
    def _is_memory(cls, value: str) -> str:
        memory_bytes(value)
        return value

    @model_validator(mode="after")
    def _is_consistent(self) -> "Scale":
        if self.min_replicas > self.max_replicas:
            raise MINIMUM_ABOVE_MAXIMUM.error(min_replicas=self.min_replicas, max_replicas=self.max_replicas)
        return self


class Tracing(Model):
    """Where the proxies send spans (OTLP over gRPC), and how many."""

    service: str
    """Host of the collector, a Service known to the mesh: "jaeger-collector.observability.svc.cluster.local"."""

    port: int = Field(default=4317, ge=1, le=65535)
    """Source: OpenTelemetry protocol, default gRPC port."""

    sampling_percent: float = Field(default=10.0, ge=0, le=100)
    """Percent of the requests from outside whose trace is kept; the mesh's own default would be 1."""

    @field_validator("service")
    @classmethod
    def _is_host(cls, value: str) -> str:
        return host_name(value)


class ServiceMeshArgs(Model):
    """The mesh of one cluster: control plane, ingress gateway, and the policy everything starts from."""

    domain: str
    """Host name of the ingress gateway."""

    tls_secret: str | None = None
    """TLS Secret in the namespace istio-ingress; given = HTTPS with a redirect from HTTP, unset = plain HTTP."""

    namespaces: list[str] = Field(default_factory=lambda: ["mcp-system"], min_length=1)
    """Meshed namespaces: created, injected, and closed to every call that no service allows."""

    monitoring_namespace: Annotated[str, AfterValidator(namespace_name)] | None = None
    """Namespace of the Prometheus that may scrape pods of `namespaces`; others get no metrics. Unset = anybody may."""

    istio_version: str = charts.ISTIO_VERSION
    """Version of all Istio charts and images; 1.31 or newer."""

    revision: str | None = None
    """Name of the control plane, such as "1-31-1"; needed for upgrades beside it. Unset = the one without a name."""

    canary_revision: CanaryRevision | None = None
    """A second control plane of another version beside the first, until `data_plane` has moved to it."""

    revision_tags: dict[str, str] = Field(default_factory=dict)
    """Further names of revisions, tag -> revision: `stable: 1-31-1`. Namespaces that follow a tag move with it."""

    data_plane: str | None = None
    """Revision or tag whose sidecars the meshed namespaces and the gateways get; unset = `revision`."""

    chart_repository: str = charts.ISTIO_REPOSITORY
    """HTTP or `oci://` repository of the Istio charts."""

    chart_mirror: str | None = None
    """Repository or folder that holds all charts, for clusters without access to the public ones."""

    hub: str = "docker.io/istio"
    """Registry prefix of the Istio images."""

    gateway_api: GatewayApiSource = GatewayApiSource.RELEASE
    """Who installs the Gateway API CRDs; `existing` where the cluster's provider manages them."""

    traffic_capture: TrafficCapture = TrafficCapture.CNI
    """What leads a pod's traffic through its sidecar."""

    platform: IstioPlatform | None = None
    """Kubernetes distribution, where it needs own settings."""

    outbound: OutboundPolicy = OutboundPolicy.REGISTRY_ONLY
    """Where meshed pods may connect to."""

    tracing: Tracing | None = None
    """Unset = the proxies send no spans."""

    control_plane: Scale = Scale(min_replicas=3, max_replicas=5, cpu="500m", memory="2Gi")
    """Replicas and size of istiod."""

    gateway: Scale = Scale(min_replicas=2, max_replicas=5, cpu="500m", memory="256Mi")
    """Replicas and size of the ingress gateway."""

    egress_gateway: Scale | None = None
    """Replicas and size of an egress gateway; unset = there is none, and sidecars connect to hosts outside themselves.
    """

    mode: MeshMode = MeshMode.SIDECAR
    """Where the proxies are: `sidecar`, in every pod, or `ambient`, on nodes and one waypoint per namespace."""

    waypoint: Scale = Scale(min_replicas=2, max_replicas=5, cpu="250m", memory="256Mi")
    """Replicas and size of a waypoint; only in mode ambient."""

    multi_cluster: MultiCluster | None = None
    """This cluster's place in a mesh of several; unset = the mesh is this cluster."""

    east_west_gateway: Scale = Scale(min_replicas=2, max_replicas=5, cpu="500m", memory="256Mi")
    """Replicas and size of the gateway between clusters; only with `multi_cluster`."""

    extensions: Extensions = Field(default_factory=dict)
    """Lua scripts and WebAssembly modules in every sidecar, by name."""

    proxy: ProxySize = ProxySize.MEDIUM
    """Size of the sidecars: `small`, `medium` or `large`; a service may have its own."""

    cluster_dependencies: list[Reachable] = Field(default_factory=list)
    """Services of the cluster that every service calls beside those of the stack: databases, Redis, as
    "namespace/service"."""

    priority_class: str | None = "system-cluster-critical"
    """Priority class of control plane and gateway; unset where the provider reserves the system's classes (GKE)."""

    trust_domain: str = "cluster.local"
    """First part of every identity in the mesh."""

    cluster_domain: str = "cluster.local"
    """DNS suffix of the cluster."""

    access_log: AccessLog = AccessLog()
    """Which requests proxies log; a service may choose for itself."""

    organization_tag: OrganizationTag | None = None
    """Organizations that Istio's metrics tell apart; unset = none."""

    organization_claim: ClaimName = contract.ORGANIZATION_CLAIM
    """Claim of verified tokens that names the organization, for those metrics; a stack's follows from `auth` of its
    services."""

    rate_limiting: RateLimiting | None = None
    """Who counts requests of all pods together, in the first namespace; needed for `rate_limits.shared`."""

    shared_limits: dict[str, SharedLimits] = Field(default_factory=dict)
    """Service of that namespace -> its limits over all pods, which the counting service is told."""

    external_authorizers: dict[str, Authorizer] = Field(default_factory=dict)
    """Servers that services may have asked about requests (`external_authorization`), by name."""

    access: RoleGroups = RoleGroups()
    """Groups of people by role; the Roles are made in every meshed namespace."""

    egress: dict[str, list[str]] = Field(default_factory=dict)
    """Hosts outside that are reached through the egress gateway -> identities that may; a stack's follow from
    `egress_hosts` of its services."""

    values: dict[str, Any] = Field(default_factory=dict)
    """Further chart values by release (istio-base, istiod, istio-cni, ztunnel, istio-ingress, istio-egress,
    istio-eastwestgateway); they win over ours."""

    @field_validator("domain")
    @classmethod
    def _is_full_name(cls, value: str) -> str:
        return domain_name(value)

    @field_validator("trust_domain", "cluster_domain")
    @classmethod
    def _is_domain(cls, value: str) -> str:
        return host_name(value)

    @field_validator("tls_secret")
    @classmethod
    def _names_a_secret(cls, value: str | None) -> str | None:
        return None if value is None else object_name(value)

    @field_validator("namespaces")
    @classmethod
    def _can_be_meshed(cls, value: list[str]) -> list[str]:
        owned = sorted({ROOT_NAMESPACE, INGRESS_NAMESPACE, EGRESS_NAMESPACE} & set(value))
        if owned:
            raise MESH_NAMESPACE.error(names=listed(owned))
        twice = sorted({name for name in value if value.count(name) > 1})
        if twice:
            raise LISTED_TWICE.error(names=listed(twice))
        return [namespace_name(name) for name in value]

    @field_validator("istio_version")
    @classmethod
    def _is_new_enough(cls, value: str) -> str:
        return istio_version(value)

    @field_validator("chart_repository", "hub")
    @classmethod
    def _is_served(cls, value: str) -> str:
        return served_host(value)

    @field_validator("external_authorizers")
    @classmethod
    def _have_names(cls, value: dict[str, Authorizer]) -> dict[str, Authorizer]:
        authorizer_names(value)
        return value

    @field_validator("egress")
    @classmethod
    def _are_outside(cls, value: dict[str, list[str]]) -> dict[str, list[str]]:
        one_port_each(list(value))
        return value

    @field_validator("values")
    @classmethod
    def _names_releases(cls, value: dict[str, Any]) -> dict[str, Any]:
        unknown = sorted(set(value) - set(ISTIO_RELEASES))
        if unknown:
            raise UNKNOWN_RELEASE.error(names=listed(unknown), known=", ".join(ISTIO_RELEASES))
        bad = sorted(name for name, values in value.items() if not isinstance(values, dict))
        if bad:
            raise VALUES_NOT_A_MAPPING.error(names=listed(bad), first=bad[0])
        return value

    @field_validator("revision")
    @classmethod
    def _is_revision(cls, value: str | None) -> str | None:
        return None if value is None else revision_name(value)

    @field_validator("revision_tags")
    @classmethod
    def _are_tags(cls, value: dict[str, str]) -> dict[str, str]:
        return {revision_name(tag): revision for tag, revision in value.items()}

    @model_validator(mode="after")
    def _has_revisions_that_fit(self) -> "ServiceMeshArgs":
        raise_all(revision_issues(self))
        return self

    @model_validator(mode="after")
    def _has_values_with_an_effect(self) -> "ServiceMeshArgs":
        raise_all(value_issues(self))
        return self

    @model_validator(mode="after")
    def _suits_its_mode(self) -> "ServiceMeshArgs":
        found = ambient_mesh_issues(self) if self.mode is MeshMode.AMBIENT else ()
        raise_all(why.at(field) for field, why in found)
        return self
