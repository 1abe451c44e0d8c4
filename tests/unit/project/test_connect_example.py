"""The files of examples/connect, as the page about clients shows them."""

import json
from typing import Final

import pytest

from meshed_mcp.infra.recording import record
from tests.stacks import ROOT

EXAMPLE: Final = ROOT / "examples" / "connect"
PAGE: Final = (ROOT / "docs" / "how-to" / "connect-a-client.md").read_text("utf-8")
URL: Final = "https://mcp.example.com/mcp-notes/mcp"


@pytest.mark.parametrize(
    ("file", "key"), [("inspector.json", "mcpServers"), (".mcp.json", "mcpServers"), (".vscode/mcp.json", "servers")]
)
def test_files_of_clients_name_the_url_of_the_rendered_service(file: str, key: str) -> None:
    """Requirement KEY-1: the URL that the stack renders is the URL in every file."""
    server = json.loads((EXAMPLE / file).read_text("utf-8"))[key]["notes"]
    assert server["url"] == URL
    containers = [
        container
        for item in record(EXAMPLE, "login").objects
        if item["kind"] == "Deployment" and item["metadata"]["name"] == "mcp-notes"
        for container in item["spec"]["template"]["spec"]["containers"]
    ]
    assert any({"name": "MESHED_MCP_AUTH_RESOURCE", "value": URL} in each["env"] for each in containers)


@pytest.mark.parametrize("file", [".mcp.json", ".vscode/mcp.json", "Pulumi.login.yaml"])
def test_the_page_shows_the_files(file: str) -> None:
    """Requirement KEY-1: a reader who copies from the page has the tested file."""
    text = (EXAMPLE / file).read_text("utf-8")
    assert text[text.index("config:") if file.endswith(".yaml") else 0 :].strip() in PAGE


def test_the_realm_issues_tokens_for_the_service() -> None:
    """Requirement KEY-1: the scope that the stack requires has the audience of the service and the roles of tools."""
    realm = json.loads((EXAMPLE / "realm.json").read_text("utf-8"))
    (scope,) = [each for each in realm["clientScopes"] if each["name"] == "notes"]
    audience, roles = scope["protocolMappers"]
    assert audience["config"]["included.custom.audience"] == URL
    assert roles["config"]["claim.name"] == "realm_access.roles"
    assert {each["name"] for each in realm["roles"]["realm"]} == {"reader", "editor"}
