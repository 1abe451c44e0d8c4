"""Labels and annotations that a stack sets: validation, and their place on objects and pod templates."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field

from meshed_mcp import contract
from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.core.names import DNS_NAME, listed, object_name
from meshed_mcp.error_codes import pod as codes
from meshed_mcp.error_codes.code import raise_all
from meshed_mcp.error_codes.values import LISTED_TWICE

_NAME: Final = r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_KEY: Final = re.compile(rf"(?:{DNS_NAME}/)?{_NAME}")
_VALUE: Final = re.compile(rf"(?:{_NAME})?")
"""Syntax of keys and of values of labels. Source: Kubernetes, "Labels and Selectors"."""

OWNED_LABELS: Final = frozenset(
    {
        contract.LABEL_APP,
        contract.LABEL_VERSION,
        contract.LABEL_NAME,
        contract.LABEL_PART_OF,
        contract.LABEL_MANAGED_BY,
        "pod-template-hash",
    }
)
"""Labels by which Services, policies, routes and queries select."""

OWNED_PREFIXES: Final = (
    *("sidecar.istio.io/", "traffic.sidecar.istio.io/", "prometheus.istio.io/", "proxy.istio.io/"),
    *("istio.io/", "ambient.istio.io/", "service.istio.io/", "pulumi.com/", "pod-security.kubernetes.io/"),
    *("istio-injection", "checksum/", "kubernetes.io/"),
)
"""Prefixes of labels and annotations that configure the mesh, the deployment and Pod Security."""


def _owned(keys: Mapping[str, str]) -> Iterator[str]:
    yield from (key for key in keys if key in OWNED_LABELS or key.startswith(OWNED_PREFIXES))


def annotation_keys(values: dict[str, str]) -> dict[str, str]:
    """Annotations with valid keys that the platform does not set itself."""
    raise_all(codes.INVALID_METADATA_KEY.message(key=key) for key in values if _KEY.fullmatch(key) is None)
    raise_all(codes.OWNED_METADATA.message(key=key) for key in _owned(values))
    return values


def selector_labels(values: dict[str, str]) -> dict[str, str]:
    """Labels with valid keys and values."""
    raise_all(codes.INVALID_METADATA_KEY.message(key=key) for key in values if _KEY.fullmatch(key) is None)
    bad = [(key, value) for key, value in values.items() if _VALUE.fullmatch(value) is None]
    raise_all(codes.INVALID_LABEL_VALUE.message(key=key, value=value) for key, value in bad)
    return values


def label_values(values: dict[str, str]) -> dict[str, str]:
    """Labels with valid keys and values that the platform does not set itself."""
    return selector_labels(annotation_keys(values))


def secret_names(values: list[str]) -> list[str]:
    """Names of Secrets, each once."""
    twice = sorted({name for name in values if values.count(name) > 1})
    if twice:
        raise LISTED_TWICE.error(names=listed(twice))
    return values


Labels = Annotated[dict[str, str], AfterValidator(label_values)]
SelectorLabels = Annotated[dict[str, str], AfterValidator(selector_labels)]
Annotations = Annotated[dict[str, str], AfterValidator(annotation_keys)]
PullSecrets = Annotated[list[Annotated[str, AfterValidator(object_name)]], AfterValidator(secret_names)]
"""Types of settings."""


class ObjectDefaults(Model):
    """What every object and every pod of a stack gets, unless a part sets it itself."""

    labels: Labels = Field(default_factory=dict)
    """Labels of every object and pod."""

    annotations: Annotations = Field(default_factory=dict)
    """Annotations of every object and pod."""

    image_pull_secrets: PullSecrets = Field(default_factory=list)
    """Secrets with the credentials of image registries, for all pods, those of charts included; each must exist in the
    namespace of the pods."""


def with_defaults(item: Manifest, defaults: ObjectDefaults) -> Manifest:
    """An object and its pod template with the defaults; what they set themselves wins."""
    if defaults == ObjectDefaults():
        return item
    found = {**item, "metadata": with_metadata(item["metadata"], defaults.labels, defaults.annotations)}
    return with_pod_template(found, lambda template: _template_with_defaults(template, defaults))


def with_metadata(meta: Manifest, labels: Mapping[str, str], annotations: Mapping[str, str]) -> Manifest:
    """Metadata with further labels and annotations; its own win."""
    found = {**meta, "labels": {**labels, **meta.get("labels", {})}}
    if given := {**annotations, **meta.get("annotations", {})}:
        found["annotations"] = given
    return found


def with_pull_secrets(pod: Manifest, names: list[str]) -> Manifest:
    """A PodSpec with further pull secrets, each once."""
    given = [each["name"] for each in pod.get("imagePullSecrets", ())]
    found = [{"name": name} for name in dict.fromkeys([*given, *names])]
    return {**pod, "imagePullSecrets": found} if found else pod


def _template_with_defaults(template: Manifest, defaults: ObjectDefaults) -> Manifest:
    meta = with_metadata(template.get("metadata", {}), defaults.labels, defaults.annotations)
    return {**template, "metadata": meta, "spec": with_pull_secrets(template["spec"], defaults.image_pull_secrets)}


TEMPLATE_PATHS: Final[Mapping[str, tuple[str, ...]]] = {
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    "PodTemplate": ("template",),
}
"""Kind -> path of its pod template. Source: Kubernetes API."""


def with_pod_template(item: Manifest, change: Any) -> Manifest:
    """An object with `change` applied to its pod template; other objects are unchanged."""
    path = TEMPLATE_PATHS.get(item["kind"], ())
    return _changed(item, path, change) if path else item


def _changed(value: Manifest, path: tuple[str, ...], change: Any) -> Manifest:
    if not path:
        return dict(change(value))
    return {**value, path[0]: _changed(value[path[0]], path[1:], change)}
