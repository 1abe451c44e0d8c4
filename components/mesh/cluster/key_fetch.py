"""Chart values of istiod for the fetch of token keys in a corporate network: proxy, and certificates of the issuer.

istiod fetches the keys of `auth.issuers` for all sidecars. Source: Istio, `pilot/pkg/model/jwks_resolver.go`.
"""

from typing import Any, Final

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.cluster.args import ServiceMeshArgs
from meshed_mcp.components.mesh.egress.proxy_args import LOCAL_NAMES, PRIVATE_NETWORKS, url_variables

CA_FOLDER: Final = "/cacerts"
CA_FILE: Final = "extra.pem"
"""File of authorities that istiod trusts for issuers, beside the public ones. Source: Istio,
`jwksExtraRootCABundlePath`."""

CA_VOLUME: Final = "issuer-ca"

API_SERVER: Final = {"KUBERNETES_SERVICE_HOST": "kubernetes.default.svc"}
"""Name of the API server in place of its address, which `NO_PROXY` could not name: clients in Go send requests to every
address outside the list to the proxy. Source: Kubernetes, "Accessing the API from a Pod"."""


def key_fetch_values(args: ServiceMeshArgs) -> Manifest:
    """Values `env`, `envVarFrom`, `volumes` and `volumeMounts` of the chart; empty without proxy and certificates."""
    return proxy_values(args) | certificate_values(args)


def proxy_values(args: ServiceMeshArgs) -> Manifest:
    """The proxy for HTTPS alone: istiod calls webhooks and the API server by names in `NO_PROXY`."""
    proxy = args.egress_proxy
    if proxy is None:
        return {}
    bypass = [*LOCAL_NAMES, ".svc", f".{args.cluster_domain}", *PRIVATE_NETWORKS, *proxy.no_proxy]
    env: dict[str, Any] = {**API_SERVER, "NO_PROXY": ",".join(bypass)}
    if proxy.url_secret is None:
        return {"env": {**env, "HTTPS_PROXY": proxy.url}}
    return {"env": env, "envVarFrom": url_variables(proxy, ("HTTPS_PROXY",))}


def certificate_values(args: ServiceMeshArgs) -> Manifest:
    """The CA bundle as istiod's file of further authorities."""
    bundle = args.ca_bundle
    if bundle is None:
        return {}
    source = {"name": bundle.config_map, "items": [{"key": bundle.key, "path": CA_FILE}]}
    return {
        "volumes": [{"name": CA_VOLUME, "configMap": source}],
        "volumeMounts": [{"name": CA_VOLUME, "mountPath": CA_FOLDER, "readOnly": True}],
    }
