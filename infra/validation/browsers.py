"""Browsers: the web pages that may call a service by the keys of the stack, and wildcards in production."""

from collections.abc import Iterator
from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.core.errors import ConfigIssue
from meshed_mcp.components.mesh.cluster.mode import MeshMode
from meshed_mcp.components.mesh.routing.cors_args import Cors
from meshed_mcp.error_codes import browsers as codes
from meshed_mcp.error_codes.code import Message
from meshed_mcp.error_codes.mesh import NEEDS_MESH
from meshed_mcp.infra.config import NAMESPACE, Environment, ServiceConfig, StackConfig

DEVELOPMENT_CORS: Final = Cors(origins=list(contract.LOOPBACK_ORIGINS))
"""Pages of the developer's machine, with `environment: development`."""


def service_cors(config: StackConfig, item: ServiceConfig) -> Cors | None:
    """The pages that may call a service: its own, those of the stack, or those of a developer."""
    if item.cors is not None:
        return item.cors
    is_development = config.environment is Environment.DEVELOPMENT
    return config.cors or (DEVELOPMENT_CORS if is_development else None)


def browser_issues(config: StackConfig) -> Iterator[ConfigIssue]:
    """Wildcards in production, and `cors` of a service that no browser reaches."""
    if is_open(config, config.cors):
        yield ConfigIssue("stack", f"{NAMESPACE}:cors.origins", codes.ANY_ORIGIN_IN_PRODUCTION.message())
    for name, item in config.services.items():
        if is_open(config, item.cors):
            yield ConfigIssue(f"service {name}", "cors.origins", codes.ANY_ORIGIN_IN_PRODUCTION.message())
        if item.cors is not None and item.cors.origins and (message := unreached(config, item)) is not None:
            yield ConfigIssue(f"service {name}", "cors", message)


def unreached(config: StackConfig, item: ServiceConfig) -> Message | None:
    """Why `cors` of a service has no effect; None if the gateway or, without a mesh, the runtime reads it."""
    if config.mesh.mode is MeshMode.NONE:
        why = "the ingress gateway responds to preflights for a server without the runtime"
        return None if item.has_runtime else NEEDS_MESH.message(why=why)
    return None if item.expose else codes.CORS_WITHOUT_EXPOSE.message()


def is_open(config: StackConfig, cors: Cors | None) -> bool:
    """Whether a setting lets every page in where there are real users."""
    return (
        cors is not None and contract.ANY_ORIGIN in cors.origins and config.environment is not Environment.DEVELOPMENT
    )
