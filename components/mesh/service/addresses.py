"""Hosts, URLs and mesh identities of a service."""

from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from meshed_mcp import contract
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs, ServiceSettings
from meshed_mcp.error_codes.identity import RESOURCE_NOT_OF_SERVICE


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
    urls = service_urls(name, args)
    if args.auth is None or args.auth.resource is None:
        return urls[0]
    if not is_resource(args.auth.resource, urls):
        raise RESOURCE_NOT_OF_SERVICE.error(value=args.auth.resource, known=" or ".join(map(repr, urls)))
    return args.auth.resource


def resource_host(name: str, args: MeshedMCPServiceArgs) -> str | None:
    """Host of the resource URL."""
    return urlsplit(resource_url(name, args)).hostname


def service_urls(name: str, args: MeshedMCPServiceArgs) -> list[str]:
    """URLs of the endpoint, the one that clients outside use first."""
    scheme = "" if args.ingress is None else args.ingress.scheme
    origins = [f"{scheme}://{host}" for host in gateway_hosts(args)]
    return endpoint_urls(name, args, origins, args.namespace, args.cluster_domain)


def endpoint_urls(
    name: str, settings: ServiceSettings, origins: Sequence[str], namespace: str, cluster_domain: str
) -> list[str]:
    """URLs of the endpoint of a service: at its own hosts, below the origins of the gateway, elsewhere, in the mesh."""
    outside = origins if settings.expose else []
    own = [f"{urlsplit(outside[0]).scheme}://{each.host}{settings.path}" for each in settings.hosts if outside]
    below = [f"{origin}{exposed_path(name, settings)}" for origin in outside]
    elsewhere = [f"{url}{settings.path}" for url in settings.public_urls]
    inside = f"http://{name}.{namespace}.svc.{cluster_domain}:{contract.MCP_PORT}{settings.path}"
    return [*own, *below, *elsewhere, inside]


def is_resource(value: str, urls: Iterable[str]) -> bool:
    """Whether a client that connects to one of the URLs accepts the resource: the URL, or a parent of it.

    Source: MCP 2026-07-28, "Authorization", canonical server URI; the SDK, `check_resource_allowed`.
    """
    given = urlsplit(value)
    for url in map(urlsplit, urls):
        same_origin = (url.scheme, url.netloc) == (given.scheme.lower(), given.netloc.lower())
        if same_origin and not given.query and f"{url.path.rstrip('/')}/".startswith(f"{given.path.rstrip('/')}/"):
            return True
    return False


def public_urls(name: str, args: MeshedMCPServiceArgs) -> list[str]:
    """Base URLs of the service for clients outside: below each name of the gateway, at its own hosts, elsewhere."""
    found: list[str] = []
    if args.expose and args.ingress is not None:
        scheme = args.ingress.scheme
        found = [f"{scheme}://{host}/{name}" for host in gateway_hosts(args)]
        found += [f"{scheme}://{each.host}" for each in args.hosts]
    return [*found, *args.public_urls]


def gateway_hosts(args: MeshedMCPServiceArgs) -> list[str]:
    """Host names under which the gateway has the paths of all services; none unless exposed."""
    return [args.ingress.host, *args.ingress.aliases] if args.expose and args.ingress is not None else []


def metadata_path(name: str, args: MeshedMCPServiceArgs) -> str:
    """Path of the protected resource metadata, at gateway and service. Source: RFC 9728, section 3.1."""
    return contract.PROTECTED_RESOURCE_PATH + urlsplit(resource_url(name, args)).path.rstrip("/")


def metadata_paths(name: str, args: MeshedMCPServiceArgs) -> list[str]:
    """Paths of the metadata at a host without further resources: clients look at the second without the first.

    Source: MCP 2026-07-28, "Authorization", "Protected Resource Metadata Discovery Requirements".
    """
    return list(dict.fromkeys([metadata_path(name, args), contract.PROTECTED_RESOURCE_PATH]))


def allowed_hosts(name: str, args: MeshedMCPServiceArgs) -> list[str]:
    """Accepted values of the Host header: each name of the service with any port, and the gateway's hosts.

    Source: MCP specification, "Security Best Practices", DNS rebinding; Kubernetes, "DNS for Services and Pods".
    """
    inside = [name, f"{name}.{args.namespace}", f"{name}.{args.namespace}.svc", service_host(name, args)]
    outside = [*gateway_hosts(args), *(each.host for each in args.hosts)]
    return [form for host in inside + outside for form in (host, f"{host}:*")]


def principal(account: str, namespace: str, trust_domain: str) -> str:
    """Mesh identity of a service account. Source: Istio, AuthorizationPolicy `source.principals`."""
    return f"{trust_domain}/ns/{namespace}/sa/{account}"


def caller_principal(caller: str, args: MeshedMCPServiceArgs) -> str:
    """Mesh identity of an entry of `callers`: a service of the namespace, or "namespace/serviceaccount"."""
    namespace, _, account = caller.rpartition("/")
    account = account if namespace else args.accounts.get(account, account)
    return principal(account, namespace or args.namespace, args.trust_domain)
