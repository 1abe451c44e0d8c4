"""Kubernetes platforms, and the defaults that differ between them."""

from enum import StrEnum
from typing import Final


class ClusterPlatform(StrEnum):
    """Kubernetes distribution or managed service."""

    AKS = "aks"
    """Azure Kubernetes Service."""

    EKS = "eks"
    """Amazon Elastic Kubernetes Service."""

    GKE = "gke"
    """Google Kubernetes Engine."""

    OPENSHIFT = "openshift"
    """Red Hat OpenShift, which assigns user ids."""

    K3D = "k3d"
    K3S = "k3s"
    MICROK8S = "microk8s"
    MINIKUBE = "minikube"


ISTIO_PROFILES: Final = frozenset(ClusterPlatform) - {ClusterPlatform.AKS, ClusterPlatform.EKS}
"""Platforms with a profile in Istio's charts: paths of the CNI plugin, resource quotas, security contexts. Source:
Istio charts, `global.platform`."""

MANAGED: Final = frozenset({ClusterPlatform.AKS, ClusterPlatform.EKS, ClusterPlatform.GKE})
"""Platforms whose control plane cannot be scraped."""

SYSTEM_PRIORITY_CLASSES: Final = frozenset({"system-cluster-critical", "system-node-critical"})
"""Priority classes of Kubernetes itself. Source: Kubernetes, "Pod Priority and Preemption"."""

SYSTEM_NAMESPACE: Final = "kube-system"


def reserves_system_classes(platform: ClusterPlatform | None) -> bool:
    """Whether pods outside kube-system are rejected with a system class. Source: GKE, "Limitations of ResourceQuota":
    `gcp-critical-pods`; Istio, "Platform-Specific Prerequisites", GKE.
    """  # noqa: D205 - one sentence
    return platform is ClusterPlatform.GKE


def assigns_user_ids(platform: ClusterPlatform | None) -> bool:
    """Whether the platform sets user and group ids per namespace and rejects others. Source: OpenShift, "Managing
    security context constraints", `restricted-v2`.
    """  # noqa: D205 - one sentence
    return platform is ClusterPlatform.OPENSHIFT
