"""What a person does on the pages of Keycloak and of both lines of the Inspector."""

import json
from dataclasses import dataclass
from typing import Any, Final

from playwright.sync_api import Page, expect

SERVER: Final = "https://mcp.example.com/mcp-notes/mcp"
LOGOUT: Final = "https://login.example.com/realms/tools/protocol/openid-connect/logout"


def log_in(page: Page, user: str) -> None:
    """Enter name and password on Keycloak's page."""
    page.get_by_label("Username").fill(user)
    page.get_by_role("textbox", name="Password").fill(f"{user}-of-the-example")
    page.get_by_role("button", name="Sign In").click()


def consent(page: Page, answer: str = "Yes") -> None:
    """Answer what the client may do."""
    expect(page.get_by_text("Use your notes, as far as your roles allow")).to_be_visible()
    page.get_by_role("button", name=answer, exact=True).click()


def log_out(page: Page) -> None:
    """End the session at Keycloak, in a tab of its own."""
    page.goto(LOGOUT)
    page.get_by_role("button", name="Logout").click()
    expect(page.get_by_role("heading", name="You are logged out")).to_be_visible()


@dataclass(frozen=True)
class DirectPage:
    """Inspector v1 in "Direct" mode: the page itself is the client, so the browser's rules for origins hold."""

    page: Page
    url: str

    def open(self, client_id: str = "") -> None:
        """Load the page for the server of the example; `client_id` is that of a registered client."""
        self.page.goto(f"{self.url}/?transport=streamable-http&serverUrl={SERVER}")
        self.page.get_by_label("Connection Type").click()
        self.page.get_by_role("option", name="Direct").click()
        if client_id:
            self.page.get_by_test_id("auth-button").click()
            self.page.get_by_placeholder("Client ID", exact=True).fill(client_id)

    def connect(self) -> None:
        """Press the button; without a token the browser leaves for the login page."""
        self.page.get_by_role("button", name="Connect", exact=True).click()

    def expect_connected(self) -> None:
        """Wait for the connection."""
        expect(self.page.get_by_text("Connected", exact=True)).to_be_visible()
        self.page.get_by_role("tab", name="Tools").click()

    def list_tools(self) -> None:
        """Ask the server for its tools."""
        self.page.get_by_role("button", name="List Tools").click()

    def call(self, tool: str, **arguments: str) -> str:
        """Call a tool and return the text of the panel with its result."""
        panel = self.page.get_by_role("tabpanel")
        panel.get_by_text(tool, exact=True).first.click()
        for name, value in arguments.items():
            panel.get_by_label(name).fill(value)
        panel.get_by_role("button", name="Run Tool").click()
        expect(panel.get_by_text("Tool Result:")).to_be_visible()
        return panel.inner_text()

    @property
    def tokens(self) -> dict[str, Any]:
        """The token response that the page keeps."""
        text = self.page.evaluate(f"sessionStorage.getItem('[{SERVER}] mcp_tokens')")
        return dict(json.loads(text))


@dataclass(frozen=True)
class ServerPage:
    """Inspector v2: its own server is the client."""

    page: Page
    url: str

    def open(self) -> None:
        """Load the page."""
        self.page.goto(self.url)
        expect(self.page.get_by_text("notes", exact=True)).to_be_visible()

    def use_metadata_document(self, url: str) -> None:
        """Set the URL of the client's metadata document."""
        self.page.get_by_label("Client settings").click()
        dialog = self.page.get_by_role("dialog")
        dialog.get_by_text("OAuth Client ID Metadata Document").click()
        dialog.get_by_label("Use Client ID Metadata Document").check()
        with self.page.expect_request(lambda request: url in (request.post_data or "")):  # saved a moment later
            dialog.get_by_label("Client ID metadata document URL").fill(url)
            self.page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()

    def connect(self) -> None:
        """Turn the server's switch; without a token the browser leaves for the login page."""
        self.page.get_by_role("switch").first.click(force=True)

    def expect_connected(self, revision: str) -> None:
        """Wait for the connection with a revision of MCP."""
        expect(self.page.get_by_text("Connected", exact=True)).to_be_visible()
        expect(self.page.get_by_text(f"MCP {revision}")).to_be_visible()
        self.page.get_by_text("Tools", exact=True).first.click()

    def call(self, tool: str, **arguments: str) -> str:
        """Call a tool and return the text of the page with its result."""
        self.page.get_by_role("button", name=tool, exact=True).click()
        for name, value in arguments.items():
            self.page.get_by_label(name).first.fill(value)
        self.page.get_by_role("button", name="Execute Tool").click()
        expect(self.page.get_by_text("Results", exact=True)).to_be_visible()
        return self.page.locator("body").inner_text()
