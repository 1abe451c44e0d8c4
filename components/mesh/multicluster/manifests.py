"""Objects and chart values of a multi-cluster mesh: east-west gateways, remote secrets, intermediate CA.

Source: Istio, "Install Multi-Primary on different networks" and "Install Primary-Remote on different networks".
"""

import base64
import json
from typing import Final

from meshed_mcp.components.core.manifest import Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.mesh.cluster.args import ROOT_NAMESPACE, ServiceMeshArgs
from meshed_mcp.components.mesh.multicluster.args import MultiPrimary, Primary, Remote, RootIssuer
from meshed_mcp.components.mesh.routing.virtual_service import NETWORKING

EAST_WEST_RELEASE: Final = "istio-eastwestgateway"
EAST_WEST_SELECTOR: Final = {"istio": "eastwestgateway"}
"""Release of the east-west gateway, and the label of its pods: the name without `istio-`."""

MUTUAL_TLS_PORT: Final = 15443
DISCOVERY_PORT: Final = 15012
WEBHOOK_PORT: Final = 15017
"""Ports of the east-west gateway. Source: Istio chart `gateway`, `networkGatewayPorts`."""

ISTIOD_WEBHOOK_PORT: Final = 443
"""Port of istiod's Service for webhooks. Source: Istio chart `istiod`, template service.yaml."""

NETWORK_LABEL: Final = "topology.istio.io/network"
CONTROL_PLANE_ANNOTATION: Final = "topology.istio.io/controlPlaneClusters"
REMOTE_SECRET_LABEL: Final = {"istio/multiCluster": "true"}
CLUSTER_ANNOTATION: Final = "networking.istio.io/cluster"
"""Source: Istio, "Resource Labels" and "Resource Annotations"; istiod watches Secrets with REMOTE_SECRET_LABEL."""

SHARED_ROOT_SECRET: Final = "cacerts"  # noqa: S105 - a Secret's name
"""Source: Istio, "Plug in CA Certificates"."""

INTERMEDIATE_HOURS: Final = 8760
RENEWED_BEFORE_HOURS: Final = 2920
"""Product rule: a year, renewed four months before expiry. Workload certificates live one day."""

READER_ACCOUNT: Final = "istio-reader-service-account"
"""Service account for other clusters' control planes. Source: Istio chart `base`, reader-serviceaccount.yaml."""

READER_TOKEN: Final = "istio-reader-token"  # noqa: S105 - a Secret's name


def remote_secret_name(cluster: str) -> str:
    """Name of a cluster's remote secret. Source: `istioctl create-remote-secret`."""
    return f"istio-remote-secret-{cluster}"


def with_network_labels(namespaces: list[Manifest], args: ServiceMeshArgs) -> list[Manifest]:
    """The namespaces, with network label and control plane annotation on the root namespace."""
    cluster = args.multi_cluster
    if cluster is None:
        return namespaces
    remote = {"annotations": {CONTROL_PLANE_ANNOTATION: cluster.primary.cluster}} if isinstance(cluster, Remote) else {}
    return [
        item | {"metadata": meta | {"labels": meta["labels"] | {NETWORK_LABEL: cluster.network}} | remote}
        if (meta := item["metadata"])["name"] == ROOT_NAMESPACE
        else item
        for item in namespaces
    ]


def intermediate_certificates(args: ServiceMeshArgs) -> list[Manifest]:
    """At most one Certificate: the intermediate CA of this cluster, which istiod reads at start.

    Source: cert-manager, Certificate; Istio reads the keys of TLS Secrets since 1.16.
    """
    cluster = args.multi_cluster
    if cluster is None or cluster.root.issuer is None or isinstance(cluster, Remote):
        return []
    return [_intermediate(cluster.root.issuer, cluster.cluster)]


def _intermediate(issuer: RootIssuer, cluster: str) -> Manifest:
    spec = {
        "secretName": SHARED_ROOT_SECRET,
        "commonName": f"{cluster}.{ROOT_NAMESPACE}",
        "isCA": True,
        "duration": f"{INTERMEDIATE_HOURS}h0m0s",
        "renewBefore": f"{RENEWED_BEFORE_HOURS}h0m0s",
        "privateKey": {"algorithm": "RSA", "size": 4096, "rotationPolicy": "Always"},
        "usages": ["digital signature", "key encipherment", "cert sign"],
        "issuerRef": {"group": "cert-manager.io", "kind": issuer.kind.value, "name": issuer.name},
    }
    return manifest("cert-manager.io/v1", "Certificate", metadata(SHARED_ROOT_SECRET, ROOT_NAMESPACE), spec)


def multicluster_manifests(args: ServiceMeshArgs) -> list[Manifest]:
    """East-west Gateways, exposed control plane, reader token and remote secrets; none for a single cluster."""
    cluster = args.multi_cluster
    if cluster is None:
        return []
    gateways = [] if isinstance(cluster, Remote) else [cross_network_gateway()]
    exposed = exposed_control_plane(args.cluster_domain) if isinstance(cluster, Primary) else []
    token = [] if cluster.api_server is None else [reader_token()]
    return [*gateways, *exposed, *token, *remote_secrets(cluster)]


