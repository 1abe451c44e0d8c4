"""Arguments of the mesh of one cluster (`mesh`): versions, gateways, sizes, egress, telemetry, authorization."""

import re
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, field_validator, model_validator

from meshed_mcp.components.core import charts
from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.charts import ChartInstall
from meshed_mcp.components.core.names import (
    DNS_LABEL,
    DNS_NAME,
    domain_name,
    host_name,
    listed,
    namespace_name,
    namespaced_name,
    object_name,
)
from meshed_mcp.components.core.object_metadata import ObjectDefaults, SelectorLabels
from meshed_mcp.components.core.platform import SYSTEM_PRIORITY_CLASSES, ClusterPlatform, reserves_system_classes
from meshed_mcp.components.mesh.ambient.validation import ambient_mesh_issues
from meshed_mcp.components.mesh.authorization.enforcement_args import Authorizer, validate_authorizer_names
from meshed_mcp.components.mesh.authorization.issuer_args import ClaimName
from meshed_mcp.components.mesh.authorization.role_groups import RoleGroups
from meshed_mcp.components.mesh.cluster.chart_value_args import value_issues
from meshed_mcp.components.mesh.cluster.existing import installation_issues
from meshed_mcp.components.mesh.cluster.extension_args import Extensions
from meshed_mcp.components.mesh.cluster.gateway_args import INGRESS_NAMESPACE, GatewayScale, IngressGateway, Scale
from meshed_mcp.components.mesh.cluster.mode import MeshMode
from meshed_mcp.components.mesh.cluster.revision_args import (
    CanaryRevision,
    revision_issues,
    revision_name,
    supported_istio_host,
    supported_istio_version,
)
from meshed_mcp.components.mesh.cluster.telemetry_args import AccessLog, OrganizationTag
from meshed_mcp.components.mesh.egress.destinations import ClusterService, validate_one_port_per_host
from meshed_mcp.components.mesh.egress.proxy_args import CaBundle, EgressProxy
from meshed_mcp.components.mesh.multicluster.args import MultiCluster
from meshed_mcp.components.mesh.rate_limit.args import SharedLimits
from meshed_mcp.components.mesh.rate_limit.server_args import RateLimiting
from meshed_mcp.components.mesh.service.proxy_size import ProxySize
from meshed_mcp.components.mesh.service.validation import without_duplicates
from meshed_mcp.error_codes.browsers import PLAIN_SCHEME_WITH_CERTIFICATE
from meshed_mcp.error_codes.code import raise_all
from meshed_mcp.error_codes.mesh import (
    INVALID_IDENTITY,
    MESH_NAMESPACE,
    UNKNOWN_RELEASE,
    VALUES_NOT_A_MAPPING,
)
from meshed_mcp.error_codes.network import SYSTEM_PRIORITY_RESERVED

ROOT_NAMESPACE: Final = "istio-system"
"""Namespace of the control plane; its policies apply mesh-wide. Source: Istio, default `rootNamespace`."""

EGRESS_NAMESPACE: Final = "istio-egress"
"""Namespace of the egress gateway. Source: Istio, "Installing Gateways"."""

DEFAULT_PRIORITY_CLASS: Final = "system-cluster-critical"
"""The pods that depend on the mesh are preempted first. Source: Kubernetes, "Guaranteed Scheduling For Critical Add-On
Pods"."""

ISTIO_RELEASES: Final = (
    "istio-base",
    "istiod",
    "istio-cni",
    "ztunnel",
    "istio-ingress",
    "istio-egress",
    "istio-eastwestgateway",
)
"""Names of the mesh's Helm releases. Source: Istio, "Install with Helm"."""


_PRINCIPAL: Final = re.compile(rf"{DNS_NAME}/ns/{DNS_LABEL}/sa/{DNS_NAME}")


class TrafficCapture(StrEnum):
    """Mechanism that redirects pod traffic to the sidecar."""

    CNI = "cni"
    """The istio-cni node agent. Meshed namespaces enforce the restricted Pod Security Standard."""

    INIT_CONTAINER = "init-container"
    """An init container with NET_ADMIN in every pod. Meshed namespaces only warn about the restricted standard."""


