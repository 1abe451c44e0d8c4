"""Organizations and members through the official client, on both databases."""

from typing import Any

import pytest
from mcp import Client, MCPError

from meshed_mcp.agents.services.organization.service import service
from meshed_mcp.contract import ENV_DATABASE_URL

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("own_database")]


async def call(client: Client, tool: str, **arguments: Any) -> Any:
    """Structured result of a call that must succeed."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    return result.structured_content


async def error_text(client: Client, tool: str, **arguments: Any) -> str:
    """Text of a call that must fail."""
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    return str(result.content[0])


async def test_a_member_of_a_new_organization_is_listed_and_found() -> None:
    """Requirement SVC-1: create, add, list and find work together."""
    async with Client(service) as client:
        created = await call(client, "create_organization", name="acme", description="Tools")
        assert created == {"name": "acme", "description": "Tools"}
        member = await call(
            client, "add_member", organization="acme", email="Ada@Example.com", name="Ada", role="owner"
        )
        assert member == {"organization": "acme", "email": "ada@example.com", "name": "Ada", "role": "owner"}
        assert await call(client, "list_organizations") == {"organizations": [created], "next_after": ""}
        assert await call(client, "list_members", organization="acme") == {"members": [member], "next_after": ""}
        for text in ("ada", "EXAMPLE", "DA"):
            assert await call(client, "find_members", text=text) == {"members": [member], "complete": True}
        assert await call(client, "find_members", text="%") == {"members": [], "complete": True}


async def test_data_survives_a_restart() -> None:
    """Requirement SVC-2: the data outlives the process."""
    async with Client(service) as client:
        await call(client, "create_organization", name="acme")
    async with Client(service) as client:
        assert (await call(client, "list_organizations"))["organizations"] == [{"name": "acme", "description": ""}]


async def test_adding_a_member_again_replaces_name_and_role() -> None:
    """MCP 2026-07-28, "Tools": the tool declares that it is idempotent."""
    async with Client(service) as client:
        await call(client, "create_organization", name="acme")
        for _ in range(2):
            await call(client, "add_member", organization="acme", email="a@x.org", name="Ada")
        await call(client, "add_member", organization="acme", email="a@x.org", name="Ada L.", role="owner")
        listed = (await call(client, "list_members", organization="acme"))["members"]
    assert [(member["name"], member["role"]) for member in listed] == [("Ada L.", "owner")]


async def test_lists_are_paged_and_every_item_appears_once() -> None:
    """Requirement SVC-1: responses are bounded."""
    async with Client(service) as client:
        for number in range(5):
            await call(client, "create_organization", name=f"o{number}")
            await call(client, "add_member", organization="o0", email=f"m{number}@x.org", name=f"M{number}")
        names: list[str] = []
        after = ""
        while after or not names:
            page = await call(client, "list_organizations", limit=2, after=after)
            names += [organization["name"] for organization in page["organizations"]]
            after = page["next_after"]
        first = await call(client, "list_members", organization="o0", limit=4)
        second = await call(client, "list_members", organization="o0", limit=4, after=first["next_after"])
        found = await call(client, "find_members", text="x.org", limit=3)
    assert names == ["o0", "o1", "o2", "o3", "o4"]
    assert (len(first["members"]), len(second["members"]), second["next_after"]) == (4, 1, "")
    assert (len(found["members"]), found["complete"]) == (3, False)


async def test_a_taken_name_and_a_missing_organization_are_one_line_errors() -> None:
    """Requirement SVC-1: the error says what is wrong, and what to do instead."""
    async with Client(service) as client:
        await call(client, "create_organization", name="acme")
        taken = await error_text(client, "create_organization", name="acme")
        assert "the organization 'acme' exists already; choose another name" in taken
        for tool, more in (("add_member", {"email": "a@x.org", "name": "A"}), ("list_members", {})):
            missing = await error_text(client, tool, organization="other", **more)
            assert "there is no organization 'other'; list_organizations shows the names" in missing


@pytest.mark.parametrize("name", ["", "Acme", "-acme", "acme-", "a" * 64, "a b", "acme\n"])
async def test_an_invalid_name_is_rejected(name: str) -> None:
    """RFC 1123 label: usable as a Kubernetes name and in a URI."""
    async with Client(service) as client:
        assert "name" in await error_text(client, "create_organization", name=name)


async def test_a_nul_character_is_a_tool_error(own_database: str) -> None:
    """PostgreSQL keeps no NUL, SQLite does."""
    async with Client(service) as client:
        result = await client.call_tool("create_organization", {"name": "acme", "description": "a\0b"})
    assert result.is_error == own_database.startswith("postgresql")
    if result.is_error:
        assert "a text contains a character that the database cannot store" in str(result.content)


async def test_an_organization_is_a_resource() -> None:
    """MCP 2026-07-28, "Resources": templates; an unknown one is invalid parameters (SEP-2164)."""
    async with Client(service) as client:
        await call(client, "create_organization", name="acme", description="Tools")
        read = await client.read_resource("organization://acme")
        assert '{"name":"acme","description":"Tools"}' in str(read.contents[0])
        with pytest.raises(MCPError, match="there is no organization 'other'"):
            await client.read_resource("organization://other")


async def test_a_lost_database_is_a_one_line_tool_error(own_database: str) -> None:
    """Requirement RUN-9: the model gets one line, without the database's own message."""
    if own_database.startswith("postgresql"):
        statement = "ALTER TABLE organization_organizations RENAME TO gone"
    else:
        statement = "DROP TABLE organization_organizations"
    async with Client(service) as client:
        from sqlalchemy import create_engine, text  # noqa: PLC0415 - an outsider's access, not the service's

        engine = create_engine(own_database)
        with engine.begin() as connection:
            connection.execute(text(statement))
        engine.dispose()
        assert "the database of this service does not respond; try again later" in await error_text(
            client, "list_organizations"
        )


async def test_a_wrong_database_url_ends_the_start_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requirement RUN-6: a wrong setting is reported at start, not at the first call."""
    monkeypatch.setenv(ENV_DATABASE_URL, "mysql://x")
    with pytest.RaisesGroup(
        pytest.RaisesExc(Exception, match="not supported"), flatten_subgroups=True, allow_unwrapped=True
    ):
        async with Client(service):
            pass
