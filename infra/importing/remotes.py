"""Sets the URL and the credentials of a remote server."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from meshed_mcp.components.mesh.egress.destinations import is_internal_host, is_ip_address
from meshed_mcp.infra.importing import reasons
from meshed_mcp.infra.importing.fields import Text
from meshed_mcp.infra.importing.report import Server
from meshed_mcp.infra.importing.secrecy import is_secret_value, secret_query, variable_of
from meshed_mcp.infra.importing.source import Location
from meshed_mcp.infra.importing.variables import Input, resolved

CREDENTIALS_IN_URL: Final = "the URL had credentials, which are not carried over; refer to a Secret"
BEARER: Final = "bearer "


def set_url(server: Server, url: Text, inputs: Mapping[str, Input]) -> bool:
    """Set the URL without credentials; False if the server is left out."""
    found = resolved(url.text, inputs)
    try:
        parts = urlsplit(found.text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    if parts.scheme not in {"http", "https"} or not host or found.missing:
        server.report.leave_server(server.location, reasons.NO_URL)
        return False
    if is_ip_address(host) or is_internal_host(host):
        server.report.leave_server(server.location, reasons.LOCAL_URL)
        return False
    secret = bool(parts.username or parts.password or secret_query(found.text) or found.secret)
    secret = secret or any(is_secret_value(step) for step in parts.path.split("/"))
    server.settings["url"] = urlunsplit(
        (
            parts.scheme,
            f"{host}:{port}" if port else host,
            "/" if secret and not clean(parts.path) else parts.path,
            "",
            "",
        )
        if secret
        else (parts.scheme, f"{host}:{port}" if port else host, parts.path, parts.query, "")
    )
    server.images.add("image")
    if secret:
        server.to_set("outbound_auth", CREDENTIALS_IN_URL, url.location)
    if parts.scheme == "http":
        server.to_set("url", "it is plain http, which only a development stack accepts; use https", url.location)
    return True


def clean(path: str) -> bool:
    """Whether no step of the path is a secret."""
    return not any(is_secret_value(step) for step in path.split("/"))


def set_header(server: Server, name: str, value: str, location: Location, inputs: Mapping[str, Input]) -> None:
    """Refer to a Secret for a header: a bearer token by `bearer`, any other by its name."""
    text = resolved(value, inputs).text
    auth = server.settings.setdefault("outbound_auth", {})
    if name.lower() == "authorization" and text.lower().startswith(BEARER):
        auth["bearer"] = server.refer("token", variable_of(server.name, "token"), location)
    else:
        key = name.lower()
        auth.setdefault("headers", {})[name] = server.refer(key, variable_of(server.name, name), location)
