"""Settings of one service in the stack file: every key with its bounds and default, and the rules between them.

The package schema and `docs/reference/stack-file.md` are generated from the field docs.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field, field_validator, model_validator

from meshed_mcp import contract
from meshed_mcp.components.core.args import In
from meshed_mcp.components.mesh.authorization.enforcement_args import PolicySettings
from meshed_mcp.components.mesh.authorization.token_args import TokenSettings
from meshed_mcp.components.mesh.authorization.tool_policy_args import ToolSettings, tool_issues, tool_names
from meshed_mcp.components.mesh.cluster.extension_args import Extensions
from meshed_mcp.components.mesh.cluster.telemetry_args import AccessLog
from meshed_mcp.components.mesh.egress.destinations import ClusterService, external_hosts
from meshed_mcp.components.mesh.egress.proxy_validation import proxy_variable_issues
from meshed_mcp.components.mesh.rate_limit.args import RateLimits, rate_limit_issues
from meshed_mcp.components.mesh.routing.cors_args import Cors
from meshed_mcp.components.mesh.routing.destination_rule_args import TrafficSettings
from meshed_mcp.components.mesh.routing.fault_injection_args import FaultsByName
from meshed_mcp.components.mesh.routing.host_args import BaseURL, HostEntry, host_issues, public_url_issues
from meshed_mcp.components.mesh.routing.rollout_args import NoRollout, Rollout
from meshed_mcp.components.mesh.routing.tool_args import PoolSettings
from meshed_mcp.components.mesh.routing.validation import traffic_issues
from meshed_mcp.components.mesh.service import validation
from meshed_mcp.components.mesh.service.call_args import CallSettings, caller_token_issues, destinations
from meshed_mcp.components.mesh.service.container_args import (
    Drain,
    SecretKey,
    ServerResources,
    derive_termination_grace_period,
)
from meshed_mcp.components.mesh.service.limits_args import LimitSettings, validate_limits
from meshed_mcp.components.mesh.service.login_args import LoginSecret
from meshed_mcp.components.mesh.service.proxy_size import ProxySize
from meshed_mcp.components.mesh.service.server_source import SourceSettings
from meshed_mcp.components.mesh.service.shared_state import SharedState
from meshed_mcp.components.mesh.service.source_issues import source_issues
from meshed_mcp.components.mesh.service.user_credential_args import CredentialSettings, credential_issues
from meshed_mcp.components.mesh.sessions.args import SessionSettings, session_store_issues
from meshed_mcp.components.pod.args import PodSettings
from meshed_mcp.components.pod.overlay_args import Taken, container_issues
from meshed_mcp.components.pod.validation import SERVER_CONTAINERS
from meshed_mcp.error_codes.code import raise_all


class ServiceSettings(PolicySettings, SourceSettings, PodSettings):
    """Settings of one service; every default is safe in production."""

    methods: Annotated[list[str], AfterValidator(validation.http_methods)] = Field(
        default_factory=lambda: list(validation.SESSION_METHODS), min_length=1
    )
    """HTTP methods that callers may use. Source: MCP specification, "Streamable HTTP"."""

    callers: Annotated[list[str], AfterValidator(validation.caller_names)] = Field(default_factory=list)
    """Allow-list of callers: services of this namespace by name, others as "namespace/serviceaccount". Empty = every
    request is denied."""

    expose: bool = False
    """True = exposed at the ingress gateway as `<host>/<name><path>`."""

    hosts: list[HostEntry] = Field(default_factory=list)
    """Host names of its own at the ingress gateway, beside the path below the domain: `https://<host><path>`. A name,
    or `{host, tls_secret}`. The first one is the resource of its tokens. Needs `expose`."""

    public_urls: list[BaseURL] = Field(default_factory=list)
    """Base URLs of the service at ingresses outside the stack, which remove the path: `https://tools.example.com/search`
    for `https://tools.example.com/search/mcp`. The server accepts their hosts, and its own links begin with them."""

    cors: Cors | None = None
    """Web pages that may call the service from a browser, at the ingress gateway. Unset = none; in a stack, as the
    stack's `cors`. `{origins: []}` = none."""

    tools: Annotated[dict[str, ToolSettings], AfterValidator(tool_names)] = Field(default_factory=dict)
    """Rules of single tools, by tool; "*" = every tool not named here. A tool without a rule is open to all callers of
    the service."""

    auth: TokenSettings | None = None
    """Tokens that every request must carry, including requests of services in the mesh; unset = mesh identity only."""

    calls: Annotated[dict[str, CallSettings], AfterValidator(destinations)] = Field(default_factory=dict)
    """Destination -> how the service authenticates to it: a service of the stack by name, or the URL of an external
    server, whose host `egress_hosts` need not list. `ServiceClient` reads it. Unset = by the mesh identity alone."""

    user_credentials: CredentialSettings | None = None
    """Servers at which the users of the service have accounts of their own: a tool gets the token of its caller, who
    connects the account in the browser. Credentials are encrypted in `database`, or in the `redis` of the stack. Needs
    `auth`, and `expose` or `public_urls`."""

    egress_hosts: list[str] = Field(default_factory=list)
    """External hosts that the service may reach over TLS: `host` for port 443, or `host:port`."""

    cluster_dependencies: list[ClusterService] = Field(default_factory=list)
    """Services of the cluster outside the stack that it calls, as "namespace/service": a database, a Redis."""

    proxy: ProxySize | None = None
    """Size of the sidecar: `small`, `medium` or `large`; unset = as in the mesh."""

    env: Annotated[dict[str, In[str]], AfterValidator(validation.validate_variable_names)] = Field(default_factory=dict)
    """Environment variables with plain values; use secret_env for passwords."""

    secret_env: Annotated[
        dict[str, SecretKey],
        AfterValidator(validation.validate_variable_names),
        AfterValidator(validation.without_database),
    ] = Field(default_factory=dict)
    """Environment variables whose values are in a Secret; a process keeps those of its start."""

    database: LoginSecret | None = None
    """Secret with a PostgreSQL URL, e.g. `postgresql://...`, and its TLS certificates. Unset: SQLite, one replica."""

    shared_state: Annotated[list[SharedState], AfterValidator(validation.without_duplicates)] = Field(
        default_factory=list
    )
    """State that outlives a request: `request-state`, `subscriptions`, `database`. With more than one replica each
    needs a Secret that all replicas share: `request_state` and `redis` of the stack, `database`."""

    resources: ServerResources = Field(default_factory=ServerResources)
    """CPU and memory of the container."""

    legacy: contract.Legacy = contract.Legacy.STATELESS
    """Handling of clients of MCP revisions up to 2025-11-25: `stateless`, `sticky` (sessions) or `off` (rejected)."""

    sessions: SessionSettings = Field(default_factory=SessionSettings)
    """Where sessions of `legacy: sticky` are kept."""

    drain: Drain = Field(default_factory=Drain)
    """Graceful shutdown of a pod."""

    limits: LimitSettings = Field(default_factory=LimitSettings)
    """Limits of one pod; requests above them are rejected."""

    rate_limits: RateLimits = Field(default_factory=RateLimits)
    """Rate limits, per pod unless in `shared`."""

    access_log: AccessLog | None = None
    """Requests that the proxies of the service log; unset = as in the mesh."""

    store_all_histogram_buckets: bool = False
    """True = Prometheus also stores the histogram buckets that no dashboard, rule or alert reads: of methods other than
    `tools/call`, and of HTTP requests. It always stores their counts and sums."""

    faults: FaultsByName = Field(default_factory=dict)
    """Name -> fault injection for requests with the header `x-mcp-fault: <name>`."""

    rollout: Rollout = Field(default_factory=NoRollout)
    """Versions that run side by side, and how requests are split between them."""

    traffic: TrafficSettings = Field(default_factory=TrafficSettings)
    """How callers' proxies connect: load balancing, connection pools, outlier detection, locality."""

    pools: Mapping[str, PoolSettings] = Field(default_factory=dict)
    """Name -> separate pods for slow or expensive tools; requests of clients up to 2025-11-25 do not reach them."""

    extensions: Extensions = Field(default_factory=dict)
    """Lua scripts and WebAssembly modules in the proxies of the service, by name."""

    @field_validator("egress_hosts")
    @classmethod
    def _are_hosts(cls, value: list[str]) -> list[str]:
        external_hosts(value)
        return value

    @model_validator(mode="before")
    @classmethod
    def _derives_grace_period(cls, raw: Any) -> Any:
        return derive_termination_grace_period(raw)

    @model_validator(mode="after")
    def _is_consistent(self) -> "ServiceSettings":
        has_tokens = self.auth is not None
        issues = [
            *source_issues(self),
            *host_issues(self.hosts, expose=self.expose),
            *public_url_issues(self.public_urls, has_runtime=self.has_runtime),
            *validation.session_issues(self.legacy, self.methods),
            *session_store_issues(self),
            *tool_issues(self.tools, self.callers, expose=self.expose, has_tokens=has_tokens),
            *rate_limit_issues(self.rate_limits, has_tokens=has_tokens),
            *traffic_issues(self),
            *caller_token_issues(self.calls, self.outbound_auth, has_tokens=has_tokens),
            *credential_issues(self),
            *validation.variable_issues(self.env, self.secret_env),
            *validation.database_issues(self.env, has_secret=self.database is not None),
            *container_issues(self.pod, SERVER_CONTAINERS, self._taken()),
            *validation.api_server_issues(self.cluster_dependencies, has_token=self.service_account.token),
            *proxy_variable_issues(self.env, external_hosts(self.egress_hosts)),
        ]
        raise_all(issues)
        # The bridge has a size of its own; the stack and the component compare the limits with it.
        validate_limits(self.limits, self.drain, ServerResources() if self.has_upstream else self.resources)
        return self

    @property
    def uses_redis(self) -> bool:
        """Whether the service connects to the Redis of the stack."""
        has_credentials = self.user_credentials is not None and self.database is None
        return SharedState.SUBSCRIPTIONS in self.shared_state or self.sessions.in_redis or has_credentials

    @property
    def identity_annotations(self) -> dict[str, str]:
        """Annotations of the pods and of their ServiceAccount, which decide the endpoints of workload identity."""
        return {**self.annotations, **self.service_account.annotations}

    def _taken(self) -> Taken:
        """Variables and ports that an overlay cannot set again."""
        variables = {*validation.SET_BY_COMPONENT, *self.env, *self.secret_env}
        return Taken(variables, {contract.MCP_PORT, contract.MANAGEMENT_PORT, self.endpoint_port})
