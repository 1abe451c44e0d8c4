"""Arguments of a server that this package's runtime does not serve itself: probes, processes, outbound credentials."""

import re
from enum import StrEnum
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, field_validator, model_validator

from meshed_mcp.components.core.args import Model
from meshed_mcp.components.mesh.egress.destinations import HTTPS_PORT, ExternalHost, external_host_name, is_ip_address
from meshed_mcp.components.mesh.service.container_args import SecretKey
from meshed_mcp.error_codes import service as codes

HTTP_PORT: Final = 80
"""Source: RFC 9110, section 4.2.1."""

DEFAULT_PROCESSES: Final = 20
"""Processes of a replica: those of 25 MiB fill the default memory limit of 512Mi."""

_PROBE_PATH: Final = re.compile(r"/[!-~]*")
_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
"""Source: RFC 9110, section 5.6.2, token."""

_RESERVED_HEADERS: Final = re.compile(
    r"(host|content-.*|transfer-encoding|connection|accept|last-event-id|cookie|traceparent|tracestate|mcp-.*)",
    re.IGNORECASE,
)
"""Headers that HTTP, MCP and tracing set. Source: RFC 9110; MCP specification, "Streamable HTTP"; W3C Trace Context."""


_URL: Final = re.compile(r"https?://[^/\s?#@]+(/[!-~]*)?")
"""The bridge takes the same; a query needs a path."""


class ProbeSettings(Model):
    """Startup, liveness and readiness probes of an external server."""

    enabled: bool = True
    """False = no probes: a started container counts as ready. `probes: none` is short for it."""

    http: str | None = None
    """Path of an HTTP GET that responds with 200 to 399, such as `/healthz`; unset = a TCP connection."""

    port: int | None = Field(default=None, ge=1, le=65535)
    """Port of the probe; unset = the port of the endpoint."""

    startup_seconds: int = Field(default=60, ge=1, le=3600)
    """Longest start in seconds before the container is restarted."""

    @field_validator("http")
    @classmethod
    def _is_path(cls, value: str | None) -> str | None:
        if value is not None and _PROBE_PATH.fullmatch(value) is None:
            raise codes.INVALID_PROBE_PATH.error(value=value)
        return value

    @model_validator(mode="after")
    def _has_no_unused_fields(self) -> "ProbeSettings":
        unused = sorted(self.model_fields_set - {"enabled"})
        if not self.enabled and unused:
            raise codes.PROBES_ARE_OFF.error(fields=", ".join(unused))
        return self


def _probes_from_word(value: Any) -> Any:
    """`none` and `tcp` as settings."""
    words: dict[str, dict[str, bool]] = {"none": {"enabled": False}, "tcp": {}}
    return words.get(value, value) if isinstance(value, str) else value


Probes = Annotated[ProbeSettings, BeforeValidator(_probes_from_word)]
"""Settings of the probes, or one of the words `tcp` and `none`."""


class Process(StrEnum):
    """Processes of a stdio server in one replica."""

    PER_SESSION = "per_session"
    """One per session, or per caller where the protocol has no sessions."""

    SHARED = "shared"
    """One for all callers, for servers that keep nothing about a caller."""


class StdioSettings(Model):
    """Processes of a stdio server."""

    process: Process = Process.PER_SESSION
    """`per_session` = a process per session, or per caller of revisions without sessions; `shared` = one process for
    all callers, which must then keep nothing about a caller."""

    max: int | None = Field(default=None, ge=1, le=1000)
    """Most processes of one replica with `per_session`; further sessions get 503. Unset = 20."""

    @model_validator(mode="after")
    def _counts_several_processes(self) -> "StdioSettings":
        if self.process is Process.SHARED and self.max is not None:
            raise codes.MAX_OF_ONE_PROCESS.error()
        return self


class OutboundAuth(Model):
    """Credentials that the bridge sends to the server behind it."""

    bearer: SecretKey | None = None
    """Secret with the token of the header `Authorization: Bearer`."""

    headers: dict[str, SecretKey] = Field(default_factory=dict, max_length=16)
    """Header -> Secret with its value, such as `X-Api-Key`."""

    @model_validator(mode="after")
    def _has_usable_headers(self) -> "OutboundAuth":
        if self.bearer is None and not self.headers:
            raise codes.OUTBOUND_AUTH_EMPTY.error()
        lower = [header.lower() for header in self.headers]
        for header in self.headers:
            is_second = lower.count(header.lower()) > 1 or (self.bearer and header.lower() == "authorization")
            if is_second or _HEADER.fullmatch(header) is None or _RESERVED_HEADERS.fullmatch(header):
                raise codes.OUTBOUND_HEADER.error(header=header)
        return self


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
