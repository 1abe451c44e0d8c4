"""Validation of policies across services: egress, authorizers, token metadata, claims and shared rate limits."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from meshed_mcp import contract
from meshed_mcp.components.core.errors import ConfigIssue, suggestion
from meshed_mcp.components.mesh.egress.destinations import ExternalHost, external_hosts
from meshed_mcp.components.mesh.egress.proxy_args import direct_hosts
from meshed_mcp.components.mesh.egress.service_entry import declared_hosts, ports_by_host, source_hosts
from meshed_mcp.components.mesh.rate_limit.args import SharedLimits
from meshed_mcp.components.mesh.rate_limit.server_args import RateLimitRef
from meshed_mcp.components.mesh.rate_limit.shared import rate_limit_ref
from meshed_mcp.components.mesh.service.addresses import is_resource, principal
from meshed_mcp.error_codes import stack as codes
from meshed_mcp.error_codes.identity import RESOURCE_NOT_OF_SERVICE
from meshed_mcp.infra.config import NAMESPACE, StackConfig
from meshed_mcp.infra.validation.accounts import account_names
from meshed_mcp.infra.validation.calls import resource_of, urls_of


def external_hosts_by_service(config: StackConfig) -> dict[str, list[ExternalHost]]:
    """Service, registry included -> its external hosts without a proxy, those of log export included."""
    stores = external_hosts(config.logs.external_hosts)
    own: dict[str, list[ExternalHost]] = {} if config.registry is None else {contract.REGISTRY_NAME: []}
    own |= {name: declared_hosts(item) for name, item in config.services.items()}
    return {name: direct_hosts([*dict.fromkeys([*hosts, *stores])], config.egress_proxy) for name, hosts in own.items()}


def egress_identities(config: StackConfig) -> dict[str, list[str]]:
    """External host -> principals that reach it; empty without an egress gateway."""
    found: dict[str, list[str]] = {}
    if config.mesh.egress_gateway is None:
        return found
    accounts = account_names(config)
    for name, hosts in external_hosts_by_service(config).items():
        for host in hosts:
            account = accounts.get(name, name)
            found.setdefault(host.text, []).append(principal(account, config.namespace, config.mesh.trust_domain))
    return found


def policy_issues(config: StackConfig) -> Iterator[ConfigIssue]:
    """Unknown authorizers, and external hosts that the mesh cannot distinguish."""
    known = sorted(config.mesh.external_authorizers)
    for name, item in config.services.items():
        wanted = item.external_authorization
        if wanted is not None and wanted not in known:
            message = codes.UNKNOWN_AUTHORIZER.message(name=wanted, suggested=suggestion(wanted, known))
            yield ConfigIssue(f"service {name}", "external_authorization", message)
        sources = {"egress_hosts": external_hosts(item.egress_hosts), "url": source_hosts(item)}
        for field, hosts in sources.items():
            if config.domain in {each.host for each in hosts}:
                message = codes.EGRESS_TO_OWN_GATEWAY.message(domain=config.domain)
                yield ConfigIssue(f"service {name}", field, message)
    yield from overlap_issues(config)


def overlap_issues(config: StackConfig) -> Iterator[ConfigIssue]:
    """External hosts at different ports: istiod uses the ports of one ServiceEntry for a host.

    Source: Istio API, ServiceEntry.
    """
    why = "proxies of a namespace use the ports of one entry for a host; set the same ports in both"
    if config.mesh.egress_gateway is not None:
        why = "the egress gateway distinguishes hosts by name alone; set one port"
    seen: dict[str, tuple[tuple[int, ...], str]] = {}
    for name, hosts in external_hosts_by_service(config).items():
        for host, ports in ports_by_host(hosts).items():
            others, owner = seen.setdefault(host, (ports, name))
            if others != ports:
                message = codes.EXTERNAL_HOST_PORTS_DIFFER.message(
                    host=host, ports=_ports(ports), others=_ports(others), owner=owner, why=why
                )
                yield ConfigIssue(f"service {name}", "egress_hosts", message)
            elif len(ports) > 1 and config.mesh.egress_gateway is not None:
                yield ConfigIssue(
                    f"service {name}",
                    "egress_hosts",
                    codes.EXTERNAL_HOST_AT_SEVERAL_PORTS.message(host=host, ports=_ports(ports), why=why),
                )


def _ports(ports: tuple[int, ...]) -> str:
    return f"port {ports[0]}" if len(ports) == 1 else f"ports {' and '.join(map(str, ports))}"


def authorizer_reference(config: StackConfig, name: str | None) -> list[str]:
    """The Service of an authorizer as "namespace/service", for the sidecars that call it."""
    if name is None or name not in config.mesh.external_authorizers:
        return []
    service, namespace, *_ = config.mesh.external_authorizers[name].service.split(".")
    return [f"{namespace}/{service}"]


def organization_claims(config: StackConfig) -> dict[str, str]:
    """Issuer -> its organization claim, for the metrics of the mesh; the first service with the issuer decides."""
    found: dict[str, str] = {}
    for item in config.services.values():
        for issuer, claim in item.auth.organization_claims.items() if item.auth is not None else ():
            found.setdefault(issuer, claim)
    return found


def claim_issues(config: StackConfig) -> Iterator[ConfigIssue]:
    """Services whose claim differs from that of the mesh's metrics for the same issuer."""
    if config.mesh.organization_tag is None:
        return
    seen: dict[str, tuple[str, str]] = {}
    key = f"{NAMESPACE}:mesh.organization_tag"
    for name, item in config.services.items():
        claims = {} if item.auth is None else item.auth.organization_claims
        for number, (issuer, claim) in enumerate(claims.items()):
            common, first = seen.setdefault(issuer, (claim, name))
            if claim != common:
                message = codes.CLAIMS_DIFFER.message(claim=claim, common=common, first=first, key=key)
                yield ConfigIssue(f"service {name}", f"auth.issuers[{number}].claims.organization", message)


