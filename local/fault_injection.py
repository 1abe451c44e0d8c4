"""Fault injection for a local run (`--fault SERVICE=KIND`) with steady calls, so that an alert fires.

The fault is in the service's own process, which exports the metrics; faults of a proxy do not show in them.
"""

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from enum import StrEnum
from typing import Final, NamedTuple, Self

import anyio

from meshed_mcp import contract
from meshed_mcp.components.core.errors import suggestion
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.error_codes.code import Message
from meshed_mcp.error_codes.local import (
    FAULT_NEEDS_PYTHON,
    FAULT_NEEDS_RUNTIME,
    FAULT_OF_REGISTRY,
    FAULT_TARGET_UNKNOWN,
    INVALID_FAULT_OPTION,
)
from meshed_mcp.local.clients import call
from meshed_mcp.local.errors import LocalRunError
from meshed_mcp.local.faulty_service import START_SIGNAL
from meshed_mcp.local.process.container import PYTHON
from meshed_mcp.local.process.stack_runner import Running
from meshed_mcp.local.translate.endpoints import Endpoint, through_mesh
from meshed_mcp.local.translate.objects.workload import is_upstream
from meshed_mcp.local.verification import Call

FAULTY: Final = "meshed_mcp.local.faulty_service"
"""Module that runs a service with a fault."""

ROUNDS_PER_SECOND: Final = 5.0
"""The alerts need 100 calls by rates over five minutes, which a new run reaches in a minute or two."""

MAX_CONCURRENT_ROUNDS: Final = 20
"""Bound for slow services."""

EndpointCall = tuple[Endpoint, Call]


class FaultKind(StrEnum):
    """Kind of fault."""

    ERRORS = "errors"
    """Every second tool call fails."""

    SLOW = "slow"
    """Every tool call takes three seconds longer."""

    DOWN = "down"
    """The processes of all replicas end after the first round of calls and are not restarted."""


ALERTS: Final = {
    FaultKind.ERRORS: ("MCPServerErrorBudgetBurn", "MCPToolErrorRate"),
    FaultKind.SLOW: ("MCPServerLatencyBudgetBurn", "MCPToolLatencyBudgetBurn"),
    FaultKind.DOWN: ("MCPServerDown",),
}
"""Alerts that each kind makes fire; the registry has its own."""

REGISTRY_ALERTS: Final = ("MCPRegistryDown",)


class InjectedFault(NamedTuple):
    """A fault of one service."""

    service: str
    kind: FaultKind

    @classmethod
    def parsed(cls, text: str) -> Self:
        """`mcp-rag=errors`. Raises LocalRunError."""
        service, _, kind = text.partition("=")
        if not service or kind not in {*FaultKind}:
            raise LocalRunError(INVALID_FAULT_OPTION.message(text=text, kinds=", ".join(FaultKind)))
        return cls(service, FaultKind(kind))

    @property
    def alerts(self) -> tuple[str, ...]:
        """Alerts that the fault makes fire."""
        return REGISTRY_ALERTS if self.service == contract.REGISTRY_NAME else ALERTS[self.kind]


def with_faults(objects: Sequence[Manifest], faults: Iterable[InjectedFault]) -> list[Manifest]:
    """The objects with changed commands of the services. Raises LocalRunError with a line per impossible fault."""
    changed, issues = list(objects), list[Message]()
    for fault in faults:
        deployments = [item for item in changed if item["kind"] == "Deployment" and _service(item) == fault.service]
        if issue := _issue(fault, deployments, changed):
            issues.append(issue)
        elif fault.kind is not FaultKind.DOWN:
            changed = [_faulty(item, fault.kind) if item in deployments else item for item in changed]
    if issues:
        raise LocalRunError(*issues)
    return changed


