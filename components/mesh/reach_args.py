"""References to services that a service calls although they are no MCP services of the stack, such as a database.

Form only: a text in, the same text or ValueError out. What a sidecar is told of them: imports.py.
"""

import re
from typing import Annotated, Final

from pydantic import AfterValidator

from meshed_mcp.components.core.names import DNS_LABEL

_REFERENCE: Final = re.compile(rf"{DNS_LABEL}/(?:{DNS_LABEL}|\*)")


def reachable(value: str) -> str:
    """One service of a namespace, or all of them."""
    if _REFERENCE.fullmatch(value) is None:
        raise ValueError(
            f"{value!r} is no service of the cluster; write 'namespace/service' such as 'data/redis', 'data/*' for all "
            "of a namespace, or name a host outside in egress_hosts"
        )
    return value


Reachable = Annotated[str, AfterValidator(reachable)]
"""`namespace/service`, or `namespace/*`."""
