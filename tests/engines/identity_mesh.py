"""Stack for identity tests with istiod: tokens, an external authorizer, hosts behind the egress gateway.

`vault` wants tokens and copies two claims; `front` calls it.
"""

from typing import Any, Final

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.cluster import manifests as cluster
from meshed_mcp.components.mesh.cluster.args import EGRESS_NAMESPACE
from meshed_mcp.components.mesh.cluster.gateway import EGRESS_RELEASE, EGRESS_SELECTOR
from meshed_mcp.components.mesh.cluster.gateway_args import INGRESS_NAMESPACE, INGRESS_RELEASE, INGRESS_SELECTOR
from meshed_mcp.components.mesh.cluster.istio_releases import istiod_values
from meshed_mcp.components.mesh.service import manifests as service
from meshed_mcp.components.mesh.service.args import ServiceMeshArgs
from tests.engines import istiod_mesh, local_stack, stack_pods
from tests.engines.local_stack import NAMESPACE

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

CLIENT: Final = "1example23456789"
SECOND_ISSUER: Final = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEfGhI"
AUTH: Final[dict[str, Any]] = {
    "issuers": [
        {"issuer": ISSUER, "jwks": JWKS, "claims": {"organization": "org.id"}},
        {"preset": "cognito", "user_pool": "eu-west-1_AbCdEfGhI", "audiences": [CLIENT], "jwks": JWKS},
    ],
    "scopes": ["docs.read"],
    "claims_to_headers": {"org": "x-organization-id", "plan.name": "x-plan"},
}
AUTHORIZER: Final = "opa"
HOST: Final = "api.example.com"
MESH: Final = ServiceMeshArgs.model_validate(
    {
        "domain": local_stack.HOST,
        "namespaces": [NAMESPACE],
        "egress_gateway": {"min_replicas": 2, "max_replicas": 3, "cpu": "100m", "memory": "128Mi"},
        "egress": {HOST: [f"cluster.local/ns/{NAMESPACE}/sa/front"]},
        "external_authorizers": {AUTHORIZER: {"service": "opa.policy.svc.cluster.local", "port": 9191}},
        "access": {"viewer": ["mcp-readers"], "operator": ["mcp-operators"], "admin": ["mcp-admins"]},
    }
)


def objects() -> list[Manifest]:
    """The rendered objects and the Service of the gateway."""
    front = {
        "expose": True,
        "egress_hosts": [HOST],
        "egress_gateway": True,
        "sidecar_egress_hosts": [f"{NAMESPACE}/vault"],
    }
    vault = {"callers": ["front"], "expose": True, "auth": AUTH, "external_authorization": AUTHORIZER}
    vault["rate_limits"] = {"organization": {"rate": "5/s"}}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "policy"}},
        *cluster.mesh_manifests(MESH),
        *service.service_manifests("front", local_stack.arguments(**front)),
        *service.service_manifests("vault", local_stack.arguments(**vault)),
        istiod_mesh.gateway_service(),
        stack_pods.service(EGRESS_RELEASE, EGRESS_NAMESPACE, EGRESS_SELECTOR, {"tls": (443, 443)}),
        stack_pods.service("opa", "policy", {"app": "opa"}, {"grpc": (9191, 9191)}),
    ]


def pods(rendered: list[Manifest]) -> dict[str, Manifest]:
    """The pods, and one of the egress gateway."""
    gateways = [
        stack_pods.gateway_pod("gateway", INGRESS_RELEASE, INGRESS_NAMESPACE, dict(INGRESS_SELECTOR)),
        stack_pods.gateway_pod("egress-gateway", EGRESS_RELEASE, EGRESS_NAMESPACE, dict(EGRESS_SELECTOR)),
    ]
    return stack_pods.pods(rendered, gateways)


def mesh_config() -> Manifest:
    """The mesh configuration in the values of Istio's chart."""
    config: Manifest = istiod_values(MESH)["meshConfig"]
    return config
