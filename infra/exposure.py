"""Services at the gateway together: places that two of them would claim.

Configuration in, faults out. Not here: the routes (components/mesh/traffic.py), VirtualServices of other programs
(checking/routes.py).
"""

from collections.abc import Iterator
from urllib.parse import urlsplit

from meshed_mcp import contract
from meshed_mcp.components.core.errors import Fault
from meshed_mcp.components.mesh.addresses import exposed_path
from meshed_mcp.infra.config import StackConfig


def exposure_faults(config: StackConfig) -> Iterator[Fault]:
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
            message = (
                f"clients would look for it at {path}, where they find service {owners[path]}; "
                "write a URL with another path, or leave it out"
            )
            yield Fault(f"service {name}", "auth.audience", message)
