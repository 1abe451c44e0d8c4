"""Arguments of the gateway that exposed services are attached to.

Values in, a frozen model out. Not here: the gateway itself (gateway.py), the routes (mesh/routing/virtual_service.py).
"""

import re
from typing import Final

from pydantic import field_validator

from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.names import DNS_LABEL, DNS_NAME, host_name, namespaced_name
from meshed_mcp.error_codes.mesh import INVALID_IDENTITY

_PRINCIPAL: Final = re.compile(rf"{DNS_NAME}/ns/{DNS_LABEL}/sa/{DNS_NAME}")


class IngressRef(Model):
    """The ingress gateway that exposed services are attached to."""

    gateway: str
    """Gateway object as "namespace/name"."""

    host: str
    """Host name that clients use."""

    principal: str
    """Mesh identity of the gateway's pods: "<trust domain>/ns/<namespace>/sa/<service account>"."""

    @field_validator("gateway")
    @classmethod
    def _names_a_gateway(cls, value: str) -> str:
        return namespaced_name(value)

    @field_validator("host")
    @classmethod
    def _is_host(cls, value: str) -> str:
        return host_name(value)

    @field_validator("principal")
    @classmethod
    def _is_principal(cls, value: str) -> str:
        if _PRINCIPAL.fullmatch(value) is None:
            raise INVALID_IDENTITY.error(value=value)
        return value
