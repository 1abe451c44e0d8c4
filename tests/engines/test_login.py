"""Real logins: a real Keycloak, and a real browser with the MCP Inspector's pages, through the rendered gateway."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest
from playwright.sync_api import BrowserContext, Response, expect

from tests.engines.login.environment import REGISTERED, Login, login_environment
from tests.engines.login.inspector import Inspector
from tests.engines.login.keycloak import ISSUER
from tests.engines.login.native_client import native_client
from tests.engines.login.network import CLIENT
from tests.engines.login.pages import SERVER, DirectPage, ServerPage, consent, log_in, log_out
from tests.engines.login.stack import EXAMPLE
from tests.engines.waiting import wait_for
from tests.stacks import ROOT

pytestmark = [pytest.mark.xdist_group("local-run"), pytest.mark.slow, pytest.mark.timeout(420)]

METADATA: Final = "https://mcp.example.com/.well-known/oauth-protected-resource/mcp-notes/mcp"
DOCUMENT: Final = f"https://{CLIENT}/inspector.json"
REVISION: Final = "2026-07-28"
SENT: Final = {"accept": "application/json, text/event-stream", "mcp-protocol-version": REVISION}
META: Final = {
    "io.modelcontextprotocol/protocolVersion": REVISION,
    "io.modelcontextprotocol/clientCapabilities": {},
}

FindEngine = Callable[[str], Path]


@pytest.fixture(scope="module")
def login(find_engine: FindEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Login]:
    """The environment, started once."""
    with login_environment(find_engine, tmp_path_factory.mktemp("login")) as running:
        yield running


@pytest.fixture
def browser(login: Login) -> Iterator[BrowserContext]:
    """A browser without a login."""
    with login.browser() as context:
        yield context


def direct(login: Login, browser: BrowserContext) -> DirectPage:
    """The page of Inspector v1."""
    return DirectPage(browser.pages[0], login.direct.url)


@pytest.fixture
def inspector(login: Login) -> Iterator[Inspector]:
    """Inspector v2 with the configuration file of the example."""
    with login.inspector(EXAMPLE / "inspector.json") as running:
        yield running


def post(login: Login, method: str, token: str, **params: Any) -> httpx2.Response:
    """One request to the server, through the load balancer and the gateway."""
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": META}}
    name = {"mcp-name": params["name"]} if "name" in params else {}
    headers = {**SENT, "mcp-method": method, **name, "authorization": f"Bearer {token}"}
    return login.keycloak.client.post(SERVER, json=body, headers=headers)


def test_a_browser_logs_in_and_calls_tools_across_origins(login: Login, browser: BrowserContext) -> None:
    """MCP, "Authorization", "Authorization Flow Steps": discovery, registration, PKCE, consent, token, call."""
    page, seen = direct(login, browser), list[tuple[str, int]]()
    browser.on("response", lambda response: seen.append(step(response)))
    page.open()
    page.connect()
    expect(page.page).to_have_url(starts_with(f"{ISSUER}/protocol/openid-connect/auth?"))
    assert "code_challenge_method=S256" in page.page.url
    assert "resource=https%3A%2F%2Fmcp.example.com%2Fmcp-notes%2Fmcp" in page.page.url
    log_in(page.page, "ada")
    consent(page.page)
    page.expect_connected()
    page.list_tools()
    assert f"note 1 of {ISSUER}/" in page.call("add_note", text="from the page")
    wanted = [
        (f"POST {SERVER}", 401),
        (f"GET {METADATA}", 200),
        ("GET https://login.example.com/.well-known/oauth-authorization-server/realms/tools", 200),
        (f"POST {ISSUER}/clients-registrations/openid-connect", 201),
        (f"POST {ISSUER}/protocol/openid-connect/token", 200),
        (f"POST {SERVER}", 200),
    ]
    order = iter(seen)
    assert all(each in order for each in wanted), seen


def step(response: Response) -> tuple[str, int]:
    """Method, URL without its query, and status."""
    return f"{response.request.method} {response.url.partition('?')[0]}", response.status


def starts_with(prefix: str) -> re.Pattern[str]:
    """A pattern for URLs."""
    return re.compile(re.escape(prefix))


def test_users_see_the_tools_that_their_roles_allow(login: Login, browser: BrowserContext) -> None:
    """Requirement KEY-2: roles of the identity provider decide which tools a user sees and calls."""
    page = direct(login, browser)
    page.open()
    page.connect()
    log_in(page.page, "ben")
    consent(page.page)
    page.expect_connected()
    page.list_tools()
    assert "Success" in page.call("list_notes")
    expect(page.page.get_by_text("add_note")).to_have_count(0)
    token = str(page.tokens["access_token"])
    listed = post(login, "tools/list", token).json()["result"]["tools"]
    assert [tool["name"] for tool in listed] == ["list_notes"]
    refused = post(login, "tools/call", token, name="add_note", arguments={"text": "no"})
    assert refused.status_code == httpx2.codes.FORBIDDEN
    assert 'error="insufficient_scope"' in refused.headers["www-authenticate"]


def test_a_user_who_refuses_consent_gets_no_token(login: Login, browser: BrowserContext) -> None:
    """RFC 6749, section 4.1.2.1: `access_denied` goes back to the client."""
    page = direct(login, browser)
    page.open()
    page.connect()
    log_in(page.page, "ben")
    consent(page.page, "No")
    expect(page.page.get_by_text("access_denied").first).to_be_visible()
    assert page.page.evaluate(f"sessionStorage.getItem('[{SERVER}] mcp_tokens')") is None


def test_the_inspectors_server_logs_in_with_the_current_revision(inspector: Inspector, browser: BrowserContext) -> None:
    """Requirement KEY-1: a client outside the browser, which opens the browser for the login."""
    page = ServerPage(browser.pages[0], inspector.url)
    page.open()
    page.connect()
    log_in(page.page, "ada")
    consent(page.page)
    page.expect_connected(REVISION)
    expect(page.page.get_by_text("Tools (2)")).to_be_visible()
    assert f"of {ISSUER}/" in page.call("add_note", Text="from the server")


def test_a_client_with_a_metadata_document_needs_no_registration(
    login: Login, inspector: Inspector, browser: BrowserContext
) -> None:
    """MCP 2026-07-28, "Client ID Metadata Documents": the provider reads who the client is from its own URL."""
    page = ServerPage(browser.pages[0], inspector.url)
    login.network.documents["/inspector.json"] = metadata_document(inspector.origin)
    page.open()
    page.use_metadata_document(DOCUMENT)
    page.connect()
    expect(page.page).to_have_url(starts_with(f"{ISSUER}/protocol/openid-connect/auth?"))
    assert "client_id=https%3A%2F%2Fclient.example.com%2Finspector.json" in page.page.url
    log_in(page.page, "ada")
    consent(page.page)
    page.expect_connected(REVISION)


def metadata_document(origin: str) -> bytes:
    """Who the Inspector is, as it would publish it."""
    document = {
        "client_id": DOCUMENT,
        "client_name": "MCP Inspector",
        "redirect_uris": [f"{origin}/oauth/callback"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "scope": "notes offline_access",
    }
    return json.dumps(document).encode()


def test_an_expired_token_is_replaced_until_the_user_logs_out(login: Login, browser: BrowserContext) -> None:
    """RFC 6749, section 6, and OpenID Connect, "RP-Initiated Logout": after the logout only a password helps."""
    page = direct(login, browser)
    page.open(client_id=REGISTERED)
    page.connect()
    log_in(page.page, "ada")
    consent(page.page)
    page.expect_connected()
    first = wait_until_expired(login, page)
    assert refresh(login, page) == httpx2.codes.OK
    page.list_tools()  # 401: the page goes to Keycloak, whose session needs no password, and comes back
    page.page.wait_for_url(starts_with(f"{login.direct.origin}/oauth/callback"))
    page.expect_connected()
    assert page.tokens["access_token"] != first
    log_out(browser.new_page())
    wait_until_expired(login, page)
    assert refresh(login, page) == httpx2.codes.BAD_REQUEST
    page.list_tools()
    expect(page.page.get_by_label("Username")).to_be_visible()


def refresh(login: Login, page: DirectPage) -> int:
    """Status of Keycloak's response to the page's refresh token."""
    form = {"grant_type": "refresh_token", "client_id": REGISTERED, "refresh_token": page.tokens["refresh_token"]}
    return login.keycloak.client.post(f"{ISSUER}/protocol/openid-connect/token", data=form).status_code


def wait_until_expired(login: Login, page: DirectPage) -> str:
    """Wait until the service challenges the page's token, and return the token."""
    token = str(page.tokens["access_token"])

    def expired() -> bool:
        response = post(login, "tools/list", token)
        challenged = f'resource_metadata="{METADATA}"' in response.headers.get("www-authenticate", "")
        return response.status_code == httpx2.codes.UNAUTHORIZED and challenged

    wait_for(expired, "the end of the token")
    return token


