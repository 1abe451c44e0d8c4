"""Who may speak to whom in the mesh: mutual TLS everywhere, nobody by default, then named callers per service.

Arguments in, Istio policies out. Not here: names of identities (addresses.py), per-tool policy (not yet rendered), the
management port, which is outside the mesh (workload.py).
"""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata
from meshed_mcp.components.mesh.addresses import caller_principal
from meshed_mcp.components.mesh.args import MeshedMCPServiceArgs
from meshed_mcp.components.mesh.cluster_args import ROOT_NAMESPACE

SECURITY: Final = "security.istio.io/v1"
"""Source: Istio 1.31 CRDs, storage version of PeerAuthentication and AuthorizationPolicy."""

DEFAULT_DENY: Final = "default-deny"


def mutual_tls() -> Manifest:
    """Plain text is refused in the whole mesh. Source: Istio, "Mutual TLS", `default` in the root namespace."""
    return manifest(SECURITY, "PeerAuthentication", metadata("default", ROOT_NAMESPACE), {"mtls": {"mode": "STRICT"}})


def default_deny(namespace: str) -> Manifest:
    """An empty policy matches no request, so nothing in the namespace is reached unless a service allows it.

    Source: Istio, AuthorizationPolicy, example "allow-nothing".
    """
    return manifest(SECURITY, "AuthorizationPolicy", metadata(DEFAULT_DENY, namespace), {})


def allowed_callers(name: str, args: MeshedMCPServiceArgs) -> Manifest:
    """The callers of the service, by identity, on its path and its methods only; no callers = no rule = nobody."""
    operation = {"methods": list(args.methods), "paths": [args.path, f"{args.path}/*"]}
    principals = [caller_principal(caller, args) for caller in args.callers]
    if args.expose and args.ingress is not None:
        principals.append(args.ingress.principal)
    rule = {"from": [{"source": {"principals": principals}}], "to": [{"operation": operation}]}
    return manifest(
        SECURITY,
        "AuthorizationPolicy",
        metadata(name, args.namespace),
        {
            "selector": {"matchLabels": {contract.LABEL_APP: name}},
            "action": "ALLOW",
            **({"rules": [rule]} if principals else {}),
        },
    )
