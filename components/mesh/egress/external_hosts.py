"""Hosts outside the mesh that a stack may name: names that TLS can carry, never addresses or doors into a machine.

A stack's text in, `ExternalHost` out, or a ValueError that says what to write. Not here: the objects that let a service
reach them (service_entry.py), and addresses that the network closes whatever their names say (network_policy.py).
"""

import re
from typing import Final, NamedTuple

from meshed_mcp.components.core.names import host_name, listed
from meshed_mcp.error_codes.code import Message, MessageError, raise_all
from meshed_mcp.error_codes.service import (
    EXTERNAL_HOST_AT_TWO_PORTS,
    EXTERNAL_HOST_IS_ADDRESS,
    EXTERNAL_HOST_IS_INTERNAL,
    EXTERNAL_HOST_IS_METADATA,
    EXTERNAL_HOST_PORT,
)
from meshed_mcp.error_codes.values import INVALID_HOST_NAME, LISTED_TWICE

HTTPS_PORT: Final = 443
"""Source: RFC 9110, section 4.2.2."""

LARGEST_PORT: Final = 65535

METADATA_HOSTS: Final = frozenset(
    {
        "metadata.google.internal",
        "metadata.goog",
        "metadata.azure.internal",
        "instance-data.ec2.internal",
        "metadata.tencentyun.com",
    }
)
"""Names of cloud metadata services, which give credentials of the machine to whoever asks.

Source: Google Cloud, "VM metadata"; Azure, "Instance Metadata Service"; AWS, "Amazon DNS"; Tencent, "CVM metadata".
"""

METADATA_BLOCKS: Final = (
    "169.254.0.0/16",
    "fe80::/10",
    "fd00:ec2::/32",
    "100.100.100.200/32",
    "168.63.129.16/32",
)
"""Addresses of metadata services: link-local ones of most clouds and of the agents for pod identities, EC2's by IPv6,
Alibaba's, and Azure's host. Source: RFC 3927; RFC 4291; AWS, "Instance metadata"; Alibaba, "ECS metadata"; Azure,
"What is IP address 168.63.129.16"."""

LOOPBACK_BLOCKS: Final = ("127.0.0.0/8", "::1/128", "0.0.0.0/8")
"""This machine. Source: RFC 1122, section 3.2.1.3; RFC 4291, section 2.5.3."""

_NUMBER: Final = re.compile(r"0[xX][0-9a-fA-F]*|[0-9]+")
"""A last label that programs read as part of an IPv4 address. Source: WHATWG URL, "ends in a number checker"."""

_LOCAL_SUFFIXES: Final = (".localhost", ".cluster.local", ".svc")
"""Ends of names that lead to this machine or into the cluster. Source: RFC 6761, section 6.3; Kubernetes, "DNS for
Services and Pods"."""


class ExternalHost(NamedTuple):
    """One host and the port at which TLS is spoken."""

    host: str
    port: int

    @property
    def text(self) -> str:
        """As a stack writes it."""
        return self.host if self.port == HTTPS_PORT else f"{self.host}:{self.port}"


def external_hosts(values: list[str]) -> list[ExternalHost]:
    """All entries of `egress_hosts`. Raises ValueError, a line per issue."""
    found, issues = list[ExternalHost](), list[Message]()
    for value in values:
        try:
            found.append(external_host(value))
        except MessageError as error:
            issues += error.messages
    issues += [LISTED_TWICE.message(names=repr(host.text)) for host in sorted({*found}) if found.count(host) > 1]
    raise_all(issues)
    return found


def one_port_each(values: list[str]) -> None:
    """Raise ValueError for a host at two ports: the egress gateway knows a tunnel by the host's name alone."""
    hosts = [each.host for each in external_hosts(values)]
    twice = sorted({host for host in hosts if hosts.count(host) > 1})
    if twice:
        raise EXTERNAL_HOST_AT_TWO_PORTS.error(names=listed(twice))


def external_host(value: str) -> ExternalHost:
    """One entry of `egress_hosts`: `host` or `host:port`. Raises ValueError with what to write instead."""
    if is_address(value):
        raise EXTERNAL_HOST_IS_ADDRESS.error(value=value)
    host, colon, port = value.partition(":")
    if "/" in value:
        raise INVALID_HOST_NAME.error(name=value)
    if colon and not (port.isdecimal() and 0 < int(port) <= LARGEST_PORT):
        raise EXTERNAL_HOST_PORT.error(value=value, host=host)
    return ExternalHost(external_host_name(host), int(port) if colon else HTTPS_PORT)


def external_host_name(host: str) -> str:
    """A host name of the world outside. Raises ValueError for the cluster's own, this machine's, metadata services."""
    name = host_name(host)
    if name in METADATA_HOSTS:
        raise EXTERNAL_HOST_IS_METADATA.error(name=name)
    if is_inside(name):
        raise EXTERNAL_HOST_IS_INTERNAL.error(name=name)
    return name


def is_address(value: str) -> bool:
    """Whether a host is an address in any notation that programs accept, with or without a port."""
    if value.count(":") > 1 or value.startswith("["):
        return True
    return _NUMBER.fullmatch(value.partition(":")[0].rstrip(".").rpartition(".")[2]) is not None


def is_inside(host: str) -> bool:
    """Whether a name is resolved within the cluster or the machine. Source: Kubernetes, "DNS for Services and Pods"."""
    return "." not in host or ".svc." in host or host.endswith(_LOCAL_SUFFIXES)
