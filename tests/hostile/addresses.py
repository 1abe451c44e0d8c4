"""Hostile requests with addresses: Host values that no client sends, and forwarded addresses of the sidecar."""

from typing import Final

from meshed_mcp import contract
from tests.hostile.requests import Counter, HostileRequest, modern, rejected

HOST_RULE: Final = "RFC 9110, section 7.2: a Host value is a name, or an address without a zone id in brackets"
HOSTS: Final = {
    "a zone id in Host": "[fe80::1%25eth0]:8000",
    "a zone id of loopback in Host": "[::1%25lo]:8000",
    "an unencoded zone id in Host": "[::1%lo]",
    "an IPv4-mapped loopback address in Host": "[::ffff:127.0.0.1]:8000",
    "an IPv4-compatible loopback address in Host": "[::127.0.0.1]",
    "a translated loopback address in Host": "[64:ff9b::7f00:1]",
    "an IPv6 address without brackets in Host": "::1",
    "an open bracket in Host": "[::1",
    "text behind an IPv6 address in Host": "[::1]attacker.example",
    "the metadata service over IPv6 in Host": "[fd00:ec2::254]",
}
FORGED: Final = Counter(contract.METRIC_AUTHENTICATIONS, 'kind="peer",result="forged"')
PEER: Final = "URI=spiffe://cluster.local/ns/mcp-system/sa/mcp-controller"
FORWARDED: Final = {
    "the sidecar's address in X-Forwarded-For": {"X-Forwarded-For": "127.0.0.6"},
    "the sidecar's IPv6 address in X-Forwarded-For": {"X-Forwarded-For": "::6, 127.0.0.6"},
    "the sidecar's IPv4-mapped address in X-Forwarded-For": {"X-Forwarded-For": "::ffff:127.0.0.6"},
    "the sidecar's address in X-Real-IP": {"X-Real-IP": "::ffff:7f00:6"},
    "the sidecar's address in Forwarded": {"Forwarded": 'for="[::ffff:127.0.0.6]";by="[::6]"'},
    "the sidecar's address with a zone id in Forwarded": {"Forwarded": 'for="[::6%lo]"'},
}

ADDRESSES: Final = (
    *(
        HostileRequest(name, modern(headers={"Host": host}), 421, HOST_RULE, rejected("host"), mesh=False)
        for name, host in HOSTS.items()
    ),
    *(
        HostileRequest(
            name,
            modern(headers={"X-Forwarded-Client-Cert": PEER, **headers}),
            200,
            "Requirement SEC-2: the connection's address says who the sidecar is, no header; the call is anonymous",
            FORGED,
            mesh=False,
        )
        for name, headers in FORWARDED.items()
    ),
)
