"""Hosts outside the mesh that a stack may name: names that TLS can carry, never addresses or doors into a machine.

A stack's text in, `OutsideHost` out, or a ValueError that says what to write. Not here: the objects that let a service
reach them (egress.py), and addresses that the network closes whatever their names say (network.py).
"""

import re
from typing import Final, NamedTuple

from meshed_mcp.components.core.names import host_name, listed

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


class OutsideHost(NamedTuple):
    """One host and the port at which TLS is spoken."""

    host: str
    port: int

    @property
    def text(self) -> str:
        """As a stack writes it."""
        return self.host if self.port == HTTPS_PORT else f"{self.host}:{self.port}"


def outside_hosts(values: list[str]) -> list[OutsideHost]:
    """All entries of `egress_hosts`. Raises ValueError, a line per fault."""
    found, faults = [], []
    for value in values:
        try:
            found.append(outside_host(value))
        except ValueError as error:
            faults.append(str(error))
    faults += [f"{host.text!r} is listed twice; remove one" for host in sorted({*found}) if found.count(host) > 1]
    if faults:
        raise ValueError("\n".join(faults))
    return found


def one_port_each(values: list[str]) -> None:
    """Raise ValueError for a host at two ports: the egress gateway knows a tunnel by the host's name alone."""
    hosts = [each.host for each in outside_hosts(values)]
    twice = sorted({host for host in hosts if hosts.count(host) > 1})
    if twice:
        raise ValueError(
            f"{listed(twice)} is reached at two ports, which the egress gateway cannot tell apart by name; declare one"
        )


def outside_host(value: str) -> OutsideHost:
    """One entry of `egress_hosts`: `host` or `host:port`. Raises ValueError with what to write instead."""
    if is_address(value):
        raise ValueError(f"{value!r} is an address, which TLS does not name; write the host name")
    host, colon, port = value.partition(":")
    if colon and not (port.isdecimal() and 0 < int(port) <= LARGEST_PORT):
        raise ValueError(f"{value!r} has no port after ':'; write one such as '{host}:8443', or the host alone for 443")
    return OutsideHost(outside_name(host), int(port) if colon else HTTPS_PORT)


def outside_name(host: str) -> str:
    """A host name of the world outside. Raises ValueError for the cluster's own, this machine's, metadata services."""
    name = host_name(host)
    if name in METADATA_HOSTS:
        raise ValueError(
            f"{name!r} is the machine's metadata service, which hands out its credentials; remove it, and give the "
            "service an identity of its own (workload identity) or a Secret"
        )
    if is_inside(name):
        raise ValueError(f"{name!r} is a name of this cluster or this machine, not of a host outside; remove it")
    return name


def is_address(value: str) -> bool:
    """Whether a host is an address in any notation that programs accept, with or without a port."""
    if value.count(":") > 1 or value.startswith("["):
        return True
    return _NUMBER.fullmatch(value.partition(":")[0].rstrip(".").rpartition(".")[2]) is not None


def is_inside(host: str) -> bool:
    """Whether a name is resolved within the cluster or the machine. Source: Kubernetes, "DNS for Services and Pods"."""
    return "." not in host or ".svc." in host or host.endswith(_LOCAL_SUFFIXES)
