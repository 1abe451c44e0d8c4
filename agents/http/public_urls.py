"""URLs at which clients reach a process behind a gateway, and the ASGI scope that follows from them.

The process takes them from its settings and the Host header, which the allow-list has checked. It reads no
X-Forwarded header, because every client can send one. Source: ASGI specification, "HTTP Connection Scope", `root_path`.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from starlette.types import Scope

from meshed_mcp.agents.http.hosts import without_port

WELL_KNOWN: Final = "/.well-known/"
"""Prefix of paths at the root of a host, where no gateway adds one. Source: RFC 8615, section 3."""


class PublicURL(NamedTuple):
    """Scheme and path prefix of one host."""

    scheme: str
    prefix: str

    def apply(self, scope: Scope) -> None:
        """Set scheme, prefix and path of a request as its client wrote them."""
        scope["scheme"] = self.scheme
        if self.prefix and not scope["path"].startswith(WELL_KNOWN):
            scope["root_path"] = self.prefix
            scope["path"] = self.prefix + scope["path"]
            scope["raw_path"] = self.prefix.encode() + scope.get("raw_path", b"")


class PublicURLs:
    """Host -> how clients write the URL of the process."""

    def __init__(self, urls: Iterable[str]) -> None:
        parts = [urlsplit(url) for url in urls]
        self._by_host = {each.netloc.lower(): PublicURL(each.scheme, each.path.rstrip("/")) for each in parts}

    def of(self, host: str) -> PublicURL | None:
        """Return the URL of a Host in lower case; an entry without a port holds for every port."""
        if not self._by_host:
            return None
        return self._by_host.get(host) or self._by_host.get(without_port(host))


def route_path(scope: Scope) -> str:
    """Return the path of a request below the prefix of its public URL."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


def other_form(path: str) -> str:
    """Return a path without its last slash, or with one; the root has one form."""
    return (path.rstrip("/") or "/") if path.endswith("/") else f"{path}/"
