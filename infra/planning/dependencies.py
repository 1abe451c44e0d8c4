"""Egress hosts of sidecars, derived from the `callers` of all services, as `namespace/service`."""

from meshed_mcp.components.mesh.service.args import ServiceSettings
from meshed_mcp.components.mesh.service.shared_state import SharedState, is_in_environment
from meshed_mcp.infra.config import RegistryConfig, StackConfig
from meshed_mcp.infra.validation.policies import authorizer_reference


def sidecar_egress_hosts(config: StackConfig, name: str, item: ServiceSettings) -> list[str] | None:
    """The services that list `name` as a caller, and the cluster dependencies of the stack.

    None for a service with a store of unknown location, which a Sidecar would cut off.
    """
    uses_database = item.database is not None or is_in_environment(SharedState.DATABASE, item.env)
    has_redis = config.redis is not None or is_in_environment(SharedState.SUBSCRIPTIONS, item.env)
    uses_redis = has_redis and item.uses_redis
    places = [*config.mesh.cluster_dependencies, *item.cluster_dependencies]
    if (uses_database or uses_redis) and not places:
        return None
    own_names = {name, f"{config.namespace}/{name}"}
    destinations = [destination for destination, other in config.services.items() if own_names & set(other.callers)]
    hosts = [f"{config.namespace}/{destination}" for destination in destinations]
    return [*hosts, *config.mesh.cluster_dependencies, *authorizer_reference(config, item.external_authorization)]


def registry_sidecar_egress_hosts(config: StackConfig, registry: RegistryConfig) -> list[str] | None:
    """The cluster dependencies of the stack; None as for services."""
    places = list(config.mesh.cluster_dependencies)
    return places if places or registry.cluster_dependencies or registry.database is None else None