def _issue(fault: InjectedFault, deployments: Sequence[Manifest], objects: Sequence[Manifest]) -> Message | None:
    if not deployments:
        names = sorted({_service(item) for item in objects if item["kind"] == "Deployment"})
        suggested = suggestion(fault.service, names)
        return FAULT_TARGET_UNKNOWN.message(service=fault.service, kind=fault.kind, suggested=suggested)
    if fault.kind is FaultKind.DOWN:
        return None
    if fault.service == contract.REGISTRY_NAME:
        return FAULT_OF_REGISTRY.message(service=fault.service, kind=fault.kind)
    if not all(map(_runs_tools, deployments)):
        return FAULT_NEEDS_RUNTIME.message(service=fault.service, kind=fault.kind)
    commands = [item["spec"]["template"]["spec"]["containers"][0].get("command", []) for item in deployments]
    if any(command[:1] == [] or command[0] not in PYTHON for command in commands):
        return FAULT_NEEDS_PYTHON.message(service=fault.service, kind=fault.kind)
    return None


def _runs_tools(item: Manifest) -> bool:
    """Whether the process with this package's runtime has the tools, and is no bridge."""
    container = item["spec"]["template"]["spec"]["containers"][0]
    has_runtime = contract.MANAGEMENT_PORT_NAME in {port.get("name") for port in container.get("ports", [])}
    return has_runtime and not any(is_upstream(variable["name"]) for variable in container.get("env", []))


def _faulty(item: Manifest, kind: FaultKind) -> Manifest:
    """The Deployment with the module FAULTY around its program."""
    first, *rest = item["spec"]["template"]["spec"]["containers"]
    program, *arguments = first["command"]
    faulty = first | {"command": [program, "-m", FAULTY, kind.value, *arguments]}
    pod = item["spec"]["template"]["spec"] | {"containers": [faulty, *rest]}
    return item | {"spec": item["spec"] | {"template": item["spec"]["template"] | {"spec": pod}}}


def _service(item: Manifest) -> str:
    """Name of the service that a Deployment belongs to."""
    labels = item["spec"]["template"]["metadata"].get("labels", {})
    return str(labels.get(contract.LABEL_APP, item["metadata"]["name"]))


def start_faults(up: Running, faults: Iterable[InjectedFault]) -> None:
    """Start the faults. DOWN kills the processes and keeps pods and sidecars, as a crash does."""
    kinds = {fault.service: fault.kind for fault in faults}
    for pod in up.topology.pods:
        kind = kinds.get(pod.labels.get(contract.LABEL_APP, ""))
        if kind is FaultKind.DOWN:
            up.services.kill(pod.name)
        elif kind is not None:
            os.kill(up.services.pids[pod.name], START_SIGNAL)


@contextmanager
def steady_calls(up: Running, calls: Sequence[Call]) -> Iterator[None]:
    """Make the calls ROUNDS_PER_SECOND times a second during the block."""
    services = {service.name: service for service in up.topology.stack.services}
    targets = [(to, each) for each in calls if (to := through_mesh(up, services[each.service])) is not None]
    ended = threading.Event()
    thread = threading.Thread(target=anyio.run, args=(repeat_calls, targets, ended), name="steady calls", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


async def repeat_calls(targets: Sequence[EndpointCall], ended: threading.Event) -> None:
    """Start a round each time it is due until `ended` is set, which cancels in-flight rounds."""
    limiter = anyio.CapacityLimiter(MAX_CONCURRENT_ROUNDS)
    async with anyio.create_task_group() as rounds:
        while not ended.is_set():
            if limiter.available_tokens:
                rounds.start_soon(_round, targets, limiter)
            await anyio.sleep(1 / ROUNDS_PER_SECOND)
        rounds.cancel_scope.cancel()


async def _round(targets: Sequence[EndpointCall], limiter: anyio.CapacityLimiter) -> None:
    async with limiter:
        for endpoint, each in targets:
            with suppress(LocalRunError):
                await call(endpoint, each.tool, each.arguments)
