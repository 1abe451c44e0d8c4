"""References to services that a service calls although they are no MCP services of the stack, such as a database.

Form only: a text in, the same text or ValueError out. What a sidecar is told of them: sidecar.py.
"""

import re
from typing import Annotated, Final

from pydantic import AfterValidator

from meshed_mcp.components.core.names import DNS_LABEL
from meshed_mcp.error_codes.service import INVALID_CLUSTER_SERVICE

_REFERENCE: Final = re.compile(rf"{DNS_LABEL}/(?:{DNS_LABEL}|\*)")


def reachable(value: str) -> str:
    """One service of a namespace, or all of them."""
    if _REFERENCE.fullmatch(value) is None:
        raise INVALID_CLUSTER_SERVICE.error(value=value)
    return value


Reachable = Annotated[str, AfterValidator(reachable)]
"""`namespace/service`, or `namespace/*`."""
