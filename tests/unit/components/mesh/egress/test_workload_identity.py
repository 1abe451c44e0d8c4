"""Workload identity: which endpoints an annotation opens, and what stays closed without one."""

import json
from collections.abc import Mapping
from ipaddress import ip_network
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.components.core.platform import ClusterPlatform
from meshed_mcp.components.mesh.egress.destinations import METADATA_BLOCKS
from meshed_mcp.components.mesh.egress.workload_identity import (
    AKS_CLIENT,
    EKS_ROLE,
    GKE_ACCOUNT,
    IDENTITY_ANNOTATION,
    identity_annotations,
    identity_egress,
    identity_issues,
)
from meshed_mcp.infra.plan import planned
from tests.unit.components.mesh.mesh_rendering import Objects, render

ROLE: Final = {EKS_ROLE: "arn:aws:iam::111122223333:role/search"}
ACCOUNT: Final = {GKE_ACCOUNT: "search@example.iam.gserviceaccount.com"}
CLIENT: Final = {AKS_CLIENT: "00000000-0000-0000-0000-000000000000"}
BOUND: Final = {IDENTITY_ANNOTATION: "true"}
STS: Final = "sts.eu-central-1.amazonaws.com"
LOGIN: Final = "login.microsoftonline.com"
EXCLUDED: Final = "traffic.sidecar.istio.io/excludeOutboundIPRanges"
PLATFORMS: Final = (None, *ClusterPlatform)


def rendered(annotations: Mapping[str, str], *hosts: str, platform: str | None = None) -> Objects:
    """Objects of a service whose ServiceAccount has these annotations."""
    account = {"annotations": dict(annotations)}
    return render(service_account=account, egress_hosts=list(hosts), sidecar_egress_hosts=[], platform=platform)


def link_local(objects: Objects) -> dict[str, list[int]]:
    """Address -> ports of the rules for addresses in the blocks of metadata services."""
    closed = [ip_network(block) for block in METADATA_BLOCKS]
    found = {}
    for rule in objects.one("NetworkPolicy")["spec"]["egress"]:
        for to in rule["to"]:
            network = ip_network(to.get("ipBlock", {}).get("cidr", "203.0.113.0/24"))
            if network.prefixlen > 16 and any(
                network.version == each.version and network[0] in each for each in closed
            ):
                found[str(network)] = [port["port"] for port in rule["ports"]]
    return found


DNS: Final = {"169.254.20.10/32": [53, 53]}
GKE: Final = {"169.254.169.252/32": [987, 988], "169.254.169.254/32": [80, 8080]}
EKS: Final = {"169.254.170.23/32": [80], "fd00:ec2::23/128": [80]}


@pytest.mark.parametrize(
    ("annotations", "hosts", "platform", "opened"),
    [
        pytest.param(ACCOUNT, (), None, GKE, id="GKE service account"),
        pytest.param(BOUND, (), "gke", GKE, id="GKE federation without a service account"),
        pytest.param(BOUND, (), "eks", EKS, id="EKS Pod Identity"),
        pytest.param(ROLE, (STS,), "eks", {}, id="IRSA needs STS over TLS alone"),
        pytest.param(CLIENT, (LOGIN,), "aks", {}, id="Entra needs its login host over TLS alone"),
        pytest.param({}, (), "eks", {}, id="EKS without an annotation"),
        pytest.param({}, (), "gke", {}, id="GKE without an annotation"),
        pytest.param({"example.com/team": "search"}, (), "gke", {}, id="another annotation"),
    ],
)
def test_annotation_opens_the_endpoints_of_its_cloud_and_no_other(
    annotations: dict[str, str], hosts: tuple[str, ...], platform: str | None, opened: dict[str, list[int]]
) -> None:
    """Requirement NET-21: addresses and ports as Google Cloud and AWS document them for network policies."""
    objects = rendered(annotations, *hosts, platform=platform)
    assert link_local(objects) == DNS | opened
    pod = objects.one("Deployment")["spec"]["template"]["metadata"]
    assert pod["annotations"].get(EXCLUDED, "").split(",") == (list(opened) or [""])
    assert ("443" in json.dumps(objects.one("NetworkPolicy"))) == bool(hosts)