def remote_secrets(cluster: MultiPrimary | Primary | Remote) -> list[Manifest]:
    """Secrets with the kubeconfigs of peers; none for a peer whose Secret exists already."""
    secrets = []
    for name, peer in ({} if isinstance(cluster, Remote) else cluster.peers).items():
        if peer.kubeconfig is not None:
            secret = remote_secret_name(name)
            labels, annotations = standard_labels(secret) | REMOTE_SECRET_LABEL, {CLUSTER_ANNOTATION: name}
            meta = metadata(secret, ROOT_NAMESPACE, labels, annotations=annotations)
            secrets.append(manifest("v1", "Secret", meta, type="Opaque", stringData={name: peer.kubeconfig}))
    return secrets


def reader_token() -> Manifest:
    """Secret for a token of the reader account. Source: Kubernetes, "Manually create a long-lived API token"."""
    annotations = {"kubernetes.io/service-account.name": READER_ACCOUNT}
    meta = metadata(READER_TOKEN, ROOT_NAMESPACE, annotations=annotations)
    return manifest("v1", "Secret", meta, type="kubernetes.io/service-account-token")


def reader_kubeconfig(cluster: str, server: str, token: Manifest | None) -> str | None:
    """Kubeconfig with the reader's token, as JSON; None before Kubernetes has filled in the token.

    Source: Kubernetes, kubeconfig v1; `istioctl create-remote-secret`.
    """
    if not token:
        return None
    bearer = base64.b64decode(token["token"]).decode()
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {"name": cluster, "cluster": {"server": server, "certificate-authority-data": token["ca.crt"]}}
            ],
            "users": [{"name": cluster, "user": {"token": bearer}}],
            "contexts": [{"name": cluster, "context": {"cluster": cluster, "user": cluster}}],
            "current-context": cluster,
        }
    )


def cross_network_gateway() -> Manifest:
    """Gateway that routes TLS from other networks by SNI, without terminating it; ISTIO_MUTUAL builds no listener.

    Source: Istio, `samples/multicluster/expose-services.yaml`.
    """
    return _gateway("cross-network-gateway", [_server("tls", MUTUAL_TLS_PORT, "AUTO_PASSTHROUGH", "*.local")])


def exposed_control_plane(cluster_domain: str) -> list[Manifest]:
    """Istiod at the east-west gateway for remote clusters. Source: Istio, `samples/multicluster/expose-istiod.yaml`."""
    ports = {"tls-istiod": DISCOVERY_PORT, "tls-istiodwebhook": WEBHOOK_PORT}
    targets = {DISCOVERY_PORT: DISCOVERY_PORT, WEBHOOK_PORT: ISTIOD_WEBHOOK_PORT}
    host = f"istiod.{ROOT_NAMESPACE}.svc.{cluster_domain}"
    routes = []
    for port, target in targets.items():
        destination = {"host": host, "port": {"number": target}}
        routes.append({"match": [{"port": port, "sniHosts": ["*"]}], "route": [{"destination": destination}]})
    spec = {"hosts": ["*"], "gateways": ["istiod-gateway"], "tls": routes}
    return [
        _gateway("istiod-gateway", [_server(name, port, "PASSTHROUGH", "*") for name, port in ports.items()]),
        manifest(NETWORKING, "VirtualService", metadata("istiod", ROOT_NAMESPACE), spec),
    ]


def _server(name: str, port: int, mode: str, host: str) -> Manifest:
    return {"port": {"number": port, "name": name, "protocol": "TLS"}, "tls": {"mode": mode}, "hosts": [host]}


def _gateway(name: str, servers: list[Manifest]) -> Manifest:
    spec = {"selector": dict(EAST_WEST_SELECTOR), "servers": servers}
    return manifest(NETWORKING, "Gateway", metadata(name, ROOT_NAMESPACE), spec)


def multicluster_base_values(args: ServiceMeshArgs) -> Manifest:
    """Values of the chart `base` in a remote cluster, whose webhook is that of the primary."""
    return {"profile": "remote"} if isinstance(args.multi_cluster, Remote) else {}


def multicluster_istiod_values(args: ServiceMeshArgs) -> Manifest:
    """Values of the chart `istiod`: mesh, cluster and network; in a remote cluster also its primary."""
    cluster = args.multi_cluster
    if cluster is None:
        return {}
    names = {"meshID": cluster.mesh_id, "multiCluster": {"clusterName": cluster.cluster}, "network": cluster.network}
    match cluster:
        case MultiPrimary():
            return {"global": names}
        case Primary():
            return {"global": names | {"externalIstiod": True}}
        case Remote():
            path = f"/inject/cluster/{cluster.cluster}/net/{cluster.network}"
            found = {"configCluster": True, "remotePilotAddress": cluster.primary.address}
            return {"profile": "remote", "istiodRemote": {"injectionPath": path}, "global": names | found}
