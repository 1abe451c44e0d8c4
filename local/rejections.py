"""What the mesh must refuse, tried for real: callers that are not in the list, and plaintext.

A running stack in, counts out. Raises LocalRunError with a line for everything that was let through.
"""

from dataclasses import dataclass
from typing import Final

from meshed_mcp.error_codes.code import Message
from meshed_mcp.error_codes.local import CALLER_NOT_REJECTED, PLAINTEXT_ACCEPTED
from meshed_mcp.local.clients import status
from meshed_mcp.local.errors import LocalRunError
from meshed_mcp.local.translate.callers import refused_callers
from meshed_mcp.local.translate.endpoints import Endpoint, as_caller, speaks_mcp
from meshed_mcp.local.translate.envoy.bootstrap import accepts_plaintext
from meshed_mcp.local.translate.topology import INBOUND_PORT, Topology

REFUSED: Final = (401, 403)
"""Answers that let nobody in: without a token, where one is asked for that is not made here; and by policy.

Source: RFC 9110, section 15.5.2; Envoy, RBAC filter.
"""


@dataclass(frozen=True)
class Refusals:
    """How many attempts were made, all of them refused."""

    callers: int
    plaintext: int


async def refusals(topology: Topology) -> Refusals:
    """Try every caller that is in no list, through its own sidecar, and plaintext to every strict replica."""
    return Refusals(callers=await _callers(topology), plaintext=await _plaintext(topology))


async def _callers(topology: Topology) -> int:
    accepted = list[Message]()
    tried = 0
    for service in topology.stack.services:
        for caller in refused_callers(topology, service):
            tried += 1
            answer = await status(as_caller(topology, service, caller), "POST" if speaks_mcp(service) else "GET")
            if answer not in REFUSED:
                accepted.append(CALLER_NOT_REJECTED.message(caller=caller.name, service=service.name, answer=answer))
    if accepted:
        raise LocalRunError(*accepted)
    return tried


async def _plaintext(topology: Topology) -> int:
    strict = [pod for pod in topology.pods if not accepts_plaintext(topology, pod)]
    answers = {pod.name: await status(Endpoint(f"http://{pod.address}:{INBOUND_PORT}/"), "GET") for pod in strict}
    faults = [PLAINTEXT_ACCEPTED.message(name=name, code=code) for name, code in answers.items() if code is not None]
    if faults:
        raise LocalRunError(*faults)
    return len(strict)