class OutboundPolicy(StrEnum):
    """Egress policy of meshed pods. Source: Istio, MeshConfig `outboundTrafficPolicy.mode`."""

    REGISTRY_ONLY = "REGISTRY_ONLY"
    """Pods connect only to services and external hosts in the mesh's registry."""

    ALLOW_ANY = "ALLOW_ANY"
    """Pods connect to any address."""


class Tracing(Model):
    """Export of the proxies' spans by OTLP over gRPC."""

    service: Annotated[str, AfterValidator(host_name)]
    """Host of the collector, a Service in the mesh's registry: "jaeger-collector.observability.svc.cluster.local"."""

    port: int = Field(default=4317, ge=1, le=65535)
    """Port of the collector. Source: OpenTelemetry protocol, default gRPC port."""

    sampling_percent: float = Field(default=10.0, ge=0, le=100)
    """Percentage of requests at the ingress gateway that are sampled; Istio's default is 1."""


def mesh_identity(value: str) -> str:
    """SPIFFE identity without its scheme."""
    if _PRINCIPAL.fullmatch(value) is None:
        raise INVALID_IDENTITY.error(value=value)
    return value


class Scheme(StrEnum):
    """Scheme of the URLs at the ingress gateway."""

    HTTPS = "https"
    """The gateway has a certificate, or a load balancer before it has."""

    HTTP = "http"
    """Plain text from end to end, for development."""


GatewayHost = Annotated[str, AfterValidator(domain_name)]
"""Host name of the ingress gateway, in lower case."""


class IngressRef(Model):
    """The ingress gateway that exposed services are attached to."""

    gateway: Annotated[str, AfterValidator(namespaced_name)]
    """Gateway object as "namespace/name"."""

    host: Annotated[str, AfterValidator(host_name)]
    """Host name that clients use."""

    aliases: list[GatewayHost] = Field(default_factory=list)
    """Further host names with the same paths."""

    scheme: Scheme = Scheme.HTTPS
    """Scheme of the URLs that clients use."""

    principal: Annotated[str, AfterValidator(mesh_identity)]
    """Mesh identity of the gateway: "<trust domain>/ns/<namespace>/sa/<service account>"."""


SecretName = Annotated[str, AfterValidator(object_name)]


class ExistingMesh(Model):
    """An Istio that the cluster has: what its MeshConfig lacks comes from annotations and Sidecars of the services."""

    root_namespace: Annotated[str, AfterValidator(namespace_name)] = ROOT_NAMESPACE
    """Namespace of istiod."""

    outbound: OutboundPolicy = OutboundPolicy.REGISTRY_ONLY
    """Egress policy of the sidecars."""

    access_log_provider: Annotated[str, AfterValidator(object_name)] | None = None
    """Extension provider for `access_log`."""


