"""Settings of access logs and of the organization label on Istio's metrics."""

import re
from enum import StrEnum
from typing import Final

from pydantic import Field, field_validator

from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.names import listed
from meshed_mcp.components.mesh.service.validation import without_duplicates
from meshed_mcp.error_codes.mesh import INVALID_ORGANIZATION

TRACING_PROVIDER: Final = "otlp"
ACCESS_LOG_PROVIDER: Final = "mcp-access-log"
"""Names of this package's extension providers."""

METRICS_PROVIDER: Final = "prometheus"
"""Built-in provider of Istio. Source: Istio, MeshConfig, default `extensionProviders`."""

MAX_ORGANIZATIONS: Final = 50
"""Product rule: each organization multiplies the series of every pair of services."""

_ORGANIZATION: Final = re.compile(r"[A-Za-z0-9_.:/@-]{1,64}")


class LoggedRequests(StrEnum):
    """Selection of logged requests."""

    NOTABLE = "notable"
    """Errors, slow requests and sampled requests."""

    ALL = "all"
    NONE = "none"


class AccessLog(Model):
    """Access log of the proxies: one line of JSON per request, with MCP method and tool."""

    requests: LoggedRequests = LoggedRequests.NOTABLE
    """`notable` = errors, slow and sampled requests; `all`; `none`."""

    slow_seconds: float = Field(default=1.0, ge=0.001, le=3600)
    """Duration from which a request is slow; the duration of a stream is its lifetime."""


class OrganizationTag(Model):
    """Label `mcp_organization` on Istio's request metrics of services with `auth`."""

    values: list[str] = Field(min_length=1, max_length=MAX_ORGANIZATIONS)
    """Organizations with their own series, at most 50; all others are `_OTHER`."""

    @field_validator("values")
    @classmethod
    def _are_organizations(cls, value: list[str]) -> list[str]:
        bad = [name for name in value if _ORGANIZATION.fullmatch(name) is None]
        if bad:
            raise INVALID_ORGANIZATION.error(names=listed(bad))
        return without_duplicates(value)
