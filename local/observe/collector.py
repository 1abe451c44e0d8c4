"""OTLP collector of a local run, from the environment."""

from collections.abc import Mapping
from typing import Final, NamedTuple, Self
from urllib.parse import urlsplit

from meshed_mcp import contract
from meshed_mcp.error_codes.local import COLLECTOR_NOT_USABLE
from meshed_mcp.local.errors import LocalRunError

TRACES_PATH: Final = "/v1/traces"
"""Source: OTLP specification, "OTLP/HTTP Request"."""


class Collector(NamedTuple):
    """A collector with OTLP over plain HTTP."""

    url: str
    host: str
    port: int

    @property
    def traces_url(self) -> str:
        """URL for spans."""
        return self.url + TRACES_PATH

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self | None:
        """The collector of OTEL_EXPORTER_OTLP_ENDPOINT; None if unset. Raises LocalRunError."""
        url = environment.get(contract.ENV_OTLP_ENDPOINT, "").rstrip("/")
        if not url:
            return None
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise LocalRunError(COLLECTOR_NOT_USABLE.message(variable=contract.ENV_OTLP_ENDPOINT, url=url))
        return cls(url, parts.hostname, parts.port or 80)
