"""Where spans of a local run go: to a collector of this machine, when its environment names one.

Environment in, address out. Not here: which proxies send how much (translate/envoy/tracing.py, from the rendered
objects).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import urlsplit

from meshed_mcp import contract
from meshed_mcp.error_codes.local import COLLECTOR_NOT_USABLE
from meshed_mcp.local.errors import LocalRunError

TRACES_PATH: Final = "/v1/traces"
"""Source: OTLP specification, "OTLP/HTTP Request"."""


@dataclass(frozen=True)
class Collector:
    """A collector that takes OTLP over plain HTTP."""

    url: str
    host: str
    port: int

    @property
    def traces_url(self) -> str:
        """Where spans are posted."""
        return self.url + TRACES_PATH

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self | None:
        """The collector that OTEL_EXPORTER_OTLP_ENDPOINT names; None when unset. Raises LocalRunError."""
        url = environment.get(contract.ENV_OTLP_ENDPOINT, "").rstrip("/")
        if not url:
            return None
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise LocalRunError(COLLECTOR_NOT_USABLE.message(variable=contract.ENV_OTLP_ENDPOINT, url=url))
        return cls(url, parts.hostname, parts.port or 80)
