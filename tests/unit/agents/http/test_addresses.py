"""Addresses: one written form for comparisons, IPv6 literals of the allow-list, and the address to listen on."""

import re
import socket
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import meshed_mcp.agents
from meshed_mcp import contract
from meshed_mcp.agents import Settings, SettingsError
from meshed_mcp.agents.http.addresses import (
    ANY_IPV4,
    canonical_address,
    host_and_port,
    listen_address,
    peer_address,
)
from meshed_mcp.error_codes.addresses import (
    ADDRESS_WITH_ZONE,
    HOST_NOT_AN_ADDRESS,
    HOST_WITH_ZONE,
    HOST_WITHOUT_BRACKETS,
)


@given(st.ip_addresses(v=4))
def test_an_ipv4_mapped_address_equals_the_ipv4_address(address: IPv4Address) -> None:
    """Requirement IP6-2: every spelling of a mapped address is the IPv4 host (RFC 4291, section 2.5.5.2)."""
    number = int(address)
    spellings = [f"::ffff:{address}", f"::FFFF:{number >> 16:x}:{number & 0xFFFF:x}", f"0:0:0:0:0:ffff:{address}"]
    assert {canonical_address(each) for each in spellings} == {str(address)}


@given(st.ip_addresses(v=6))
def test_an_ipv6_address_has_one_spelling(address: IPv6Address) -> None:
    """Requirement IP6-2: the exploded, the upper-case and the canonical form are one host (RFC 5952)."""
    spellings = {canonical_address(each) for each in (str(address), address.exploded, str(address).upper())}
    assert spellings == {str(address.ipv4_mapped or address)}


@pytest.mark.parametrize(
    "address", ["::127.0.0.6", "::7f00:6", "64:ff9b::7f00:6", "2002:7f00:6::", "::ffff:0:127.0.0.6"]
)
def test_no_other_form_stands_for_an_ipv4_host(address: str) -> None:
    """Requirement IP6-3: only a mapped address is an IPv4 peer; a translated or compatible one is a host of its own."""
    assert canonical_address(address) != "127.0.0.6"


@pytest.mark.parametrize(
    ("client", "expected"),
    [
        (("::ffff:127.0.0.6", 5000), "127.0.0.6"),
        (("::6", 5000), "::6"),
        (("testclient", 5000), "testclient"),
        (("fe80::6%eth0", 5000), "fe80::6%eth0"),
        (None, None),
    ],
)
def test_the_peer_of_a_request_is_canonical(client: Any, expected: str | None) -> None:
    """Requirement IP6-2: what is no address, or has a zone id, equals no trusted proxy."""
    assert peer_address({"type": "http", "client": client}) == expected


def test_one_function_reads_the_peer_of_a_request() -> None:
    """Requirement IP6-2: other code would compare an IPv4-mapped address as text."""
    folder = Path(meshed_mcp.agents.__file__).parent
    reads = re.compile(r"""scope(\[|\.get\()["']client["']|request\.client|getpeername|["']peername["']""")
    readers = [path.relative_to(folder).as_posix() for path in folder.rglob("*.py") if reads.search(path.read_text())]
    assert readers == ["http/addresses.py"]


def refusal(variable: str, value: str) -> tuple[str, str]:
    """Code and text of the error."""
    with pytest.raises(SettingsError) as refused:
        Settings.from_environment({variable: value})
    (message,) = refused.value.messages
    return message.code, str(message)


@pytest.mark.parametrize("variable", [contract.ENV_TRUSTED_PROXIES, contract.ENV_BIND_ADDRESS])
def test_an_address_with_a_zone_id_is_rejected(variable: str) -> None:
    """Requirement IP6-4: a zone is an interface of one machine (RFC 4007, section 11)."""
    code, text = refusal(variable, "fe80::1%eth0")
    assert code == ADDRESS_WITH_ZONE.code
    assert text == (
        f"{variable}: fe80::1%eth0 has a zone id, which names an interface of one machine; "
        "set an address without one, such as 127.0.0.6 or fd00::1"
    )


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("[fe80::1%25eth0]:8000", HOST_WITH_ZONE),
        ("[fe80::1%eth0]", HOST_WITH_ZONE),
        ("fd00::1", HOST_WITHOUT_BRACKETS),
        ("::1:*", HOST_WITHOUT_BRACKETS),
        ("[127.0.0.1]", HOST_NOT_AN_ADDRESS),
        ("[mcp-rag]:*", HOST_NOT_AN_ADDRESS),
    ],
)
def test_an_allowed_host_that_no_client_sends_is_rejected(host: str, code: Any) -> None:
    """Requirement IP6-4: RFC 9110, section 7.2, and RFC 3986, section 3.2.2: brackets, an address, no zone id."""
    found, text = refusal(contract.ENV_ALLOWED_HOSTS, host)
    assert found == code.code
    assert text.startswith(f"{contract.ENV_ALLOWED_HOSTS}: {host} ")


def test_the_advice_for_an_allowed_host_is_accepted() -> None:
    """Requirement RUN-6: what the message says to set works, in the spelling of the setting and in that of clients."""
    hosts = Settings.from_environment({contract.ENV_ALLOWED_HOSTS: "[FD00:0::1]:*"}).allowed_hosts
    assert set(hosts) == {"[FD00:0::1]:*", "[FD00:0::1]", "[fd00::1]:*", "[fd00::1]"}


def test_trusted_proxies_are_canonical() -> None:
    """Requirement IP6-2: a mapped address in the setting is the IPv4 peer that connections have."""
    proxies = {contract.ENV_TRUSTED_PROXIES: "::ffff:127.0.0.6,0:0::6"}
    assert Settings.from_environment(proxies).trusted_proxies == ("127.0.0.6", "::6")


def test_a_machine_without_ipv6_listens_on_ipv4(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requirement IP6-1: a kernel without IPv6 has no such sockets; other addresses are bound as they are set."""

    def no_socket(*_: object) -> None:
        raise OSError(97, "Address family not supported by protocol")

    assert listen_address("::") == "::"
    monkeypatch.setattr(socket, "socket", no_socket)
    assert [listen_address(each) for each in ("::", "::1", "127.0.0.1")] == [ANY_IPV4, "::1", "127.0.0.1"]


@pytest.mark.parametrize(("host", "expected"), [("::", "[::]:80"), ("10.0.0.1", "10.0.0.1:80"), ("a", "a:80")])
def test_an_authority_has_brackets_around_an_ipv6_address(host: str, expected: str) -> None:
    """RFC 3986, section 3.2.2."""
    assert host_and_port(host, 80) == expected
