"""Which claim names the organisation in a stack's metrics: the one that its services read. Pure.

A configuration in, a claim or complaints out. Not here: the expression (components/mesh/telemetry.py), what a process
is told (components/mesh/access.py).
"""

from collections.abc import Iterator

from meshed_mcp import contract
from meshed_mcp.components.core.errors import Fault
from meshed_mcp.infra.config import NAMESPACE, StackConfig


def organization_claims(config: StackConfig) -> dict[str, str]:
    """The claim of every service with tokens."""
    return {name: item.auth.organization_claim for name, item in config.services.items() if item.auth is not None}


def organization_claim(config: StackConfig) -> str:
    """The claim of the mesh's metrics; services that differ are refused by `claim_faults` where that matters."""
    return next(iter(organization_claims(config).values()), contract.ORGANIZATION_CLAIM)


def claim_faults(config: StackConfig) -> Iterator[Fault]:
    """Services that read another claim than the metrics of the whole mesh do."""
    if config.mesh.organization_tag is None:
        return
    claims = organization_claims(config)
    common = organization_claim(config)
    for name, claim in claims.items():
        if claim != common:
            first = next(iter(claims))
            message = (
                f"is {claim!r} here and {common!r} at {first}, and metrics tell organisations apart by one claim "
                f"({NAMESPACE}:mesh.organization_tag); write the same, or remove organization_tag"
            )
            yield Fault(f"service {name}", "auth.organization_claim", message)