class ServiceMeshArgs(Model):
    """The mesh of one cluster: control plane, gateways, and deny-by-default policies."""

    install: ChartInstall = ChartInstall.COMPONENT
    """`component` (the stack installs Istio) or `existing` (the cluster has Istio 1.31 or newer; `revision` and the
    fields of the gateway say where)."""

    domain: Annotated[str, AfterValidator(domain_name)]
    """Host name of the ingress gateway."""

    tls_secret: Annotated[str, AfterValidator(object_name)] | None = None
    """TLS Secret in the gateway's namespace; set = HTTPS with a redirect from HTTP, unset = plain HTTP."""

    public_scheme: Scheme = Scheme.HTTPS
    """Scheme of the URLs that clients use, in links and token metadata: `https`, also where a load balancer before the
    gateway has the certificate, or `http` for development without one."""

    hosts: dict[GatewayHost, SecretName | None] = Field(default_factory=dict)
    """Further host names of the ingress gateway -> TLS Secret in its namespace; none = as `tls_secret`. A stack derives
    them from `domain_aliases` and from `hosts` of its services."""

    namespaces: list[str] = Field(default_factory=lambda: ["mcp-system"], min_length=1)
    """Meshed namespaces: created with sidecar injection and a deny-by-default policy."""

    monitoring_namespace: Annotated[str, AfterValidator(namespace_name)] | None = None
    """Namespace of the Prometheus that may scrape pods of `namespaces`. Unset = any pod may scrape them."""

    istio_version: Annotated[str, AfterValidator(supported_istio_version)] = charts.ISTIO_VERSION
    """Version of all Istio charts and images; 1.31 or newer."""

    revision: Annotated[str, AfterValidator(revision_name)] | None = None
    """Revision of the control plane, such as "1-31-1"; required for canary upgrades. Of an existing mesh: the value of
    its label `istio.io/rev`, a revision or a tag. Unset = the default revision."""

    canary_revision: CanaryRevision | None = None
    """Second control plane of another version, until `data_plane` has moved to it."""

    revision_tags: dict[str, str] = Field(default_factory=dict)
    """Revision tags, tag -> revision: `stable: 1-31-1`. Namespaces with the tag follow it to another revision."""

    data_plane: str | None = None
    """Revision or tag that injects the sidecars of the meshed namespaces and the gateways; unset = `revision`."""

    chart_repository: Annotated[str, AfterValidator(supported_istio_host)] = charts.ISTIO_REPOSITORY
    """HTTP or `oci://` repository of the Istio charts."""

    accounts: dict[str, str] = Field(default_factory=dict)
    """Services whose ServiceAccount has another name -> that name."""

    defaults: ObjectDefaults = ObjectDefaults()
    """Labels, annotations and pull secrets of every object and pod."""

    chart_mirror: str | None = None
    """Repository or folder with all charts, for clusters without access to the public repositories."""

    hub: Annotated[str, AfterValidator(supported_istio_host)] = "docker.io/istio"
    """Registry prefix of the Istio images."""

    gateway_api: ChartInstall | None = None
    """Gateway API CRDs: `component` (the stack installs them) or `existing` (the cluster's provider manages them);
    unset = as `install`."""

    root_namespace: Annotated[str, AfterValidator(namespace_name)] = ROOT_NAMESPACE
    """Namespace of an existing istiod, to which the network policies of pods leave a way."""

    namespace_labels: SelectorLabels = Field(default_factory=dict)
    """Further labels of the meshed namespaces, such as those of the discovery selectors of an existing Istio."""

    tracing_provider: Annotated[str, AfterValidator(object_name)] | None = None
    """Extension provider of an existing mesh that takes the proxies' spans; unset = the mesh's own default."""

    access_log_provider: Annotated[str, AfterValidator(object_name)] | None = None
    """Extension provider of an existing mesh that writes access logs; unset = the mesh's own default."""

    traffic_capture: TrafficCapture = TrafficCapture.CNI
    """Mechanism that redirects pod traffic to the sidecar."""

    platform: ClusterPlatform | None = None
    """Kubernetes distribution or managed service; unset = no defaults differ. A stack derives it from `platform`."""

    dual_stack: bool = False
    """True = pods have an IPv4 and an IPv6 address: Services get both families, and Istio listens and calls on both. An
    existing istiod needs `ISTIO_DUAL_STACK` too. False = the cluster's first family, IPv4 or IPv6."""

    outbound: OutboundPolicy = OutboundPolicy.REGISTRY_ONLY
    """Egress policy of meshed pods."""

    tracing: Tracing | None = None
    """Tracing of the proxies; unset = they send no spans."""

    control_plane: Scale = Scale(min_replicas=3, max_replicas=5, cpu="500m", memory="2Gi")
    """Replicas and resource requests of istiod."""

    gateway: IngressGateway = IngressGateway()
    """The ingress gateway: replicas and resource requests, or the pods of an existing one."""

    egress_gateway: Scale | None = None
    """Replicas and resource requests of the egress gateway; unset = sidecars connect to external hosts directly."""

    mode: MeshMode = MeshMode.SIDECAR
    """Data plane mode: `sidecar`, a proxy in every pod, `ambient`, ztunnel per node and a waypoint per namespace, or
    `none`, a cluster without a mesh."""

    waypoint: Scale = Scale(min_replicas=2, max_replicas=5, cpu="250m", memory="256Mi")
    """Replicas and resource requests of a waypoint; only in mode `ambient`."""

    multi_cluster: MultiCluster | None = None
    """Membership in a multi-cluster mesh; unset = a single-cluster mesh."""

    east_west_gateway: GatewayScale = GatewayScale(min_replicas=2, max_replicas=5, cpu="500m", memory="256Mi")
    """Replicas, resource requests and Service annotations of the east-west gateway; only with `multi_cluster`."""

    extensions: Extensions = Field(default_factory=dict)
    """Lua scripts and WebAssembly modules in every sidecar, by name."""

    proxy: ProxySize = ProxySize.MEDIUM
    """Size of the sidecars: `small`, `medium` or `large`; a service can override it."""

    cluster_dependencies: list[ClusterService] = Field(default_factory=list)
    """Services of the cluster, outside the stack, that every service calls: databases, Redis, as "namespace/service".
    """

    priority_class: str | None = DEFAULT_PRIORITY_CLASS
    """Priority class of control plane and gateways; null = none. On GKE, which reserves the system classes, the default
    is none."""

    egress_proxy: EgressProxy | None = None
    """Corporate proxy through which istiod fetches token keys; a stack derives it from `auth` of its services."""

    ca_bundle: CaBundle | None = None
    """Certificate authorities of token issuers, beside the public ones, in a ConfigMap of `istio-system`; a stack
    derives it from `auth` of its services."""

    trust_domain: Annotated[str, AfterValidator(host_name)] = "cluster.local"
    """Trust domain of the mesh's SPIFFE identities."""

    cluster_domain: Annotated[str, AfterValidator(host_name)] = "cluster.local"
    """DNS suffix of the cluster."""

    access_log: AccessLog = AccessLog()
    """Requests that proxies log; a service can override it."""

    organization_tag: OrganizationTag | None = None
    """Organizations with their own series in Istio's metrics; unset = none."""

    organization_claims: dict[str, ClaimName] = Field(default_factory=dict)
    """Token issuer -> its claim with the organization, for those metrics; a stack derives them from `auth` of its
    services. Empty = the claim `organization` of every issuer."""

    rate_limiting: RateLimiting | None = None
    """Rate limit service in the first namespace; required for `rate_limits.shared`."""

    shared_limits: dict[str, SharedLimits] = Field(default_factory=dict)
    """Service of the first namespace -> its shared limits, for the configuration of the rate limit service."""

    external_authorizers: Annotated[dict[str, Authorizer], AfterValidator(validate_authorizer_names)] = Field(
        default_factory=dict
    )
    """External authorizers by name, for `external_authorization` of services."""

    access: RoleGroups = RoleGroups()
    """Identity-provider groups by operator role; every meshed namespace gets the Kubernetes Roles."""

    egress: Annotated[dict[str, list[str]], AfterValidator(validate_one_port_per_host)] = Field(default_factory=dict)
    """External host behind the egress gateway -> identities that may reach it; a stack derives it from `egress_hosts`
    of its services."""

    values: dict[str, Any] = Field(default_factory=dict)
    """Chart values by release (istio-base, istiod, istio-cni, ztunnel, istio-ingress, istio-egress,
    istio-eastwestgateway), merged over the rendered ones."""

    @property
    def effective_priority_class(self) -> str:
        """Priority class of control plane and gateways; "" = none."""
        is_default = "priority_class" not in self.model_fields_set
        return "" if is_default and reserves_system_classes(self.platform) else self.priority_class or ""

    @field_validator("namespaces")
    @classmethod
    def _can_be_meshed(cls, value: list[str]) -> list[str]:
        owned = sorted({ROOT_NAMESPACE, INGRESS_NAMESPACE, EGRESS_NAMESPACE} & set(value))
        if owned:
            raise MESH_NAMESPACE.error(names=listed(owned))
        return [namespace_name(name) for name in without_duplicates(value)]

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

    @field_validator("revision_tags")
    @classmethod
    def _are_tags(cls, value: dict[str, str]) -> dict[str, str]:
        return {revision_name(tag): revision for tag, revision in value.items()}

    @model_validator(mode="after")
    def _is_consistent(self) -> "ServiceMeshArgs":
        raise_all(installation_issues(self))
        raise_all(revision_issues(self))
        raise_all(value_issues(self))
        if self.tls_secret is not None and self.public_scheme is Scheme.HTTP:
            raise_all([PLAIN_SCHEME_WITH_CERTIFICATE.message().at("public_scheme")])
        if reserves_system_classes(self.platform) and self.effective_priority_class in SYSTEM_PRIORITY_CLASSES:
            raise_all([SYSTEM_PRIORITY_RESERVED.message(name=self.priority_class).at("priority_class")])
        found = ambient_mesh_issues(self) if self.mode is MeshMode.AMBIENT else ()
        raise_all(why.at(field) for field, why in found)
        return self
