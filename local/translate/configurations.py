"""Envoy configurations of a run by proxy name: one per replica, one for the gateway."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from meshed_mcp.error_codes.local import SECOND_GATEWAY
from meshed_mcp.local.errors import LocalRunError
from meshed_mcp.local.observe.collector import Collector
from meshed_mcp.local.process.certificates import KeyFolder
from meshed_mcp.local.translate.envoy.api import Message
from meshed_mcp.local.translate.envoy.bootstrap import ingress, sidecar
from meshed_mcp.local.translate.envoy.gateway import gateway_identity
from meshed_mcp.local.translate.objects.gateway import Gateway
from meshed_mcp.local.translate.stack import Stack
from meshed_mcp.local.translate.topology import Pod, Topology

GATEWAY: Final = "gateway"
"""Name of the gateway's Envoy in messages and files."""


@dataclass(frozen=True)
class Configurations:
    """Inputs beside the topology, constant during a run."""

    block: int
    gateway_port: int
    keys: KeyFolder
    collector: Collector | None

    def of(self, topology: Topology, pods: Iterable[Pod]) -> dict[str, Message]:
        """Configurations of the sidecars of `pods`, and of the gateway where the stack has one."""
        made = {pod.name: sidecar(topology, pod, self.keys.files(pod.identity), self.collector) for pod in pods}
        gateway = only_gateway(topology.stack)
        if gateway is not None:
            files = self.keys.files(gateway_identity(gateway, topology.domains.trust))
            address = f"127.{self.block}.0.2"
            made[GATEWAY] = ingress(topology, gateway, files, self.gateway_port, address, collector=self.collector)
        return made


def only_gateway(stack: Stack) -> Gateway | None:
    """The gateway of a stack. Raises LocalRunError for a second one."""
    if len(stack.gateways) > 1:
        names = ", ".join(f"{each.namespace}/{each.name}" for each in stack.gateways[1:])
        raise LocalRunError(SECOND_GATEWAY.message(names=names))
    return stack.gateways[0] if stack.gateways else None
