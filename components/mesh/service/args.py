"""Arguments of MeshedMCPService: the settings of the stack file and what the program derives from the whole stack."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from meshed_mcp import contract
from meshed_mcp.components.core.args import In
from meshed_mcp.components.core.names import host_name, listed, namespace_name
from meshed_mcp.components.core.object_metadata import ObjectDefaults, SelectorLabels
from meshed_mcp.components.core.platform import ClusterPlatform
from meshed_mcp.components.mesh.ambient.validation import ambient_issues
from meshed_mcp.components.mesh.cluster.args import ExistingMesh, IngressRef, ServiceMeshArgs
from meshed_mcp.components.mesh.cluster.mode import MeshMode
from meshed_mcp.components.mesh.egress.destinations import ClusterService, external_hosts
from meshed_mcp.components.mesh.egress.proxy_args import CaBundle, EgressProxy
from meshed_mcp.components.mesh.egress.proxy_validation import derived_variable_issues
from meshed_mcp.components.mesh.egress.workload_identity import identity_issues
from meshed_mcp.components.mesh.rate_limit.server_args import RateLimitRef
from meshed_mcp.components.mesh.routing.fault_injection_args import FaultsByName
from meshed_mcp.components.mesh.routing.tool_args import POOL_PREFIX, Pool
from meshed_mcp.components.mesh.service.container_args import SecretKey, ServerResources
from meshed_mcp.components.mesh.service.limits_args import validate_limits
from meshed_mcp.components.mesh.service.log_export_args import LogSettings
from meshed_mcp.components.mesh.service.login_args import LoginSecret
from meshed_mcp.components.mesh.service.scheduling import Scheduling
from meshed_mcp.components.mesh.service.settings import ServiceSettings
from meshed_mcp.components.mesh.service.shared_state import SharedState, missing_shared_secrets
from meshed_mcp.components.mesh.service.user_credential_args import has_store
from meshed_mcp.components.mesh.service.without_mesh import meshless_issues
from meshed_mcp.error_codes.code import raise_all
from meshed_mcp.error_codes.service import (
    BRIDGE_IMAGE_UNSET,
    EXPOSED_WITHOUT_INGRESS,
    SHARED_STATE_MISSING,
    UNKNOWN_VERSION,
)
from meshed_mcp.error_codes.sessions import STORE_NEEDS_REDIS
from meshed_mcp.error_codes.user_credentials import CREDENTIALS_WITHOUT_STORE

__all__ = ["IngressRef", "MeshedMCPServiceArgs", "SecretKey", "ServiceMeshArgs", "ServiceSettings", "SharedState"]


class MeshedMCPServiceArgs(ServiceSettings):
    """One MCP server in the mesh: workload, routes and authorization."""

    namespace: Annotated[str, AfterValidator(namespace_name)] = "mcp-system"
    """Namespace of every object of the service."""

    replicas: int = Field(default=2, ge=1, le=1000)
    """Pods of the stable version; of an autoscaled one, only at creation."""

    autoscaled: list[str] = Field(default_factory=list)
    """Versions whose replica count an autoscaler owns after creation: `stable`, the second version of the rollout such
    as `canary`, a pool as `pool-<name>`. Updates set the replica count of the others."""

    pools: Mapping[str, Pool] = Field(default_factory=dict)
    """Name -> separate pods for slow or expensive tools."""

    max_replicas: int | None = Field(default=None, ge=1, le=1000)
    """Maximum replicas of the autoscaler; unset = as `replicas`."""

    request_state: SecretKey | None = None
    """Secret with the keys that seal request state of multi-round-trip requests, one per line, the active one first."""

    redis: LoginSecret | None = None
    """Secret with the URL of the Redis for subscriptions, sessions and user credentials, and its TLS certificates."""

    ingress: IngressRef | None = None
    """Ingress gateway; required when `expose` is true."""

    sole_resource: bool = False
    """True = no other service at the gateway's domain has `auth`. Clients then find its token metadata also at the
    well-known path without the path of the service."""

    otlp_endpoint: In[str] | None = None
    """Base URL of the collector for spans, OTLP over HTTP; unset = no spans."""

    logs: LogSettings = LogSettings()
    """OTLP export of log lines. An external store must be in `egress_hosts` too."""

    registry_url: In[str] | None = None
    """Base URL of the registry, without its path prefix; unset = the service does not register."""

    accounts: dict[str, str] = Field(default_factory=dict)
    """Callers of the namespace whose ServiceAccount has another name -> that name."""

    call_resources: dict[str, str] = Field(default_factory=dict)
    """Service in `calls` -> its URL as its tokens name it, the default of `resource`."""

    sidecar_egress_hosts: list[ClusterService] | None = None
    """Services in the sidecar's scope, as "namespace/service", beside `cluster_dependencies`, external hosts, registry
    and collector; unset = every service of the mesh."""

    bridge_image: In[str] | None = None
    """Container image of the bridge; for a `package`, the one with Node.js or uv. Required with the bridge."""

    bridge_resources: ServerResources = Field(default_factory=ServerResources)
    """CPU and memory of the bridge, where the server behind it has a container of its own."""

    egress_gateway: bool = False
    """True = external hosts are reachable only through the egress gateway of the mesh."""

    egress_proxy: EgressProxy | None = None
    """Corporate proxy to external hosts, except those in its `no_proxy`; unset = all hosts are reached directly."""

    ca_bundle: CaBundle | None = None
    """Certificate authorities that the clients in the container trust; unset = those of the image."""

    platform: ClusterPlatform | None = None
    """Kubernetes distribution or managed service, which decides the endpoints of workload identity; unset = only
    annotations of a cloud open one."""

    revision: str | None = None
    """Control plane revision of the injected sidecar; a change replaces the pods."""

    rate_limit_service: RateLimitRef | None = None
    """Rate limit service for `rate_limits.shared`."""

    experiments: FaultsByName = Field(default_factory=dict)
    """Name -> fault injection into real requests, without a header; the program must remove it again."""

    session_key: In[str] | None = None
    """Secret key that masks and signs pod addresses in session ids (legacy: sticky). Unset = derived from the service's
    identity, which hides addresses from readers of an id, but not from readers of this package."""

    previous_session_key: In[str] | None = None
    """Key of sessions that began before the last change of `session_key`, which stay open; unset = none."""

    defaults: ObjectDefaults = ObjectDefaults()
    """Labels, annotations and pull secrets of every object and pod."""

    scheduling: Scheduling = Scheduling()

    mode: MeshMode = MeshMode.SIDECAR
    """Data plane mode, as in the mesh."""

    existing_mesh: ExistingMesh | None = None
    """What an Istio has that ServiceMesh does not install; unset = ServiceMesh installs it."""

    monitor_labels: SelectorLabels = Field(default_factory=dict)
    """Labels of the PodMonitor, by which an existing Prometheus selects it."""

    monitoring_namespace: Annotated[str, AfterValidator(namespace_name)] | None = None
    """Namespace of the Prometheus that scrapes the pods; read in mode `none` only. Unset = any pod may scrape them."""

    dual_stack: bool = False
    """True = the Service has an IPv4 and an IPv6 address where the cluster has both, as in the mesh."""

    remote: bool = False
    """True = the control plane is in another cluster, which holds routes and policies; this cluster has only pods."""

    trust_domain: Annotated[str, AfterValidator(host_name)] = "cluster.local"
    """Trust domain of the mesh, the first part of every identity."""

    cluster_domain: Annotated[str, AfterValidator(host_name)] = "cluster.local"
    """DNS suffix of the cluster."""

    @model_validator(mode="after")
    def _exposes_with_ingress(self) -> "MeshedMCPServiceArgs":
        if self.expose and self.ingress is None:
            raise EXPOSED_WITHOUT_INGRESS.error()
        return self

    @model_validator(mode="after")
    def _bridges_with_an_image(self) -> "MeshedMCPServiceArgs":
        if self.has_bridge and self.bridge_image is None:
            raise BRIDGE_IMAGE_UNSET.error()
        if self.has_upstream:
            validate_limits(self.limits, self.drain, self.bridge_resources)
        return self

    @model_validator(mode="after")
    def _autoscales_known_versions(self) -> "MeshedMCPServiceArgs":
        second = [] if self.rollout.second is None else [self.rollout.second]
        known = [contract.STABLE, *second, *(f"{POOL_PREFIX}{pool}" for pool in self.pools)]
        unknown = [label for label in self.autoscaled if label not in known]
        if unknown:
            raise UNKNOWN_VERSION.error(unknown=listed(unknown), known=listed(known))
        return self

    @model_validator(mode="after")
    def _sets_network_variables_once(self) -> "MeshedMCPServiceArgs":
        raise_all(derived_variable_issues({**self.env, **self.secret_env}, self.egress_proxy, self.ca_bundle))
        return self

    @model_validator(mode="after")
    def _reaches_its_identity(self) -> "MeshedMCPServiceArgs":
        hosts = [each.host for each in external_hosts(self.egress_hosts)]
        raise_all(identity_issues(self.identity_annotations, hosts, self.platform))
        return self

    @property
    def replicated(self) -> bool:
        """Whether two requests may reach different pods: several replicas, two versions, or pools."""
        most = max(self.replicas, self.max_replicas or 1)
        return most > 1 or self.rollout.second is not None or bool(self.pools)

    @model_validator(mode="after")
    def _fits_the_mode(self) -> "MeshedMCPServiceArgs":
        issues = ambient_issues(self) if self.mode is MeshMode.AMBIENT else ()
        issues = meshless_issues(self) if self.mode is MeshMode.NONE else issues
        raise_all(message.at(field) for field, message in issues)
        return self

    @model_validator(mode="after")
    def _has_a_redis_for_sessions(self) -> "MeshedMCPServiceArgs":
        if self.sessions.in_redis and self.redis is None:
            raise STORE_NEEDS_REDIS.error()
        return self

    @model_validator(mode="after")
    def _keeps_credentials(self) -> "MeshedMCPServiceArgs":
        if self.user_credentials is not None and not has_store(self.database, self.redis, self.env):
            raise CREDENTIALS_WITHOUT_STORE.error()
        return self

    @model_validator(mode="after")
    def _shares_state_between_replicas(self) -> "MeshedMCPServiceArgs":
        secrets = {
            SharedState.REQUEST_STATE: self.request_state,
            SharedState.SUBSCRIPTIONS: self.redis,
            SharedState.DATABASE: self.database,
        }
        missing = missing_shared_secrets(self.shared_state, secrets, self.env)
        raise_all(
            SHARED_STATE_MISSING.message(use=self.shared_state[number], why=why, field=field)
            for number, field, why in (missing if self.replicated else ())
        )
        return self
