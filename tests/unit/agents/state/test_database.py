"""Databases of services: SQLite or PostgreSQL, migrated at start."""

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, inspect, text
from sqlalchemy.exc import IntegrityError

from meshed_mcp.agents.registry.service import VERSIONS
from meshed_mcp.agents.state.database import DatabaseError, open_database


def test_the_schema_is_created_once_and_found_at_the_next_start(database_url: str) -> None:
    """Requirement SVC-2: migrations are packaged and run at start."""
    for _ in range(2):
        database = open_database("registry", VERSIONS, database_url)
        tables = set(inspect(database.engine).get_table_names())
        database.close()
        assert tables == {"registry_servers", "registry_leases", "registry_schema_version"}


@pytest.mark.slow
def test_two_processes_that_start_at_once_create_the_schema_once(database_url: str) -> None:
    """Requirement SVC-2: replicas of a Deployment start together."""
    program = "import sys; from pathlib import Path; from meshed_mcp.agents.state.database import open_database;"
    program += "open_database('registry', Path(sys.argv[1]), sys.argv[2]).close()"
    command = [sys.executable, "-c", program, str(VERSIONS), database_url]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(2)]
    for process in both:
        _, said = process.communicate(timeout=60)
        assert process.returncode == 0, said.decode()


def test_services_share_one_database_without_sharing_versions(database_url: str) -> None:
    """Requirement SVC-2: one PostgreSQL can serve the registry and several services."""
    from meshed_mcp.agents.services.rag.service import VERSIONS as RAG_VERSIONS  # noqa: PLC0415 - loads a service

    for schema, versions in (("registry", VERSIONS), ("rag", RAG_VERSIONS)):
        open_database(schema, versions, database_url).close()
    database = open_database("registry", VERSIONS, database_url)
    tables = set(inspect(database.engine).get_table_names())
    database.close()
    assert {"registry_servers", "rag_documents", "registry_schema_version", "rag_schema_version"} <= tables


def test_a_failed_write_is_rolled_back(database_url: str) -> None:
    """Requirement SVC-2: every write is one transaction."""
    database = open_database("registry", VERSIONS, database_url)
    row = text("INSERT INTO registry_servers VALUES ('a/b', '1', 'd', '{}', 1, 1, 1)")

    def write_twice() -> None:
        with database.write() as connection:
            connection.execute(row)
            connection.execute(row)

    with pytest.raises(IntegrityError):
        write_twice()
    with database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM registry_servers")).scalar_one() == 0
    database.close()


def test_connections_that_the_server_closed_are_replaced(database_url: str) -> None:
    """Requirement RUN-10: a fail-over or idle timeout of PostgreSQL is survived; SQLite has no connection to lose."""
    database = open_database("registry", VERSIONS, database_url)
    with database.read() as connection:
        connection.execute(text("SELECT 1"))
    if database.dialect == "postgresql":
        outsider = create_engine(database_url, poolclass=NullPool)
        with outsider.connect() as connection:
            others = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            closed = connection.execute(text(f"{others} AND datname = current_database()")).scalar_one()
        assert closed == 1
    with database.write() as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1
    database.close()


def test_an_unsupported_database_is_rejected_with_the_expected_form(tmp_path: Path) -> None:
    """Requirement RUN-6: the error names the variable, what is wrong and what to set."""
    expected = r"MESHED_MCP_DATABASE_URL names the database 'mysql', which is not supported; set postgresql://"
    with pytest.raises(DatabaseError, match=expected):
        open_database("registry", VERSIONS, f"mysql://u:secret@h/{tmp_path.name}")


def test_an_invalid_url_is_rejected_without_repeating_it() -> None:
    """Requirement CFG-11: the variable holds a password, so its text never reaches the log."""
    with pytest.raises(DatabaseError, match=r"MESHED_MCP_DATABASE_URL is not a database URL; set") as caught:
        open_database("registry", VERSIONS, "secret")
    assert "secret" not in str(caught.value)


def test_an_unreachable_database_is_named_in_one_line_without_its_password() -> None:
    """Requirement CFG-11: an environment error has neither a traceback nor a secret."""
    with pytest.raises(DatabaseError, match=r"meshed:\*\*\*@127\.0\.0\.1:1/x cannot be used: .*refused") as caught:
        open_database("registry", VERSIONS, "postgresql://meshed:secret@127.0.0.1:1/x")
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_folder_that_cannot_be_created_is_named(tmp_path: Path) -> None:
    """Requirement RUN-6: one line for SQLite, too."""
    (tmp_path / "file").write_text("")
    with pytest.raises(DatabaseError, match=r"cannot be used: .*MESHED_MCP_DATA_DIR"):
        open_database("registry", VERSIONS, f"sqlite:///{tmp_path}/file/data.db")
