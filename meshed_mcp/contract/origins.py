"""Origins of web pages, base URLs of services, and the headers of browser clients.

The platform renders origins into the gateway's corsPolicy and into ENV_ALLOWED_ORIGINS; the runtime reads them.
"""

import ipaddress
import re
from typing import Final

ANY_ORIGIN: Final = "*"
"""Every origin except `null`; for development."""

ANY_PORT: Final = ":*"
"""End of an origin with any port, or none."""

LOOPBACK_ORIGINS: Final = ("http://localhost:*", "http://127.0.0.1:*", "http://[::1]:*")
"""Pages on the developer's machine, such as the MCP Inspector. Source: official SDK 2.3, `streamable_http_app`."""

LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})

PREFLIGHT_SECONDS: Final = 600
"""Time for which a browser caches the response to a preflight; a change of origins takes as long to be seen."""

BROWSER_HEADERS: Final = (
    "accept",
    "authorization",
    "content-type",
    "last-event-id",
    "mcp-method",
    "mcp-name",
    "mcp-protocol-version",
    "mcp-session-id",
    "traceparent",
    "tracestate",
)
"""Request headers of MCP clients. Source: MCP 2026-07-28, "Standard Request Headers"; MCP 2025-11-25, "Streamable
HTTP"; W3C Trace Context."""

EXPOSED_HEADERS: Final = ("mcp-session-id", "mcp-protocol-version", "www-authenticate", "retry-after")
"""Response headers that pages may read. Source: MCP 2025-11-25, "Session Management"; MCP, "Authorization", "Protected
Resource Metadata Discovery"; RFC 9110, section 10.2.3."""

_ORIGIN: Final = re.compile(r"([a-z][a-z0-9+.-]*)://(\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::([0-9]{1,5}|\*))?")
_BASE_URL: Final = re.compile(r"([Hh][Tt][Tt][Pp][Ss]?://[^/]+)((?:/[A-Za-z0-9._~-]*)*)")
_DEFAULT_PORTS: Final = {"http": "80", "https": "443"}
_MAX_PORT: Final = 65535


def normalized_origin(value: str) -> str | None:
    """Return an origin as browsers send it, in lower case and without the default port; None if it is none.

    `http://localhost:*` stands for every port of the host, and ANY_ORIGIN for every origin.
    Source: RFC 6454, section 6.2; WHATWG URL, host serializing.

    >>> normalized_origin("HTTPS://App.example.com:443")
    'https://app.example.com'
    """
    if value == ANY_ORIGIN:
        return value
    match = _ORIGIN.fullmatch(value.lower())
    host = None if match is None else _host(match[2])
    if match is None or host is None:
        return None
    scheme, port = match[1], match[3]
    if port is None or port == _DEFAULT_PORTS.get(scheme):
        return f"{scheme}://{host}"
    return None if port != "*" and not 0 < int(port) <= _MAX_PORT else f"{scheme}://{host}:{port.lstrip('0')}"


def normalized_base_url(value: str) -> str | None:
    """Return the base URL of a service in lower case up to its path, without a slash at its end; None if it is none.

    The path has unreserved characters only, so that it is the same in every encoding. Source: RFC 3986, section 6.2.2.

    >>> normalized_base_url("https://MCP.example.com:443/tools/")
    'https://mcp.example.com/tools'
    """
    match = _BASE_URL.fullmatch(value)
    origin = None if match is None else normalized_origin(match[1])
    if match is None or origin is None or origin.endswith(ANY_PORT):
        return None
    path = match[2].rstrip("/")
    return None if any(part in ("", ".", "..") for part in path.split("/")[1:]) else f"{origin}{path}"


def host_of_origin(origin: str) -> str:
    """Return the host of a normalized origin, in brackets if it is an IPv6 address."""
    authority = origin.partition("://")[2]
    return authority if authority.endswith("]") else re.sub(r":[^:\]]*$", "", authority)


def _host(host: str) -> str | None:
    if not host.startswith("["):
        return host
    try:
        return f"[{ipaddress.IPv6Address(host[1:-1]).compressed}]"
    except ValueError:
        return None


class AllowedOrigins:
    """Allow-list of values of the Origin header: normalized origins, with any port, or ANY_ORIGIN."""

    def __init__(self, origins: tuple[str, ...]) -> None:
        self.any = ANY_ORIGIN in origins
        ported = tuple(origin.removesuffix(ANY_PORT) for origin in origins if origin.endswith(ANY_PORT))
        self._exact = frozenset([*ported, *(origin for origin in origins if not origin.endswith(ANY_PORT))])
        self._with_any_port = tuple(f"{origin}:" for origin in ported)

    def __bool__(self) -> bool:
        return self.any or bool(self._exact)

    def __contains__(self, origin: object) -> bool:
        if not isinstance(origin, str) or origin == ANY_ORIGIN:
            return False
        if self.any:
            return _ORIGIN.fullmatch(origin.lower()) is not None
        if origin in self._exact:
            return True
        host, separator, port = origin.rpartition(":")
        return f"{host}{separator}" in self._with_any_port and port.isdecimal()