def test_pods_of_an_entra_identity_have_the_label_of_its_webhook() -> None:
    """Microsoft Entra Workload ID, "Labels and annotations": the webhook selects pods by the label `use`."""
    found = rendered(CLIENT, LOGIN, platform="aks").one("Deployment")["spec"]
    assert found["template"]["metadata"]["labels"]["azure.workload.identity/use"] == "true"
    assert "azure.workload.identity/use" not in found["selector"]["matchLabels"]
    plain = rendered({}).one("Deployment")["spec"]["template"]["metadata"]["labels"]
    assert "azure.workload.identity/use" not in plain


def test_existing_service_account_is_declared_by_an_annotation_of_the_pods() -> None:
    """Requirement NET-21: the annotations of a ServiceAccount that the stack does not create are unknown to it."""
    objects = render(service_account={"name": "search"}, annotations=BOUND, sidecar_egress_hosts=[], platform="eks")
    assert link_local(objects) == DNS | EKS


def test_ambient_pods_have_no_annotation_of_a_sidecar() -> None:
    """Istio, "Resource Annotations": only the sidecar injector reads the excluded addresses."""
    objects = render(service_account={"annotations": ACCOUNT}, sidecar_egress_hosts=[], mode="ambient")
    assert EXCLUDED not in objects.one("Deployment")["spec"]["template"]["metadata"].get("annotations", {})
    assert link_local(objects) == DNS | GKE


def codes(annotations: Mapping[str, str], hosts: tuple[str, ...] = (), platform: str | None = None) -> list[str]:
    """Codes of the issues."""
    chosen = None if platform is None else ClusterPlatform(platform)
    return [issue.code for issue in identity_issues(annotations, hosts, chosen)]


@pytest.mark.parametrize(
    ("annotations", "hosts", "platform", "found"),
    [
        (ROLE, (), "eks", ["MM0694"]),
        (ROLE, ("s3.amazonaws.com",), None, ["MM0694"]),
        (ROLE, ("sts.amazonaws.com",), None, []),
        (ROLE, ("sts.cn-north-1.amazonaws.com.cn",), "eks", []),
        (CLIENT, (STS,), "aks", ["MM0694"]),
        (CLIENT, ("login.microsoftonline.us",), "aks", []),
        (ACCOUNT, (), "eks", ["MM0693"]),
        (ROLE, (STS,), "openshift", ["MM0693"]),
        (BOUND, (), None, ["MM0695"]),
        (BOUND, (), "aks", ["MM0695"]),
        (BOUND, (), "eks", []),
        ({}, (), "gke", []),
    ],
)  # fmt: skip
def test_identity_that_could_never_get_credentials_is_rejected(
    annotations: dict[str, str], hosts: tuple[str, ...], platform: str | None, found: list[str]
) -> None:
    """Requirement CFG-7: the annotation of another cloud, and a token host that is closed."""
    assert codes(annotations, hosts, platform) == found


def test_rejected_metadata_host_names_the_key_that_is_accepted() -> None:
    """Requirement CFG-12: the advice for the metadata service leads to a stack that opens what the cloud needs."""
    services: dict[str, Any] = {"mcp-a": {"image": "a:1", "egress_hosts": ["metadata.google.internal"]}}
    with pytest.raises(ConfigurationError, match=r"set service_account\.annotations for workload identity"):
        planned({"meshed-mcp:services": json.dumps(services)})
    services["mcp-a"] = {"image": "a:1", "service_account": {"annotations": ACCOUNT}}
    plan = planned({"meshed-mcp:services": json.dumps(services), "meshed-mcp:platform": "gke"})
    assert identity_egress(plan.services["mcp-a"].identity_annotations, plan.services["mcp-a"].platform)


@pytest.mark.property
@given(
    st.dictionaries(
        st.sampled_from([EKS_ROLE, GKE_ACCOUNT, AKS_CLIENT, IDENTITY_ANNOTATION, "example.com/a"]), st.text(max_size=5)
    ),
    st.sampled_from(PLATFORMS),
)
def test_rules_and_sidecar_name_the_same_addresses(
    annotations: dict[str, str], platform: ClusterPlatform | None
) -> None:
    """Requirement NET-21: an address that the policy opens and the sidecar captures would still be closed."""
    opened = [rule["to"][0]["ipBlock"]["cidr"] for rule in identity_egress(annotations, platform)]
    assert identity_annotations(annotations, platform).get(EXCLUDED, "") == ",".join(opened)
    assert all(ip_network(block).num_addresses == 1 for block in opened)
