"""cert-manager: its Helm release and its namespace, both empty where the cluster has it. Pure data."""

from meshed_mcp.components.core.charts import ReleaseSpec
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.observability.args import CertManagerInstall, CertManagerSettings
from meshed_mcp.components.observability.charts import CERT_MANAGER


def cert_manager_releases(settings: CertManagerSettings, chart_mirror: str | None) -> list[ReleaseSpec]:
    """The release."""
    if settings.install is CertManagerInstall.EXISTING:
        return []
    chart = CERT_MANAGER.mirrored(chart_mirror)
    return [ReleaseSpec("cert-manager", settings.namespace, chart, cert_manager_values(settings.replicas))]


def cert_manager_values(replicas: int) -> Manifest:
    """The chart's values. Its CRDs are kept when it is removed: with them would go every certificate of the cluster."""
    part = {"replicaCount": replicas, "podDisruptionBudget": {"enabled": replicas > 1}}
    return {"crds": {"enabled": True, "keep": True}, **part, "webhook": part, "cainjector": part}


def cert_manager_namespaces(settings: CertManagerSettings) -> list[Manifest]:
    """Its namespace, outside the mesh: the API server calls the webhook without a mesh identity."""
    if settings.install is CertManagerInstall.EXISTING:
        return []
    labels = standard_labels("cert-manager") | {
        "istio-injection": "disabled",
        "pod-security.kubernetes.io/enforce": "restricted",
    }
    return [manifest("v1", "Namespace", metadata(settings.namespace, labels=labels))]
