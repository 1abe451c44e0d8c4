"""Services at the gateway together: places that two of them would claim.

Configuration in, issues out. Not here: the routes (components/mesh/routing/virtual_service.py), VirtualServices of
other programs (checks/routes.py).
"""

from collections.abc import Iterator
from urllib.parse import urlsplit

from meshed_mcp import contract
from meshed_mcp.components.core.errors import ConfigIssue
from meshed_mcp.components.mesh.service.addresses import exposed_path
from meshed_mcp.error_codes.stack import TOKEN_METADATA_TAKEN
from meshed_mcp.infra.config import StackConfig


def exposure_issues(config: StackConfig) -> Iterator[ConfigIssue]:
    """Where clients learn of a service's tokens follows from its audience; each needs a place of its own.

    Source: RFC 9728, section 3.1.
    """
    owners: dict[str, str] = {}
    for name, item in config.services.items():
        if not item.expose or item.auth is None:
            continue
        resource = exposed_path(name, item) if item.auth.audience is None else urlsplit(item.auth.audience).path
        path = contract.PROTECTED_RESOURCE_PATH + resource.rstrip("/")
        if owners.setdefault(path, name) != name:
            message = TOKEN_METADATA_TAKEN.message(path=path, owner=owners[path])
            yield ConfigIssue(f"service {name}", "auth.audience", message)
