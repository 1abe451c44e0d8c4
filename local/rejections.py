"""Verifies that the mesh rejects unauthorized callers and plaintext, by real requests."""

from typing import Final, NamedTuple

from meshed_mcp.error_codes.code import Message
from meshed_mcp.error_codes.local import CALLER_NOT_REJECTED, PLAINTEXT_ACCEPTED
from meshed_mcp.local.clients import status
from meshed_mcp.local.errors import LocalRunError
from meshed_mcp.local.translate.callers import unauthorized_callers
from meshed_mcp.local.translate.endpoints import Endpoint, as_caller, speaks_mcp
from meshed_mcp.local.translate.envoy.bootstrap import accepts_plaintext
from meshed_mcp.local.translate.topology import INBOUND_PORT, Topology

REJECTED: Final = (401, 403)
"""Without a required token, and by policy. Source: RFC 9110, section 15.5.2; Envoy, RBAC filter."""


class Rejections(NamedTuple):
    """Numbers of rejected attempts."""

    callers: int
    plaintext: int


async def verify_rejections(topology: Topology) -> Rejections:
    """Call as every unauthorized caller through its sidecar, and in plaintext to every strict replica.

    Raises LocalRunError with one line per accepted attempt.
    """
    return Rejections(await _callers(topology), await _plaintext(topology))


async def _callers(topology: Topology) -> int:
    accepted = list[Message]()
    tried = 0
    for service in topology.stack.services:
        for caller in unauthorized_callers(topology, service):
            tried += 1
            code = await status(as_caller(topology, service, caller), "POST" if speaks_mcp(service) else "GET")
            if code not in REJECTED:
                accepted.append(CALLER_NOT_REJECTED.message(caller=caller.name, service=service.name, answer=code))
    if accepted:
        raise LocalRunError(*accepted)
    return tried


async def _plaintext(topology: Topology) -> int:
    strict = [pod for pod in topology.pods if not accepts_plaintext(topology, pod)]
    statuses = {pod.name: await status(Endpoint(f"http://{pod.address}:{INBOUND_PORT}/"), "GET") for pod in strict}
    accepted = [PLAINTEXT_ACCEPTED.message(name=name, code=code) for name, code in statuses.items() if code is not None]
    if accepted:
        raise LocalRunError(*accepted)
    return len(strict)
