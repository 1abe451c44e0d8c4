"""Model of a stack file: keys with type, unit, bounds and default. `parsing.py` reads a file into it.

The arguments of a component are the component's own model. `plan.py` derives them.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, ClassVar, Final

from pydantic import AfterValidator, Field

from meshed_mcp.components.autoscaling.args import (
    DeletionCostSettings,
    ForecastSettings,
    KedaSettings,
    ScalingSettings,
    VpaSettings,
)
from meshed_mcp.components.autoscaling.cost import Prices
from meshed_mcp.components.autoscaling.nodes.args import NodeSettings
from meshed_mcp.components.core.args import In, Model
from meshed_mcp.components.core.names import domain_name, namespace_name
from meshed_mcp.components.core.object_metadata import Annotations, Labels, ObjectDefaults, PullSecrets
from meshed_mcp.components.core.platform import ClusterPlatform
from meshed_mcp.components.mesh.authorization.role_groups import RoleGroups
from meshed_mcp.components.mesh.cluster.args import ServiceMeshArgs
from meshed_mcp.components.mesh.egress.destinations import ClusterService
from meshed_mcp.components.mesh.egress.proxy_args import CaBundle, EgressProxy
from meshed_mcp.components.mesh.routing.cors_args import Cors
from meshed_mcp.components.mesh.routing.fault_injection_args import FaultInjection, Window, fault_names
from meshed_mcp.components.mesh.routing.host_args import HostEntry
from meshed_mcp.components.mesh.routing.tool_args import PoolSettings
from meshed_mcp.components.mesh.service.args import SecretKey, ServiceSettings
from meshed_mcp.components.mesh.service.container_args import ServerResources
from meshed_mcp.components.mesh.service.log_export_args import LogSettings
from meshed_mcp.components.mesh.service.login_args import LoginSecret
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.pod.args import PodSettings
from meshed_mcp.components.pod.validation import SERVER_CONTAINERS

NAMESPACE: Final = "meshed-mcp"
"""Configuration namespace of all keys, independent of the project's name."""

LOCAL_DOMAIN: Final = "mcp.localhost"
"""Default host of the gateway: fully qualified, and the loopback address. Source: RFC 6761, section 6.3."""


class Environment(StrEnum):
    """Purpose of a stack."""

    PRODUCTION = "production"
    """Real users: fault injection needs a window."""

    DEVELOPMENT = "development"
    """No real users."""


class Experiment(FaultInjection):
    """Fault injection into real requests while its window is open."""

    service: str
    """Service whose callers get the fault."""

    window: Window
    """Start and end, required in every environment."""


class PoolConfig(PoolSettings):
    """Separate pods for slow or expensive tools."""

    scaling: ScalingSettings = ScalingSettings()
    """Autoscaling of the pool on its own load."""


class ServiceConfig(ServiceSettings):
    """One MCP service: image, callers, autoscaling."""

    scaling: ScalingSettings = ScalingSettings()
    """Autoscaling of the service."""

    pools: Mapping[str, PoolConfig] = Field(default_factory=dict)
    """Name -> pool of separate pods for slow or expensive tools; requests of revisions up to 2025-11-25 bypass
    pools."""


class RegistryConfig(PodSettings):
    """Registry that lists services by name while they hold a lease."""

    containers: ClassVar[tuple[str, ...]] = SERVER_CONTAINERS

    image: In[str]
    """Container image with this package's runtime."""

    command: list[str] = Field(default=["python", "-m", "meshed_mcp.agents.registry"])
    """Command instead of the image's entry point."""

    replicas: int = Field(default=2, ge=1, le=10)
    """Number of pods. More than one needs `database`, because SQLite files are per pod."""

    database: LoginSecret | None = None
    """Secret with a PostgreSQL URL, e.g. `postgresql+psycopg://...`, and its TLS certificates. Unset: SQLite, one
    replica."""

    cluster_dependencies: list[ClusterService] = Field(default_factory=list)
    """Where that database is in the cluster, as "namespace/service"; without it the registry gets neither a Sidecar nor
    a NetworkPolicy."""


class BridgeConfig(Model):
    """Images of the bridge, for stdio servers, packages, remote servers and `bridge: true`."""

    image: In[str] | None = None
    """Image of the bridge with the stdio launcher; required for `transport: stdio`, `url` and `bridge: true`."""

    npm_image: In[str] | None = None
    """Image of the bridge with Node.js and npm; required for packages of npm."""

    pypi_image: In[str] | None = None
    """Image of the bridge with uv; required for packages of PyPI."""

    resources: ServerResources = Field(default_factory=ServerResources)
    """CPU and memory of the bridge, where the server behind it has a container of its own."""


