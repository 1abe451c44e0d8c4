"""Destinations that a stack declares: external hosts by DNS name and port, and services of the cluster.

IP addresses, names of the cluster and metadata services are rejected as external hosts. The network policies also block
the addresses of metadata services (network_policy.py).
"""

import re
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Final, NamedTuple

from pydantic import AfterValidator

from meshed_mcp.components.core.names import DNS_LABEL, host_name, listed
from meshed_mcp.error_codes import service as codes
from meshed_mcp.error_codes.code import Message, MessageError, raise_all
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
"""Names of cloud metadata services, which give every client the credentials of the machine. Source: Google Cloud, "VM
metadata"; Azure, "Instance Metadata Service"; AWS, "Amazon DNS"; Tencent, "CVM metadata"."""

NAT64: Final = IPv6Network("64:ff9b::/96")
"""Prefix under which a translator of the network reaches every IPv4 address. Source: RFC 6052, section 2.1."""


def translated(block: str) -> str:
    """The IPv6 addresses that a translator forwards to an IPv4 block.

    >>> translated("169.254.0.0/16")
    '64:ff9b::a9fe:0/112'
    """
    network = IPv4Network(block)
    return f"{NAT64[int(network.network_address)]}/{NAT64.prefixlen + network.prefixlen}"


METADATA_BLOCKS_IPV4: Final = ("169.254.0.0/16", "100.100.100.200/32", "168.63.129.16/32")
"""IPv4 addresses of metadata services: link-local, Alibaba, and the host of Azure. Source: RFC 3927; Alibaba, "ECS
metadata"; Azure, "What is IP address 168.63.129.16"."""

METADATA_BLOCKS_IPV6: Final = (
    "fe80::/10",
    "fd00:ec2::/32",
    "fd20:ce::254/128",
    "fd00:c1::a9fe:a9fe/128",
    "fd00:100::100:200/128",
    "fd00:42::42/128",
    "fd00:a9fe:a9fe::1/128",
)
"""IPv6 addresses of metadata services: link-local, EC2, Google Cloud, Oracle, Alibaba, Scaleway, Akamai. Source: RFC
4291; each provider's page of its instance metadata."""

METADATA_BLOCKS: Final = (
    *METADATA_BLOCKS_IPV4,
    *METADATA_BLOCKS_IPV6,
    *(translated(block) for block in METADATA_BLOCKS_IPV4),
)
"""Addresses of metadata services, which give every client the credentials of the machine."""

LOOPBACK_BLOCKS: Final = ("127.0.0.0/8", "0.0.0.0/8", "::1/128", "::/128", translated("127.0.0.0/8"))
"""Loopback addresses, and the unspecified ones, to which Linux connects as to loopback. Source: RFC 1122, section
3.2.1.3; RFC 4291, sections 2.5.2 and 2.5.3."""

_NUMBER: Final = re.compile(r"0[xX][0-9a-fA-F]*|[0-9]+")
"""A last label that programs parse as part of an IPv4 address. Source: WHATWG URL, "ends in a number checker"."""

_LOCAL_SUFFIXES: Final = (".localhost", ".cluster.local", ".svc")
"""Suffixes of names that resolve to this machine or into the cluster. Source: RFC 6761, section 6.3; Kubernetes, "DNS
for Services and Pods"."""


_CLUSTER_SERVICE: Final = re.compile(rf"{DNS_LABEL}/(?:{DNS_LABEL}|\*)")


def _cluster_service(value: str) -> str:
    if _CLUSTER_SERVICE.fullmatch(value) is None:
        raise codes.INVALID_CLUSTER_SERVICE.error(value=value)
    return value


ClusterService = Annotated[str, AfterValidator(_cluster_service)]
"""A service of the cluster outside the stack, such as a database: `namespace/service`, or `namespace/*`."""


class ExternalHost(NamedTuple):
    """An external host and its port."""

    host: str
    port: int
    plain: bool = False
    """Whether the port takes HTTP without TLS."""

    @property
    def text(self) -> str:
        """The entry of `egress_hosts`."""
        return self.host if self.port == HTTPS_PORT else f"{self.host}:{self.port}"


def external_hosts(values: list[str]) -> list[ExternalHost]:
    """The parsed entries of `egress_hosts`. Raises ValueError with one line per issue."""
    found, issues = list[ExternalHost](), list[Message]()
    for value in values:
        try:
            found.append(external_host(value))
        except MessageError as error:
            issues += error.messages
    issues += [LISTED_TWICE.message(names=repr(host.text)) for host in sorted({*found}) if found.count(host) > 1]
    raise_all(issues)
    return found


def validate_one_port_per_host(values: dict[str, list[str]]) -> dict[str, list[str]]:
    """The identities by host. Raises ValueError for a host with two ports: the egress gateway has only the SNI."""
    hosts = [each.host for each in external_hosts(list(values))]
    twice = sorted({host for host in hosts if hosts.count(host) > 1})
    if twice:
        raise codes.EXTERNAL_HOST_AT_TWO_PORTS.error(names=listed(twice))
    return values


def external_host(value: str) -> ExternalHost:
    """One parsed entry of `egress_hosts`: `host` or `host:port`. Raises ValueError."""
    if is_ip_address(value):
        raise codes.EXTERNAL_HOST_IS_ADDRESS.error(value=value)
    host, colon, port = value.partition(":")
    if "/" in value:
        raise INVALID_HOST_NAME.error(name=value)
    if colon and not (port.isdecimal() and 0 < int(port) <= LARGEST_PORT):
        raise codes.EXTERNAL_HOST_PORT.error(value=value, host=host)
    return ExternalHost(external_host_name(host), int(port) if colon else HTTPS_PORT)


def external_host_name(host: str) -> str:
    """The DNS name of an external host. Raises ValueError for names of the cluster, the machine, metadata services."""
    name = host_name(host)
    if name in METADATA_HOSTS:
        raise codes.EXTERNAL_HOST_IS_METADATA.error(name=name)
    if is_internal_host(name):
        raise codes.EXTERNAL_HOST_IS_INTERNAL.error(name=name)
    return name


def is_ip_address(value: str) -> bool:
    """Whether a host is an IP address in any notation that programs accept, with or without a port."""
    if value.count(":") > 1 or value.startswith("["):
        return True
    return _NUMBER.fullmatch(value.partition(":")[0].rstrip(".").rpartition(".")[2]) is not None


def is_internal_host(host: str) -> bool:
    """Whether a name resolves inside the cluster or the machine. Source: Kubernetes, "DNS for Services and Pods"."""
    return "." not in host or ".svc." in host or host.endswith(_LOCAL_SUFFIXES)
