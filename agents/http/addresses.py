"""IP addresses of this process and its peers: one written form for each, in which they are compared and logged.

A socket that listens on both families reports an IPv4 peer as `::ffff:127.0.0.6`. Compared as text, it would differ
from `127.0.0.6`, and the identity that the sidecar sends would be lost.
"""

import socket
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Final

from starlette.types import Scope

from meshed_mcp import contract
from meshed_mcp.error_codes.addresses import (
    ADDRESS_WITH_ZONE,
    HOST_NOT_AN_ADDRESS,
    HOST_WITH_ZONE,
    HOST_WITHOUT_BRACKETS,
)

ANY_IPV4: Final = "0.0.0.0"  # noqa: S104 - in place of contract.BIND_ADDRESS
"""All IPv4 addresses, where the machine has no IPv6."""

PEERS: Final = 4096
"""Addresses whose written form is kept: more than the sidecar, the kubelet and the scrapers of one replica."""


def listen_address(address: str) -> str:
    """Return the address to bind to: `::`, which is all of both families, becomes 0.0.0.0 on a machine without IPv6.

    A kernel without IPv6 has no such sockets, or no such address. Source: Linux, `ipv6.disable`, `disable_ipv6`.
    """
    if address != contract.BIND_ADDRESS:
        return address
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind((address, 0))
    except OSError:
        return ANY_IPV4
    return address


def canonical_address(text: str) -> str:
    """Return an IP address as RFC 5952 writes it, and an IPv4-mapped one as IPv4. Raises ValueError for other text.

    `::127.0.0.6` and `64:ff9b::7f00:6` are hosts of their own. A zone id is an interface of one machine, so it is an
    error (MM1035). Source: RFC 4291, section 2.5.5; RFC 4007, section 11.

    >>> canonical_address("::FFFF:127.0.0.6"), canonical_address("0:0::6")
    ('127.0.0.6', '::6')
    """
    address = ip_address(text)
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.scope_id is not None:
        raise ADDRESS_WITH_ZONE.error(address=text)
    return str(address.ipv4_mapped or address)


def peer_address(scope: Scope) -> str | None:
    """Return the canonical address of a request's peer; None if the server does not know it.

    The only place that reads `scope["client"]`.
    """
    client = scope.get("client")
    return None if client is None else _peer(client[0])


def is_loopback(host: str) -> bool:
    """Whether a host is a loopback address, IPv4-mapped or not; False for a name.

    >>> is_loopback("::ffff:127.0.0.1"), is_loopback("localhost")
    (True, False)
    """
    try:
        return ip_address(canonical_address(host)).is_loopback
    except ValueError:
        return False


@lru_cache(PEERS)
def _peer(host: str) -> str:
    try:
        return canonical_address(host)
    except ValueError:  # no address, such as `testclient`, or one with a zone: equal to no trusted address
        return host


def host_and_port(host: str, port: int) -> str:
    """Return the authority of a URL: an IPv6 address is in brackets. Source: RFC 3986, section 3.2.2.

    >>> host_and_port("::", 8000), host_and_port("127.0.0.1", 8000)
    ('[::]:8000', '127.0.0.1:8000')
    """
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def allowed_hosts(hosts: Iterable[str]) -> tuple[str, ...]:
    """Return the allow-list, with each IPv6 address also in its canonical form, which most clients send.

    An address has no zone id (MM1036), and is in brackets as in a Host value (MM1037). Source: RFC 3986, section 3.2.2.

    >>> allowed_hosts(["mcp-rag:*", "[FD00:0::1]:8000"])
    ('mcp-rag:*', '[FD00:0::1]:8000', '[fd00::1]:8000')
    """
    found = list[str]()
    for host in hosts:
        found += [host, _canonical_host(host)]
    return tuple(dict.fromkeys(found))


def _canonical_host(host: str) -> str:
    if host.startswith("[") and "%" in host:
        raise HOST_WITH_ZONE.error(host=host)
    if not host.startswith("["):
        if host.count(":") > 1:
            raise HOST_WITHOUT_BRACKETS.error(host=host)
        return host
    literal, _, rest = host[1:].partition("]")
    try:
        return f"[{IPv6Address(literal)}]{rest}"
    except ValueError:
        raise HOST_NOT_AN_ADDRESS.error(host=host) from None
