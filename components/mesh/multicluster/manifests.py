"""What joins a cluster to the mesh of others: gateways between networks, access to their API servers, a common root.

Arguments in; objects, labels and chart values out. Not here: the arguments (args.py), other values of
the same charts (mesh/cluster/istio_releases.py), where the access comes from (infra/planning/peers.py).
Source: Istio, "Install Multi-Primary on different networks" and "Install Primary-Remote on different networks".
"""

import base64
import json
from typing import Final

from meshed_mcp.components.core.manifest import Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.mesh.cluster.args import ROOT_NAMESPACE, ServiceMeshArgs
from meshed_mcp.components.mesh.multicluster.args import MultiPrimary, Primary, Remote, RootIssuer

NETWORKING: Final = "networking.istio.io/v1"
"""Source: Istio 1.31 CRDs, storage version of Gateway and VirtualService."""

EAST_WEST_RELEASE: Final = "istio-eastwestgateway"
EAST_WEST_SELECTOR: Final = {"istio": "eastwestgateway"}
"""Release of the gateway between networks, and the label of its pods: the name without `istio-`."""

MUTUAL_TLS_PORT: Final = 15443
DISCOVERY_PORT: Final = 15012
WEBHOOK_PORT: Final = 15017
"""Ports of the gateway between networks. Source: Istio chart `gateway`, `networkGatewayPorts`."""

ISTIOD_WEBHOOK_PORT: Final = 443
"""Port of istiod's Service behind which its webhooks are. Source: Istio chart `istiod`, template service.yaml."""

NETWORK_LABEL: Final = "topology.istio.io/network"
CONTROL_PLANE_ANNOTATION: Final = "topology.istio.io/controlPlaneClusters"
REMOTE_SECRET_LABEL: Final = {"istio/multiCluster": "true"}
CLUSTER_ANNOTATION: Final = "networking.istio.io/cluster"
"""Source: Istio, "Resource Labels" and "Resource Annotations"; the label is what istiod watches Secrets by."""

SHARED_ROOT_SECRET: Final = "cacerts"  # noqa: S105 - a Secret's name
"""Source: Istio, "Plug in CA Certificates"."""

INTERMEDIATE_HOURS: Final = 8760
RENEWED_BEFORE_HOURS: Final = 2920
"""A year, renewed four months before its end; certificates of workloads live a day. Product rule."""

READER_ACCOUNT: Final = "istio-reader-service-account"
"""Account whose token other clusters read with. Source: Istio chart `base`, template reader-serviceaccount.yaml."""

READER_TOKEN: Final = "istio-reader-token"  # noqa: S105 - a Secret's name


def remote_secret_name(cluster: str) -> str:
    """Name of the Secret with access to a cluster. Source: `istioctl create-remote-secret`."""
    return f"istio-remote-secret-{cluster}"


def in_network(namespaces: list[Manifest], args: ServiceMeshArgs) -> list[Manifest]:
    """The namespaces, with the control plane's told which network it is in, and who governs it."""
    if args.multi_cluster is None:
        return namespaces
    return [
        _placed(item, args.multi_cluster) if item["metadata"]["name"] == ROOT_NAMESPACE else item for item in namespaces
    ]


def _placed(item: Manifest, cluster: MultiPrimary | Primary | Remote) -> Manifest:
    meta = item["metadata"]
    labels = meta["labels"] | {NETWORK_LABEL: cluster.network}
    governed = (
        {"annotations": {CONTROL_PLANE_ANNOTATION: cluster.primary.cluster}} if isinstance(cluster, Remote) else {}
    )
    return item | {"metadata": {**meta, "labels": labels, **governed}}


