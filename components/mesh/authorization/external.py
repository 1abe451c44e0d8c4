"""External authorization; it fails closed. Source: Istio, "External Authorization"; MeshConfig, ExtensionProvider."""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata
from meshed_mcp.components.mesh.authorization.enforcement_args import Authorizer, AuthorizerProtocol
from meshed_mcp.components.mesh.authorization.policy import SECURITY_API
from meshed_mcp.components.mesh.cluster.args import ServiceMeshArgs
from meshed_mcp.components.mesh.service.addresses import metadata_paths
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs

UNAVAILABLE: Final = "503"
"""Status while the authorizer does not respond. Istio's default, 403, would blame the caller."""


def authorizer_providers(args: ServiceMeshArgs) -> list[Manifest]:
    """Entries of MeshConfig `extensionProviders`."""
    return [{"name": name, **_provider(each)} for name, each in args.external_authorizers.items()]


def _provider(authorizer: Authorizer) -> Manifest:
    common = {
        "service": authorizer.service,
        "port": authorizer.port,
        "timeout": f"{authorizer.timeout_seconds:g}s",
        "failOpen": False,
        "statusOnError": UNAVAILABLE,
    }
    if authorizer.body_bytes is not None:  # no partial message: content after the truncation would bypass the rule
        body = {"maxRequestBytes": authorizer.body_bytes, "allowPartialMessage": False}
        common["includeRequestBodyInCheck"] = body
    if authorizer.protocol is AuthorizerProtocol.GRPC:
        return {"envoyExtAuthzGrpc": common}
    headers = {
        "includeRequestHeadersInCheck": list(authorizer.request_headers),
        "headersToUpstreamOnAllow": list(authorizer.upstream_headers),
    }
    return {"envoyExtAuthzHttp": common | {name: values for name, values in headers.items() if values}}


def external_authorization(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """The CUSTOM policy of a service, which Istio evaluates before its ALLOW policies.

    The protected resource metadata stays public: clients without a token read it.
    """
    if args.external_authorization is None:
        return []
    rules = [{"to": [{"operation": {"notPaths": metadata_paths(name, args)}}]}] if args.auth else [{}]
    spec = {
        "selector": {"matchLabels": {contract.LABEL_APP: name}},
        "action": "CUSTOM",
        "provider": {"name": args.external_authorization},
        "rules": rules,
    }
    return [manifest(SECURITY_API, "AuthorizationPolicy", metadata(f"{name}-external", args.namespace), spec)]
