"""Metadata of objects. Labels and annotations that configure Istio must be known; others are data."""

from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, model_validator

from meshed_mcp import contract
from meshed_mcp.error_codes.local import KEY_NOT_RUN, NAMESPACE_MISSING, VALUE_NOT_RUN
from meshed_mcp.local.translate.objects.fields import Fields, LenientFields

WITHOUT_EFFECT: Final = frozenset({
    "istio.io/rev", "sidecar.istio.io/nativeSidecar", "sidecar.istio.io/proxyCPU", "sidecar.istio.io/proxyCPULimit",
    "sidecar.istio.io/proxyMemory", "sidecar.istio.io/proxyMemoryLimit", "sidecar.istio.io/rewriteAppHTTPProbers",
    "prometheus.istio.io/merge-metrics", "service.istio.io/canonical-name", "service.istio.io/canonical-revision",
})  # fmt: skip
"""Istio keys for injection, resources, names, probes and scraping: without effect on one machine."""

ONE_VALUE: Final = {
    "sidecar.istio.io/inject": "true",
    "traffic.sidecar.istio.io/excludeInboundPorts": str(contract.MANAGEMENT_PORT),
}
"""Istio keys with the one value that every local pod has. Source: Istio, "Resource Annotations"."""

DRAINING_ENDPOINTS: Final = "istio.io/persistent-session"
"""Service label that keeps terminating pods reachable for requests that name them. Source: istiod,
PILOT_PERSISTENT_SESSION_LABEL; the cookie in its value needs a setting that is off by default."""

KNOWN_KEYS: Final = WITHOUT_EFFECT | {*ONE_VALUE, DRAINING_ENDPOINTS}


def _known(keys: dict[str, str]) -> dict[str, str]:
    for key, value in keys.items():
        if "istio.io/" in key and key not in KNOWN_KEYS:
            raise KEY_NOT_RUN.error(key=key)
        if value != ONE_VALUE.get(key, value):
            raise VALUE_NOT_RUN.error(value=f"{key}: {value}", known=ONE_VALUE[key])
    return keys


Keys = Annotated[dict[str, str], AfterValidator(_known)]


class PodMetadata(LenientFields):
    """Metadata of a pod template; the pod's name comes from the Deployment."""

    labels: Keys = Field(default_factory=dict)
    annotations: Keys = Field(default_factory=dict)


class Metadata(PodMetadata):
    """Name, namespace, labels and annotations."""

    name: str
    namespace: str = ""


class Selector(Fields):
    """Workloads by labels; an empty selector selects all."""

    match_labels: dict[str, str] = Field(default_factory=dict)

    def selects(self, labels: dict[str, str]) -> bool:
        """Whether `labels` contain every label of the selector."""
        return self.match_labels.items() <= labels.items()


class Placed(Fields):
    """An object with a name in a namespace."""

    api_version: str
    kind: str
    metadata: Metadata

    @property
    def name(self) -> str:
        """Name of the object."""
        return self.metadata.name

    @property
    def namespace(self) -> str:
        """Namespace of the object."""
        return self.metadata.namespace

    @model_validator(mode="after")
    def _has_namespace(self) -> Self:
        if not self.metadata.namespace:
            raise NAMESPACE_MISSING.error()
        return self
