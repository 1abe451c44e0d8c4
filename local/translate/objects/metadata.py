"""Metadata of every object: names, labels, annotations. Keys that steer Istio must be known here, others are data."""

from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, model_validator

from meshed_mcp import contract
from meshed_mcp.error_codes.local import KEY_NOT_RUN, NAMESPACE_MISSING, VALUE_NOT_RUN
from meshed_mcp.local.translate.objects.fields import Fields

WITHOUT_EFFECT: Final = frozenset(
    {
        "istio.io/rev",
        "sidecar.istio.io/nativeSidecar",
        "sidecar.istio.io/proxyCPU",
        "sidecar.istio.io/proxyCPULimit",
        "sidecar.istio.io/proxyMemory",
        "sidecar.istio.io/proxyMemoryLimit",
        "sidecar.istio.io/rewriteAppHTTPProbers",
        "prometheus.istio.io/merge-metrics",
        "service.istio.io/canonical-name",
        "service.istio.io/canonical-revision",
    }
)
"""Istio keys about injection, sizes, names, probes and scraping: every pod here has one sidecar of one size."""

ONE_VALUE: Final = {
    "sidecar.istio.io/inject": "true",
    "traffic.sidecar.istio.io/excludeInboundPorts": str(contract.MANAGEMENT_PORT),
}
"""Istio keys with the one value that is true of every pod here. Source: Istio, "Resource Annotations"."""


KEEPS_DRAINING: Final = "istio.io/persistent-session"
"""Service label under which pods that end stay in reach of requests that name them. Source: istiod,
PILOT_PERSISTENT_SESSION_LABEL; the cookie in its value is read under a setting that is off, as it is here."""

RUN: Final = frozenset({*ONE_VALUE, KEEPS_DRAINING})


def _known(keys: dict[str, str]) -> dict[str, str]:
    for key, value in keys.items():
        if "istio.io/" in key and key not in WITHOUT_EFFECT | RUN:
            raise KEY_NOT_RUN.error(key=key)
        if value != ONE_VALUE.get(key, value):
            raise VALUE_NOT_RUN.error(value=f"{key}: {value}", known=ONE_VALUE[key])
    return keys


Keys = Annotated[dict[str, str], AfterValidator(_known)]


class Metadata(Fields):
    """Where an object lives and what selects it."""

    name: str
    namespace: str = ""
    labels: Keys = Field(default_factory=dict)
    annotations: Keys = Field(default_factory=dict)


class PodMetadata(Fields):
    """Metadata of a pod template: its name comes from the Deployment."""

    labels: Keys = Field(default_factory=dict)
    annotations: Keys = Field(default_factory=dict)


class Selector(Fields):
    """Selects workloads by labels; an empty one selects all."""

    match_labels: dict[str, str] = Field(default_factory=dict)

    def selects(self, labels: dict[str, str]) -> bool:
        """Whether every label asked for is there."""
        return self.match_labels.items() <= labels.items()


class Named(Fields):
    """An object with the three fields all have; `namespace` and `name` for short."""

    api_version: str
    kind: str
    metadata: Metadata

    @property
    def name(self) -> str:
        """Name of the object."""
        return self.metadata.name

    @property
    def namespace(self) -> str:
        """Namespace of the object, "" for cluster-wide ones."""
        return self.metadata.namespace


class Placed(Named):
    """An object that lives in a namespace."""

    @model_validator(mode="after")
    def _has_namespace(self) -> Self:
        if not self.metadata.namespace:
            raise NAMESPACE_MISSING.error()
        return self
