"""Allow-list of the Host header, against DNS rebinding, and the exception for port-forwards.

Source: MCP specification, "Security Best Practices"; RFC 9110, section 4.2.3: a host is compared without case.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from starlette.types import Scope

from meshed_mcp import contract
from meshed_mcp.agents.http.addresses import is_loopback, peer_address

ANY_PORT: Final = contract.ANY_PORT


class AllowedHosts:
    """Allow-list of Host values in lower case: `name`, `name:port`, or `name:*` for every port."""

    def __init__(self, hosts: Iterable[str]) -> None:
        listed = [host.lower() for host in hosts]
        self._exact = frozenset(host for host in listed if not host.endswith(ANY_PORT))
        self._with_any_port = frozenset(host.removesuffix(ANY_PORT) for host in listed if host.endswith(ANY_PORT))

    def __contains__(self, host: object) -> bool:
        if not isinstance(host, str):
            return False
        if host in self._exact:
            return True
        name, separator, port = host.rpartition(":")
        return bool(separator) and name in self._with_any_port and port.isascii() and port.isdecimal()


LOOPBACK: Final = AllowedHosts(form for name in contract.LOOPBACK_NAMES for form in (name, f"{name}{ANY_PORT}"))
"""This machine, with any port."""


def without_port(host: str) -> str:
    """Return a Host value without its port.

    >>> without_port("[::1]:8000"), without_port("mcp-rag")
    ('[::1]', 'mcp-rag')
    """
    name, separator, port = host.rpartition(":")
    return name if separator and not port.endswith("]") else host


class PortForwards:
    """Requests from the pod itself, as `kubectl port-forward` makes them: a loopback peer that is no proxy.

    The sidecar connects from loopback addresses of its own, which are among `proxies` or contract.SIDECAR_ADDRESSES.
    Source: kubelet, CRI `PortForward`: a connection to localhost in the pod's network namespace.
    """

    def __init__(self, proxies: Sequence[str]) -> None:
        self._proxies = frozenset(proxies) | frozenset(contract.SIDECAR_ADDRESSES)

    def accept(self, scope: Scope, host: str) -> bool:
        """Whether the request names this machine, and comes from it."""
        if host not in LOOPBACK:
            return False
        peer = peer_address(scope)
        return peer is not None and is_loopback(peer) and peer not in self._proxies
