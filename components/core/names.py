"""Names a stack may write: each function returns its argument, or raises ValueError with what to write instead.

Form only. Not here: whether the named thing exists (infra/plan.py), and quantities (quantity.py).
"""

import re
from collections.abc import Iterable
from typing import Final

from meshed_mcp.error_codes.values import (
    INVALID_HOST_NAME,
    INVALID_NAMESPACE,
    INVALID_OBJECT_NAME,
    INVALID_REFERENCE,
    INVALID_SERVICE_NAME,
    SERVICE_NAME_TOO_LONG,
    SHORT_GATEWAY_HOST,
)

DNS_LABEL: Final = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
"""Source: RFC 1123, "Host names", as Kubernetes applies it to Services and namespaces; at most 63 characters."""

DNS_NAME: Final = rf"{DNS_LABEL}(?:\.{DNS_LABEL})*"
"""Source: Kubernetes, "DNS Subdomain Names"; the whole is at most 253 characters."""

MAX_DNS_NAME_CHARACTERS: Final = 253

MAX_SERVICE_NAME_CHARACTERS: Final = 54
"""63 for a label value, less the 9 of `keda-hpa-`, which KEDA puts before the name of a server's autoscaler."""


def service_name(name: str) -> str:
    """Name of an MCP server: of its Service, its workload and its autoscaler."""
    if len(name) > MAX_SERVICE_NAME_CHARACTERS:
        raise SERVICE_NAME_TOO_LONG.error(name=name, count=len(name), most=MAX_SERVICE_NAME_CHARACTERS)
    if re.fullmatch(rf"(?=[a-z]){DNS_LABEL}", name) is None:
        raise INVALID_SERVICE_NAME.error(name=name)
    return name


def namespace_name(name: str) -> str:
    """Name of a namespace."""
    if re.fullmatch(DNS_LABEL, name) is None:
        raise INVALID_NAMESPACE.error(name=name)
    return name


def host_name(name: str) -> str:
    """One host name, without scheme, port or wildcard."""
    if len(name) > MAX_DNS_NAME_CHARACTERS or re.fullmatch(DNS_NAME, name) is None:
        raise INVALID_HOST_NAME.error(name=name)
    return name


def domain_name(name: str) -> str:
    """Host name of a gateway: fully qualified. Source: Istio API, Gateway `servers.hosts`, FQDN format."""
    if "." not in host_name(name):
        raise SHORT_GATEWAY_HOST.error(name=name)
    return name


def object_name(name: str) -> str:
    """Name of a Kubernetes object that is no DNS label by itself, such as a Secret or a ServiceAccount."""
    if len(name) > MAX_DNS_NAME_CHARACTERS or re.fullmatch(DNS_NAME, name) is None:
        raise INVALID_OBJECT_NAME.error(name=name)
    return name


def namespaced_name(name: str) -> str:
    """Reference to an object of any namespace: "namespace/name"."""
    if re.fullmatch(rf"{DNS_LABEL}/{DNS_NAME}", name) is None:
        raise INVALID_REFERENCE.error(name=name)
    return name


def listed(names: Iterable[str]) -> str:
    """Names as an error quotes them: `'a', 'b'`."""
    return ", ".join(map(repr, names))
