"""Base models of the Kubernetes objects that the local run translates, and their metadata.

A field that can affect a request is in a model of `Fields`, or it is rejected by object and path. Models of
`LenientFields` accept fields without effect on one machine; `unread` lists them for one warning. Labels and annotations
that configure Istio must be known; others are data.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Final, Self, TypeVar

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from meshed_mcp import contract
from meshed_mcp.error_codes.code import Message, MessageError
from meshed_mcp.error_codes.local import (
    FIELD_INVALID,
    FIELD_NOT_RUN,
    FIELD_VALUE_NOT_RUN,
    INVALID_DURATION,
    KEY_NOT_RUN,
    NAMESPACE_MISSING,
    VALUE_NOT_RUN,
)
from meshed_mcp.local.errors import LocalRunError

WITHOUT_EFFECT: Final = frozenset({
    "istio.io/rev", "sidecar.istio.io/nativeSidecar", "sidecar.istio.io/proxyCPU", "sidecar.istio.io/proxyCPULimit",
    "sidecar.istio.io/proxyMemory", "sidecar.istio.io/proxyMemoryLimit", "sidecar.istio.io/rewriteAppHTTPProbers",
    "prometheus.istio.io/merge-metrics", "service.istio.io/canonical-name", "service.istio.io/canonical-revision",
    "sidecar.istio.io/statsHistogramBuckets",
})  # fmt: skip
"""Istio keys for injection, resources, names, probes and scraping: without effect on requests."""

ONE_VALUE: Final = {
    "sidecar.istio.io/inject": "true",
    "traffic.sidecar.istio.io/excludeInboundPorts": str(contract.MANAGEMENT_PORT),
}
"""Istio keys with the one value that every local pod has. Source: Istio, "Resource Annotations"."""

DRAINING_ENDPOINTS: Final = "istio.io/persistent-session"
"""Service label that keeps terminating pods reachable for requests that name them. Source: istiod,
PILOT_PERSISTENT_SESSION_LABEL; the cookie in its value needs a setting that is off by default."""

PROXY_CONFIG: Final = "proxy.istio.io/config"
"""Annotation with the configuration of a pod's proxy, as YAML."""

PROXY_FIELDS: Final = {"proxyMetadata", "proxyStatsMatcher"}
"""Fields of it that are run: the statistics, and DNS proxying, which one machine does not need."""

KNOWN_KEYS: Final = WITHOUT_EFFECT | {*ONE_VALUE, DRAINING_ENDPOINTS}


class Fields(BaseModel):
    """Fields under the names of the Kubernetes API; others are rejected."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel)


class LenientFields(Fields):
    """Fields under the names of the Kubernetes API; others have no effect on one machine and are kept unread."""

    model_config = ConfigDict(extra="allow")


F = TypeVar("F", bound=Fields)

TYPE_PREFIX: Final = "type.googleapis.com/"
"""Prefix of the location step that pydantic adds for a discriminated union. Source: protobuf, `Any`."""

_SECONDS_PER: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")


def seconds(duration: str) -> float:
    """Seconds of a Go duration such as `1m30s` or `250ms`. Source: Istio API, type Duration."""
    parts = _DURATION.findall(duration)
    if "".join(number + unit for number, unit in parts) != duration or not parts:
        raise INVALID_DURATION.error(duration=duration)
    return sum(float(number) * _SECONDS_PER[unit] for number, unit in parts)


def _checked(duration: str) -> str:
    seconds(duration)
    return duration


Duration = Annotated[str, AfterValidator(_checked)]


def title(item: dict[str, Any]) -> str:
    """Name of an object in messages: `VirtualService mcp-system/mcp-rag`."""
    meta = item.get("metadata") or {}
    namespace = meta.get("namespace")
    return f"{item.get('kind')} {namespace + '/' if namespace else ''}{meta.get('name')}"


def read(model: type[F], item: dict[str, Any]) -> F:
    """The object as its model. Raises LocalRunError with one line per field that cannot be run."""
    try:
        return model.model_validate(item)
    except ValidationError as error:
        raise LocalRunError(*(each for cause in _causes(error) for each in _messages(title(item), cause))) from None


def unread(value: object, path: str = "") -> Iterator[str]:
    """Paths of the fields that a model of LenientFields accepted without reading them, such as `spec.strategy`."""
    if isinstance(value, tuple):
        for each in value:
            yield from unread(each, f"{path}[]")
    elif isinstance(value, Fields):
        prefix = f"{path}." if path else ""
        yield from (prefix + name for name in value.model_extra or ())
        for name, field in type(value).model_fields.items():
            yield from unread(getattr(value, name), prefix + (field.alias or name))


def _causes(error: ValidationError) -> list[ErrorDetails]:
    """The errors without consequences: pydantic reports a list of invalid members as too short as well."""
    found = error.errors(include_url=False)
    inside = {each["loc"][:depth] for each in found for depth in range(len(each["loc"]))}
    return [each for each in found if each["type"] != "too_short" or each["loc"] not in inside]


def _messages(owner: str, error: ErrorDetails) -> Sequence[Message]:
    path = _path(error["loc"])
    where = f"{owner}: {path}" if path else owner
    match error["type"]:
        case "extra_forbidden":
            return [FIELD_NOT_RUN.message(where=where)]
        case "literal_error":
            known = error["ctx"]["expected"]
            return [FIELD_VALUE_NOT_RUN.message(where=where, value=error["input"], known=known)]
        case "value_error" if isinstance(error["ctx"]["error"], MessageError):
            return [message.at(where) for message in error["ctx"]["error"].messages]
        case _:
            return [FIELD_INVALID.message(where=where, reason=error["msg"])]


def _path(loc: Sequence[int | str]) -> str:
    steps = [step for step in loc if not str(step).startswith(TYPE_PREFIX)]
    plain = [isinstance(each, str) and re.fullmatch(r"\w+", each) for each in steps]
    shown = (f".{each}" if is_name else f"[{each!r}]" for each, is_name in zip(steps, plain, strict=True))
    return "".join(shown).removeprefix(".")


def _known(keys: dict[str, str]) -> dict[str, str]:
    for key, value in keys.items():
        if "istio.io/" in key and key not in KNOWN_KEYS and not _selects_statistics(key, value):
            raise KEY_NOT_RUN.error(key=key)
        if value != ONE_VALUE.get(key, value):
            raise VALUE_NOT_RUN.error(value=f"{key}: {value}", known=ONE_VALUE[key])
    return keys


def _selects_statistics(key: str, value: str) -> bool:
    if key != PROXY_CONFIG:
        return False
    try:
        fields = yaml.safe_load(value)
    except yaml.YAMLError:
        return False
    return isinstance(fields, dict) and {"proxyStatsMatcher"} <= fields.keys() <= PROXY_FIELDS


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
