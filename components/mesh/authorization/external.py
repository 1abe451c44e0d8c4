"""Servers that are asked about requests: known mesh-wide by name, asked by the sidecars of the services that name them.

Arguments in, mesh configuration and policies out. What they cannot answer is refused. Not here: the servers themselves,
which belong to the user.
Source: Istio, "External Authorization"; MeshConfig, ExtensionProvider.
"""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata
from meshed_mcp.components.mesh.authorization.enforcement_args import Authorizer, AuthorizerProtocol
from meshed_mcp.components.mesh.authorization.policy import SECURITY
from meshed_mcp.components.mesh.cluster.args import ServiceMeshArgs
from meshed_mcp.components.mesh.service.addresses import metadata_path
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs

UNAVAILABLE: Final = "503"
"""Answer while an authorizer does not answer: it is not the caller's fault, as 403, Istio's default, would say."""


def authorizer_providers(args: ServiceMeshArgs) -> list[Manifest]:
    """Entries of the mesh configuration's `extensionProviders`."""
    return [{"name": name, **_provider(each)} for name, each in args.external_authorizers.items()]


def _provider(authorizer: Authorizer) -> Manifest:
    common = {
        "service": authorizer.service,
        "port": authorizer.port,
        "timeout": f"{authorizer.timeout_seconds:g}s",
        "failOpen": False,
        "statusOnError": UNAVAILABLE,
    }
    if authorizer.body_bytes is not None:
        common["includeRequestBodyInCheck"] = {
            "maxRequestBytes": authorizer.body_bytes,
            "allowPartialMessage": False,  # a rule that sees half of a body can be walked past in the other half
        }
    if authorizer.protocol is AuthorizerProtocol.GRPC:
        return {"envoyExtAuthzGrpc": common}
    headers = {
        "includeRequestHeadersInCheck": list(authorizer.request_headers),
        "headersToUpstreamOnAllow": list(authorizer.upstream_headers),
    }
    return {"envoyExtAuthzHttp": common | {name: values for name, values in headers.items() if values}}


def external_authorization(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """The policy by which the service's sidecar asks; before the others, which must admit the request too.

    The metadata of tokens stays open: it is for clients that have none yet.
    """
    if args.external_authorization is None:
        return []
    rules = [{"to": [{"operation": {"notPaths": [metadata_path(name, args)]}}]}] if args.auth else [{}]
    spec = {
        "selector": {"matchLabels": {contract.LABEL_APP: name}},
        "action": "CUSTOM",
        "provider": {"name": args.external_authorization},
        "rules": rules,
    }
    return [manifest(SECURITY, "AuthorizationPolicy", metadata(f"{name}-external", args.namespace), spec)]
