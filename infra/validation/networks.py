"""Validation of the corporate network of a stack: proxy, certificates, and the variables that name them."""

from collections.abc import Iterator

from meshed_mcp.components.core.errors import ConfigIssue
from meshed_mcp.components.mesh.egress.destinations import external_hosts, is_internal_host, is_ip_address
from meshed_mcp.components.mesh.egress.proxy_args import proxied_hosts
from meshed_mcp.components.mesh.egress.proxy_validation import derived_variable_issues, proxies_in
from meshed_mcp.components.mesh.egress.service_entry import declared_hosts
from meshed_mcp.components.mesh.egress.workload_identity import identity_issues
from meshed_mcp.error_codes import network as codes
from meshed_mcp.infra.config import NAMESPACE, ServiceConfig, StackConfig


def network_issues(config: StackConfig) -> Iterator[ConfigIssue]:
    """Issues of `egress_proxy` and `ca_bundle` with the services."""
    for name, item in config.services.items():
        where = f"service {name}"
        for field in ("env", "secret_env"):
            for message in derived_variable_issues(getattr(item, field), config.egress_proxy, config.ca_bundle):
                yield ConfigIssue(where, field, message)
        yield from cluster_proxy_issues(config, name, item)
        names = [each.host for each in external_hosts(item.egress_hosts)]
        for message in identity_issues(item.identity_annotations, names, config.platform):
            yield ConfigIssue(where, "service_account.annotations", message)
        if config.egress_proxy is not None and config.egress_proxy.host in {each.host for each in declared_hosts(item)}:
            yield ConfigIssue(
                where, "egress_hosts", codes.PROXY_IS_EXTERNAL_HOST.message(host=config.egress_proxy.host)
            )
    declared = [host for item in config.services.values() for host in declared_hosts(item)]
    declared += external_hosts(config.logs.external_hosts)
    if config.egress_proxy is not None and not proxied_hosts(declared, config.egress_proxy):
        yield ConfigIssue("stack", f"{NAMESPACE}:egress_proxy", codes.PROXY_UNUSED.message())


def cluster_proxy_issues(config: StackConfig, name: str, item: ServiceConfig) -> Iterator[ConfigIssue]:
    """Proxies of the cluster in `env` that the service does not declare."""
    places = {*config.mesh.cluster_dependencies, *item.cluster_dependencies}
    for variable, url in proxies_in(item.env).items():
        host = url.hostname or ""
        if is_ip_address(host) or not is_internal_host(host):
            continue
        service, *rest = host.split(".")
        namespace = rest[0] if rest else config.namespace
        if not {f"{namespace}/{service}", f"{namespace}/*"} & places:
            message = codes.PROXY_NOT_IN_SCOPE.message(variable=variable, reference=f"{namespace}/{service}")
            yield ConfigIssue(f"service {name}", "env", message)
