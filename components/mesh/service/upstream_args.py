"""Arguments of a server that this package's runtime does not serve itself: probes, processes, outbound credentials."""

import re
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, field_validator, model_validator

from meshed_mcp.components.core.args import Model
from meshed_mcp.components.mesh.service.call_args import CallSettings
from meshed_mcp.components.mesh.service.container_args import SecretKey
from meshed_mcp.contract import CallAuth
from meshed_mcp.error_codes import service as codes
from meshed_mcp.error_codes.calls import OUTBOUND_TOKEN_TWICE

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


class OutboundAuth(CallSettings):
    """Credentials that the bridge sends to the server behind it: a token as in `calls`, or values of Secrets."""

    bearer: SecretKey | None = None
    """Secret with the token of the header `Authorization: Bearer`."""

    headers: dict[str, SecretKey] = Field(default_factory=dict, max_length=16)
    """Header -> Secret with its value, such as `X-Api-Key`."""

    @model_validator(mode="after")
    def _has_usable_headers(self) -> "OutboundAuth":
        has_token = self.auth is not CallAuth.MESH
        if self.bearer is None and not self.headers and not has_token:
            raise codes.OUTBOUND_AUTH_EMPTY.error()
        if self.bearer is not None and has_token:
            raise OUTBOUND_TOKEN_TWICE.error(auth=self.auth.value)
        sets_authorization = self.bearer is not None or has_token
        lower = [header.lower() for header in self.headers]
        for header in self.headers:
            is_second = lower.count(header.lower()) > 1 or (sets_authorization and header.lower() == "authorization")
            if is_second or _HEADER.fullmatch(header) is None or _RESERVED_HEADERS.fullmatch(header):
                raise codes.OUTBOUND_HEADER.error(header=header)
        return self
