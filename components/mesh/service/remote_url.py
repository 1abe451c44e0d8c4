"""URLs of MCP servers outside the cluster."""

import re
from typing import Final
from urllib.parse import urlsplit

from meshed_mcp.components.mesh.egress.destinations import HTTPS_PORT, ExternalHost, external_host_name, is_ip_address
from meshed_mcp.error_codes import service as codes

HTTP_PORT: Final = 80
"""Source: RFC 9110, section 4.2.1."""

_URL: Final = re.compile(r"https?://[^/\s?#@]+(/[!-~]*)?")
"""The bridge takes the same; a query needs a path."""


def remote_url(value: str) -> str:
    """URL of a remote MCP server: HTTP(S), an external host name, no credentials."""
    try:
        url = urlsplit(value)
        _ = url.port  # raises for a port that is no number
    except ValueError:
        raise codes.INVALID_REMOTE_URL.error(value=value) from None
    if url.username is not None or url.password is not None:
        raise codes.REMOTE_URL_HAS_CREDENTIALS.error(host=url.hostname)
    if _URL.fullmatch(value) is None or not url.hostname or "#" in value:
        raise codes.INVALID_REMOTE_URL.error(value=value)
    if is_ip_address(url.hostname):
        raise codes.REMOTE_URL_IS_ADDRESS.error(value=value)
    external_host_name(url.hostname)
    return value


def remote_host(url: str) -> ExternalHost:
    """Host and port of a valid remote URL."""
    parts = urlsplit(url)
    plain = parts.scheme == "http"
    return ExternalHost(parts.hostname or "", parts.port or (HTTP_PORT if plain else HTTPS_PORT), plain)
