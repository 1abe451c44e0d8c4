"""The stack that shows identity and policy in istiod: tokens, an external authorizer, hosts behind the egress gateway.

`vault` wants tokens and copies two claims; `front` calls it.
"""

from typing import Any, Final

import judged_mesh
import local_stack
from local_stack import NAMESPACE

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh import cluster, service
from meshed_mcp.components.mesh.args import ServiceMeshArgs
from meshed_mcp.components.mesh.istio_values import istiod_values

ISSUER: Final = "https://login.example.com/tools"
JWKS: Final = {
    "keys": [
        {
            "kty": "EC",
            "crv": "P-256",
            "kid": "one",
            "use": "sig",
            "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
            "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
        }
    ]
}
"""Source: RFC 7517, appendix A.1, the elliptic curve key."""

AUTH: Final[dict[str, Any]] = {
    "issuer": ISSUER,
    "jwks": JWKS,
    "scopes": ["docs.read"],
    "claims_to_headers": {"org": "x-organization-id", "plan.name": "x-plan"},
}
MESH: Final = ServiceMeshArgs.model_validate({"domain": local_stack.HOST, "namespaces": [NAMESPACE]})


def objects() -> list[Manifest]:
    """Everything rendered, and the gateway's Service."""
    return [
        *cluster.manifests(MESH),
        *service.manifests("front", local_stack.arguments(expose=True)),
        *service.manifests("vault", local_stack.arguments(callers=["front"], expose=True, auth=AUTH)),
        judged_mesh.gateway_service(),
    ]


def mesh_config() -> Manifest:
    """The mesh configuration that we hand to Istio's chart."""
    config: Manifest = istiod_values(MESH)["meshConfig"]
    return config
