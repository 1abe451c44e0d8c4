"""Multi-cluster mesh: settings, chart values, objects for peers, and rejected combinations."""

import base64
import json
from typing import Any, Final

import pytest
from pydantic import ValidationError

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.cluster import manifests as cluster
from meshed_mcp.components.mesh.cluster.istio_releases import istio_releases
from meshed_mcp.components.mesh.multicluster.manifests import reader_kubeconfig
from meshed_mcp.components.mesh.service import manifests as service
from tests.unit.components.mesh.mesh_rendering import Objects, mesh_args, service_args

EAST: Final[dict[str, Any]] = {
    "topology": "multi-primary",
    "mesh_id": "mcp",
    "cluster": "east",
    "network": "network-east",
    "root": {"existing": True},
    "peers": {"west": {"network": "network-west", "kubeconfig": "the-access"}},
}
PRIMARY: Final[dict[str, Any]] = EAST | {"topology": "primary"}
REMOTE: Final[dict[str, Any]] = {
    "topology": "remote",
    "mesh_id": "mcp",
    "cluster": "west",
    "network": "network-west",
    "root": {"existing": True},
    "primary": {"cluster": "east", "network": "network-east", "address": "east.example.com"},
}


def objects(membership: dict[str, Any]) -> Objects:
    """Objects of a mesh with this membership."""
    return Objects(cluster.mesh_manifests(mesh_args(multi_cluster=membership)))


def values(membership: dict[str, Any], release: str) -> Manifest:
    """Values of one of its releases."""
    (found,) = [item.values for item in istio_releases(mesh_args(multi_cluster=membership)) if item.name == release]
    return found


def test_east_west_gateway_passes_tls_through() -> None:
    """Istio antipattern 20: ISTIO_MUTUAL on 15443 is admitted, but no listener is built from it."""
    (server,) = objects(EAST).one("Gateway", "cross-network-gateway")["spec"]["servers"]
    assert server["tls"] == {"mode": "AUTO_PASSTHROUGH"}
    assert server["port"]["number"] == 15443
    assert server["hosts"] == ["*.local"]
    assert values(EAST, "istio-eastwestgateway")["networkGateway"] == "network-east"


def test_cluster_names_its_mesh_cluster_and_network() -> None:
    """Istio antipattern 21: a Gateway alone joins nothing."""
    shared = values(EAST, "istiod")["global"]
    assert (shared["meshID"], shared["multiCluster"], shared["network"]) == (
        "mcp",
        {"clusterName": "east"},
        "network-east",
    )
    labels = objects(EAST).one("Namespace", "istio-system")["metadata"]["labels"]
    assert labels["topology.istio.io/network"] == "network-east"


def test_remote_secret_is_found_by_istiod() -> None:
    """`istioctl create-remote-secret`: label, annotation and key are how istiod finds the cluster."""
    secret = objects(EAST).one("Secret", "istio-remote-secret-west")
    assert secret["metadata"]["namespace"] == "istio-system"
    assert secret["metadata"]["labels"]["istio/multiCluster"] == "true"
    assert secret["metadata"]["annotations"] == {"networking.istio.io/cluster": "west"}
    assert secret["stringData"] == {"west": "the-access"}


def test_peer_with_an_external_secret_gets_none_here() -> None:
    """Requirement CMP-7: a second owner of one Secret would overwrite the first."""
    assert "Secret" not in objects(EAST | {"peers": {"west": {"network": "network-west"}}}).kinds()


def test_primary_exposes_its_control_plane_to_remote_clusters() -> None:
    """Istio, "Install Primary-Remote on different networks": discovery on 15012, webhooks on 15017."""
    found = objects(PRIMARY)
    servers = found.one("Gateway", "istiod-gateway")["spec"]["servers"]
    assert [(item["port"]["number"], item["tls"]["mode"]) for item in servers] == [
        (15012, "PASSTHROUGH"),
        (15017, "PASSTHROUGH"),
    ]
    routes = found.one("VirtualService", "istiod")["spec"]["tls"]
    assert [item["route"][0]["destination"]["port"]["number"] for item in routes] == [15012, 443]
    assert values(PRIMARY, "istiod")["global"]["externalIstiod"] is True
    assert "externalIstiod" not in values(EAST, "istiod")["global"]


def test_remote_cluster_uses_the_control_plane_of_its_primary() -> None:
    """Istio, "Install Primary-Remote on different networks", values of the remote cluster's charts."""
    istiod = values(REMOTE, "istiod")
    assert istiod["profile"] == "remote"
    assert istiod["global"]["remotePilotAddress"] == "east.example.com"
    assert istiod["istiodRemote"] == {"injectionPath": "/inject/cluster/west/net/network-west"}
    assert values(REMOTE, "istio-base")["profile"] == "remote"
    annotations = objects(REMOTE).one("Namespace", "istio-system")["metadata"]["annotations"]
    assert annotations == {"topology.istio.io/controlPlaneClusters": "east"}


