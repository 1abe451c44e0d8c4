"""Host names of single services at the gateway: certificates by host, and conflicts between owners of a host."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from meshed_mcp.components.core.errors import ConfigIssue
from meshed_mcp.error_codes import stack as codes
from meshed_mcp.error_codes.browsers import ALIAS_SECRET_UNUSED, ALIAS_TAKEN, PUBLIC_URL_OF_GATEWAY
from meshed_mcp.error_codes.code import Message
from meshed_mcp.infra.config import NAMESPACE, StackConfig


def gateway_hosts(config: StackConfig) -> dict[str, str | None]:
    """Host -> its TLS Secret, of aliases and exposed services; None = the gateway's certificate."""
    services = (each for item in config.services.values() for each in item.hosts)
    return {each.host: each.tls_secret for each in (*config.domain_aliases, *services)}


def alias_issues(config: StackConfig) -> Iterator[ConfigIssue]:
    """Aliases that are the domain, another alias or Grafana, or have a certificate that no Gateway would serve."""
    grafana, gateway = config.observability.grafana, config.mesh.gateway.name
    used = {config.domain: "the domain"}
    if grafana.expose is not None and (monitoring := urlsplit(grafana.url or "").hostname):
        used[monitoring] = "the host of Grafana"
    for number, each in enumerate(config.domain_aliases):
        field = f"{NAMESPACE}:domain_aliases[{number}]"
        if each.host in used:
            yield ConfigIssue("stack", field, ALIAS_TAKEN.message(host=each.host, use=used[each.host]))
        used.setdefault(each.host, "another alias")
        if each.tls_secret is not None and gateway is not None:
            message = ALIAS_SECRET_UNUSED.message(gateway=gateway, host=each.host)
            yield ConfigIssue("stack", f"{field}.tls_secret", message)


def public_url_issues(config: StackConfig) -> Iterator[ConfigIssue]:
    """Public URLs at the stack's own gateway, which has set them."""
    own = {config.domain, *(each.host for each in config.domain_aliases)}
    for name, item in config.services.items():
        hosts = own | {each.host for each in item.hosts} if item.expose else set[str]()
        for number, url in enumerate(item.public_urls):
            if (host := urlsplit(url).hostname or "") in hosts:
                message = PUBLIC_URL_OF_GATEWAY.message(host=host)
                yield ConfigIssue(f"service {name}", f"public_urls[{number}]", message)


def host_issues(config: StackConfig) -> Iterator[ConfigIssue]:
    """Hosts with two owners, and certificates for a Gateway that the stack does not create."""
    yield from alias_issues(config)
    yield from public_url_issues(config)
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
    if host in {each.host for each in config.domain_aliases}:
        return ALIAS_TAKEN.message(host=host, use="an alias of the domain")
    if host == config.domain:
        return codes.HOST_IS_DOMAIN.message(host=host)
    if grafana.expose is not None and host == urlsplit(grafana.url or "").hostname:
        return codes.HOST_OF_GRAFANA.message(host=host)
    return None
