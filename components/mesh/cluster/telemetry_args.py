"""Arguments of what proxies report: which requests are logged, and whose requests metrics tell apart.

Stack keys in, frozen models out. Not here: the objects (telemetry.py, access_log.py), the share of traces
(args.py, `tracing`), which is decided once for the whole mesh.
"""

import re
from enum import StrEnum
from typing import Final

from pydantic import Field, field_validator

from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.names import listed
from meshed_mcp.error_codes.mesh import INVALID_ORGANIZATION
from meshed_mcp.error_codes.values import LISTED_TWICE

TRACING_PROVIDER: Final = "otlp"
ACCESS_LOG_PROVIDER: Final = "mcp-access-log"
"""Names of our extension providers in the mesh configuration."""

METRICS_PROVIDER: Final = "prometheus"
"""Istio's own provider, which every mesh has. Source: Istio, MeshConfig, default `extensionProviders`."""

MAX_ORGANIZATIONS: Final = 50
"""Product rule: each organization multiplies the series of every pair of services."""

_ORGANIZATION: Final = re.compile(r"[A-Za-z0-9_.:/@-]{1,64}")


class LoggedRequests(StrEnum):
    """Which requests a proxy logs."""

    NOTABLE = "notable"
    """Errors, slow ones, and those that are traced: the share that the gateway draws."""

    ALL = "all"
    NONE = "none"


class AccessLog(Model):
    """Which requests proxies log; a line of JSON each, with method and tool of MCP."""

    requests: LoggedRequests = LoggedRequests.NOTABLE
    """`notable` = errors, slow and traced ones, `all` or `none`."""

    slow_seconds: float = Field(default=1.0, ge=0.001, le=3600)
    """From this duration on a request is notable; streams count with their whole life."""


class OrganizationTag(Model):
    """The label `mcp_organization` on Istio's request metrics of services with tokens."""

    values: list[str] = Field(min_length=1, max_length=MAX_ORGANIZATIONS)
    """Organizations that get series of their own, at most 50; all others are `_OTHER`."""

    @field_validator("values")
    @classmethod
    def _are_organizations(cls, value: list[str]) -> list[str]:
        bad = [name for name in value if _ORGANIZATION.fullmatch(name) is None]
        if bad:
            raise INVALID_ORGANIZATION.error(names=listed(bad))
        twice = sorted({name for name in value if value.count(name) > 1})
        if twice:
            raise LISTED_TWICE.error(names=listed(twice))
        return value
