"""Arguments of the OTLP export of log lines."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

from meshed_mcp.components.core.args import Model
from meshed_mcp.components.mesh.egress.destinations import is_internal_host
from meshed_mcp.error_codes.mesh import INVALID_LOG_URL, LOGS_IN_PLAINTEXT


def log_store_url(url: str) -> str:
    """Base URL of an OTLP/HTTP endpoint; https outside the cluster."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in {"http", "https"} or not host or parts.query or parts.fragment or parts.username:
        raise INVALID_LOG_URL.error(url=url)
    if parts.scheme == "http" and not is_internal_host(host):
        raise LOGS_IN_PLAINTEXT.error(url=url)
    return url


class LogSettings(Model):
    """OTLP export of log lines for all services of a stack, in addition to standard error."""

    otlp_endpoint: Annotated[str, AfterValidator(log_store_url)] | None = None
    """Base URL of an OTLP/HTTP endpoint, without `/v1/logs`; unset = no export. Set headers such as keys as
    `OTEL_EXPORTER_OTLP_LOGS_HEADERS` in `secret_env` of a service."""

    audit_endpoint: Annotated[str, AfterValidator(log_store_url)] | None = None
    """Base URL for the audit log, which is then exported only there; unset = with the other lines."""

    @property
    def urls(self) -> list[str]:
        """The endpoints that are set."""
        return [url for url in (self.otlp_endpoint, self.audit_endpoint) if url is not None]

    @property
    def external_hosts(self) -> list[str]:
        """External hosts of the endpoints, as entries of `egress_hosts`, each once."""
        parts = [urlsplit(url) for url in self.urls]
        hosts = [
            f"{part.hostname}:{part.port}" if part.port not in {None, 443} else str(part.hostname)
            for part in parts
            if not is_internal_host(part.hostname or "")
        ]
        return list(dict.fromkeys(hosts))