def test_a_page_reads_the_metadata_with_the_headers_of_its_call(login: Login) -> None:
    """Requirement KEY-3: a client may send the headers of a refused call with discovery, its expired token too."""
    headers = {
        "origin": login.direct.origin,
        "access-control-request-method": "GET",
        "access-control-request-headers": "authorization,mcp-protocol-version",
    }
    response = login.keycloak.client.options(METADATA, headers=headers)
    assert response.status_code == httpx2.codes.OK
    assert "authorization" in response.headers["access-control-allow-headers"]


def test_the_documented_responses_are_those_of_the_service(login: Login) -> None:
    """Requirement KEY-1: the page shows what `curl` prints: the challenge, and the metadata that it names."""
    page = (ROOT / "docs" / "how-to" / "connect-a-client.md").read_text("utf-8")
    challenge = login.keycloak.client.post(SERVER)
    assert challenge.status_code == httpx2.codes.UNAUTHORIZED
    assert f"www-authenticate: {challenge.headers['www-authenticate']}\n" in page
    metadata = login.keycloak.client.get(METADATA)
    assert json.dumps(metadata.json()) in page


@pytest.mark.parametrize(("file", "key"), [(".mcp.json", "mcpServers"), (".vscode/mcp.json", "servers")])
def test_the_files_of_editors_lead_to_the_service(login: Login, browser: BrowserContext, file: str, key: str) -> None:
    """Requirement KEY-4: a client with the file of the example needs nothing else: the URL leads it to the login."""
    server = json.loads((EXAMPLE / file).read_text("utf-8"))[key]["notes"]
    assert server["type"] == "http"
    page = browser.pages[0]

    def user(url: str) -> None:
        page.goto(url)
        log_in(page, "ben")
        consent(page)
        expect(page.get_by_text("You are logged in.")).to_be_visible()

    with native_client(login.network) as client:
        assert client.list_tools(server["url"], user) == ["list_notes"]
