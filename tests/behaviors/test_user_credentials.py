"""Credentials of users at other servers: a real service, its issuer, a provider, and people with browsers."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError, UrlElicitationRequiredError
from mcp_types import ElicitRequestParams, ElicitRequestURLParams, ElicitResult

from meshed_mcp import contract
from tests.behaviors.replicas import Service, StartService
from tests.behaviors.user_credentials import World, call, form_of, link_of, text_of, world

pytestmark = pytest.mark.anyio


@pytest.fixture
def around(start_service: StartService) -> Iterator[World]:
    """An issuer and a provider whose tokens do not expire."""
    with world(start_service) as found:
        yield found


@pytest.fixture(scope="module")
def shared(start_shared: StartService) -> Iterator[World]:
    """The same, for tests whose users have names of their own."""
    with world(start_shared) as found:
        yield found


@pytest.fixture(scope="module")
def service(shared: World) -> Service:
    """A running service."""
    return shared.start()


def state_of(url: str) -> str:
    """The state in a URL."""
    return parse_qs(urlsplit(url).query)["state"][0]


def test_a_user_connects_an_account_in_the_browser_and_the_tool_gets_its_token(around: World) -> None:
    """MCP 2026-07-28, "Elicitation", "URL Mode": the credential passes through no client."""
    service = around.start()
    asked = around.call(service, "ada")
    assert asked["resultType"] == "input_required"
    browser = around.browser("ada")
    page = browser.open(link_of(asked))
    assert page.status_code == 200
    assert "Notes &amp; Co" in page.text
    done = browser.submit(page)
    assert (done.status_code, "Connected" in done.text) == (200, True)
    token = text_of(around.call(service, "ada", answer="accept"))
    assert around.provider.people.access[token] == "ada"
    assert not [secret for secret in (token, "s3cret", "k" * 64) if secret in service.log.read_text()]


def test_a_pasted_key_is_kept_for_its_user(shared: World, service: Service) -> None:
    """Requirement USR-1: a provider of kind `text` has a form, and the key reaches the tool of that user alone."""
    assert "Connected" in shared.connect(service, "kim", "key").text
    assert text_of(shared.call(service, "kim", "key")) == "key-of-kim"
    assert shared.call(service, "lee", "key")["resultType"] == "input_required"
    assert "key-of-kim" not in service.log.read_text()


def test_users_never_see_each_others_tokens(shared: World, service: Service) -> None:
    """Requirement USR-2: a credential belongs to the subject of a token, under concurrent calls too."""
    names = ["u1", "u2", "u3"]
    for name in names:
        shared.connect(service, name)
    with ThreadPoolExecutor(9) as threads:
        found = list(threads.map(lambda name: text_of(shared.call(service, name)), names * 8))
    assert [shared.provider.people.access[token] for token in found] == names * 8


def test_a_link_opened_by_another_person_connects_nothing_and_stops_working(shared: World, service: Service) -> None:
    """MCP 2026-07-28, "URL Mode", "Phishing": the person who opens a link must be the user who got it."""
    link = link_of(shared.call(service, "mallory"))
    page = shared.browser("victim").open(link)
    assert page.status_code == 403
    assert "another user" in page.text
    assert shared.browser("mallory").open(link).status_code == 400
    for name in ("mallory", "victim"):
        assert shared.call(service, name)["resultType"] == "input_required"
    assert service.said("opened by another user")


def test_a_used_link_and_a_repeated_callback_are_rejected(shared: World, service: Service) -> None:
    """Requirement USR-3: a link works once, whichever of its steps is repeated."""
    link = link_of(shared.call(service, "rita"))
    browser = shared.browser("rita")
    form = browser.open(link)
    done = browser.submit(form)
    callback = str(done.url)
    assert browser.open(callback).status_code == 400
    assert browser.open(link).status_code == 400
    assert browser.submit(form).status_code == 400
    assert browser.open(str(form.url)).status_code == 400, "the callback of the login"


def test_a_consent_url_of_another_browser_is_rejected(shared: World, service: Service) -> None:
    """RFC 9700, section 4.7: an attacker who sends the provider's page to a victim does not get the victim's token."""
    attacker = shared.browser("oscar")
    form = attacker.open(link_of(shared.call(service, "oscar")))
    action, state = form_of(form)
    attacker.http.follow_redirects = False
    consent = attacker.http.post(action, data={"state": state}).headers["location"]
    assert consent.startswith(f"{shared.provider.url}/authorize?")
    assert shared.browser("vera").open(consent).status_code == 400
    assert shared.call(service, "oscar")["resultType"] == "input_required"


def test_a_form_of_another_browser_is_rejected(shared: World, service: Service) -> None:
    """Requirement USR-3: a state belongs to the browser that opened the link."""
    form = shared.browser("pia").open(link_of(shared.call(service, "pia", "key")))
    action, state = form_of(form)
    stolen = shared.browser("mia").http.post(action, data={"state": state, "value": "k"})
    assert stolen.status_code == 400
    assert shared.call(service, "pia", "key")["resultType"] == "input_required"


@pytest.mark.parametrize("page", ["connect", "login", "callback/notes"])
def test_a_state_of_another_step_or_a_forged_one_is_rejected(shared: World, service: Service, page: str) -> None:
    """Requirement USR-3: a state is sealed for one step."""
    link = link_of(shared.call(service, "sven"))
    base = link.partition("/connect")[0]
    states = ["", "x", state_of(link)[:-2] + "AA", *([] if page == "connect" else [state_of(link)])]
    for state in states:
        found = shared.browser("sven").http.get(f"{base}/{page}", params={"state": state, "code": "c"})
        assert found.status_code == 400, state


@pytest.mark.parametrize(
    "claims", [{"nonce": "n"}, {"aud": "other"}, {"iss": "https://evil.example"}, {"exp": 1}, {"azp": "other"}]
)
def test_an_id_token_of_another_login_proves_nothing(shared: World, service: Service, claims: dict[str, Any]) -> None:
    """OpenID Connect Core 1.0, section 3.1.3.7: issuer, audience, expiry, authorized party and nonce are checked."""
    shared.issuer.people.claims = claims
    try:
        page = shared.browser("nora").open(link_of(shared.call(service, "nora")))
    finally:
        shared.issuer.people.claims = {}
    assert page.status_code == 403


def test_a_denied_consent_leaves_the_link_usable(shared: World, service: Service) -> None:
    """RFC 6749, section 4.1.2.1: a user may deny and change their mind."""
    link = link_of(shared.call(service, "dora"))
    browser = shared.browser("dora")
    shared.provider.people.denies = True
    denied = browser.submit(browser.open(link))
    shared.provider.people.denies = False
    assert denied.status_code == 403
    assert "Connected" in browser.submit(browser.open(link)).text


def test_pages_are_not_framed_cached_or_scripted(shared: World, service: Service) -> None:
    """Requirement USR-4: pages allow no script, no frame and no cache, and the cookie is for HTTP alone."""
    browser = shared.browser("hana")
    page = browser.open(link_of(shared.call(service, "hana")))
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert f"form-action 'self' {shared.provider.url};" in policy
    assert page.headers["cache-control"] == "no-store"
    cookie = page.history[0].headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


@pytest.mark.parametrize(
    ("capabilities", "answer", "words"),
    [({}, None, "/credentials/connect?state="), ({"elicitation": {"url": {}}}, "decline", "The user declined.")],
)
def test_a_client_without_url_elicitation_gets_the_link_and_a_declined_one_ends(
    shared: World, service: Service, capabilities: Any, answer: str | None, words: str
) -> None:
    """MCP 2026-07-28, "Elicitation": a server sends no mode that the client lacks, and asks no second time."""
    found = shared.call(service, "cleo", capabilities=capabilities, answer=answer)
    assert found["isError"] is True
    assert words in text_of(found)


def test_an_unknown_provider_and_a_request_without_user_are_errors(shared: World, service: Service) -> None:
    """Requirement USR-5: code that asks for an undeclared provider fails with a log line that names it."""
    assert shared.call(service, "ada", "unknown")["isError"] is True
    assert "there is no provider 'nowhere'; use one of notes, search" in service.log.read_text()
    assert "result" not in call(service, None, "notes")


def test_a_user_revokes_a_credential_by_a_tool_and_by_the_page(shared: World, service: Service) -> None:
    """RFC 7009, section 2: a revoked credential is deleted here and revoked at its provider."""
    for number, revoke in enumerate((by_tool, by_page)):
        name = f"rev{number}"
        shared.connect(service, name)
        token = text_of(shared.call(service, name))
        revoke(shared, service, name)
        assert token in shared.provider.people.revoked
        assert shared.call(service, name)["resultType"] == "input_required"


def by_tool(shared: World, service: Service, name: str) -> None:
    """Revoke by a tool."""
    found = shared.call(service, name, "forget", arguments={"name": "notes"})
    assert text_of(found) == "true"


def by_page(shared: World, service: Service, name: str) -> None:
    """Revoke on the page of one's own connections."""
    browser = shared.browser(name)
    page = browser.open(f"http://localhost:{service.port}/mcp{contract.CREDENTIALS_PATH}")
    assert name in page.text
    assert page.text.count("<form") == 2
    assert "Disconnected" in browser.submit(page).text
    page = browser.open(f"http://localhost:{service.port}/mcp{contract.CREDENTIALS_PATH}/")
    assert "Connected" in browser.submit(page).text, "connected again, without a link"
    shared.call(service, name, "forget", arguments={"name": "notes"})


