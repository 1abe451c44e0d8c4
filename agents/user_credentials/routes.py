"""Routes of the pages: link, login, form, provider, and one's own connections.

MCP requires that the user who opens a link is the user who got it, against phishing with the link of an attacker.
So the person logs in at the issuer of the tokens, and the subjects must be equal. A cookie ties all steps to one
browser. Source: MCP 2026-07-28, "Elicitation", "URL Mode", "Phishing".
"""

import hmac
import logging
import re
from collections.abc import Awaitable, Callable
from functools import wraps
from html import escape
from typing import Final
from urllib.parse import parse_qs

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from meshed_mcp.agents.client.credentials.errors import CredentialsError
from meshed_mcp.agents.user_credentials import pages
from meshed_mcp.agents.user_credentials.access import Access
from meshed_mcp.agents.user_credentials.authorization import credential_of
from meshed_mcp.agents.user_credentials.login import LoginError
from meshed_mcp.agents.user_credentials.states import STATE_SECONDS, Form, Grant, Link, Login, random_text
from meshed_mcp.agents.user_credentials.stores.store import StoreUnavailableError
from meshed_mcp.agents.user_credentials.vault import Credential, StateError
from meshed_mcp.contract import CredentialProvider, ProviderKind

COOKIE: Final = "meshed-mcp-browser"
HOST_PREFIX: Final = "__Host-"
"""Prefix of a cookie that no other host can set, not even a subdomain. Source: RFC 6265bis, section 4.1.3.2."""

MAX_FORM_BYTES: Final = 32 * 1024
KEY: Final = re.compile(r"[\x21-\x7e]{1,8192}")
"""A key that a header can carry."""

INVALID: Final = "This link is not valid any more. Call the tool again for a new one."
OTHER_USER: Final = (
    "This link is for another user, so nothing was connected. If a person sent it to you, do not open their "
    "links: they would get access to your account."
)

logger = logging.getLogger(__name__)

Page = Callable[["CredentialPages", Request], Awaitable[Response]]


def _guarded(handler: Page) -> Page:
    """The handler, with a page for each error. Log lines name neither a state nor a credential."""

    @wraps(handler)
    async def guarded(self: "CredentialPages", request: Request) -> Response:
        try:
            return await handler(self, request)
        except StateError:
            return pages.notice("Link not valid", INVALID, 400)
        except LoginError as error:
            logger.warning("a login for a user credential failed: %s", error)
            return pages.notice("Login failed", "The issuer's response proves no user. Call the tool again.", 403)
        except CredentialsError as error:
            logger.warning("a user credential was not obtained: %s", error)
            return pages.notice("Not connected", "The other server did not grant access. Call the tool again.", 502)
        except StoreUnavailableError as error:
            logger.warning("the store of user credentials does not respond: %s", error)
            return pages.notice("Not available", "The store does not respond. Try again in a minute.", 503)

    return guarded


