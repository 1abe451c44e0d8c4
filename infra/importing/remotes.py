"""Sets the URL and the credentials of a remote server."""

import re
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from meshed_mcp.components.mesh.egress.destinations import external_host_name, is_ip_address
from meshed_mcp.infra.importing import reasons
from meshed_mcp.infra.importing.fields import Text
from meshed_mcp.infra.importing.reasons import Reason
from meshed_mcp.infra.importing.report import Server
from meshed_mcp.infra.importing.secrecy import is_secret_value, secret_query, variable_of
from meshed_mcp.infra.importing.source import Location
from meshed_mcp.infra.importing.variables import Resolver, literal

CREDENTIALS_IN_URL: Final = "the URL had credentials, which are not carried over; refer to a Secret, and complete url"
BEARER: Final = "bearer "

HEADER: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")
"""A subset of RFC 9110, section 5.6.2, token, that is also a key of a Secret."""

RESERVED: Final = re.compile(
    r"host|content-.*|transfer-encoding|connection|accept|user-agent|last-event-id|cookie|traceparent|tracestate|mcp-.*",
    re.IGNORECASE,
)
"""Headers that the bridge or the protocol sets."""


def set_url(server: Server, url: Text, resolve: Resolver = literal) -> Reason | None:
    """Set the URL without credentials; returns why it is none of a remote server."""
    found = resolve(url.text)
    try:
        parts = urlsplit(found.text)
        host, port = parts.hostname or "", parts.port
        external_host_name(host)
    except ValueError:
        return reasons.LOCAL_URL if "://" in found.text else reasons.NO_URL
    if parts.scheme not in {"http", "https"} or found.missing or not found.text.isprintable():
        return reasons.NO_URL
    if is_ip_address(host):
        return reasons.LOCAL_URL
    path = "/".join("" if is_secret_value(step) else step for step in parts.path.split("/"))
    secret = bool(parts.username or parts.password or secret_query(found.text) or found.secret or path != parts.path)
    query = "" if secret else parts.query
    server.settings["url"] = urlunsplit((parts.scheme, f"{host}:{port}" if port else host, path, query, ""))
    server.images.add("image")
    if secret:
        server.to_set("outbound_auth", CREDENTIALS_IN_URL, url.location)
    if parts.scheme == "http":
        server.to_set("url", "it is plain http, which only a development stack accepts; use https", url.location)
    return None


def set_header(server: Server, name: str, value: str, location: Location, resolve: Resolver = literal) -> None:
    """Refer to a Secret for a header: a bearer token by `bearer`, any other by its name."""
    text = resolve(value).text
    if HEADER.fullmatch(name) is None or RESERVED.fullmatch(name):
        server.report.leave(location, reasons.RESERVED_HEADER)
        return
    auth = server.settings.setdefault("outbound_auth", {})
    if name.lower() == "authorization" and text.lower().startswith(BEARER):
        auth["bearer"] = server.refer("token", variable_of(server.name, "token"), location)
    else:
        key = name.lower()
        auth.setdefault("headers", {})[name] = server.refer(key, variable_of(server.name, name), location)
