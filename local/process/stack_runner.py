"""Starts a stack and stops it: addresses, certificates, an Envoy and a process per replica, the gateway.

Typed stack in, a running one inside the `with` block; after it, however it ends, nothing of it is left.
Not here: changes of a stack that runs (changes.py).
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Final

from meshed_mcp.error_codes.code import Message
from meshed_mcp.local.errors import LocalRunError
from meshed_mcp.local.observe.collector import Collector
from meshed_mcp.local.process.addresses import address_block, ensure_free, only_run
from meshed_mcp.local.process.certificates import KeyFolder
from meshed_mcp.local.process.container import Places, fresh_volumes, program
from meshed_mcp.local.process.processes import Processes, Program
from meshed_mcp.local.process.proxies import Proxies, asked
from meshed_mcp.local.process.token_issuer import LocalIssuer, tokens, write_tokens
from meshed_mcp.local.translate.configurations import Configurations, only_gateway
from meshed_mcp.local.translate.envoy.binary import envoy_program
from meshed_mcp.local.translate.objects.gateway import Gateway
from meshed_mcp.local.translate.references import dangling
from meshed_mcp.local.translate.stack import Stack
from meshed_mcp.local.translate.topology import Pod, Topology, topology

READY_SECONDS: Final = 60.0
"""Longest wait for a replica or an Envoy; several start at once on few cores."""

STOP_SECONDS: Final = 10.0
"""Longest wait for the processes after SIGTERM: time for calls in work, not for the whole grace period."""

PROXY_STOP_SECONDS: Final = 3.0
"""Longest wait for the Envoys after SIGTERM; by then nobody calls any more."""


TOKENS: Final = "tokens"
"""Folder of a run's tokens: a file per namespace and Service."""


@dataclass
class Running:
    """A started stack: where it lies now, its gateway, its processes.

    `topology` holds the replicas that get calls, `alive` also those that start and those that end, `made` all there
    ever were.
    """

    topology: Topology
    alive: dict[str, Pod]
    made: list[Pod]
    places: Places
    configurations: Configurations
    services: Processes
    proxies: Processes
    envoys: Proxies
    issuer: LocalIssuer

    @property
    def gateway(self) -> Gateway | None:
        """The gateway of the stack."""
        return only_gateway(self.topology.stack)

    @property
    def gateway_port(self) -> int:
        """Where it listens."""
        return self.configurations.gateway_port


@contextmanager
def running(  # noqa: PLR0913 - one parameter per choice of a run
    stack: Stack,
    gateway_port: int,
    places: Places,
    tell: Callable[[str], None],
    collector: Collector | None = None,
    *,
    localities: tuple[str, ...] = ("",),
    changes: bool = True,
) -> Iterator[Running]:
    """Everything started and ready; `tell` gets a line per step, `collector` gets spans of processes and proxies.

    With `changes` false the proxies are told everything at their start, and changes.py can do nothing.
    The replicas of a Deployment are spread over `localities` in turn, as over nodes; the gateway is in the first.

    Raises LocalRunError when something is not ready.
    """
    envoy = envoy_program()
    if only_gateway(stack) is not None:
        ensure_free(gateway_port)
    with ExitStack() as ends:
        ends.enter_context(only_run(places.state))
        block = ends.enter_context(address_block())
        issuer = LocalIssuer()
        laid = _with_tokens(issuer, topology(issuer.adopted(stack), block, localities))
        for file in write_tokens(laid.tokens, places.state / TOKENS):
            tell(f"a token for {file.parent.name}/{file.name} is in {file}")
        if faults := dangling(laid):
            raise LocalRunError(*faults)
        programs = programs_of(laid.pods, places, collector)
        configurations = Configurations(block, gateway_port, KeyFolder(places.state / "certificates"), collector)
        proxies = ends.enter_context(Processes(PROXY_STOP_SECONDS))
        services = ends.enter_context(Processes(STOP_SECONDS))
        alive = {pod.name: pod for pod in laid.pods}
        envoys = Proxies(envoy, places, proxies, changes)
        run = Running(laid, alive, list(laid.pods), places, configurations, services, proxies, envoys, issuer)
        _start(run, programs, tell)
        yield run


def _start(run: Running, programs: Iterable[Program], tell: Callable[[str], None]) -> None:
    pods = run.topology.pods
    wanted = run.configurations.of(run.topology, pods)
    tell(f"starting {len(wanted)} Envoys and {len(pods)} processes on 127.{run.configurations.block}.0.0/16")
    run.envoys.ensure_watches(wanted)
    for name, configuration in wanted.items():
        run.envoys.start(name, configuration)
    for each in programs:
        run.services.start(each)
    run.proxies.wait_until(run.envoys.ready, READY_SECONDS, lambda _: None)
    tell(f"{len(wanted)} Envoys are ready")
    run.services.wait_until(pods_ready(pods), READY_SECONDS, lambda name: tell(f"{name} is ready"))


def _with_tokens(issuer: LocalIssuer, laid: Topology) -> Topology:
    return replace(laid, tokens=tokens(issuer, laid.stack))


def programs_of(pods: Iterable[Pod], places: Places, collector: Collector | None) -> list[Program]:
    """The pods' programs, their volumes empty. Raises LocalRunError, each fault once."""
    programs: list[Program] = []
    found = list[Message]()
    for pod in pods:
        try:
            programs.append(program(pod, places, collector))
        except LocalRunError as error:
            found.extend(error.messages)
    if found:
        raise LocalRunError(*dict.fromkeys(found))
    for pod in pods:
        fresh_volumes(pod, places)
    return programs


def pods_ready(pods: Iterable[Pod]) -> Callable[[str], bool]:
    """Whether the replica of that name answers its readiness probe with 200."""
    urls = {pod.name: _readiness_url(pod) for pod in pods}
    return lambda name: asked(urls[name]) is not None


def _readiness_url(pod: Pod) -> str:
    container = pod.deployment.container
    probe = container.readiness_probe.http_get
    names = {port.name: port.container_port for port in container.ports}
    port = names[probe.port] if isinstance(probe.port, str) else probe.port
    return f"http://{pod.address}:{port}{probe.path}"
