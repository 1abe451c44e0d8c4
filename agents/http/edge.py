"""ASGI middleware for what a URL and a browser decide: Host (421), public URL, trailing slash, Origin (403), CORS."""

from functools import lru_cache
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from meshed_mcp.agents.http import rejections
from meshed_mcp.agents.http.browsers import BrowserMiddleware
from meshed_mcp.agents.http.hosts import AllowedHosts, PortForwards
from meshed_mcp.agents.http.limits import header_value
from meshed_mcp.agents.http.public_urls import PublicURL, PublicURLs, other_form
from meshed_mcp.agents.settings import Settings

KNOWN_HOSTS: Final = 256
"""Host values whose result is kept: those of clients, and a bound for those of attackers."""


class EdgeMiddleware:
    """ASGI middleware around the limits, one per process: requests that it rejects take no concurrency slot."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = BrowserMiddleware(app, settings)
        self._path, self._alias = settings.path, other_form(settings.path)
        self._known = lru_cache(KNOWN_HOSTS)(self._found)
        self._hosts = AllowedHosts(settings.effective_hosts)
        self._port_forwards = PortForwards(settings.trusted_proxies)
        self._public_urls = PublicURLs(settings.public_urls)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or reject it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        host = header_value(scope["headers"], b"host")
        lower, is_listed, public = self._known(host)
        if not (is_listed or self._port_forwards.accept(scope, lower)):
            await rejections.MISDIRECTED(scope, receive, send)
            return
        if lower != host:  # the SDK and frameworks compare case
            value = lower.encode("latin-1")
            scope["headers"] = [(name, value if name == b"host" else each) for name, each in scope["headers"]]
        if scope["path"] == self._alias:  # Starlette would redirect, and a client could lose the body
            scope["path"], scope["raw_path"] = self._path, self._path.encode()
        if public is not None:
            public.apply(scope)
        await self._app(scope, receive, send)

    def _found(self, host: str) -> tuple[str, bool, PublicURL | None]:
        """Return the Host in lower case, whether it is listed, and its public URL."""
        lower = host.lower()
        return lower, lower in self._hosts, self._public_urls.of(lower)
