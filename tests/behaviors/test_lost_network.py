"""A client of a sticky service that loses its network listens again at once: a real process, a real network namespace.

The namespace's end of the link goes down while its stream is open, as the Wi-Fi of a laptop does. Its connection gets
no FIN and no RST, so the server's TCP retransmits for a quarter of an hour.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import httpx
import pytest

from meshed_mcp import contract
from tests.behaviors.replicas import Service, StartService, eventually

pytestmark = pytest.mark.anyio

LISTEN = """
import json, socket, sys
host, port, head = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
link = socket.create_connection((host, port))
link.sendall(head.encode())
print(link.recv(65536).decode().split(chr(13))[0], flush=True)
sys.stdin.read()
"""
"""Opens a stream, prints its status line and keeps the connection."""

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "old", "version": "1"}},
}
ACCEPT = {"Accept": "application/json, text/event-stream"}


def run(*command: str) -> None:
    """Run one command of `ip`."""
    subprocess.run(["ip", *command], check=True, capture_output=True)  # noqa: S607 - found on the PATH, as shutil.which does


@dataclass(frozen=True)
class Network:
    """A namespace with one link to this one."""

    name: str
    server: str

    def cut(self) -> None:
        """Take the link down at the client's end."""
        run("-n", self.name, "link", "set", "client", "down")


@pytest.fixture
def network() -> Iterator[Network]:
    """A namespace of this test process, with addresses that nothing else uses (RFC 5737)."""
    if os.geteuid() or shutil.which("ip") is None:
        pytest.skip("needs root and iproute2 for a network namespace")
    name, outside = f"mcp-{os.getpid()}", f"mcp{os.getpid() % 10**9}"
    found = Network(name, f"198.51.100.{1 + os.getpid() % 60 * 4}")
    client = f"198.51.100.{2 + os.getpid() % 60 * 4}"
    with ExitStack() as stack:
        try:
            run("netns", "add", name)
        except subprocess.CalledProcessError:
            pytest.skip("this machine allows no network namespaces")
        stack.callback(run, "netns", "del", name)
        run("link", "add", outside, "type", "veth", "peer", "name", "client", "netns", name)
        run("addr", "add", f"{found.server}/30", "dev", outside)
        run("link", "set", outside, "up")
        run("-n", name, "addr", "add", f"{client}/30", "dev", "client")
        run("-n", name, "link", "set", "client", "up")
        yield found


def started(start_service: StartService, network: Network) -> tuple[Service, str]:
    """A sticky service on all addresses, and its URL on the link."""
    variables = {
        contract.ENV_LEGACY: contract.Legacy.STICKY,
        contract.ENV_BIND_ADDRESS: "0.0.0.0",  # noqa: S104 - the address of the link is one of the namespace's
        contract.ENV_ALLOWED_HOSTS: f"{network.server}:*",
    }
    service = start_service(**variables)
    return service, f"http://{network.server}:{service.port}{contract.MCP_PATH}"


async def test_a_client_that_lost_its_network_listens_again_at_once(
    start_service: StartService, network: Network
) -> None:
    """Requirement STR-2; Linux, tcp(7), `tcp_retries2`: the lost connection stays for a quarter of an hour."""
    service, url = started(start_service, network)
    streams = 'mcp_server_open_streams{kind="sse"}'
    async with httpx.AsyncClient(trust_env=False, timeout=20, headers=ACCEPT) as http:
        session = (await http.post(url, json=INITIALIZE)).headers[contract.SESSION_HEADER]
        with listener(network, service.port, session) as child:
            assert child.stdout is not None
            assert child.stdout.readline().split()[1] == b"200"
            network.cut()
            await eventually(lambda: service.sample(streams) == 1)
            for _ in range(3):
                async with http.stream("GET", url, headers={contract.SESSION_HEADER: session}) as stream:
                    assert stream.status_code == 200
            await eventually(lambda: service.sample(streams) == 0)
        ping = {"jsonrpc": "2.0", "id": 2, "method": "ping"}
        assert (await http.post(url, json=ping, headers={contract.SESSION_HEADER: session})).status_code == 200


def listener(network: Network, port: int, session: str) -> subprocess.Popen[bytes]:
    """Open the stream from inside the namespace."""
    head = (
        f"GET {contract.MCP_PATH} HTTP/1.1\r\nHost: {network.server}:{port}\r\nAccept: text/event-stream\r\n"
        f"{contract.SESSION_HEADER}: {session}\r\n\r\n"
    )
    command = ["ip", "netns", "exec", network.name, sys.executable, "-c", LISTEN, network.server, str(port)]
    return subprocess.Popen([*command, json.dumps(head)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
