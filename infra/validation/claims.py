"""Which claim names the organization in a stack's metrics: the one that its services read. Pure.

A configuration in, a claim or complaints out. Not here: the expression (components/mesh/cluster/telemetry.py), what a
process is told (components/mesh/authorization/environment.py).
"""

from collections.abc import Iterator

from meshed_mcp import contract
from meshed_mcp.components.core.errors import ConfigIssue
from meshed_mcp.error_codes.stack import CLAIMS_DIFFER
from meshed_mcp.infra.config import NAMESPACE, StackConfig


def organization_claims(config: StackConfig) -> dict[str, str]:
    """The claim of every service with tokens."""
    return {name: item.auth.organization_claim for name, item in config.services.items() if item.auth is not None}


def organization_claim(config: StackConfig) -> str:
    """The claim of the mesh's metrics; services that differ are refused by `claim_issues` where that matters."""
    return next(iter(organization_claims(config).values()), contract.ORGANIZATION_CLAIM)


def claim_issues(config: StackConfig) -> Iterator[ConfigIssue]:
    """Services that read another claim than the metrics of the whole mesh do."""
    if config.mesh.organization_tag is None:
        return
    claims = organization_claims(config)
    common = organization_claim(config)
    for name, claim in claims.items():
        if claim != common:
            first = next(iter(claims))
            message = CLAIMS_DIFFER.message(
                claim=claim, common=common, first=first, key=f"{NAMESPACE}:mesh.organization_tag"
            )
            yield ConfigIssue(f"service {name}", "auth.organization_claim", message)
