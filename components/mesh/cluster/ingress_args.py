"""Reference to the ingress gateway of exposed services."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator

from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.names import DNS_LABEL, DNS_NAME, host_name, namespaced_name
from meshed_mcp.error_codes.mesh import INVALID_IDENTITY

_PRINCIPAL: Final = re.compile(rf"{DNS_NAME}/ns/{DNS_LABEL}/sa/{DNS_NAME}")


def mesh_identity(value: str) -> str:
    """SPIFFE identity without its scheme."""
    if _PRINCIPAL.fullmatch(value) is None:
        raise INVALID_IDENTITY.error(value=value)
    return value


class IngressRef(Model):
    """The ingress gateway that exposed services are attached to."""

    gateway: Annotated[str, AfterValidator(namespaced_name)]
    """Gateway object as "namespace/name"."""

    host: Annotated[str, AfterValidator(host_name)]
    """Host name that clients use."""

    principal: Annotated[str, AfterValidator(mesh_identity)]
    """Mesh identity of the gateway: "<trust domain>/ns/<namespace>/sa/<service account>"."""
