"""What a stack may write for one service: every key with its bound and default, and the rules that hold between them.

Stack keys in, a frozen model out; the package schema and the reference pages come from the texts beneath the fields.
Checked here: the form of every value (long rules: validation.py). Not here: what only the program knows of
a service (args.py), and whether a named caller exists (infra/plan.py knows all services).
"""

from collections.abc import Mapping
from typing import Any

from pydantic import Field, field_validator, model_validator

from meshed_mcp import contract
from meshed_mcp.components.core.args import In
from meshed_mcp.components.mesh.authorization.enforcement_args import PolicySettings, enforcement_issues
from meshed_mcp.components.mesh.authorization.token_args import TokenSettings
from meshed_mcp.components.mesh.authorization.tool_policy_args import ToolSettings, tool_issues, tool_names
from meshed_mcp.components.mesh.cluster.extension_args import Extensions
from meshed_mcp.components.mesh.cluster.telemetry_args import AccessLog
from meshed_mcp.components.mesh.egress.cluster_dependencies import Reachable
from meshed_mcp.components.mesh.egress.external_hosts import external_hosts
from meshed_mcp.components.mesh.rate_limit.args import RateLimits, rate_limit_issues
from meshed_mcp.components.mesh.routing.destination_rule_args import TrafficSettings
from meshed_mcp.components.mesh.routing.fault_injection_args import FaultsByName
from meshed_mcp.components.mesh.routing.rollout_args import NoRollout, Rollout
from meshed_mcp.components.mesh.routing.tool_args import PoolSettings
from meshed_mcp.components.mesh.routing.validation import traffic_issues
from meshed_mcp.components.mesh.service.container_args import Drain, SecretKey, ServerResources
from meshed_mcp.components.mesh.service.limits_args import LimitSettings, check_limits
from meshed_mcp.components.mesh.service.proxy_size import ProxySize
from meshed_mcp.components.mesh.service.shared_state import SharedUse
from meshed_mcp.components.mesh.service.termination import with_grace
from meshed_mcp.components.mesh.service.validation import (
    SESSION_METHODS,
    caller_names,
    endpoint_path,
    http_methods,
    once,
    own_variables,
    session_issues,
    variable_issues,
)
from meshed_mcp.error_codes.code import raise_all


class ServiceSettings(PolicySettings):
    """What a stack writes for one service; every default is safe in production."""

    image: In[str]
    """Container image. Its user must be a numeric non-root one, and it must run on a read-only root file system."""

    command: list[str] = Field(default_factory=list)
    """Command in place of the image's entry point; empty = the image's own."""

    path: str = contract.MCP_PATH
    """Path of the endpoint; only it and what lies beneath it can be reached."""

    methods: list[str] = Field(default_factory=lambda: list(SESSION_METHODS), min_length=1)
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

    cluster_dependencies: list[Reachable] = Field(default_factory=list)
    """Services of the cluster that it calls beside those of the stack, as "namespace/service": a database, a Redis."""

    proxy: ProxySize | None = None
    """Size of its sidecar: `small`, `medium` or `large`; unset = the mesh's."""

    env: dict[str, In[str]] = Field(default_factory=dict)
    """Environment variables with plain values; for passwords use secret_env."""

    secret_env: dict[str, SecretKey] = Field(default_factory=dict)
    """Environment variables whose values are in a Secret."""

    shared_state: list[SharedUse] = Field(default_factory=list)
    """What the service uses beyond single requests: `request-state`, `subscriptions`, `database`. With more than one
    replica each needs a part that all replicas share; for `database`, MESHED_MCP_DATABASE_URL in `secret_env`."""

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

    store_all_histogram_buckets: bool = False
    """True = Prometheus also stores the buckets of durations that no page, rule or alert reads: of methods beside
    `tools/call`, and of HTTP requests. Their counts and sums it stores in any case."""

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
        return endpoint_path(value)

    @field_validator("methods")
    @classmethod
    def _are_methods(cls, value: list[str]) -> list[str]:
        return http_methods(value)

    @field_validator("callers")
    @classmethod
    def _are_callers(cls, value: list[str]) -> list[str]:
        return caller_names(value)

    @field_validator("tools")
    @classmethod
    def _are_tools(cls, value: dict[str, ToolSettings]) -> dict[str, ToolSettings]:
        tool_names(value)
        return value

    @field_validator("egress_hosts")
    @classmethod
    def _are_hosts(cls, value: list[str]) -> list[str]:
        external_hosts(value)
        return value

    @field_validator("shared_state")
    @classmethod
    def _are_different(cls, value: list[SharedUse]) -> list[SharedUse]:
        once(value)
        return value

    @field_validator("env", "secret_env")
    @classmethod
    def _are_variables(cls, value: dict[str, Any]) -> dict[str, Any]:
        own_variables(value)
        return value

    @model_validator(mode="before")
    @classmethod
    def _waits_for_its_longest_call(cls, raw: Any) -> Any:
        return with_grace(raw)

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> "ServiceSettings":
        has_tokens = self.auth is not None
        found = [
            *session_issues(self.legacy, self.methods),
            *tool_issues(self.tools, self.callers, expose=self.expose, has_tokens=has_tokens),
            *enforcement_issues(self.enforcement, self.legacy, self.tools, self.auth),
            *rate_limit_issues(self.rate_limits, has_tokens=has_tokens),
            *traffic_issues(self),
            *variable_issues(self.env, self.secret_env),
        ]
        raise_all(found)
        check_limits(self.limits, self.drain, self.resources)
        return self
