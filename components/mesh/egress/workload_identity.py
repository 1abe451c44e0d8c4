"""Workload identity: the endpoints from which a pod gets the credentials of its cloud identity.

An annotation of the ServiceAccount or the pods opens exactly the endpoints of its cloud. Link-local endpoints bypass
the sidecar, which knows declared hosts only. Without an annotation every metadata service stays closed.
"""

from collections.abc import Collection, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Final, NamedTuple

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.core.platform import ClusterPlatform
from meshed_mcp.error_codes import network as codes
from meshed_mcp.error_codes.code import Message

IDENTITY_ANNOTATION: Final = "meshed-mcp.io/workload-identity"
"""`true` on a ServiceAccount or pods without an annotation of their cloud: EKS Pod Identity, and Workload Identity
Federation for GKE, bind a ServiceAccount outside the cluster."""

EKS_ROLE: Final = "eks.amazonaws.com/role-arn"
"""Source: AWS, "IAM roles for service accounts"."""

GKE_ACCOUNT: Final = "iam.gke.io/gcp-service-account"
"""Source: Google Cloud, "Authenticate to Google Cloud APIs from GKE workloads"."""

AKS_CLIENT: Final = "azure.workload.identity/client-id"
AKS_USE_LABEL: Final = "azure.workload.identity/use"
"""Label `true` of pods whose containers get a token. Source: Microsoft Entra Workload ID, "Labels and annotations"."""

CLOUDS: Final[Mapping[str, ClusterPlatform]] = {
    EKS_ROLE: ClusterPlatform.EKS,
    GKE_ACCOUNT: ClusterPlatform.GKE,
    AKS_CLIENT: ClusterPlatform.AKS,
}
"""Annotation -> platform that reads it."""

TOKEN_HOSTS: Final[Mapping[str, tuple[str, ...]]] = {
    EKS_ROLE: ("sts.amazonaws.com", "sts.*.amazonaws.com", "sts.*.amazonaws.com.cn", "sts.*.api.aws"),
    AKS_CLIENT: ("login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn"),
}
"""Annotation -> patterns of the hosts that exchange the token of the ServiceAccount, over TLS. The region is in no
annotation, so one of them must be in `egress_hosts`. Source: AWS, "STS endpoints"; Microsoft, "National clouds"."""

EXAMPLE_HOSTS: Final = {EKS_ROLE: "sts.eu-central-1.amazonaws.com", AKS_CLIENT: "login.microsoftonline.com"}


class Endpoint(NamedTuple):
    """An endpoint on the node."""

    block: str
    """Address as a network of one."""

    ports: tuple[int, ...]


POD_IDENTITY_AGENT: Final = (Endpoint("169.254.170.23/32", (80,)), Endpoint("fd00:ec2::23/128", (80,)))
"""Source: AWS, "Understand how EKS Pod Identity works": the agent's addresses and port."""

GKE_METADATA_SERVER: Final = (Endpoint("169.254.169.252/32", (987, 988)), Endpoint("169.254.169.254/32", (80, 8080)))
"""The server's own address, and the one that the node redirects to it; which of the two a network policy sees depends
on the data plane. Source: Google Cloud, "Workload Identity Federation for GKE", network policy."""

NODE_ENDPOINTS: Final[Mapping[ClusterPlatform, tuple[Endpoint, ...]]] = {
    ClusterPlatform.EKS: POD_IDENTITY_AGENT,
    ClusterPlatform.GKE: GKE_METADATA_SERVER,
}
"""Platform -> its endpoints for IDENTITY_ANNOTATION."""


def identity_endpoints(annotations: Mapping[str, str], platform: ClusterPlatform | None = None) -> tuple[Endpoint, ...]:
    """Link-local endpoints that a ServiceAccount with these annotations needs; none without an annotation."""
    if GKE_ACCOUNT in annotations:
        return GKE_METADATA_SERVER
    if annotations.get(IDENTITY_ANNOTATION) != "true":
        return ()
    return () if platform is None else NODE_ENDPOINTS.get(platform, ())


def identity_egress(annotations: Mapping[str, str], platform: ClusterPlatform | None = None) -> list[Manifest]:
    """Egress rules of a NetworkPolicy for the identity's endpoints; the hosts of tokens are in `egress_hosts`."""
    return [
        {
            "to": [{"ipBlock": {"cidr": endpoint.block}}],
            "ports": [{"protocol": "TCP", "port": port} for port in endpoint.ports],
        }
        for endpoint in identity_endpoints(annotations, platform)
    ]


def identity_annotations(annotations: Mapping[str, str], platform: ClusterPlatform | None = None) -> dict[str, str]:
    """Annotations of the pod: its sidecar does not capture these addresses. Source: Istio, "Resource Annotations"."""
    blocks = [endpoint.block for endpoint in identity_endpoints(annotations, platform)]
    return {"traffic.sidecar.istio.io/excludeOutboundIPRanges": ",".join(blocks)} if blocks else {}


def identity_labels(annotations: Mapping[str, str]) -> dict[str, str]:
    """Labels of the pod that the webhook of Microsoft Entra Workload ID selects by."""
    return {AKS_USE_LABEL: "true"} if AKS_CLIENT in annotations else {}


def identity_issues(
    annotations: Mapping[str, str], hosts: Collection[str], platform: ClusterPlatform | None = None
) -> Iterator[Message]:
    """Annotations of another platform, and token hosts that `hosts`, the external hosts of the service, lack."""
    for annotation, cloud in CLOUDS.items():
        if annotation not in annotations:
            continue
        if platform is not None and platform is not cloud:
            yield codes.IDENTITY_OF_OTHER_CLOUD.message(
                annotation=annotation, cloud=cloud.value, platform=platform.value
            )
        patterns = TOKEN_HOSTS.get(annotation, ())
        if patterns and not any(fnmatchcase(host, pattern) for host in hosts for pattern in patterns):
            yield codes.IDENTITY_HOST_MISSING.message(annotation=annotation, host=EXAMPLE_HOSTS[annotation])
    if IDENTITY_ANNOTATION in annotations and platform not in {ClusterPlatform.EKS, ClusterPlatform.GKE}:
        yield codes.IDENTITY_WITHOUT_PLATFORM.message(annotation=IDENTITY_ANNOTATION)
