"""Names under which a service is reached and known in the mesh: hosts, URL, identities.

A service's name and arguments in, text out. Not here: the objects that use them (workload.py,
mesh/routing/virtual_service.py, mesh/authorization/policy.py).
"""

from urllib.parse import urlsplit

from meshed_mcp import contract
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs, ServiceSettings


def service_host(name: str, args: MeshedMCPServiceArgs) -> str:
    """Fully qualified host; Istio would complete a short one with the namespace of the route, not of the client."""
    return f"{name}.{args.namespace}.svc.{args.cluster_domain}"


def service_url(name: str, args: MeshedMCPServiceArgs) -> str:
    """URL of the endpoint for clients in the mesh; plain HTTP, because the sidecars encrypt."""
    return f"http://{service_host(name, args)}:{contract.MCP_PORT}{args.path}"


def exposed_path(name: str, args: ServiceSettings) -> str:
    """Path of the endpoint at the ingress gateway."""
    return f"/{name}{args.path}"


def resource_url(name: str, args: MeshedMCPServiceArgs) -> str:
    """URL that tokens for the service name as their audience. Source: RFC 8707, section 2."""
    if args.auth is not None and args.auth.audience is not None:
        return args.auth.audience
    if args.expose and args.ingress is not None:
        return f"https://{args.ingress.host}{exposed_path(name, args)}"
    return service_url(name, args)


def metadata_path(name: str, args: MeshedMCPServiceArgs) -> str:
    """Path, at the gateway as at the service, where clients learn who issues tokens. Source: RFC 9728, section 3.1."""
    return contract.PROTECTED_RESOURCE_PATH + urlsplit(resource_url(name, args)).path.rstrip("/")


def allowed_hosts(name: str, args: MeshedMCPServiceArgs) -> list[str]:
    """Values of the Host header that the service answers: each of its names with any port, and the gateway's host.

    Source: MCP specification, "Security Best Practices", DNS rebinding; Kubernetes, "DNS for Services and Pods".
    """
    inside = [name, f"{name}.{args.namespace}", f"{name}.{args.namespace}.svc", service_host(name, args)]
    outside = [args.ingress.host] if args.expose and args.ingress is not None else []
    return [form for host in inside + outside for form in (host, f"{host}:*")]


def principal(account: str, namespace: str, trust_domain: str) -> str:
    """Mesh identity of a service account. Source: Istio, AuthorizationPolicy `source.principals`."""
    return f"{trust_domain}/ns/{namespace}/sa/{account}"


def caller_principal(caller: str, args: MeshedMCPServiceArgs) -> str:
    """Identity of one entry of `callers`: a service of the same namespace, or "namespace/serviceaccount"."""
    namespace, _, account = caller.rpartition("/")
    return principal(account, namespace or args.namespace, args.trust_domain)
