"""Limits over all pods in a stack: what the counting service is told, and who may not have any. Pure.

A configuration in, limits by service, the service's reference, complaints out. Not here: the objects
(components/mesh/rate_limit/server.py).
"""

from collections.abc import Iterator

from meshed_mcp.components.core.errors import ConfigIssue
from meshed_mcp.components.mesh.rate_limit.args import SharedLimits
from meshed_mcp.components.mesh.rate_limit.server_args import RateLimitRef
from meshed_mcp.components.mesh.rate_limit.shared import reference
from meshed_mcp.error_codes.stack import SHARED_LIMIT_WITHOUT_REDIS
from meshed_mcp.infra.config import NAMESPACE, StackConfig


def shared_limits(config: StackConfig) -> dict[str, SharedLimits]:
    """The limits of those services that have some."""
    found = {name: item.rate_limits.shared for name, item in config.services.items()}
    return {name: limits for name, limits in found.items() if limits.any}


def rate_limit_service(config: StackConfig) -> RateLimitRef | None:
    """Who counts; None where the stack has nobody."""
    chosen = config.mesh.rate_limiting
    return None if chosen is None else reference(config.namespace, config.mesh.cluster_domain, chosen.failure_mode)


def shared_limit_issues(config: StackConfig) -> Iterator[ConfigIssue]:
    """Limits that nobody would count."""
    if config.mesh.rate_limiting is not None:
        return
    for name in shared_limits(config):
        message = SHARED_LIMIT_WITHOUT_REDIS.message(key=f"{NAMESPACE}:mesh.rate_limiting")
        yield ConfigIssue(f"service {name}", "rate_limits.shared", message)
