"""Network namespaces of a pod and a node on one link: the addresses of a pod in an IPv4, IPv6 or dual-stack cluster.

Needs root and iproute2; a test that uses it is skipped without them.
"""

import contextlib
import ctypes
import itertools
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeVar

from tests.conftest import absent

T = TypeVar("T")

NEW_NETWORK: Final = 0x40000000
"""CLONE_NEWNET. Source: setns(2)."""

DISABLED: Final = "net.ipv6.conf.all.disable_ipv6"
"""What container runtimes set for a pod without IPv6 addresses."""

THREADS: Final = 8
"""Calls at once from inside a namespace."""

_numbers: Final = itertools.count()


class Families(StrEnum):
    """IP families of a cluster's pods."""

    IPV4 = "IPv4"
    IPV6 = "IPv6"
    DUAL = "dual stack"


NODE: Final = {4: "192.0.2.1", 6: "2001:db8::1"}
POD: Final = {4: "192.0.2.2", 6: "2001:db8::2"}
"""Addresses of the link. Source: RFC 5737; RFC 3849."""

LENGTHS: Final = {4: 24, 6: 64}
OF_FAMILIES: Final = {Families.IPV4: (4,), Families.IPV6: (6,), Families.DUAL: (4, 6)}
SIDECAR_IPV6: Final = "::6/128"
"""Address that Istio's init container adds to the loopback interface. Source: Istio, `configureIPv6Addresses`."""


class Namespace:
    """One network namespace, and threads inside it."""

    def __init__(self, name: str) -> None:
        self.name = name
        ip("netns", "add", name)
        self._inside = ThreadPoolExecutor(THREADS, initializer=self._enter)

    def command(self, *command: str) -> list[str]:
        """A command that runs inside, with the process id of its parent's child."""
        return [program(), "netns", "exec", self.name, *command]

    def run(self, work: Callable[[], T]) -> T:
        """Call `work` inside: its sockets belong to the namespace."""
        return self._inside.submit(work).result()

    def execute(self, *command: str) -> None:
        """Run a command to its end. Raises CalledProcessError."""
        subprocess.run(self.command(*command), check=True, capture_output=True)

    def delete(self) -> None:
        """Remove the namespace."""
        self._inside.shutdown()
        ip("netns", "delete", self.name)

    def _enter(self) -> None:
        with Path("/run/netns", self.name).open("rb") as file:
            if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), NEW_NETWORK) != 0:
                raise OSError(ctypes.get_errno(), f"the thread cannot enter {self.name}")


@dataclass(frozen=True)
class Link:
    """A pod's namespace and a node's, and the addresses of the pod."""

    pod: Namespace
    node: Namespace
    families: Families

    @property
    def addresses(self) -> list[str]:
        """Addresses of the pod, IPv4 first."""
        return [POD[version] for version in OF_FAMILIES[self.families]]


@contextlib.contextmanager
def linked(families: Families) -> Iterator[Link]:
    """A pod and a node in the block; skips the test where namespaces cannot be made."""
    stem = f"mm{os.getpid()}-{next(_numbers)}"
    with contextlib.ExitStack() as stack:
        pod, node = (stack.enter_context(_namespace(f"{stem}{end}")) for end in "pn")
        ip("link", "add", "eth0", "netns", pod.name, "type", "veth", "peer", "name", "eth0", "netns", node.name)
        for namespace, addresses in ((pod, POD), (node, NODE)):
            _configure(namespace, addresses, families)
        yield Link(pod, node, families)


def ip(*arguments: str) -> None:
    """Run iproute2. Raises CalledProcessError."""
    subprocess.run([program(), *arguments], check=True, capture_output=True)


def program() -> str:
    """Path of iproute2; skips the test without one."""
    return shutil.which("ip") or absent("iproute2", "get it with: apt-get install iproute2", obtainable=False)


@contextlib.contextmanager
def _namespace(name: str) -> Iterator[Namespace]:
    try:
        made = Namespace(name)
    except subprocess.CalledProcessError as error:
        absent("the right to make a network namespace", f"run the test as root ({error.stderr!r})", obtainable=False)
    try:
        yield made
    finally:
        made.delete()


def _configure(namespace: Namespace, addresses: dict[int, str], families: Families) -> None:
    namespace.execute("sysctl", "-q", "-w", f"{DISABLED}={int(families is Families.IPV4)}")
    for device in ("lo", "eth0"):
        namespace.execute("ip", "link", "set", device, "up")
    for version in OF_FAMILIES[families]:
        duplicates = ["nodad"] if version == 6 else []
        address = f"{addresses[version]}/{LENGTHS[version]}"
        namespace.execute("ip", "address", "add", address, "dev", "eth0", *duplicates)
    if families is not Families.IPV4:
        namespace.execute("ip", "address", "add", SIDECAR_IPV6, "dev", "lo")
