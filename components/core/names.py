"""Validators of names: each returns its argument, or raises ValueError with what to use instead."""

import re
from collections.abc import Iterable
from typing import Final

from meshed_mcp.error_codes import values as codes

DNS_LABEL: Final = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
"""At most 63 characters. Source: RFC 1123, "Host names", as Kubernetes applies it to Services and namespaces."""

DNS_NAME: Final = rf"{DNS_LABEL}(?:\.{DNS_LABEL})*"
"""At most 253 characters. Source: Kubernetes, "DNS Subdomain Names"."""

MAX_DNS_NAME_CHARACTERS: Final = 253

MAX_SERVICE_NAME_CHARACTERS: Final = 54
"""63 of a label value, less the 9 of `keda-hpa-`, KEDA's prefix of an HPA's name."""


def service_name(name: str) -> str:
    """Name of an MCP service, its workload and its autoscaler."""
    if len(name) > MAX_SERVICE_NAME_CHARACTERS:
        raise codes.SERVICE_NAME_TOO_LONG.error(name=name, count=len(name), most=MAX_SERVICE_NAME_CHARACTERS)
    if re.fullmatch(rf"(?=[a-z]){DNS_LABEL}", name) is None:
        raise codes.INVALID_SERVICE_NAME.error(name=name)
    return name


def namespace_name(name: str) -> str:
    """Name of a namespace."""
    if re.fullmatch(DNS_LABEL, name) is None:
        raise codes.INVALID_NAMESPACE.error(name=name)
    return name


def host_name(name: str) -> str:
    """One host name, without scheme, port or wildcard."""
    if len(name) > MAX_DNS_NAME_CHARACTERS or re.fullmatch(DNS_NAME, name) is None:
        raise codes.INVALID_HOST_NAME.error(name=name)
    return name


def domain_name(name: str) -> str:
    """Host name of a gateway in lower case, because hosts are compared without case; fully qualified.

    Source: RFC 9110, section 4.2.3; Istio API, Gateway `servers.hosts`, FQDN format.
    """
    host = host_name(name.lower())
    if "." not in host:
        raise codes.SHORT_GATEWAY_HOST.error(name=name)
    return host


def object_name(name: str) -> str:
    """Name of a Kubernetes object, such as a Secret or a ServiceAccount."""
    if len(name) > MAX_DNS_NAME_CHARACTERS or re.fullmatch(DNS_NAME, name) is None:
        raise codes.INVALID_OBJECT_NAME.error(name=name)
    return name


def namespaced_name(name: str) -> str:
    """Reference to an object in a namespace: "namespace/name"."""
    if re.fullmatch(rf"{DNS_LABEL}/{DNS_NAME}", name) is None:
        raise codes.INVALID_REFERENCE.error(name=name)
    return name


def listed(names: Iterable[str]) -> str:
    """Names in quotes, for errors: `'a', 'b'`."""
    return ", ".join(map(repr, names))
