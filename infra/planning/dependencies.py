"""Who calls whom in a stack, turned round: what each service's sidecar has to know. Pure.

A configuration in, references `namespace/service` out. Not here: the Sidecar object
(components/mesh/egress/sidecar.py).
"""

from meshed_mcp import contract
from meshed_mcp.components.mesh.service.args import ServiceSettings
from meshed_mcp.components.mesh.service.shared_state import SharedUse
from meshed_mcp.infra.config import RegistryConfig, StackConfig
from meshed_mcp.infra.validation.policies import authorizer_reference


def sidecar_egress_hosts(config: StackConfig, name: str, item: ServiceSettings) -> list[str] | None:
    """The services that name `name` among their callers, and what the whole stack reaches.

    None where a Secret holds the address of a store and nothing says where that is: a sidecar that knows too little
    would cut it off.
    """
    places = [*config.mesh.cluster_dependencies, *item.cluster_dependencies]
    if has_store(config, item) and not places:
        return None
    account = f"{config.namespace}/{name}"
    callees = [callee for callee, other in config.services.items() if {name, account} & set(other.callers)]
    asked = authorizer_reference(config, item.external_authorization)
    return [*(f"{config.namespace}/{callee}" for callee in callees), *config.mesh.cluster_dependencies, *asked]


def registry_sidecar_egress_hosts(config: StackConfig, registry: RegistryConfig) -> list[str] | None:
    """What the whole stack reaches; the registry calls no service. None as for services."""
    places = list(config.mesh.cluster_dependencies)
    return places if places or registry.cluster_dependencies or registry.database is None else None


def has_store(config: StackConfig, item: ServiceSettings) -> bool:
    """Whether a service is told of a database or of a Redis by a Secret."""
    database = contract.ENV_DATABASE_URL in {*item.env, *item.secret_env}
    return database or (config.redis is not None and SharedUse.SUBSCRIPTIONS in item.shared_state)
