"""Tags that stand for a revision of the control plane, and the labels by which namespaces ask for sidecars.

Arguments in, objects and labels out. A tag is an object of ours and none of the chart's: there it belongs to the
release of one revision, so that moving it to another release would leave a time in which no pod gets a sidecar; as one
object it is changed in place. Not here: the rules between revisions and tags (revision_args.py).
"""

from typing import Final

from meshed_mcp.components.core.manifest import Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.mesh.cluster.args import ROOT_NAMESPACE, ServiceMeshArgs
from meshed_mcp.components.mesh.cluster.revision_args import REVISION_LABEL, UNNAMED

TAG_LABEL: Final = "istio.io/tag"
INJECTION_LABEL: Final = "istio-injection"
"""Source: Istio, "Resource Labels"."""

NEVER: Final = {"key": "sidecar.istio.io/inject", "operator": "NotIn", "values": ["false"]}
"""Pods that refuse a sidecar. Source: Istio chart `istiod`, template `revision-tags-mwc.yaml`."""


def injection_labels(args: ServiceMeshArgs) -> dict[str, str]:
    """What a meshed namespace is labeled with; both kinds of label at once would cancel each other (IST0123)."""
    wanted = args.data_plane or args.revision or UNNAMED
    return {INJECTION_LABEL: "enabled"} if wanted == UNNAMED else {REVISION_LABEL: wanted}


def control_plane_name(revision: str) -> str:
    """Helm release and Service of a control plane. Source: Istio chart `istiod`, names by revision."""
    return "istiod" if revision == UNNAMED else f"istiod-{revision}"


def revision_tags(args: ServiceMeshArgs) -> list[Manifest]:
    """One webhook configuration for each tag; istiod itself adds the authority of its certificate."""
    return [_tag(tag, revision) for tag, revision in args.revision_tags.items()]


def _tag(tag: str, revision: str) -> Manifest:
    name = f"istio-revision-tag-{tag}"
    labels = standard_labels(name) | {TAG_LABEL: tag, REVISION_LABEL: revision, "app": "sidecar-injector"}
    webhooks = [
        _webhook("rev.namespace", revision, [_is(REVISION_LABEL, tag), _absent(INJECTION_LABEL)], [NEVER]),
        _webhook(
            "rev.object",
            revision,
            [_absent(REVISION_LABEL), _absent(INJECTION_LABEL)],
            [NEVER, _is(REVISION_LABEL, tag)],
        ),
    ]
    kind, meta = "MutatingWebhookConfiguration", metadata(name, labels=labels)
    return manifest("admissionregistration.k8s.io/v1", kind, meta, webhooks=webhooks)


def _webhook(prefix: str, revision: str, namespaces: list[Manifest], pods: list[Manifest]) -> Manifest:
    """Source: Istio chart `istiod`, template `revision-tags-mwc.yaml`; a pod is never made without its sidecar."""
    address = {"name": control_plane_name(revision), "namespace": ROOT_NAMESPACE, "path": "/inject", "port": 443}
    pods_made = {"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}
    return {
        "name": f"{prefix}.sidecar-injector.istio.io",
        "clientConfig": {"service": address},
        "sideEffects": "None",
        "rules": [pods_made],
        "failurePolicy": "Fail",
        "reinvocationPolicy": "Never",
        "admissionReviewVersions": ["v1"],
        "namespaceSelector": {"matchExpressions": [dict(each) for each in namespaces]},
        "objectSelector": {"matchExpressions": [dict(each) for each in pods]},
    }


def _is(label: str, value: str) -> Manifest:
    return {"key": label, "operator": "In", "values": [value]}


def _absent(label: str) -> Manifest:
    return {"key": label, "operator": "DoesNotExist"}
