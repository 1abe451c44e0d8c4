"""Starts a stack and stops it: addresses, certificates, an Envoy and a process per replica, the gateway.

Typed stack in, a running one inside the `with` block; after it, however it ends, nothing of it is left.
"""

import errno
import fcntl
import json
import socket
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from meshed_mcp.local.certificates import write_key_files
from meshed_mcp.local.collector import Collector
from meshed_mcp.local.container import Places, fresh_volumes, program
from meshed_mcp.local.envoy.api import Message
from meshed_mcp.local.envoy.binary import envoy_program
from meshed_mcp.local.envoy.bootstrap import LOOPBACK, ingress, sidecar
from meshed_mcp.local.envoy.gateway import gateway_identity
from meshed_mcp.local.faults import LocalRunError
from meshed_mcp.local.objects.gateway import Gateway
from meshed_mcp.local.processes import Processes, Program
from meshed_mcp.local.references import dangling
from meshed_mcp.local.stack import Stack
from meshed_mcp.local.topology import ADMIN_PORT, Pod, Topology, topology

READY_SECONDS: Final = 60.0
"""Longest wait for a replica or an Envoy; several start at once on few cores."""

STOP_SECONDS: Final = 10.0
"""Longest wait for the processes after SIGTERM: time for calls in work, not for the whole grace period."""

PROXY_STOP_SECONDS: Final = 3.0
"""Longest wait for the Envoys after SIGTERM; by then nobody calls any more."""

QUESTION_SECONDS: Final = 2.0
"""Time-out of one question whether something is ready."""

BLOCKS: Final = range(16, 250)
"""Second bytes of the loopback addresses that runs take; a run takes the first free one."""

GATEWAY: Final = "gateway"
"""Name of the gateway's Envoy in messages and of its files."""


@dataclass(frozen=True)
class Running:
    """A started stack: where it lies, its gateway, its processes."""

    topology: Topology
    gateway: Gateway | None
    gateway_port: int
    places: Places
    services: Processes
    proxies: Processes


@contextmanager
def running(
    stack: Stack,
    gateway_port: int,
    places: Places,
    tell: Callable[[str], None],
    collector: Collector | None = None,
) -> Iterator[Running]:
    """Everything started and ready; `tell` gets a line per step, `collector` gets spans of processes and proxies.

    Raises LocalRunError when something is not ready.
    """
    envoy = envoy_program()
    gateway = _gateway(stack)
    if gateway is not None:
        _ensure_free(gateway_port)
    with ExitStack() as ends:
        ends.enter_context(_only_run(places.state))
        block = ends.enter_context(address_block())
        laid = topology(stack, block)
        if faults := dangling(laid):
            raise LocalRunError(*faults)
        programs = _programs(laid, places, collector)
        configurations = _configurations(laid, gateway, gateway_port, places, block, collector)
        proxies = ends.enter_context(Processes(PROXY_STOP_SECONDS))
        services = ends.enter_context(Processes(STOP_SECONDS))
        tell(f"starting {len(configurations)} Envoys and {len(programs)} processes on 127.{block}.0.0/16")
        for name, configuration in configurations.items():
            proxies.start(_proxy(envoy, name, configuration, places))
        for each in programs:
            services.start(each)
        proxies.wait_until(_proxy_ready(laid, block), READY_SECONDS, lambda _: None)
        tell(f"{len(configurations)} Envoys are ready")
        services.wait_until(_pod_ready(laid), READY_SECONDS, lambda name: tell(f"{name} is ready"))
        yield Running(laid, gateway, gateway_port, places, services, proxies)


@contextmanager
def address_block() -> Iterator[int]:
    """A second byte for loopback addresses that no other run on this machine uses. Raises LocalRunError if none is."""
    for block in BLOCKS:
        with socket.socket() as lease:
            try:
                lease.bind((f"127.{block}.0.1", ADMIN_PORT))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    continue
                raise LocalRunError(
                    f"127.{block}.0.1 is no address of this machine ({error.strerror}); the local run needs Linux, "
                    "where all of 127.0.0.0/8 is"
                ) from None
            yield block
            return
    raise LocalRunError("all blocks of loopback addresses are taken by other runs; stop one of them")


