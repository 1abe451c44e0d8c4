"""Tools of services during an outage of their PostgreSQL: real processes, a real server."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR

from meshed_mcp.agents import services
from tests.behaviors.replicas import StartService, eventually
from tests.postgresql_server import PostgreSQLServer

pytestmark = [pytest.mark.anyio, pytest.mark.engine("initdb", "pg_ctl")]

AWAY = "the database of this service does not respond; try again later"
PROTOCOL = "2026-07-28"


@pytest.fixture(scope="module")
def postgresql(find_engine: Callable[[str], Path]) -> Iterator[PostgreSQLServer]:
    """A running server that a test may stop, as long as it starts it again."""
    server = PostgreSQLServer(find_engine)
    server.start()
    yield server
    server.stop()
    server.remove()


async def called(client: Client, tool: str, arguments: dict[str, Any]) -> tuple[bool, str]:
    """Whether a call failed, and its text."""
    result = await client.call_tool(tool, arguments)
    (block,) = result.content
    assert block.type == "text"
    return bool(result.is_error), block.text


@pytest.mark.parametrize(
    ("name", "write", "read", "kept", "resource"),
    [
        (
            "rag",
            ("ingest", {"title": "Tyger", "text": "burning bright"}),
            ("search", {"question": "bright"}),
            "Tyger",
            "document://0",
        ),
        (
            "organization",
            ("create_organization", {"name": "acme"}),
            ("list_organizations", {}),
            "acme",
            "organization://acme",
        ),
    ],
    ids=["rag", "organization"],
)
async def test_database_loss_fails_only_the_calls_during_it(  # noqa: PLR0913, PLR0917 - three fixtures, five parameters
    name: str,
    write: tuple[str, dict[str, Any]],
    read: tuple[str, dict[str, Any]],
    kept: str,
    resource: str,
    start_service: StartService,
    postgresql: PostgreSQLServer,
    tmp_path: Path,
) -> None:
    """Requirement RUN-10: one-line errors while it lasts, then service as before, in the same process."""
    script = tmp_path / f"{name}.py"
    script.write_text(f"import runpy\nrunpy.run_module('{services.__name__}.{name}', run_name='__main__')\n")
    service = start_service(script, ready=False, MESHED_MCP_DATABASE_URL=postgresql.new_database())
    await eventually(service.ready, within_seconds=60)
    async with Client(service.url, mode=PROTOCOL) as client:
        failed, _ = await called(client, *write)
        assert not failed
        postgresql.stop()
        for tool, arguments in (read, write, read):
            failed, text = await called(client, tool, arguments)
            assert failed
            assert text.endswith(AWAY)
            assert "\n" not in text
        with pytest.raises(MCPError) as refusal:
            await client.read_resource(resource)
        assert (refusal.value.error.code, refusal.value.error.message) == (INTERNAL_ERROR, AWAY)
        assert service.ready()
        postgresql.start()
        failed, text = await called(client, *read)
    assert not failed
    assert kept in text
    service.signal(signal.SIGTERM)
    assert await service.exit_code(within_seconds=30) == 0
    assert not [line for line in service.lines() if "exception" in line]
    assert service.said("the database does not respond: ")
