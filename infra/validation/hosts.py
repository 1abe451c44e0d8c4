"""Host names of single services at the gateway: certificates by host, and conflicts between owners of a host."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from meshed_mcp.components.core.errors import ConfigIssue
from meshed_mcp.error_codes import stack as codes
from meshed_mcp.error_codes.code import Message
from meshed_mcp.infra.config import StackConfig


def gateway_hosts(config: StackConfig) -> dict[str, str | None]:
    """Host -> its TLS Secret, of all exposed services; None = the gateway's certificate."""
    return {each.host: each.tls_secret for item in config.services.values() for each in item.hosts}


def host_issues(config: StackConfig) -> Iterator[ConfigIssue]:
    """Hosts with two owners, and certificates for a Gateway that the stack does not create."""
    owners: dict[str, str] = {}
    for name, item in config.services.items():
        for number, each in enumerate(item.hosts):
            field = f"hosts[{number}]"
            message = taken(config, each.host, owners.setdefault(each.host, name), name)
            if message is not None:
                yield ConfigIssue(f"service {name}", field, message)
            gateway = config.mesh.gateway.name
            if each.tls_secret is not None and gateway is not None:
                message = codes.HOST_SECRET_UNUSED.message(gateway=gateway, host=each.host)
                yield ConfigIssue(f"service {name}", f"{field}.tls_secret", message)


def taken(config: StackConfig, host: str, owner: str, name: str) -> Message | None:
    """Why `host` cannot be that of service `name`; None if it can."""
    grafana = config.observability.grafana
    if owner != name:
        return codes.HOST_TAKEN.message(host=host, other=owner)
    if host == config.domain:
        return codes.HOST_IS_DOMAIN.message(host=host)
    if grafana.expose is not None and host == urlsplit(grafana.url or "").hostname:
        return codes.HOST_OF_GRAFANA.message(host=host)
    return None