def test_a_page_of_another_site_cannot_submit_a_form(shared: World, service: Service) -> None:
    """Requirement USR-4: the Origin check covers the pages."""
    browser = shared.browser("orla")
    action, state = form_of(browser.open(link_of(shared.call(service, "orla", "key"))))
    found = browser.http.post(action, data={"state": state, "value": "k"}, headers={"origin": "https://evil.example"})
    assert found.status_code == 403


async def test_the_official_client_opens_the_link_and_gets_the_result_of_the_call(
    shared: World, service: Service
) -> None:
    """MCP 2026-07-28, "Multi Round-Trip Requests": the client calls again by itself after the user has opened it."""
    browser = shared.browser("sdk")

    async def opened(context: object, params: ElicitRequestParams) -> ElicitResult:  # noqa: ARG001 - the SDK's names
        assert isinstance(params, ElicitRequestURLParams)
        await asyncio.to_thread(lambda: browser.submit(browser.open(params.url)))
        return ElicitResult(action="accept")

    headers = {"authorization": f"Bearer {shared.token('sdk')}"}
    async with httpx2.AsyncClient(headers=headers, trust_env=False, timeout=30) as http:
        transport = streamable_http_client(service.url, http_client=http)
        async with Client(transport, elicitation_callback=opened) as client:
            found = await client.call_tool("notes", {})
    assert shared.provider.people.access[str(found.structured_content["result"])] == "sdk"


