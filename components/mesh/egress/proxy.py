"""Egress through a corporate proxy: which hosts use it, its ServiceEntry and network policy rule, and the environment.

A service without an external host behind the proxy gets no way to it, because the mesh cannot see the hosts that a
client asks the proxy for. The egress gateway is for direct hosts only: behind it, every host would be the proxy.
Source: Istio, "Using an External HTTPS Proxy".
"""

from typing import Any, Final

from meshed_mcp.components.core.manifest import Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.mesh.egress.proxy_args import (
    LOCAL_NAMES,
    PRIVATE_NETWORKS,
    EgressProxy,
    proxied_hosts,
    url_variables,
)
from meshed_mcp.components.mesh.egress.proxy_validation import LIST_VARIABLES, URL_VARIABLES
from meshed_mcp.components.mesh.egress.service_entry import declared_hosts
from meshed_mcp.components.mesh.routing.virtual_service import NETWORKING
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs

PROXY_ALIAS: Final = "egress-proxy.internal"
"""Host of the ServiceEntry of a proxy without a name. Istio requires one, and routes by address and port. Source:
ICANN, "Reserving .INTERNAL for Private-Use Applications"."""

NODE_VARIABLE: Final = "NODE_USE_ENV_PROXY"
"""`1` = Node.js reads the other variables. Source: Node.js 24, "Built-in Proxy Support"."""


def proxy_of(args: MeshedMCPServiceArgs) -> EgressProxy | None:
    """The proxy, if the service has an external host behind it."""
    return args.egress_proxy if proxied_hosts(declared_hosts(args), args.egress_proxy) else None


def entry_host(proxy: EgressProxy) -> str:
    """Host of the proxy's ServiceEntry."""
    return PROXY_ALIAS if proxy.has_address else proxy.host


def proxy_entries(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """ServiceEntry of the proxy for the service's namespace: TCP, because CONNECT is plain text."""
    proxy = proxy_of(args)
    if proxy is None:
        return []
    place: dict[str, Any] = {"resolution": "DNS"}
    if proxy.has_address:
        place = {"addresses": [proxy.host], "resolution": "NONE"}
    port = {"number": proxy.port, "name": "tcp-proxy", "protocol": "TCP"}
    spec = {"hosts": [entry_host(proxy)], "ports": [port], "location": "MESH_EXTERNAL", "exportTo": ["."], **place}
    meta = metadata(f"{name}-egress-proxy", args.namespace, standard_labels(name))
    return [manifest(NETWORKING, "ServiceEntry", meta, spec)]


def no_proxy(proxy: EgressProxy, namespace: str, cluster_domain: str, references: list[str]) -> list[str]:
    """Destinations that bypass the proxy: this machine, the cluster, and those of the stack.

    `references` are services as "namespace/host" of a Sidecar; their short names resolve in the cluster too.
    """
    suffix = f".svc.{cluster_domain}"
    pairs = [reference.split("/") for reference in references]
    inside = [(namespace if each == "." else each, host) for each, host in pairs if each != "~"]
    names = [host.removesuffix(suffix) for _, host in inside if host.endswith(suffix)]
    short = [name.removesuffix(f".{namespace}") for name in names]
    spaces = [f".{each}" for each, host in inside if host == "*" or host.endswith(suffix)]
    cluster = [".svc", f".{cluster_domain}", f".{namespace}", *short, *spaces]
    return list(dict.fromkeys([*LOCAL_NAMES, *cluster, *PRIVATE_NETWORKS, *proxy.no_proxy]))


def proxy_environment(args: MeshedMCPServiceArgs, references: list[str]) -> list[Manifest]:
    """Environment variables of a container whose clients use the proxy; none without one."""
    proxy = proxy_of(args)
    if proxy is None:
        return []
    bypass = ",".join(no_proxy(proxy, args.namespace, args.cluster_domain, references))
    plain = {**dict.fromkeys(LIST_VARIABLES, bypass), NODE_VARIABLE: "1"}
    return [*url_variables(proxy, URL_VARIABLES), *({"name": key, "value": value} for key, value in plain.items())]


def proxy_rule(args: MeshedMCPServiceArgs, everywhere: list[Manifest]) -> list[Manifest]:
    """Network policy rule for the proxy's port: at its address, or `everywhere` for a name."""
    proxy = proxy_of(args)
    if proxy is None:
        return []
    length = 128 if ":" in proxy.host else 32
    to = [{"ipBlock": {"cidr": f"{proxy.host}/{length}"}}] if proxy.has_address else everywhere
    return [{"to": to, "ports": [{"protocol": "TCP", "port": proxy.port}]}]
