"""Settings of the rate limit service (`rate_limiting`): Redis, image, replicas, failure mode."""

from enum import StrEnum
from typing import ClassVar, Final

from pydantic import Field

from meshed_mcp import contract
from meshed_mcp.components.core.args import In, Model
from meshed_mcp.components.mesh.service.container_args import SecretKey
from meshed_mcp.components.pod.args import PodSettings

NAME: Final = contract.RATE_LIMIT_NAME
"""Name of all objects of the service."""

IMAGE: Final = "docker.io/envoyproxy/ratelimit:3fb70258"
"""Source: the project publishes each commit under the first eight digits of its hash and has no releases. The engine
of the tests is built from the same commit."""


class FailureMode(StrEnum):
    """Handling of limited requests while the rate limit service or its Redis is unavailable."""

    OPEN = "open"
    """Requests pass without being counted."""

    CLOSED = "closed"
    """Requests are rejected with 503."""


class RateLimiting(PodSettings):
    """The rate limit service, which counts requests of all pods together for `rate_limits.shared`."""

    containers: ClassVar[tuple[str, ...]] = ("ratelimit",)

    failure_mode: FailureMode
    """`open` or `closed`: whether requests pass or are rejected while the service is unavailable. Required, because
    either can cause an outage or an overload."""

    redis: SecretKey
    """Secret in the namespace of the services with the address of Redis as `host:port`, without a scheme."""

    redis_password: SecretKey | None = None
    """Secret with the password of Redis, or `user:password`."""

    redis_tls: bool = False
    """Whether connections to Redis use TLS."""

    image: In[str] = IMAGE
    """Container image of github.com/envoyproxy/ratelimit."""

    replicas: int = Field(default=2, ge=1, le=100)
    """Number of pods; all use the counts in Redis."""


class RateLimitRef(Model):
    """Reference to the rate limit service, as the ratelimit filter uses it."""

    host: str
    """Fully qualified host of the service."""

    domain: str
    """Domain of the descriptors."""

    failure_mode: FailureMode
    """Handling of requests while the service is unavailable."""
