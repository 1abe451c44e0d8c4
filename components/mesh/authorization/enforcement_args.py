"""Settings of external authorization: the authorizers of the mesh, and the one that a service asks."""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from meshed_mcp import contract
from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.names import host_name, object_name
from meshed_mcp.components.mesh.cluster.telemetry_args import ACCESS_LOG_PROVIDER, METRICS_PROVIDER, TRACING_PROVIDER
from meshed_mcp.error_codes import service as codes

RESERVED_PROVIDERS: Final = (TRACING_PROVIDER, ACCESS_LOG_PROVIDER, METRICS_PROVIDER, "envoy", "stackdriver")
"""Extension providers that already exist; of two with one name, proxies get one. Source: Istio, MeshConfig, default
`extensionProviders`."""


class AuthorizerProtocol(StrEnum):
    """Protocol of an external authorizer. Source: Istio, `envoyExtAuthzHttp` and `envoyExtAuthzGrpc`."""

    HTTP = "http"
    GRPC = "grpc"


def authorizer_service(value: str) -> str:
    """Host of an authorizer, which must be a Service of the cluster."""
    if ".svc." not in host_name(value):
        raise codes.AUTHORIZER_NOT_A_SERVICE.error(value=value)
    return value


class Authorizer(Model):
    """External authorizer; requests to the services that name it are denied unless it allows them."""

    service: Annotated[str, AfterValidator(authorizer_service)]
    """Host of a Service in the mesh's registry: "opa.policy.svc.cluster.local"."""

    port: int = Field(ge=1, le=65535)
    """Port of the Service."""

    protocol: AuthorizerProtocol = AuthorizerProtocol.GRPC
    """`grpc` (Envoy's own interface) or `http`."""

    timeout_seconds: float = Field(default=0.5, ge=0.01, le=10)
    """Timeout of a check; the sidecar then rejects the request with 503. It delays every call, so it is short; Istio's
    default is ten minutes."""

    request_headers: list[str] = Field(default_factory=list)
    """Request headers sent to an `http` authorizer, besides host, method and path; a `grpc` authorizer gets all."""

    upstream_headers: list[str] = Field(default_factory=list)
    """Headers of an `http` authorizer's allow response that the service receives; they replace the client's."""

    body_bytes: int | None = Field(default=None, ge=1, le=contract.BODY_BYTES)
    """Largest request body sent to the authorizer; larger requests are rejected with 413. Unset = no body is sent."""


class PolicySettings(Model):
    """Settings of a service that select what else authorizes its requests."""

    external_authorization: str | None = None
    """Name of one of the mesh's `external_authorizers` that checks every request; unset = none."""


def validate_authorizer_names(value: dict[str, Authorizer]) -> dict[str, Authorizer]:
    """The authorizers. Raises ValueError for a key that is no object name or names another extension provider."""
    for name in value:
        object_name(name)
        if name in RESERVED_PROVIDERS:
            raise codes.AUTHORIZER_NAME_TAKEN.error(name=name)
    return value