@contextmanager
def _only_run(state: Path) -> Iterator[None]:
    """Nobody else's run writes to the same folder meanwhile; the kernel forgets the lock when this process ends."""
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (state / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LocalRunError(f"the stack already runs here ({state}); stop that run first") from None
        yield


def _ensure_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a closed connection's remains are no obstacle
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise LocalRunError(
                f"port {port} on {LOOPBACK} cannot be used by the gateway ({error.strerror}); "
                "free it or choose another with --port"
            ) from None


def _gateway(stack: Stack) -> Gateway | None:
    if len(stack.gateways) > 1:
        names = ", ".join(f"{each.namespace}/{each.name}" for each in stack.gateways[1:])
        raise LocalRunError(f"Gateway {names} is not run locally; one gateway is")
    return stack.gateways[0] if stack.gateways else None


def _programs(laid: Topology, places: Places, collector: Collector | None) -> list[Program]:
    programs: list[Program] = []
    faults: list[str] = []
    for pod in laid.pods:
        try:
            programs.append(program(pod, places, collector))
        except LocalRunError as error:
            faults.extend(error.faults)
    if faults:
        raise LocalRunError(*dict.fromkeys(faults))
    for pod in laid.pods:
        fresh_volumes(pod, places)
    return programs


def _configurations(
    laid: Topology, gateway: Gateway | None, port: int, places: Places, block: int, collector: Collector | None
) -> dict[str, Message]:
    identities = [pod.identity for pod in laid.pods]
    edge = gateway_identity(gateway, laid.domains.trust) if gateway else None
    files = write_key_files((places.state / "certificates").absolute(), [*identities, *([edge] if edge else [])])
    configurations = {pod.name: sidecar(laid, pod, files[pod.identity], collector) for pod in laid.pods}
    if gateway is not None and edge is not None:
        configurations[GATEWAY] = ingress(
            laid, gateway, files[edge], port, _gateway_address(block), collector=collector
        )
    return configurations


def _gateway_address(block: int) -> str:
    return f"127.{block}.0.2"


def _proxy(envoy: Path, name: str, configuration: Message, places: Places) -> Program:
    file = (places.state / "envoy" / f"{name}.json").absolute()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(configuration, indent=1), encoding="utf-8")
    options = ["--concurrency", "1", "--disable-hot-restart", "--log-level", "warning"]
    return Program(
        name=f"Envoy of {name}",
        command=(str(envoy), "-c", str(file), *options),
        env={},
        log=places.log(f"{name}.envoy").absolute(),
    )


def _proxy_ready(laid: Topology, block: int) -> Callable[[str], bool]:
    addresses = {f"Envoy of {pod.name}": pod.address for pod in laid.pods}
    addresses[f"Envoy of {GATEWAY}"] = _gateway_address(block)
    return lambda name: _answers(f"http://{addresses[name]}:{ADMIN_PORT}/ready")


def _pod_ready(laid: Topology) -> Callable[[str], bool]:
    urls = {pod.name: _readiness_url(pod) for pod in laid.pods}
    return lambda name: _answers(urls[name])


def _readiness_url(pod: Pod) -> str:
    container = pod.deployment.container
    probe = container.readiness_probe.http_get
    names = {port.name: port.container_port for port in container.ports}
    port = names[probe.port] if isinstance(probe.port, str) else probe.port
    return f"http://{pod.address}:{port}{probe.path}"


def _answers(url: str) -> bool:
    """Whether a URL of this machine answers 200 now; no proxy of the environment is asked."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=QUESTION_SECONDS) as response:
            return bool(response.status == 200)  # noqa: PLR2004 - HTTP OK
    except OSError:
        return False
