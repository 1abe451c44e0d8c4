"""Arguments of the egress proxy and the CA bundle: valid hosts, and one line for every invalid one."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshed_mcp.components.core.errors import model_issues
from meshed_mcp.components.mesh.egress.destinations import external_hosts
from meshed_mcp.components.mesh.egress.proxy_args import CaBundle, EgressProxy, direct_hosts, proxied_hosts


def codes(**fields: Any) -> list[str]:
    """Codes of the issues of a proxy."""
    return [issue.code for issue in model_issues(EgressProxy, fields, "stack")]


@pytest.mark.parametrize("host", ["proxy.example.com", "192.0.2.10", "10.0.0.5", "2001:db8::10", "100.64.0.1"])
def test_names_and_addresses_of_a_proxy_are_accepted(host: str) -> None:
    """Istio, "Using an External HTTPS Proxy": the proxy of the task has an address; a name works with `DNS`."""
    assert codes(host=host) == []


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("169.254.169.254", "MM0681"),
        ("127.0.0.1", "MM0681"),
        ("0.0.0.0", "MM0681"),  # noqa: S104 - rejected
        ("224.0.0.1", "MM0681"),
        ("::1", "MM0681"),
        ("fd00:ec2::254", "MM0681"),
        ("fd20:ce::254", "MM0681"),
        ("::ffff:169.254.169.254", "MM0681"),
        ("::ffff:7f00:1", "MM0681"),
        ("64:ff9b::a9fe:a9fe", "MM0681"),
        ("::", "MM0681"),
        ("2001:db8::1%eth0", "MM1035"),
        ("168.63.129.16", "MM0681"),
        ("metadata.google.internal", "MM0253"),
        ("squid.infra.svc", "MM0680"),
        ("squid", "MM0680"),
        ("localhost", "MM0680"),
    ],
)
def test_host_that_is_no_external_proxy_is_rejected(host: str, code: str) -> None:
    """Requirement NET-2: the proxy is no way to a metadata service, this machine, or a service of the cluster."""
    assert codes(host=host) == [code]


@pytest.mark.parametrize(
    "host", ["http://proxy.example.com", "proxy.example.com:3128", "0x7f.1", "1.2.3", "*.a.com", ""]
)
def test_host_in_another_notation_is_rejected(host: str) -> None:
    """Requirement CFG-9: scheme and port have no place in the host, and addresses have one notation."""
    assert len(codes(host=host)) == 1


@pytest.mark.parametrize("entry", [".corp.example.com", "git.example.com", "10.0.0.0/8", "192.0.2.7", "2001:db8::1"])
def test_entry_that_all_clients_read_alike_is_accepted(entry: str) -> None:
    """Requirement NET-20: Go, requests, httpx and curl agree on names, suffixes, addresses and IPv4 networks."""
    assert codes(host="proxy.example.com", no_proxy=[entry]) == []


@pytest.mark.parametrize(
    "entry",
    ["*", "*.example.com", "http://a.example.com", "a.example.com:443", "fd00::/8", "10.0.0.1/8", "", "a b", "a,b"],
)
def test_entry_that_clients_read_differently_is_rejected(entry: str) -> None:
    """Requirement NET-20: one client would use the proxy and another not; httpx rejects IPv6 networks at start."""
    assert codes(host="proxy.example.com", no_proxy=[entry]) == ["MM0682"]


@pytest.mark.property
@given(st.text(max_size=30), st.lists(st.text(max_size=12), max_size=3), st.integers())
def test_no_text_ends_in_a_traceback(host: str, entries: list[str], port: int) -> None:
    """Requirement CFG-4: every value is accepted or reported."""
    found = model_issues(EgressProxy, {"host": host, "port": port, "no_proxy": entries}, "stack")
    assert all("\n" not in issue.line for issue in found)
    assert bool([issue for issue in found if issue.field == "port"]) == (not 1 <= port <= 65535)


def test_hosts_are_split_without_a_rest() -> None:
    """Requirement NET-19: each host has one way; a name includes its subdomains, and `.suffix` has only those."""
    hosts = external_hosts(["example.com", "a.example.com", "b.corp.com", "corp.com", "notexample.com"])
    proxy = EgressProxy.model_validate({"host": "proxy.example.net", "no_proxy": ["example.com", ".corp.com"]})
    assert [each.host for each in direct_hosts(hosts, proxy)] == ["example.com", "a.example.com", "b.corp.com"]
    assert [each.host for each in proxied_hosts(hosts, proxy)] == ["corp.com", "notexample.com"]
    assert (direct_hosts(hosts, None), proxied_hosts(hosts, None)) == (hosts, [])


@pytest.mark.parametrize("key", ["ca/bundle.crt", "", "a b"])
def test_key_that_no_config_map_has_is_rejected(key: str) -> None:
    """Kubernetes, "ConfigMaps": letters, digits, '-', '_' and '.'."""
    issues = model_issues(CaBundle, {"config_map": "corporate-ca", "key": key}, "stack")
    assert [issue.code for issue in issues] == ["MM0689"]