class StackConfig(Model):
    """One stack, as in the file `Pulumi.<stack>.yaml`."""

    services: dict[str, ServiceConfig] = Field(min_length=1)
    """Name -> service; a name is a DNS label of at most 54 characters."""

    namespace: Annotated[str, AfterValidator(namespace_name)] = "mcp-system"
    """Namespace of services and registry."""

    labels: Labels = Field(default_factory=dict)
    """Labels of every object and pod of the stack, such as a cost center; a part's own win."""

    annotations: Annotations = Field(default_factory=dict)
    """Annotations of every object and pod of the stack; a part's own win."""

    image_pull_secrets: PullSecrets = Field(default_factory=list)
    """Secrets with the credentials of image registries, for every pod, those of charts included. Each must exist in
    every namespace with pods; `meshed-mcp check` lists them."""

    domain: Annotated[str, AfterValidator(domain_name)] = LOCAL_DOMAIN
    """Host name of the ingress gateway; an exposed service is at `https://<domain>/<name>/mcp`. The default is
    reachable by port-forward only."""

    domain_aliases: list[HostEntry] = Field(default_factory=list)
    """Further host names of the ingress gateway with the paths of `domain`, such as an old domain or the name at a
    CDN: a name, or `{host, tls_secret}`."""

    cors: Cors | None = None
    """Web pages that may call every exposed service without `cors` of its own. Unset = none; with
    `environment: development` those of the developer's machine, such as the MCP Inspector."""

    registry: RegistryConfig | None = None
    """Registry of the services. Unset: no registry."""

    bridge: BridgeConfig = BridgeConfig()
    """Bridge in front of servers without this package's runtime."""
    platform: ClusterPlatform | None = None
    """Kubernetes distribution or managed service, from which defaults follow: `aks`, `eks`, `gke`, `openshift`, `k3d`,
    `k3s`, `microk8s`, `minikube`. Unset: no defaults differ."""

    egress_proxy: EgressProxy | None = None
    """Proxy of a corporate network. Every service with an external host uses it, except for hosts in its `no_proxy`."""

    ca_bundle: CaBundle | None = None
    """ConfigMap with the certificate authorities that services and registry trust. Unset: those of each image."""

    request_state: SecretKey | None = None
    """Secret with the keys that seal the state of calls in several rounds, one per line, the sealing one first; for
    services with `shared_state: [request-state]`."""

    redis: LoginSecret | None = None
    """Secret with the URL of a Redis, e.g. `redis://:password@redis.data:6379/0`, and its TLS certificates; for
    services with `shared_state: [subscriptions]`."""

    access: RoleGroups = RoleGroups()
    """Groups of users by role: `viewer`, `operator`, `admin`."""

    mesh: ServiceMeshArgs = Field(default_factory=lambda: ServiceMeshArgs(domain=LOCAL_DOMAIN))
    observability: ObservabilityStackArgs = ObservabilityStackArgs()
    keda: KedaSettings = KedaSettings()
    deletion_cost: DeletionCostSettings | None = None
    """Pod deletion costs, so that scale-in removes the replica with the fewest sessions. Unset: the youngest."""

    vpa: VpaSettings = VpaSettings()
    nodes: NodeSettings | None = None
    """Spare capacity and node autoscaling. Unset: the program of the cluster manages nodes."""

    forecast: ForecastSettings = ForecastSettings()
    logs: LogSettings = LogSettings()
    prices: Prices = Prices()
    grafana_admin_password: In[str] | None = None
    """Set with `pulumi config set --secret`. Unset: create the Secret `grafana-admin` yourself."""

    session_key: In[str] | None = None
    """Key that masks the addresses of pods in session ids, for services with `legacy: sticky`; set with
    `pulumi config set --secret`. Unset: the public names of the services."""

    previous_session_key: In[str] | None = None
    """Key of sessions that began before the last change of `session_key`: they stay open. Remove it when they have
    ended. Unset: a new key ends all sessions."""

    environment: Environment = Environment.PRODUCTION
    """`production` or `development`, which allows fault injection without a window."""

    chaos: Annotated[dict[str, Experiment], AfterValidator(fault_names)] = Field(default_factory=dict)
    """Name -> experiment: fault injection into real requests while its window is open."""

    chart_mirror: str | None = None
    """Repository (URL) or folder with all charts. Unset: their publishers' repositories."""

    @property
    def defaults(self) -> ObjectDefaults:
        """What every object and pod gets."""
        return ObjectDefaults(
            labels=self.labels, annotations=self.annotations, image_pull_secrets=self.image_pull_secrets
        )
