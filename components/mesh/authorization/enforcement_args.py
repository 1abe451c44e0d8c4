"""Arguments of who enforces a service's policy: its own process, the mesh alone, and a server that is asked.

Stack keys in, frozen models out. Not here: what the rules are (tool_policy_args.py, token_args.py), their objects
(policy.py, external.py).
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

from pydantic import Field, field_validator

from meshed_mcp import contract
from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.names import host_name, object_name
from meshed_mcp.components.mesh.authorization.token_args import TokenSettings
from meshed_mcp.components.mesh.authorization.tool_policy_args import ToolSettings
from meshed_mcp.components.mesh.cluster.telemetry_args import ACCESS_LOG_PROVIDER, METRICS_PROVIDER, TRACING_PROVIDER
from meshed_mcp.error_codes.code import Message
from meshed_mcp.error_codes.service import (
    AUTHORIZER_NAME_TAKEN,
    AUTHORIZER_NOT_A_SERVICE,
    SCOPES_NEED_RUNTIME,
    TOOL_NAME_IN_BODY_ONLY,
)

OTHER_PROVIDERS: Final = (TRACING_PROVIDER, ACCESS_LOG_PROVIDER, METRICS_PROVIDER, "envoy", "stackdriver")
"""Names that the mesh's list of providers has already, ours and Istio's own: of two alike, proxies get one.

Source: Istio, MeshConfig, default `extensionProviders`.
"""

RUNTIME_FIX: Final = "enforcement: process if the image runs this package's runtime"


class Enforcement(StrEnum):
    """What judges calls by their bodies."""

    PROCESS = "process"
    """The runtime of this package, in the image."""

    MESH = "mesh"
    """Nothing: another server, of which no more than the protocol is known. The mesh sees headers alone."""


class AuthorizerProtocol(StrEnum):
    """How an authorizer is asked. Source: Istio, `envoyExtAuthzHttp` and `envoyExtAuthzGrpc`."""

    HTTP = "http"
    GRPC = "grpc"


class Authorizer(Model):
    """A server that is asked about every request of the services that name it; without its yes nobody gets in."""

    service: str
    """Its host, a Service known to the mesh: "opa.policy.svc.cluster.local"."""

    port: int = Field(ge=1, le=65535)
    """Port of that Service."""

    protocol: AuthorizerProtocol = AuthorizerProtocol.GRPC
    """`grpc` (Envoy's own interface) or `http`."""

    timeout_seconds: float = Field(default=0.5, ge=0.01, le=10)
    """Longest wait for its answer; then the request is refused with 503. Every call waits for it, so it is short;
    Istio's own default is ten minutes."""

    request_headers: list[str] = Field(default_factory=list)
    """Headers that it is asked with, by `http`; by `grpc` it gets all. Host, method and path always go along."""

    upstream_headers: list[str] = Field(default_factory=list)
    """Headers of its yes that the service gets, by `http`; whatever a client sent in them is replaced."""

    body_bytes: int | None = Field(default=None, ge=1, le=contract.BODY_BYTES)
    """Largest body that it is asked with; larger requests are refused with 413. Unset = it is not shown bodies."""

    @field_validator("service")
    @classmethod
    def _is_a_service(cls, value: str) -> str:
        if ".svc." not in host_name(value):
            raise AUTHORIZER_NOT_A_SERVICE.error(value=value)
        return value


class PolicySettings(Model):
    """The part of a service's settings that says who enforces."""

    enforcement: Enforcement = Enforcement.PROCESS
    """What judges calls by their bodies: `process`, the runtime in the image, or `mesh`, nothing but headers."""

    external_authorization: str | None = None
    """Name of one of the mesh's `external_authorizers`, which is asked about every request; unset = none is."""


def authorizer_names(value: Mapping[str, Authorizer]) -> None:
    """Raise ValueError for a key that cannot name an authorizer, or that names another provider of the mesh."""
    for name in value:
        object_name(name)
        if name in OTHER_PROVIDERS:
            raise AUTHORIZER_NAME_TAKEN.error(name=name)


def enforcement_issues(
    enforcement: Enforcement, legacy: contract.Legacy, tools: Mapping[str, ToolSettings], auth: TokenSettings | None
) -> Iterable[Message]:
    """Rules that nobody would enforce; one line each, with the field's path."""
    if enforcement is Enforcement.PROCESS:
        return
    if legacy is not contract.Legacy.OFF and any(rule.allow is not None for rule in tools.values()):
        yield TOOL_NAME_IN_BODY_ONLY.message(legacy=legacy, fix=RUNTIME_FIX)
    scoped = ["auth.scopes"] if auth is not None and auth.scopes else []
    scoped += [f"tools.{tool}.scopes" for tool, rule in tools.items() if rule.scopes]
    for field in scoped:
        yield SCOPES_NEED_RUNTIME.message(field=field, fix=RUNTIME_FIX)
