"""A multi-round call whose rounds reach different replicas: real processes, the official client."""

from pathlib import Path

import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import ElicitRequestParams, ElicitResult

from tests.behaviors.replicas import Service, StartService, eventually
from tests.behaviors.round_robin import client_of

pytestmark = pytest.mark.anyio

SCRIPT = Path(__file__).parent / "asking_service.py"
OLD, NEW = "o" * 64, "n" * 64
REJECTED = "-32602 Invalid or expired requestState"
KEYS = "MESHED_MCP_REQUEST_STATE_KEYS"


async def replicas(start_service: StartService, *environments: dict[str, str]) -> list[Service]:
    """One replica for each environment, started at the same time."""
    services = [start_service(SCRIPT, ready=False, **environment) for environment in environments]
    await eventually(lambda: all(service.ready() for service in services), within_seconds=60)
    return services


async def answer(_context: object, _params: ElicitRequestParams) -> ElicitResult:
    """What the caller says when it is asked."""
    return ElicitResult(action="accept", content={"size": 43})


async def ordered(services: list[Service]) -> str:
    """Order shoes; the first round reaches the first replica, the second one the second. The answer, or the error."""
    async with client_of(services, elicitation_callback=answer) as (client, transport):
        try:
            said = str((await client.call_tool("order", {"item": "shoes"})).structured_content)
        except MCPError as error:
            said = f"{error.code} {error}"
    calls = [port for method, port in transport.served if method == "tools/call"]
    assert calls == [service.port for service in services]
    return said


async def test_the_second_round_of_a_call_succeeds_on_another_replica(start_service: StartService) -> None:
    """MCP 2026-07-28, "Multi Round-Trip Requests": servers must not rely on the connection of the first round."""
    services = await replicas(start_service, {KEYS: NEW}, {KEYS: NEW})
    assert await ordered(services) == "{'result': 'shoes in 43'}"


async def test_without_shared_keys_the_second_round_fails_on_another_replica(start_service: StartService) -> None:
    """Official SDK 2.3, `RequestStateSecurity.ephemeral`: state of another process is rejected."""
    assert await ordered(await replicas(start_service, {}, {})) == REJECTED


async def test_without_a_shared_key_the_first_round_is_rejected(start_service: StartService) -> None:
    """Requirement RUN-11: what would fail at random fails at once, and the log says what to set."""
    (service,) = await replicas(start_service, {"MESHED_MCP_REPLICATED": "true"})
    assert await ordered([service]) == (
        "-32603 this service cannot send server-initiated requests: its replicas share no request state key"
    )
    assert service.said("MESHED_MCP_REQUEST_STATE_KEYS is not set. Set shared_state: [request-state] for this service")


async def test_keys_are_rotated_without_losing_a_call(start_service: StartService) -> None:
    """Official SDK 2.3, `RequestStateSecurity`: add the new key, let it seal, remove the old one."""
    old, added, swapped, new = await replicas(
        start_service, {KEYS: OLD}, {KEYS: f"{OLD}\n{NEW}"}, {KEYS: f"{NEW}\n{OLD}"}, {KEYS: NEW}
    )
    for pair in ((old, added), (added, old), (added, swapped), (swapped, added), (swapped, new), (new, swapped)):
        assert await ordered(list(pair)) == "{'result': 'shoes in 43'}"
    assert await ordered([old, swapped]) == "{'result': 'shoes in 43'}"
    assert await ordered([old, new]) == REJECTED


async def test_another_service_with_the_same_keys_rejects_the_state(start_service: StartService) -> None:
    """Official SDK 2.3, audience: here the deployed service's name, as two services may run one image."""
    services = await replicas(start_service, {KEYS: NEW}, {KEYS: NEW, "MESHED_MCP_SERVICE": "mcp-other"})
    assert await ordered(services) == REJECTED
    assert services[1].said("requestState rejected on tools/call: audience")


async def test_wrong_keys_end_the_start_with_one_line_without_a_key(start_service: StartService) -> None:
    """Requirement CFG-11: one line, which key, what to set; a secret never reaches the log."""
    service = start_service(SCRIPT, ready=False, **{KEYS: f"{NEW}\ntoo-short"})
    assert await service.exit_code(within_seconds=60) == 1
    assert service.log.read_text() == (
        "MM0819: MESHED_MCP_REQUEST_STATE_KEYS: key 2 of 2 has 9 bytes, and 32 are needed; set one key per line, "
        "each as `openssl rand -hex 32` gives it, the one that seals first (in the stack file: `request_state`)\n"
    )
