"""Sessions per pod, and the log after a flood of rejected requests."""

from time import monotonic
from typing import Any, Final

import httpx
import pytest

from meshed_mcp import contract
from meshed_mcp.agents.telemetry.logs import LINES_PER_SECOND
from tests.behaviors.replicas import Service, StartService

pytestmark = pytest.mark.anyio

HEADERS: Final = {"Accept": "application/json, text/event-stream"}
LIMIT: Final = 2
FLOOD: Final = 200
REFUSED: Final = 'mcp_server_rejected_requests_total{reason="overload"}'
INITIALIZE: Final[dict[str, Any]] = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}


def limited(start_service: StartService) -> Service:
    """A service with two sessions at most."""
    return start_service(**{contract.ENV_LEGACY: contract.Legacy.STICKY, contract.ENV_SESSIONS: str(LIMIT)})


async def test_a_session_over_the_limit_is_rejected_and_a_closed_one_frees_a_slot(
    start_service: StartService,
) -> None:
    """Requirement RUN-4: sessions per pod are bounded; RFC 9110, section 15.6.4. Open sessions stay."""
    service = limited(start_service)
    async with httpx.AsyncClient(trust_env=False, headers=HEADERS, timeout=60) as http:
        opened = [await http.post(service.url, json=INITIALIZE) for _ in range(LIMIT)]
        assert [response.status_code for response in opened] == [200] * LIMIT
        assert (await http.post(service.url, json=INITIALIZE)).status_code == 503
        assert service.sample(contract.METRIC_ACTIVE_SESSIONS) == LIMIT
        assert service.sample(REFUSED) == 1
        ids = [response.headers["mcp-session-id"] for response in opened]
        ping = {"jsonrpc": "2.0", "id": 2, "method": "ping"}
        assert (await http.post(service.url, json=ping, headers={"mcp-session-id": ids[0]})).status_code == 200
        await http.delete(service.url, headers={"mcp-session-id": ids[1]})
        assert (await http.post(service.url, json=INITIALIZE)).status_code == 200


async def test_a_flood_of_rejections_is_counted_in_full_and_logged_in_part(start_service: StartService) -> None:
    """Requirement OBS-10: at most LINES_PER_SECOND from one source line; each rejection is counted."""
    service = limited(start_service)
    async with httpx.AsyncClient(trust_env=False, headers=HEADERS, timeout=60) as http:
        started = monotonic()
        for _ in range(LIMIT + FLOOD):
            await http.post(service.url, json=INITIALIZE)
        seconds = monotonic() - started
    assert service.sample(REFUSED) == FLOOD
    logged = [line for line in service.lines() if "Refusing to open a new session" in line["message"]]
    assert 0 < len(logged) <= LINES_PER_SECOND * (int(seconds) + 2)
    assert len(logged) + sum(line.get("left_out", 0) for line in logged) <= FLOOD
