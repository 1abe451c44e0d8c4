"""A database login that rotates in the local run: rendered objects, a process behind its Envoy, a real PostgreSQL."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from meshed_mcp.agents import services
from meshed_mcp.components.mesh.cluster import manifests as cluster
from meshed_mcp.components.mesh.service import manifests as service
from meshed_mcp.components.mesh.service.args import ServiceMeshArgs
from meshed_mcp.local.clients import call
from meshed_mcp.local.process.container import RunFolders
from meshed_mcp.local.process.stack_runner import running
from meshed_mcp.local.translate.endpoints import through_mesh
from meshed_mcp.local.translate.stack import read_stack
from tests.engines import local_stack
from tests.engines.processes import free_port
from tests.postgresql_server import PostgreSQLServer

pytestmark = [pytest.mark.anyio, pytest.mark.engine("initdb", "pg_ctl")]

NAME = "mcp-rag"
USERS = "SELECT DISTINCT usename FROM pg_stat_activity WHERE usename LIKE 'rag%'"


@pytest.fixture
def postgresql(find_engine: Callable[[str], Path]) -> Iterator[PostgreSQLServer]:
    """A running server that trusts every role, such as `rag_1` and `rag_2`."""
    server = PostgreSQLServer(find_engine)
    server.start()
    yield server
    server.stop()
    server.remove()


async def test_a_changed_local_secret_rotates_the_login_of_a_running_service(
    postgresql: PostgreSQLServer, tmp_path: Path
) -> None:
    """Requirements LOC-1 and ROT-3: the rendered volume and variable work, and the process is the same."""
    url = postgresql.new_database()
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        for role in ("rag_1", "rag_2"):
            connection.execute(text(f"CREATE ROLE {role} LOGIN SUPERUSER"))
    secret = tmp_path / "secrets" / "mcp-database" / "url"
    secret.parent.mkdir(parents=True)
    secret.write_text(url.replace("meshed@", "rag_1@"))
    command = ["python", "-m", f"{services.__name__}.rag"]
    database = {"secret": "mcp-database", "key": "url"}
    args = local_stack.arguments(expose=True, replicas=1, command=command, database=database)
    mesh = ServiceMeshArgs.model_validate({"domain": local_stack.HOST, "namespaces": [local_stack.NAMESPACE]})
    stack = read_stack([*cluster.mesh_manifests(mesh), *service.service_manifests(NAME, args)])
    with running(stack, free_port(), RunFolders(tmp_path / "state", tmp_path / "secrets"), lambda _: None) as up:
        (found,) = [each for each in up.topology.stack.services if each.name == NAME]
        endpoint = through_mesh(up, found)
        assert endpoint is not None
        users = []
        for role in ("rag_1", "rag_2"):
            secret.write_text(url.replace("meshed@", f"{role}@"))
            await call(endpoint, "search", {"question": "tyger"})
            with admin.connect() as connection:
                users += list(connection.execute(text(USERS)).scalars())
    admin.dispose()
    assert users == ["rag_1", "rag_2"]
