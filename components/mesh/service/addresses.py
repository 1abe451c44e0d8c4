"""Hosts, URLs and mesh identities of a service."""

from urllib.parse import urlsplit

from meshed_mcp import contract
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs, ServiceSettings


def service_host(name: str, args: MeshedMCPServiceArgs) -> str:
    """Fully qualified host; Istio completes a short one with the namespace of the route, not of the client."""
    return f"{name}.{args.namespace}.svc.{args.cluster_domain}"


def service_url(name: str, args: MeshedMCPServiceArgs) -> str:
    """URL of the endpoint for clients in the mesh; plain HTTP, because sidecars encrypt."""
    return f"http://{service_host(name, args)}:{contract.MCP_PORT}{args.path}"


def exposed_path(name: str, args: ServiceSettings) -> str:
    """Path of the endpoint at the ingress gateway, without a trailing slash."""
    return f"/{name}{args.path}".rstrip("/")


def subpaths(path: str) -> str:
    """Prefix of the paths below an endpoint."""
    return f"{path.rstrip('/')}/"


def resource_url(name: str, args: MeshedMCPServiceArgs) -> str:
    """URL of the service as a protected resource. Source: RFC 8707, section 2; RFC 9728, section 1.2."""
    if args.auth is not None and args.auth.resource is not None:
        return args.auth.resource
    if args.hosts:
        return f"https://{args.hosts[0].host}{args.path}"
    if args.expose and args.ingress is not None:
        return f"https://{args.ingress.host}{exposed_path(name, args)}"
    return service_url(name, args)


def metadata_path(name: str, args: MeshedMCPServiceArgs) -> str:
    """Path of the protected resource metadata, at gateway and service. Source: RFC 9728, section 3.1."""
    return contract.PROTECTED_RESOURCE_PATH + urlsplit(resource_url(name, args)).path.rstrip("/")


def allowed_hosts(name: str, args: MeshedMCPServiceArgs) -> list[str]:
    """Accepted values of the Host header: each name of the service with any port, and the gateway's hosts.

    Source: MCP specification, "Security Best Practices", DNS rebinding; Kubernetes, "DNS for Services and Pods".
    """
    inside = [name, f"{name}.{args.namespace}", f"{name}.{args.namespace}.svc", service_host(name, args)]
    outside = [args.ingress.host] if args.expose and args.ingress is not None else []
    outside += [each.host for each in args.hosts]
    return [form for host in inside + outside for form in (host, f"{host}:*")]


def principal(account: str, namespace: str, trust_domain: str) -> str:
    """Mesh identity of a service account. Source: Istio, AuthorizationPolicy `source.principals`."""
    return f"{trust_domain}/ns/{namespace}/sa/{account}"


def caller_principal(caller: str, args: MeshedMCPServiceArgs) -> str:
    """Mesh identity of an entry of `callers`: a service of the namespace, or "namespace/serviceaccount"."""
    namespace, _, account = caller.rpartition("/")
    account = account if namespace else args.accounts.get(account, account)
    return principal(account, namespace or args.namespace, args.trust_domain)
