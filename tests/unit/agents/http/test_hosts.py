"""Allow-list of the Host header, and port-forwards to a pod."""

import pytest
from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings

from meshed_mcp import contract
from meshed_mcp.agents.http.hosts import AllowedHosts, PortForwards

HOSTS = ["mcp-rag", "mcp-rag:*", "MCP.example.com", "[fd00::1]:*"]


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("mcp-rag", True),
        ("mcp-rag:8000", True),
        ("mcp.example.com", True),
        ("mcp.example.com:444", False),
        ("[fd00::1]:8000", True),
        ("mcp-rag.attacker.example", False),
        ("attacker.example", False),
        ("attacker.example:mcp-rag", False),
        ("", False),
        (None, False),
    ],
)
def test_hosts_match_exactly_or_with_any_port(host: str | None, allowed: bool) -> None:
    """SDK 2.3, `TransportSecuritySettings.allowed_hosts`: the middleware applies the same rule to every path."""
    assert (host in AllowedHosts(HOSTS)) is allowed
    sdk = TransportSecurityMiddleware(TransportSecuritySettings(allowed_hosts=[each.lower() for each in HOSTS]))
    assert sdk._validate_host(host) is allowed


@pytest.mark.parametrize("host", ["mcp-rag:", "mcp-rag:x@attacker.example", "mcp-rag:80@attacker.example", "mcp-rag:²"])
def test_a_port_that_is_no_number_is_rejected(host: str) -> None:
    """RFC 3986, section 3.2: text before an `@` would make the rest the host of the process's own links."""
    assert host not in AllowedHosts(HOSTS)


@pytest.mark.parametrize(
    ("peer", "host", "accepted"),
    [
        ("127.0.0.1", "localhost:8000", True),
        ("127.0.0.1", "127.0.0.1:8000", True),
        ("::1", "[::1]:8000", True),
        ("::ffff:127.0.0.1", "localhost", True),
        ("127.0.0.6", "localhost:8000", False),
        ("::ffff:127.0.0.6", "localhost:8000", False),
        ("::6", "localhost:8000", False),
        ("10.0.0.9", "localhost:8000", False),
        ("127.0.0.9", "localhost:8000", False),
        ("127.0.0.1", "attacker.example", False),
        ("127.0.0.1", "localhost.attacker.example", False),
        ("127.0.0.1", "localhost:80@attacker.example", False),
        ("127.0.0.1", "localhost:attacker", False),
        ("a-unix-socket", "localhost", False),
    ],
)
def test_localhost_is_a_host_for_the_pod_itself(peer: str, host: str, accepted: bool) -> None:
    """Requirement WEB-4; kubelet, `PortForward`: its connection comes from the loopback address of the pod."""
    forwards = PortForwards((*contract.SIDECAR_ADDRESSES, "127.0.0.9"))
    assert forwards.accept({"client": (peer, 1)}, host) is accepted


def test_a_request_without_a_peer_address_is_no_port_forward() -> None:
    """ASGI specification, "HTTP Connection Scope": `client` may be missing."""
    assert not PortForwards(()).accept({"client": None}, "localhost")
