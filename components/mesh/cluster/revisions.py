"""Revision tags as webhook configurations, and the injection labels of namespaces.

The chart ties a tag to the release of one revision, so moving it would leave a gap without injection. Here a tag is
one object that is updated in place.
"""

from typing import Final

from meshed_mcp.components.core.manifest import Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.mesh.cluster.args import ROOT_NAMESPACE, ServiceMeshArgs
from meshed_mcp.components.mesh.cluster.revision_args import DEFAULT_REVISION, REVISION_LABEL

TAG_LABEL: Final = "istio.io/tag"
INJECTION_LABEL: Final = "istio-injection"
"""Source: Istio, "Resource Labels"."""

NOT_OPTED_OUT: Final = {"key": "sidecar.istio.io/inject", "operator": "NotIn", "values": ["false"]}
"""Excludes pods that opt out of injection. Source: Istio chart `istiod`, template `revision-tags-mwc.yaml`."""


def injection_labels(args: ServiceMeshArgs) -> dict[str, str]:
    """Injection label of a meshed namespace; both kinds at once would disable injection (IST0123)."""
    wanted = args.data_plane or args.revision or DEFAULT_REVISION
    return {INJECTION_LABEL: "enabled"} if wanted == DEFAULT_REVISION else {REVISION_LABEL: wanted}


def control_plane_name(revision: str) -> str:
    """Helm release and Service of a control plane. Source: Istio chart `istiod`."""
    return "istiod" if revision == DEFAULT_REVISION else f"istiod-{revision}"


def revision_tag_webhooks(args: ServiceMeshArgs) -> list[Manifest]:
    """One MutatingWebhookConfiguration per tag; istiod adds the CA bundle."""
    return [_tag(tag, revision) for tag, revision in args.revision_tags.items()]


def _tag(tag: str, revision: str) -> Manifest:
    name = f"istio-revision-tag-{tag}"
    labels = standard_labels(name) | {TAG_LABEL: tag, REVISION_LABEL: revision, "app": "sidecar-injector"}
    webhooks = [
        _webhook("rev.namespace", revision, [_is(REVISION_LABEL, tag), _absent(INJECTION_LABEL)], [NOT_OPTED_OUT]),
        _webhook(
            "rev.object",
            revision,
            [_absent(REVISION_LABEL), _absent(INJECTION_LABEL)],
            [NOT_OPTED_OUT, _is(REVISION_LABEL, tag)],
        ),
    ]
    kind, meta = "MutatingWebhookConfiguration", metadata(name, labels=labels)
    return manifest("admissionregistration.k8s.io/v1", kind, meta, webhooks=webhooks)


def _webhook(prefix: str, revision: str, namespaces: list[Manifest], pods: list[Manifest]) -> Manifest:
    """A webhook that fails closed. Source: Istio chart `istiod`, template `revision-tags-mwc.yaml`."""
    address = {"name": control_plane_name(revision), "namespace": ROOT_NAMESPACE, "path": "/inject", "port": 443}
    pod_creation = {"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}
    return {
        "name": f"{prefix}.sidecar-injector.istio.io",
        "clientConfig": {"service": address},
        "sideEffects": "None",
        "rules": [pod_creation],
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
