"""Arguments of one service in the mesh: what a stack may write, with every bound, default and cross-field rule.

Stack keys in, frozen models out; the package schema and the reference pages come from the texts beneath the fields.
Checked here: the form of every value. Not here: whether a named caller exists (infra/plan.py knows all services), and
what a value becomes in Kubernetes (workload.py, traffic.py, security.py). The mesh of the cluster: cluster_args.py.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from pydantic import Field, field_validator, model_validator

from meshed_mcp import contract
from meshed_mcp.components.core.args import In
from meshed_mcp.components.core.names import DNS_LABEL, DNS_NAME, host_name, listed, namespace_name
from meshed_mcp.components.mesh.access_args import ToolSettings, tool_faults, tool_names
from meshed_mcp.components.mesh.ambient_faults import ambient_faults
from meshed_mcp.components.mesh.cluster_args import ServiceMeshArgs
from meshed_mcp.components.mesh.connection_args import TrafficSettings
from meshed_mcp.components.mesh.container_args import Drain, SecretKey, ServerResources
from meshed_mcp.components.mesh.extension_args import Extensions
from meshed_mcp.components.mesh.faults_args import FaultsByName
from meshed_mcp.components.mesh.ingress_args import IngressRef
from meshed_mcp.components.mesh.limits_args import LIMIT_VARIABLES, LimitSettings, check_limits
from meshed_mcp.components.mesh.mode import MeshMode
from meshed_mcp.components.mesh.outside_args import outside_hosts
from meshed_mcp.components.mesh.policy_args import PolicySettings, enforcement_faults
from meshed_mcp.components.mesh.proxy_size import ProxySize
from meshed_mcp.components.mesh.rate_limiting_args import RateLimitRef
from meshed_mcp.components.mesh.rate_limits_args import RateLimits, rate_limit_faults
from meshed_mcp.components.mesh.reach_args import Reachable
from meshed_mcp.components.mesh.rollout_args import NoRollout, Rollout, RolloutStrategy, Weights
from meshed_mcp.components.mesh.scheduling_args import Scheduling
from meshed_mcp.components.mesh.sharing import SharedUse, missing_parts
from meshed_mcp.components.mesh.telemetry_args import AccessLog
from meshed_mcp.components.mesh.token_args import TokenSettings
from meshed_mcp.components.mesh.tool_args import Pool, PoolSettings
from meshed_mcp.components.mesh.traffic_rules import traffic_faults

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

_PATH: Final = re.compile(r"(?:/[A-Za-z0-9._~-]+)+")
_ENVIRONMENT_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CALLER: Final = re.compile(rf"({DNS_LABEL}/{DNS_NAME}|{DNS_LABEL})")

HTTP_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
"""Source: RFC 9110, section 9.3, and RFC 5789; TRACE and CONNECT have no place behind a gateway."""

SESSION_METHODS: Final = ("GET", "POST", "DELETE")
"""What a session needs. Source: MCP 2025-11-25, "Streamable HTTP"."""

SET_BY_COMPONENT: Final = frozenset(
    {
        contract.ENV_SERVICE,
        contract.ENV_NAMESPACE,
        contract.ENV_PORT,
        contract.ENV_MANAGEMENT_PORT,
        contract.ENV_ALLOWED_HOSTS,
        contract.ENV_ENDPOINT_SECONDS,
        contract.ENV_GRACE_SECONDS,
        contract.ENV_LEGACY,
        contract.ENV_REGISTRY_URL,
        contract.ENV_DATA_DIR,
        contract.ENV_REPLICATED,
        contract.ENV_REQUEST_STATE_KEYS,
        contract.ENV_REDIS_URL,
        contract.ENV_TRUSTED_PROXIES,
        contract.ENV_TOOL_POLICY,
        contract.ENV_AUTH_ISSUER,
        contract.ENV_AUTH_AUDIENCE,
        contract.ENV_AUTH_JWKS_URL,
        contract.ENV_AUTH_JWKS,
        contract.ENV_AUTH_SCOPES,
        contract.ENV_ORGANISATION_CLAIM,
        *LIMIT_VARIABLES.values(),
    }
)
"""Variables that follow from other fields; a second source for them would contradict the routes or the probes."""


class ServiceSettings(PolicySettings):
    """What a stack writes for one service; every default is safe in production."""

    image: In[str]
    """Container image. Its user must be a numeric non-root one, and it must run on a read-only root file system."""

    command: list[str] = Field(default_factory=list)
    """Command in place of the image's entry point; empty = the image's own."""

    path: str = contract.MCP_PATH
    """Path of the endpoint; only it and what lies beneath it can be reached."""

    methods: list[str] = Field(default_factory=lambda: ["GET", "POST", "DELETE"], min_length=1)
    """HTTP methods that callers may use. Source: MCP specification, "Streamable HTTP"."""

    callers: list[str] = Field(default_factory=list)
    """Who may call: services of this namespace by name, others as "namespace/serviceaccount". Empty = nobody."""

    expose: bool = False
    """True = reachable from outside at the ingress gateway, as `<host>/<name><path>`."""

    tools: dict[str, ToolSettings] = Field(default_factory=dict)
    """Who may call single tools, by tool; "*" = every tool not named here. A tool without a rule is open to all callers
    of the service."""

    auth: TokenSettings | None = None
    """Tokens that every request must carry, those of services in the mesh too; unset = the mesh identity alone."""

    egress_hosts: list[str] = Field(default_factory=list)
    """Hosts outside the mesh that the service may reach by TLS: `host` at port 443, or `host:port`."""

    reaches: list[Reachable] = Field(default_factory=list)
    """Services of the cluster that it calls beside those of the stack, as "namespace/service": a database, a Redis."""

    proxy: ProxySize | None = None
    """Size of its sidecar: `small`, `medium` or `large`; unset = the mesh's."""

    env: dict[str, In[str]] = Field(default_factory=dict)
    """Environment variables with plain values; for passwords use secret_env."""

    secret_env: dict[str, SecretKey] = Field(default_factory=dict)
    """Environment variables whose values are in a Secret."""

    uses: list[SharedUse] = Field(default_factory=list)
    """What of MCP the service uses beyond single requests: `request-state`, `subscriptions`. With more than one replica
    each needs a part that all replicas share."""

    resources: ServerResources = Field(default_factory=ServerResources)
    """CPU and memory of the container."""

    legacy: contract.Legacy = contract.Legacy.STATELESS
    """How clients of MCP revisions up to 2025-11-25 are served: `stateless`, `sticky` (sessions) or `off` (refused)."""

    drain: Drain = Field(default_factory=Drain)
    """How a pod ends without losing a call."""

    limits: LimitSettings = Field(default_factory=LimitSettings)
    """What one pod accepts before it refuses."""

    rate_limits: RateLimits = Field(default_factory=RateLimits)
    """How many requests in a time are answered, per pod unless it says shared."""

    access_log: AccessLog | None = None
    """Which requests the service's proxies log; unset = as in the whole mesh."""

    faults: FaultsByName = Field(default_factory=dict)
    """Name -> fault of the requests that ask for it by the header `x-mcp-fault: <name>`."""

    rollout: Rollout = Field(default_factory=NoRollout)
    """Which versions run and how calls are divided between them."""

    traffic: TrafficSettings = Field(default_factory=TrafficSettings)
    """How callers' proxies connect: choice of the replica, bounds, sick replicas, regions."""

    pools: Mapping[str, PoolSettings] = Field(default_factory=dict)
    """Name -> pods of their own for slow or expensive tools; calls of clients up to 2025-11-25 do not reach them."""

    extensions: Extensions = Field(default_factory=dict)
    """Lua scripts and WebAssembly modules in the proxies of the service, by name."""

    @field_validator("path")
    @classmethod
    def _is_path(cls, value: str) -> str:
        if _PATH.fullmatch(value) is None or {".", ".."} & set(value.split("/")):
            raise ValueError(
                f"{value!r} is no path below '/'; write it with a leading and without a trailing '/', such as '/mcp'"
            )
        return value

    @field_validator("methods")
    @classmethod
    def _are_methods(cls, value: list[str]) -> list[str]:
        bad = [method for method in value if method not in HTTP_METHODS]
        if bad:
            raise ValueError(f"{listed(bad)} is no HTTP method; write some of {', '.join(HTTP_METHODS)}")
        return value

    @field_validator("callers")
    @classmethod
    def _are_callers(cls, value: list[str]) -> list[str]:
        bad = [caller for caller in value if _CALLER.fullmatch(caller) is None]
        if bad:
            raise ValueError(
                f"{listed(bad)} names no caller; write a service of this namespace such as 'mcp-controller', or "
                "'namespace/serviceaccount' (wildcards would let everybody in)"
            )
        twice = sorted({caller for caller in value if value.count(caller) > 1})
        if twice:
            raise ValueError(f"{listed(twice)} is listed twice; remove one")
        return value

    @field_validator("tools")
    @classmethod
    def _are_tools(cls, value: dict[str, ToolSettings]) -> dict[str, ToolSettings]:
        tool_names(value)
        return value

    @field_validator("egress_hosts")
    @classmethod
    def _are_hosts(cls, value: list[str]) -> list[str]:
        outside_hosts(value)
        return value

    @field_validator("uses")
    @classmethod
    def _are_different(cls, value: list[SharedUse]) -> list[SharedUse]:
        twice = sorted({use.value for use in value if value.count(use) > 1})
        if twice:
            raise ValueError(f"{listed(twice)} is listed twice; remove one")
        return value

    @field_validator("env", "secret_env")
    @classmethod
    def _are_variables(cls, value: dict[str, Any]) -> dict[str, Any]:
        bad = [name for name in value if _ENVIRONMENT_NAME.fullmatch(name) is None]
        if bad:
            raise ValueError(
                f"{listed(bad)} cannot name an environment variable; write letters, digits and '_', such as 'LOG_LEVEL'"
            )
        owned = sorted(SET_BY_COMPONENT & set(value))
        if owned:
            raise ValueError(f"{listed(owned)} is set from the other fields of the service; remove it")
        return value

    @model_validator(mode="after")
    def _lets_sessions_work(self) -> "ServiceSettings":
        missing = [method for method in SESSION_METHODS if method not in self.methods]
        if self.legacy is contract.Legacy.STICKY and missing:
            raise ValueError(
                f"legacy sticky needs {' and '.join(missing)} among methods, for the streams and the end of sessions; "
                "add it, or write legacy: stateless"
            )
        return self

    @model_validator(mode="after")
    def _lets_callers_use_tools(self) -> "ServiceSettings":
        found = list(tool_faults(self.tools, self.callers, expose=self.expose, has_tokens=self.auth is not None))
        found += enforcement_faults(self.enforcement, self.legacy, self.tools, self.auth)
        found += rate_limit_faults(self.rate_limits, has_tokens=self.auth is not None)
        if lines := "\n".join(found):
            raise ValueError(lines)
        return self

    @model_validator(mode="after")
    def _has_routes_that_work(self) -> "ServiceSettings":
        if lines := "\n".join(traffic_faults(self)):
            raise ValueError(lines)
        return self

    @model_validator(mode="after")
    def _sets_each_variable_once(self) -> "ServiceSettings":
        both = sorted(set(self.env) & set(self.secret_env))
        if both:
            raise ValueError(
                f"{listed(both)} is in env and in secret_env; keep one, secret_env if the value is a secret"
            )
        return self

    @model_validator(mode="after")
    def _has_limits_that_fit(self) -> "ServiceSettings":
        check_limits(self.limits, self.drain, self.resources)
        return self


