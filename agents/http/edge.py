"""ASGI middleware for what a URL and a browser decide: Host (421), public URL, trailing slash, Origin (403), CORS."""

from starlette.types import ASGIApp, Receive, Scope, Send

from meshed_mcp.agents.http import rejections
from meshed_mcp.agents.http.browsers import BrowserMiddleware
from meshed_mcp.agents.http.hosts import AllowedHosts, PortForwards
from meshed_mcp.agents.http.limits import header_value
from meshed_mcp.agents.http.public_urls import PublicURLs, serve_slash_alike
from meshed_mcp.agents.settings import Settings


class EdgeMiddleware:
    """ASGI middleware around the limits, one per process: requests that it rejects take no concurrency slot."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = BrowserMiddleware(app, settings)
        self._path = settings.path
        self._hosts = AllowedHosts(settings.effective_hosts)
        self._port_forwards = PortForwards(settings.trusted_proxies)
        self._public_urls = PublicURLs(settings.public_urls)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or reject it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        host = header_value(scope["headers"], b"host")
        lower = host.lower()
        if not (lower in self._hosts or self._port_forwards.accept(scope, lower)):
            await rejections.MISDIRECTED(scope, receive, send)
            return
        if lower != host:  # the SDK and frameworks compare case
            value = lower.encode("latin-1")
            scope["headers"] = [(name, value if name == b"host" else each) for name, each in scope["headers"]]
        serve_slash_alike(scope, self._path)
        self._public_urls.apply(scope, lower)
        await self._app(scope, receive, send)