async def test_a_call_waits_for_a_user_who_is_still_on_the_page(shared: World, service: Service) -> None:
    """Requirement USR-8: a client that calls again at once is not asked a second time."""
    link = link_of(shared.call(service, "slow"))
    again = asyncio.create_task(asyncio.to_thread(shared.call, service, "slow", answer="accept"))
    browser = shared.browser("slow")
    await asyncio.to_thread(lambda: browser.submit(browser.open(link)))
    assert shared.provider.people.access[text_of(await again)] == "slow"


async def test_a_client_of_the_last_revision_gets_its_error_with_the_link(start_service: StartService) -> None:
    """MCP 2025-11-25, "URL Mode With Elicitation Required Error": -32042 with the elicitations, by session."""
    with world(start_service) as around:
        service = around.start(**{contract.ENV_LEGACY: contract.Legacy.STICKY})

        async def never(context: object, params: ElicitRequestParams) -> ElicitResult:  # noqa: ARG001 - the SDK's names
            raise AssertionError

        headers = {"authorization": f"Bearer {around.token('old')}"}
        async with httpx2.AsyncClient(headers=headers, trust_env=False, timeout=30) as http:
            transport = streamable_http_client(service.url, http_client=http)
            async with Client(transport, mode="legacy", elicitation_callback=never) as client:
                with pytest.raises(MCPError) as raised:
                    await client.call_tool("notes", {})
                (asked,) = UrlElicitationRequiredError.from_error(raised.value.error).elicitations
                assert asked.elicitation_id
                browser = around.browser("old")
                await asyncio.to_thread(lambda: browser.submit(browser.open(asked.url)))
                found = await client.call_tool("notes", {})
        assert around.provider.people.access[str(found.structured_content["result"])] == "old"