def test_remote_cluster_gets_no_istio_configuration() -> None:
    """Istio, "Deployment Models": a control plane reads the configuration of its own cluster."""
    groups = {item["apiVersion"].partition("/")[0] for item in objects(REMOTE)}
    groups |= {
        item["apiVersion"].partition("/")[0] for item in service.service_manifests("mcp-x", service_args(remote=True))
    }
    assert not [group for group in groups if group.endswith(".istio.io")]
    assert {"apps", "v1"} <= groups


def test_issuer_creates_the_intermediate_ca_before_the_control_plane_starts() -> None:
    """Istio, "Plug in CA Certificates": Secret `cacerts`; cert-manager, Certificate `isCA`."""
    membership = EAST | {"root": {"issuer": {"name": "mesh-root"}}}
    certificate = objects(membership).one("Certificate")
    assert (certificate["spec"]["secretName"], certificate["spec"]["isCA"]) == ("cacerts", True)
    assert certificate["spec"]["issuerRef"]["name"] == "mesh-root"
    assert certificate in cluster.manifests_before_charts(mesh_args(multi_cluster=membership))


def test_kubeconfig_for_peers_uses_the_token_of_the_reader() -> None:
    """Kubernetes, kubeconfig v1; None until Kubernetes has filled the token in."""
    token = {"token": base64.b64encode(b"secret").decode(), "ca.crt": "Q0E="}
    found = json.loads(reader_kubeconfig("east", "https://east.example.com:6443", token) or "")
    assert found["users"] == [{"name": "east", "user": {"token": "secret"}}]
    assert found["clusters"][0]["cluster"] == {
        "server": "https://east.example.com:6443",
        "certificate-authority-data": "Q0E=",
    }
    assert reader_kubeconfig("east", "https://east.example.com:6443", None) is None


def without(membership: dict[str, Any], field: str) -> dict[str, Any]:
    """The membership without a field."""
    return {key: value for key, value in membership.items() if key != field}


@pytest.mark.parametrize(
    ("membership", "message"),
    [
        pytest.param(
            EAST | {"peers": {"west": {"network": "network-east"}}},
            (
                "cluster 'west' is on network 'network-east' as this one is, so calls would never "
                "take the east-west gateway; use another network"
            ),
            id="one network",
        ),
        pytest.param(
            EAST | {"peers": {"east": {"network": "network-west"}}},
            (
                "cluster 'east' is the name of this cluster and of another; use a name for each, "
                "which its identities, endpoints and Secret carry"
            ),
            id="one name",
        ),
        pytest.param(
            without(EAST, "root"),
            (
                "root is missing, and without a common root no cluster trusts the identities of "
                "another; set root: {existing: true} for a Secret cacerts under a common root, or "
                "root: {issuer: {name: ...}}"
            ),
            id="no shared root",
        ),
        pytest.param(
            EAST | {"root": {}},
            (
                "the certificate authority needs exactly one source; set existing: true where the "
                "Secret cacerts exists already, or issuer: {name: ...}"
            ),
            id="a root from nowhere",
        ),
        pytest.param(
            without(REMOTE, "primary"),
            (
                "topology remote needs a primary, whose control plane configures its proxies; set "
                "primary: {cluster: ..., network: ..., address: ...}"
            ),
            id="a remote without a primary",
        ),
        pytest.param(
            REMOTE | {"primary": {"cluster": "east", "network": "network-east"}},
            (
                "neither address nor stack says where the control plane of east is; set address: "
                "with the host of its east-west gateway, or stack: organization/project/stack"
            ),
            id="a primary that cannot be found",
        ),
    ],
)
def test_clusters_that_cannot_form_one_mesh_are_rejected_with_the_fix(membership: dict[str, Any], message: str) -> None:
    """Requirement NET-16: preview rejects them with the reason and what to set instead."""
    with pytest.raises(ValidationError) as caught:
        mesh_args(multi_cluster=membership)
    assert message in str(caught.value)


def test_failover_regions_of_both_clusters_share_one_rule() -> None:
    """Istio, "Locality failover": endpoints of peers carry the regions of their nodes, so one rule serves both."""
    failover = {"failover": {"europe-west1": "us-east1", "us-east1": "europe-west1"}}
    found = Objects(service.service_manifests("mcp-x", service_args(traffic={"locality": failover})))
    policy = found.one("DestinationRule")["spec"]["trafficPolicy"]
    assert {item["to"] for item in policy["loadBalancer"]["localityLbSetting"]["failover"]} == {
        "us-east1",
        "europe-west1",
    }
    assert policy["outlierDetection"]