def shared_root(args: ServiceMeshArgs) -> list[Manifest]:
    """The intermediate of this cluster, where an issuer makes it; istiod reads it at its start, so it goes first.

    Source: cert-manager, Certificate; Istio reads the file names of TLS Secrets beside its own since 1.16.
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


def joins(args: ServiceMeshArgs) -> list[Manifest]:
    """What the control plane is told of other clusters once it runs."""
    cluster = args.multi_cluster
    if cluster is None:
        return []
    between = [] if isinstance(cluster, Remote) else [cross_network_gateway()]
    exposed = exposed_control_plane(args.cluster_domain) if isinstance(cluster, Primary) else []
    token = [] if cluster.api_server is None else [reader_token()]
    return [*between, *exposed, *token, *remote_secrets(cluster)]


def remote_secrets(cluster: MultiPrimary | Primary | Remote) -> list[Manifest]:
    """Access to the API servers of peers; one whose Secret comes from elsewhere has none here."""
    if isinstance(cluster, Remote):
        return []
    known = {name: peer.kubeconfig for name, peer in cluster.peers.items() if peer.kubeconfig is not None}
    return [
        manifest(
            "v1",
            "Secret",
            metadata(
                remote_secret_name(name),
                ROOT_NAMESPACE,
                standard_labels(remote_secret_name(name)) | REMOTE_SECRET_LABEL,
                annotations={CLUSTER_ANNOTATION: name},
            ),
            type="Opaque",
            stringData={name: kubeconfig},
        )
        for name, kubeconfig in known.items()
    ]


def reader_token() -> Manifest:
    """The token that Kubernetes fills in for the account that other clusters read with.

    Source: Kubernetes, "Manually create a long-lived API token for a ServiceAccount".
    """
    annotations = {"kubernetes.io/service-account.name": READER_ACCOUNT}
    meta = metadata(READER_TOKEN, ROOT_NAMESPACE, annotations=annotations)
    return manifest("v1", "Secret", meta, type="kubernetes.io/service-account-token")


def reader_kubeconfig(cluster: str, server: str, token: Manifest | None) -> str | None:
    """Access with that token, as JSON, which is YAML too; None while Kubernetes has not filled it in.

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
    """Connections of other networks, led on by the service that their TLS names: nothing is decrypted on the way.

    ISTIO_MUTUAL instead would build no listener. Source: Istio, `samples/multicluster/expose-services.yaml`.
    """
    server = _server("tls", MUTUAL_TLS_PORT, "AUTO_PASSTHROUGH", "*.local")
    return _gateway("cross-network-gateway", [server])


def exposed_control_plane(cluster_domain: str) -> list[Manifest]:
    """Istiod at the gateway between networks, for the proxies and the API servers of remote clusters.

    Source: Istio, `samples/multicluster/expose-istiod.yaml`.
    """
    ports = {"tls-istiod": DISCOVERY_PORT, "tls-istiodwebhook": WEBHOOK_PORT}
    targets = {DISCOVERY_PORT: DISCOVERY_PORT, WEBHOOK_PORT: ISTIOD_WEBHOOK_PORT}
    host = f"istiod.{ROOT_NAMESPACE}.svc.{cluster_domain}"
    routes = [
        {
            "match": [{"port": port, "sniHosts": ["*"]}],
            "route": [{"destination": {"host": host, "port": {"number": target}}}],
        }
        for port, target in targets.items()
    ]
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


def base_profile(args: ServiceMeshArgs) -> Manifest:
    """What a remote cluster's CRDs differ in: their webhook is not its own."""
    return {"profile": "remote"} if isinstance(args.multi_cluster, Remote) else {}


def control_plane_membership(args: ServiceMeshArgs) -> Manifest:
    """Values of chart `istiod`: name, network and mesh, and in a remote cluster whose control plane it follows."""
    cluster = args.multi_cluster
    if cluster is None:
        return {}
    names = {
        "meshID": cluster.mesh_id,
        "multiCluster": {"clusterName": cluster.cluster},
        "network": cluster.network,
    }
    match cluster:
        case MultiPrimary():
            return {"global": names}
        case Primary():
            return {"global": names | {"externalIstiod": True}}
        case Remote():
            path = f"/inject/cluster/{cluster.cluster}/net/{cluster.network}"
            found = {"configCluster": True, "remotePilotAddress": cluster.primary.address}
            return {"profile": "remote", "istiodRemote": {"injectionPath": path}, "global": names | found}