class MeshedMCPServiceArgs(ServiceSettings):
    """One MCP server in the mesh: its workload, its routes, and who may call it."""

    namespace: str = "mcp-system"
    """Namespace of every object of the service."""

    replicas: int = Field(default=2, ge=1, le=1000)
    """Pods at creation; afterwards the autoscaler owns the number."""

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

    registry_url: In[str] | None = None
    """Base URL of the registry, without its path prefix; unset = the service does not register."""

    imports: list[Reachable] | None = None
    """Services that its sidecar knows, as "namespace/service", beside `reaches`, hosts outside, registry and collector;
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
            raise ValueError("expose is true but no ingress is given to attach to; add ingress, or write expose: false")
        return self

    @property
    def replicated(self) -> bool:
        """Whether two requests may reach different pods: several replicas, two versions side by side, or pools."""
        most = max(self.replicas, self.max_replicas or 1)
        return most > 1 or self.rollout.second is not None or bool(self.pools)

    @model_validator(mode="after")
    def _suits_its_mode(self) -> "MeshedMCPServiceArgs":
        found = ambient_faults(self) if self.mode is MeshMode.AMBIENT else ()
        if lines := "\n".join(f"{field}: {why}" for field, why in found):
            raise ValueError(lines)
        return self

    @model_validator(mode="after")
    def _shares_what_it_uses(self) -> "MeshedMCPServiceArgs":
        faults = [
            f"uses {self.uses[number]}, for which its replicas {why}; add {field}, or run one replica and no canary"
            for number, field, why in (missing_parts(self.uses, self) if self.replicated else ())
        ]
        if faults:
            raise ValueError("\n".join(faults))
        return self
