"""Arguments of one service in the mesh: what a stack writes for it, and what only the program knows of it.

Values in, a frozen model out; the package schema and the reference pages come from the texts beneath the fields. Not
here: what a stack may write (settings.py), the mesh of the cluster (mesh/cluster/args.py), and what a value becomes in
Kubernetes (workload.py, mesh/routing/virtual_service.py, mesh/authorization/policy.py).
"""

from collections.abc import Mapping

from pydantic import Field, field_validator, model_validator

from meshed_mcp import contract
from meshed_mcp.components.core.args import In
from meshed_mcp.components.core.names import host_name, listed, namespace_name
from meshed_mcp.components.mesh.ambient.validation import ambient_issues
from meshed_mcp.components.mesh.authorization.token_args import TokenSettings
from meshed_mcp.components.mesh.authorization.tool_policy_args import ToolSettings
from meshed_mcp.components.mesh.cluster.args import ServiceMeshArgs
from meshed_mcp.components.mesh.cluster.ingress_args import IngressRef
from meshed_mcp.components.mesh.cluster.mode import MeshMode
from meshed_mcp.components.mesh.egress.cluster_dependencies import Reachable
from meshed_mcp.components.mesh.rate_limit.server_args import RateLimitRef
from meshed_mcp.components.mesh.routing.fault_injection_args import FaultsByName
from meshed_mcp.components.mesh.routing.rollout_args import Rollout, RolloutStrategy, Weights
from meshed_mcp.components.mesh.routing.tool_args import POOL_PREFIX, Pool
from meshed_mcp.components.mesh.service.container_args import Drain, SecretKey, ServerResources
from meshed_mcp.components.mesh.service.limits_args import LimitSettings
from meshed_mcp.components.mesh.service.log_export_args import LogSettings
from meshed_mcp.components.mesh.service.scheduling_args import Scheduling
from meshed_mcp.components.mesh.service.settings import ServiceSettings
from meshed_mcp.components.mesh.service.shared_state import SharedUse, missing_parts
from meshed_mcp.error_codes.code import raise_all
from meshed_mcp.error_codes.service import EXPOSED_WITHOUT_INGRESS, SHARED_STATE_MISSING, UNKNOWN_VERSION

__all__ = [
    "Drain",
    "IngressRef",
    "LimitSettings",
    "MeshedMCPServiceArgs",
    "Rollout",
    "RolloutStrategy",
    "SecretKey",
    "ServerResources",
    "ServiceMeshArgs",
    "ServiceSettings",
    "SharedUse",
    "TokenSettings",
    "ToolSettings",
    "Weights",
]


class MeshedMCPServiceArgs(ServiceSettings):
    """One MCP server in the mesh: its workload, its routes, and who may call it."""

    namespace: str = "mcp-system"
    """Namespace of every object of the service."""

    replicas: int = Field(default=2, ge=1, le=1000)
    """Pods of the stable version; of an autoscaled one, at creation."""

    autoscaled: list[str] = Field(default_factory=list)
    """Versions whose replica count an autoscaler owns after creation: `stable`, the second version of the rollout such
    as `canary`, a pool as `pool-<name>`. Updates set the count of the others."""

    pools: Mapping[str, Pool] = Field(default_factory=dict)
    """Name -> pods of their own for slow or expensive tools, each with its size."""

    max_replicas: int | None = Field(default=None, ge=1, le=1000)
    """The most pods an autoscaler may make of the service; unset = as many as `replicas`."""

    request_state: SecretKey | None = None
    """Secret with the keys that seal the state of calls in several rounds, one per line, the sealing one first."""

    redis: SecretKey | None = None
    """Secret with the URL of the Redis over which replicas tell each other of changes."""

    ingress: IngressRef | None = None
    """Needed when expose is true."""

    otlp_endpoint: In[str] | None = None
    """Base URL of the collector that takes the service's spans, OTLP over HTTP; unset = the service makes none."""

    logs: LogSettings = LogSettings()
    """Where log lines go beside standard error. A store outside the cluster must be among `egress_hosts` too."""

    registry_url: In[str] | None = None
    """Base URL of the registry, without its path prefix; unset = the service does not register."""

    sidecar_egress_hosts: list[Reachable] | None = None
    """Services that its sidecar knows, as "namespace/service", beside `cluster_dependencies`, hosts outside, registry and collector;
    unset = everything in the mesh."""

    egress_gateway: bool = False
    """True = hosts outside are reached through the mesh's egress gateway, and no other way."""

    revision: str | None = None
    """Revision of the control plane whose sidecar the pods get; they are replaced when it changes."""

    rate_limit_service: RateLimitRef | None = None
    """Who counts for `rate_limits.shared`."""

    experiments: FaultsByName = Field(default_factory=dict)
    """Name -> fault of real requests, without a header; the program that names one must take it away again."""

    session_key: In[str] | None = None
    """Secret text that masks the addresses of pods in session ids (legacy: sticky). Unset = the service's identity: it
    keeps addresses from whoever reads an id, but not from whoever also reads this package."""

    scheduling: Scheduling = Scheduling()

    mode: MeshMode = MeshMode.SIDECAR
    """Where the proxies are; as the mesh's."""

    remote: bool = False
    """True = the cluster's control plane is in another cluster, which holds routes and policies: here are only pods."""

    trust_domain: str = "cluster.local"
    """Trust domain of the mesh; first part of every identity."""

    cluster_domain: str = "cluster.local"
    """DNS suffix of the cluster."""

    @field_validator("namespace")
    @classmethod
    def _is_namespace(cls, value: str) -> str:
        return namespace_name(value)

    @field_validator("trust_domain", "cluster_domain")
    @classmethod
    def _is_domain(cls, value: str) -> str:
        return host_name(value)

    @model_validator(mode="after")
    def _has_a_gateway_when_exposed(self) -> "MeshedMCPServiceArgs":
        if self.expose and self.ingress is None:
            raise EXPOSED_WITHOUT_INGRESS.error()
        return self

    @model_validator(mode="after")
    def _autoscales_its_versions(self) -> "MeshedMCPServiceArgs":
        second = [] if self.rollout.second is None else [self.rollout.second]
        known = [contract.STABLE, *second, *(f"{POOL_PREFIX}{pool}" for pool in self.pools)]
        unknown = [label for label in self.autoscaled if label not in known]
        if unknown:
            raise UNKNOWN_VERSION.error(unknown=listed(unknown), known=listed(known))
        return self

    @property
    def replicated(self) -> bool:
        """Whether two requests may reach different pods: several replicas, two versions side by side, or pools."""
        most = max(self.replicas, self.max_replicas or 1)
        return most > 1 or self.rollout.second is not None or bool(self.pools)

    @model_validator(mode="after")
    def _suits_its_mode(self) -> "MeshedMCPServiceArgs":
        found = ambient_issues(self) if self.mode is MeshMode.AMBIENT else ()
        raise_all(why.at(field) for field, why in found)
        return self

    @model_validator(mode="after")
    def _shares_what_it_uses(self) -> "MeshedMCPServiceArgs":
        variables = {*self.env, *self.secret_env}
        raise_all(
            SHARED_STATE_MISSING.message(use=self.shared_state[number], why=why, field=field)
            for number, field, why in (missing_parts(self.shared_state, self, variables) if self.replicated else ())
        )
        return self
