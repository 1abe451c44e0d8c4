"""Arguments of the rate limit service: where it counts, how many replicas, and what happens while it does not answer.

Stack keys in, frozen models out. Not here: the limits of a service (args.py), the objects
(server.py), how a proxy asks (shared.py).
"""

from enum import StrEnum
from typing import Final

from pydantic import Field

from meshed_mcp import contract
from meshed_mcp.components.core.args import In, Model
from meshed_mcp.components.mesh.service.container_args import SecretKey

NAME: Final = contract.RATE_LIMIT_NAME
"""Name of every object of the service."""

IMAGE: Final = "docker.io/envoyproxy/ratelimit:3fb70258"
"""Source: the project has no releases; it publishes each commit under the first eight digits of its hash. The engine
that the tests build is of the same commit."""


class FailureMode(StrEnum):
    """What happens to requests that would be counted, while the counting service or its Redis does not answer."""

    OPEN = "open"
    """They pass: a limit protects, and its failure harms nobody."""

    CLOSED = "closed"
    """They are answered 503: a limit is a contract, and nothing passes uncounted."""


class RateLimiting(Model):
    """The service that counts requests of all pods together, for limits under `rate_limits.shared`."""

    failure_mode: FailureMode
    """`open` or `closed`: what happens to requests while nobody counts. No default, as either may be the disaster."""

    redis: SecretKey
    """Secret in the services' namespace with the Redis's address as `host:port`, without a scheme."""

    redis_password: SecretKey | None = None
    """Secret with its password, or `user:password`."""

    redis_tls: bool = False
    """Whether Redis is reached by TLS."""

    image: In[str] = IMAGE
    """Container image of github.com/envoyproxy/ratelimit."""

    replicas: int = Field(default=2, ge=1, le=100)
    """Pods; each decides by the counts in Redis."""


class RateLimitRef(Model):
    """The rate limit service as a proxy asks it."""

    host: str
    """Host of the service, a full name."""

    domain: str
    """Whose limits are asked for."""

    failure_mode: FailureMode
    """What happens while it does not answer."""
