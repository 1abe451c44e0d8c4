"""Where the services' log lines go beside standard error. Values in, a frozen model out; the runtime sends them."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

from meshed_mcp.components.core.args import Model
from meshed_mcp.components.mesh.egress.external_hosts import is_inside
from meshed_mcp.error_codes.mesh import INVALID_LOG_URL, LOGS_IN_PLAINTEXT


def log_store(url: str) -> str:
    """Base URL of a store that takes OTLP over HTTP. Raises ValueError with what to write instead."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in {"http", "https"} or not host or parts.query or parts.fragment or parts.username:
        raise INVALID_LOG_URL.error(url=url)
    if parts.scheme == "http" and not is_inside(host):
        raise LOGS_IN_PLAINTEXT.error(url=url)
    return url


class LogSettings(Model):
    """Log lines as OTLP, for all services of a stack. They are on standard error in any case."""

    otlp_endpoint: Annotated[str, AfterValidator(log_store)] | None = None
    """Base URL of a store that takes OTLP over HTTP, without `/v1/logs`; unset = lines are on standard error alone.
    Headers such as keys: `OTEL_EXPORTER_OTLP_LOGS_HEADERS` in a service's `secret_env`."""

    audit_endpoint: Annotated[str, AfterValidator(log_store)] | None = None
    """The same for the audit log, which is then sent here and nowhere else. Unset: with the other lines."""

    @property
    def urls(self) -> list[str]:
        """The endpoints that are set."""
        return [url for url in (self.otlp_endpoint, self.audit_endpoint) if url is not None]

    @property
    def outside(self) -> list[str]:
        """Hosts outside the cluster, as `egress_hosts` has them; each once."""
        parts = [urlsplit(url) for url in self.urls]
        hosts = [
            f"{part.hostname}:{part.port}" if part.port not in {None, 443} else str(part.hostname)
            for part in parts
            if not is_inside(part.hostname or "")
        ]
        return list(dict.fromkeys(hosts))
