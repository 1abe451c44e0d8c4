"""Starts and stops a stack: addresses, certificates, an Envoy and a process per replica, the gateway."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from meshed_mcp.error_codes.code import Message
from meshed_mcp.error_codes.local import SECOND_GATEWAY
from meshed_mcp.local.errors import LocalRunError
from meshed_mcp.local.process.addresses import address_block, ensure_free, only_run
from meshed_mcp.local.process.certificates import KeyFolder, write_private
from meshed_mcp.local.process.container import UPSTREAM, RunFolders, container_variables, fresh_volumes, programs
from meshed_mcp.local.process.engines import envoy_program
from meshed_mcp.local.process.processes import Processes, Program
from meshed_mcp.local.process.proxies import Proxies, responds
from meshed_mcp.local.process.token_issuer import LocalIssuer, issue_tokens
from meshed_mcp.local.process.upstream import install_packages, listens, port_issues, server_port, taken_port_issues
from meshed_mcp.local.translate.envoy.api import Message as Configuration
from meshed_mcp.local.translate.envoy.bootstrap import ingress, sidecar
from meshed_mcp.local.translate.envoy.gateway import gateway_identity, serving_gateways
from meshed_mcp.local.translate.envoy.telemetry import Collector
from meshed_mcp.local.translate.objects.gateway import Gateway
from meshed_mcp.local.translate.objects.workload import Deployment, Probe
from meshed_mcp.local.translate.references import unresolved_references
from meshed_mcp.local.translate.stack import Stack
from meshed_mcp.local.translate.topology import Pod, Topology, topology

READY_SECONDS: Final = 60.0
"""Startup timeout of replicas and Envoys; several start at once on few cores."""

STOP_SECONDS: Final = 10.0
"""Wait for the processes after SIGTERM: time for in-flight requests, not the whole grace period."""

PROXY_STOP_SECONDS: Final = 3.0
"""Wait for the Envoys after SIGTERM."""

GATEWAY: Final = "gateway"
"""Name of the gateway's Envoy in messages and files."""

TOKENS: Final = "tokens"
"""Folder of a run with a token file per namespace and Service."""


@dataclass(frozen=True)
class Configurations:
    """Inputs beside the topology, constant during a run."""

    block: int
    gateway_port: int
    keys: KeyFolder
    collector: Collector | None

    def of(self, topology: Topology, pods: Iterable[Pod]) -> dict[str, Configuration]:
        """Configurations of the sidecars of `pods`, and of the gateway where the stack has one."""
        made = {pod.name: sidecar(topology, pod, self.keys.files(pod.identity), self.collector) for pod in pods}
        gateway = only_gateway(topology.stack)
        if gateway is not None:
            files = self.keys.files(gateway_identity(gateway, topology.trust_domain))
            address = f"127.{self.block}.0.2"
            made[GATEWAY] = ingress(topology, gateway, files, self.gateway_port, address, collector=self.collector)
        return made


def only_gateway(stack: Stack) -> Gateway | None:
    """The gateway of a stack; one that only redirects if there is no other. Raises LocalRunError for a second one."""
    found = serving_gateways(stack) or list(stack.gateways[:1])
    if names := ", ".join(f"{each.namespace}/{each.name}" for each in found[1:]):
        raise LocalRunError(SECOND_GATEWAY.message(names=names))
    return found[0] if found else None


@dataclass
class Running:
    """A started stack.

    `topology` has the replicas in the endpoints, `alive` also starting and terminating ones, `made` all of the run.
    """

    topology: Topology
    alive: dict[str, Pod]
    made: list[Pod]
    folders: RunFolders
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
        """Port of the gateway."""
        return self.configurations.gateway_port