class CredentialPages:
    """Handlers of one service."""

    def __init__(self, access: Access, path: str) -> None:
        """`path` is that of the pages below the public base URL."""
        self._access, self._vault, self._path = access, access.vault, path
        self._cookie = f"{HOST_PREFIX}{COOKIE}" if access.base_url.startswith("https:") else COOKIE

    def routes(self) -> list[Route]:
        """Routes of all pages."""
        handlers = {
            "": ("GET", self.start),
            "/": ("GET", self.start),
            "/connect": ("GET", self.connect),
            "/login": ("GET", self.logged_in),
            "/submit": ("POST", self.submit),
            "/disconnect": ("POST", self.disconnect),
            "/callback/{provider}": ("GET", self.callback),
        }
        return [Route(self._path + path, handler, methods=[method]) for path, (method, handler) in handlers.items()]

    @_guarded
    async def start(self, request: Request) -> Response:
        """Log in for the page of one's own connections."""
        return self._to_login(request, Link(subject="", provider=""))

    @_guarded
    async def connect(self, request: Request) -> Response:
        """Open a link. It changes nothing, because previews of chats open links too."""
        link = self._vault.unseal(Link, request.query_params.get("state", ""))
        await self._vault.check_unused(link)
        return self._to_login(request, link)

    def _to_login(self, request: Request, link: Link) -> Response:
        browser = request.cookies.get(self._cookie) or random_text()
        state = Login(link=link, browser=browser)
        response = pages.redirect(self._access.login.url(self._vault.seal(state), state))
        secure = self._cookie.startswith(HOST_PREFIX)
        response.set_cookie(
            self._cookie, browser, max_age=int(STATE_SECONDS), secure=secure, httponly=True, samesite="lax"
        )
        return response

    @_guarded
    async def logged_in(self, request: Request) -> Response:
        """Compare who has logged in with the user of the link; show the form."""
        state = self._vault.unseal(Login, request.query_params.get("state", ""))
        self._check_browser(request, state.browser)
        code = request.query_params.get("code")
        if code is None:
            return pages.notice("Not logged in", "The login was cancelled. Open the link again.", 403)
        await self._vault.check_unused(state)
        subject = await self._access.login.subject(code, state, request.query_params.get("iss"))
        await self._vault.use(state)  # after the login, so that only users cause records
        if state.link.subject not in ("", subject):
            await self._vault.use(state.link)
            logger.warning("a link for a user credential was opened by another user; it does not work any more")
            return pages.notice("Link of another user", OTHER_USER, 403)
        link = state.link.model_copy(update={"subject": subject})
        if not link.provider:
            return await self._connections(link, state.browser)
        return self._form(link, state.browser)

    def _form(self, link: Link, browser: str) -> Response:
        provider = self._provider(link)
        service, title = escape(self._access.service), escape(provider.title)
        sealed = self._vault.seal(Form(link=link, browser=browser))
        asks = f"<p>The service <b>{service}</b> asks for access to your account at <b>{title}</b>.</p>"
        user = f"<p>You are <code>{escape(link.subject)}</code>.</p>"
        action = self._url("/submit")
        if provider.kind is ProviderKind.TEXT:
            fields = pages.text_field(f"Key of {provider.title}")
            return pages.page("Connect an account", asks + user + pages.form(action, sealed, "Save", fields))
        flow = self._access.flows[link.provider]
        button = pages.form(action, sealed, f"Continue to {flow.host}")
        return pages.page("Connect an account", asks + user + button, form_target=flow.origin)

    @_guarded
    async def submit(self, request: Request) -> Response:
        """Take a key, or redirect to the provider."""
        values = await _form_values(request)
        state = self._vault.unseal(Form, values.get("state", ""))
        self._check_browser(request, state.browser)
        link = state.link
        if self._provider(link).kind is ProviderKind.OAUTH:
            await self._vault.check_unused(link)
            grant = Grant(link=link, browser=state.browser)
            return pages.redirect(self._access.flows[link.provider].url(self._vault.seal(grant), grant.verifier))
        key = values.get("value", "").strip()
        if KEY.fullmatch(key) is None:
            return pages.notice("Not saved", "The key must have printable ASCII characters without spaces.", 400)
        await self._vault.use(link)
        return await self._saved(link, Credential(token=key))

    @_guarded
    async def callback(self, request: Request) -> Response:
        """Take the code of a provider."""
        state = self._vault.unseal(Grant, request.query_params.get("state", ""))
        self._check_browser(request, state.browser)
        link, code = state.link, request.query_params.get("code")
        if request.path_params["provider"] != link.provider or self._provider(link).client is None:
            raise StateError
        if code is None:
            return pages.notice("Not connected", "Access was not granted. Open the link again to change this.", 403)
        await self._vault.use(link)
        response = await self._access.flows[link.provider].exchange(code, state.verifier)
        return await self._saved(link, credential_of(response))

    async def _saved(self, link: Link, credential: Credential) -> Response:
        await self._vault.save(link.subject, link.provider, credential)
        logger.info("%s has connected an account at %s", link.subject, link.provider)
        title = self._access.provider(link.provider).title
        return pages.notice("Connected", f"Your account at {title} is connected. Close this page and go on.")

    async def _connections(self, link: Link, browser: str) -> Response:
        """The page of the user's own accounts, which connects and disconnects them."""
        items = list[str]()
        for name, provider in self._access.table.providers.items():
            own = Link(subject=link.subject, provider=name)
            sealed = self._vault.seal(Form(link=own, browser=browser))
            if await self._vault.credential(link.subject, name) is not None:
                form = "connected " + pages.form(self._url("/disconnect"), sealed, "Disconnect")
            else:
                fields = pages.text_field("Key") if provider.kind is ProviderKind.TEXT else ""
                form = "not connected " + pages.form(self._url("/submit"), sealed, "Connect", fields)
            items.append(f"<li>{escape(provider.title)}: {form}</li>")
        user = f"<p>You are <code>{escape(link.subject)}</code>.</p>"
        targets = " ".join(dict.fromkeys(flow.origin for flow in self._access.flows.values()))
        return pages.page("Your accounts", f"{user}<ul>{''.join(items)}</ul>", form_target=targets)

    @_guarded
    async def disconnect(self, request: Request) -> Response:
        """Revoke a credential."""
        values = await _form_values(request)
        state = self._vault.unseal(Form, values.get("state", ""))
        self._check_browser(request, state.browser)
        self._provider(state.link)
        await self._access.revoke(state.link.subject, state.link.provider)
        title = self._provider(state.link).title
        return pages.notice("Disconnected", f"This service has no access to your account at {title} any more.")

    def _check_browser(self, request: Request, browser: str) -> None:
        """Raise StateError for a step in another browser than the one that opened the link."""
        if not hmac.compare_digest(request.cookies.get(self._cookie, "").encode(), browser.encode()):
            raise StateError

    def _provider(self, link: Link) -> CredentialProvider:
        """The provider of a link. Raises StateError for one that the stack has removed since."""
        found = self._access.table.providers.get(link.provider)
        if found is None:
            raise StateError
        return found

    def _url(self, page: str) -> str:
        return f"{self._access.base_url}{page}"


async def _form_values(request: Request) -> dict[str, str]:
    """Fields of a form. Raises StateError for one that is too large."""
    body = bytearray()
    try:
        async for part in request.stream():
            body += part
            if len(body) > MAX_FORM_BYTES:
                raise StateError
    except ClientDisconnect:
        raise StateError from None
    try:
        return {name: values[0] for name, values in parse_qs(body.decode(), max_num_fields=8).items()}
    except ValueError:
        raise StateError from None
