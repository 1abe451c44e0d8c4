"""Faults on purpose in a local run, so that an alert can be seen firing: `--fault SERVICE=KIND`.

Text and rendered objects in, changed objects out, or processes ended. The fault is in the service's own process, where
its metrics are: what a proxy does to a call shows in none of them. Not here: the changed process (faulty_service.py).
"""

import os
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final, NamedTuple, Self

from meshed_mcp import contract
from meshed_mcp.components.core.errors import suggestion
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.error_codes.code import Message
from meshed_mcp.error_codes.local import (
    FAULT_NEEDS_PYTHON,
    FAULT_OF_REGISTRY,
    FAULT_TARGET_UNKNOWN,
    INVALID_FAULT_OPTION,
)
from meshed_mcp.local.errors import LocalRunError
from meshed_mcp.local.faulty_service import BEGIN
from meshed_mcp.local.process.container import PYTHON
from meshed_mcp.local.process.stack_runner import Running

FAULTY: Final = "meshed_mcp.local.faulty_service"
"""Module that runs a service with a fault."""


class Kind(StrEnum):
    """What goes wrong."""

    ERRORS = "errors"
    """Every second call of a tool fails."""

    SLOW = "slow"
    """Every call of a tool takes three seconds more."""

    DOWN = "down"
    """The processes of all replicas are gone after the first round of calls, and nobody starts them again."""


ALERTS: Final = {
    Kind.ERRORS: ("MCPServerErrorBudgetBurn", "MCPToolErrorRate"),
    Kind.SLOW: ("MCPServerLatencyBudgetBurn", "MCPToolLatencyBudgetBurn"),
    Kind.DOWN: ("MCPServerDown",),
}
"""What each makes fire; the registry has alerts of its own."""

REGISTRY_ALERTS: Final = ("MCPRegistryDown",)


class SeededFault(NamedTuple):
    """One fault."""

    service: str
    kind: Kind

    @classmethod
    def parsed(cls, text: str) -> Self:
        """`mcp-rag=errors`. Raises LocalRunError."""
        service, _, kind = text.partition("=")
        if not service or kind not in {*Kind}:
            kinds = ", ".join(Kind)
            raise LocalRunError(INVALID_FAULT_OPTION.message(text=text, kinds=kinds))
        return cls(service, Kind(kind))

    @property
    def alerts(self) -> tuple[str, ...]:
        """Alerts that it makes fire."""
        return REGISTRY_ALERTS if self.service == contract.REGISTRY_NAME else ALERTS[self.kind]


def with_faults(objects: Sequence[Manifest], faults: Iterable[SeededFault]) -> list[Manifest]:
    """The objects, the commands of the services changed. Raises LocalRunError for each fault that cannot be."""
    found, wrong = list(objects), list[Message]()
    for fault in faults:
        mine = [item for item in found if item["kind"] == "Deployment" and name(item) == fault.service]
        if message := refusal(fault, mine, found):
            wrong.append(message)
        elif fault.kind is not Kind.DOWN:
            found = [faulty(item, fault.kind) if item in mine else item for item in found]
    if wrong:
        raise LocalRunError(*wrong)
    return found


def refusal(fault: SeededFault, mine: Sequence[Manifest], objects: Sequence[Manifest]) -> Message | None:
    """Why a fault cannot be; None where it can."""
    if not mine:
        names = sorted({name(item) for item in objects if item["kind"] == "Deployment"})
        return FAULT_TARGET_UNKNOWN.message(
            service=fault.service, kind=fault.kind, suggested=suggestion(fault.service, names)
        )
    if fault.kind is Kind.DOWN:
        return None
    if fault.service == contract.REGISTRY_NAME:
        return FAULT_OF_REGISTRY.message(service=fault.service, kind=fault.kind)
    commands = [item["spec"]["template"]["spec"]["containers"][0].get("command", []) for item in mine]
    if any(command[:1] == [] or command[0] not in PYTHON for command in commands):
        return FAULT_NEEDS_PYTHON.message(service=fault.service, kind=fault.kind)
    return None


def faulty(item: Manifest, kind: Kind) -> Manifest:
    """The Deployment, its program inside the module that makes it fail."""
    first, *rest = item["spec"]["template"]["spec"]["containers"]
    program, *arguments = first["command"]
    pod = item["spec"]["template"]["spec"] | {
        "containers": [first | {"command": [program, "-m", FAULTY, kind.value, *arguments]}, *rest]
    }
    return item | {"spec": item["spec"] | {"template": item["spec"]["template"] | {"spec": pod}}}


def name(item: Manifest) -> str:
    """The service that a Deployment is a part of."""
    labels = item["spec"]["template"]["metadata"].get("labels", {})
    return str(labels.get(contract.LABEL_APP, item["metadata"]["name"]))


def begin(up: Running, faults: Iterable[SeededFault]) -> None:
    """Let the faults begin. Of what is to be down the processes end, pods and sidecars stay: as after a crash."""
    kinds = {fault.service: fault.kind for fault in faults}
    for pod in up.topology.pods:
        kind = kinds.get(pod.labels.get(contract.LABEL_APP, ""))
        if kind is Kind.DOWN:
            up.services.kill(pod.name)
        elif kind is not None:
            os.kill(up.services.pids[pod.name], BEGIN)