@contextmanager
def running(  # noqa: PLR0913 - one parameter per choice of a run
    stack: Stack,
    gateway_port: int,
    folders: RunFolders,
    report: Callable[[str], None],
    collector: Collector | None = None,
    *,
    localities: tuple[str, ...] = ("",),
    changes: bool = True,
) -> Iterator[Running]:
    """Run a stack during the block; every process ends after it.

    `report` gets one line per step, `collector` the spans of processes and proxies. Replicas are spread over
    `localities` in turn. Without `changes` the proxies are static, and changes.py does not work. Raises LocalRunError.
    """
    envoy = envoy_program()
    if only_gateway(stack) is not None:
        ensure_free(gateway_port)
    with ExitStack() as ends:
        ends.enter_context(only_run(folders.state))
        block = ends.enter_context(address_block())
        issuer = LocalIssuer()
        stack = issuer.with_local_keys(stack)
        start = replace(topology(stack, block, localities), tokens=issue_tokens(issuer, stack))
        for owner, token in start.tokens.items():
            file = write_private(folders.state / TOKENS / owner, token.encode())
            report(f"a token for {owner} is in {file}")
        if issues := [*unresolved_references(start), *port_issues(stack), *taken_port_issues(start.pods)]:
            raise LocalRunError(*issues)
        commands = programs_of(start.pods, folders, collector)
        install_missing(start.pods, folders, report)
        configurations = Configurations(block, gateway_port, KeyFolder(folders.state / "certificates"), collector)
        proxies = ends.enter_context(Processes(PROXY_STOP_SECONDS))
        services = ends.enter_context(Processes(STOP_SECONDS))
        alive = {pod.name: pod for pod in start.pods}
        envoys = Proxies(envoy, folders, proxies, changes)
        run = Running(start, alive, list(start.pods), folders, configurations, services, proxies, envoys, issuer)
        _start(run, commands, report)
        yield run


def _start(run: Running, programs: Iterable[Program], report: Callable[[str], None]) -> None:
    pods = run.topology.pods
    wanted = run.configurations.of(run.topology, pods)
    report(f"starting {len(wanted)} Envoys and {len(pods)} processes on 127.{run.configurations.block}.0.0/16")
    run.envoys.ensure_watches(wanted)
    for name, configuration in wanted.items():
        run.envoys.start(name, configuration)
    for each in programs:
        run.services.start(each)
    run.proxies.wait_until(run.envoys.ready, READY_SECONDS, lambda _: None)
    report(f"{len(wanted)} Envoys are ready")
    run.services.wait_until(pods_ready(pods), READY_SECONDS, lambda name: report(f"{name} is ready"))


def programs_of(pods: Iterable[Pod], folders: RunFolders, collector: Collector | None) -> list[Program]:
    """The programs of the pods with empty volumes. Raises LocalRunError with each issue once."""
    found: list[Program] = []
    issues = list[Message]()
    for pod in pods:
        try:
            found.extend(programs(pod, folders, collector))
        except LocalRunError as error:
            issues.extend(error.messages)
    if issues:
        raise LocalRunError(*dict.fromkeys(issues))
    for pod in pods:
        fresh_volumes(pod, folders)
    return found


def pods_ready(pods: Iterable[Pod]) -> Callable[[str], bool]:
    """A readiness check of the replicas by name."""
    checks = {}
    for pod in pods:
        checks[pod.name] = _is_ready(pod)
        if (port := server_port(pod.deployment)) is not None:
            checks[f"{pod.name}{UPSTREAM}"] = partial(listens, port)
    return lambda name: checks[name]()


def _is_ready(pod: Pod) -> Callable[[], bool]:
    """The readiness probe by HTTP, else a connection to the port of the probe or of the server."""
    container = pod.deployment.container
    probe = container.readiness_probe or Probe()
    if probe.http_get is not None:
        port = container.port_number(probe.http_get.port)
        url = f"http://{pod.server_address}:{port}{probe.http_get.path}"
        return lambda: responds(url)
    tcp = pod.port if probe.tcp_socket is None else container.port_number(probe.tcp_socket.port)
    return lambda: listens(tcp, pod.server_address)


def install_missing(pods: Iterable[Pod], folders: RunFolders, report: Callable[[str], None]) -> None:
    """Install the packages of the pods that are not on this machine yet. Raises LocalRunError."""
    first = {pod.deployment.name: pod for pod in reversed(list(pods))}

    def variables(deployment: Deployment) -> dict[str, str]:
        assert deployment.installer is not None  # noqa: S101 - the caller has checked it
        return container_variables(first[deployment.name], deployment.installer, folders)

    install_packages([pod.deployment for pod in first.values()], folders.state, variables, report)