def resources_at_domain(config: StackConfig) -> list[str]:
    """Exposed services whose token metadata is at the gateway's domain."""
    services = config.services.items()
    exposed = [name for name, item in services if item.expose and item.auth is not None]
    return [name for name in exposed if urlsplit(_resource(config, name)).hostname == config.domain]


def _resource(config: StackConfig, name: str) -> str:
    return resource_of(config, name, config.services[name])


def exposure_issues(config: StackConfig) -> Iterator[ConfigIssue]:
    """Resource URLs of other services, and services that share the path of their protected resource metadata.

    Source: RFC 9728, sections 3.1 and 3.3.
    """
    for name, item in config.services.items():
        urls = urls_of(config, name, item)
        if item.auth is not None and item.auth.resource is not None and not is_resource(item.auth.resource, urls):
            message = RESOURCE_NOT_OF_SERVICE.message(value=item.auth.resource, known=" or ".join(map(repr, urls)))
            yield ConfigIssue(f"service {name}", "auth.resource", message)
    owners: dict[str, str] = {}
    for name in resources_at_domain(config):
        path = contract.PROTECTED_RESOURCE_PATH + urlsplit(_resource(config, name)).path.rstrip("/")
        if owners.setdefault(path, name) != name:
            message = codes.TOKEN_METADATA_TAKEN.message(path=path, owner=owners[path])
            yield ConfigIssue(f"service {name}", "auth.resource", message)


def shared_limits(config: StackConfig) -> dict[str, SharedLimits]:
    """Service -> its rate limits over all pods."""
    found = {name: item.rate_limits.shared for name, item in config.services.items()}
    return {name: limits for name, limits in found.items() if limits.rates}


def rate_limit_service(config: StackConfig) -> RateLimitRef | None:
    """Reference to the rate limit service; None if the stack has none."""
    chosen = config.mesh.rate_limiting
    return None if chosen is None else rate_limit_ref(config.namespace, config.mesh.cluster_domain, chosen.failure_mode)


def shared_limit_issues(config: StackConfig) -> Iterator[ConfigIssue]:
    """Shared rate limits without a rate limit service."""
    if config.mesh.rate_limiting is not None:
        return
    for name in shared_limits(config):
        message = codes.SHARED_LIMIT_WITHOUT_REDIS.message(key=f"{NAMESPACE}:mesh.rate_limiting")
        yield ConfigIssue(f"service {name}", "rate_limits.shared", message)
