"""Pull secrets of the stack in the values of charts, each in the form that the chart reads."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from meshed_mcp.components.core.manifest import Manifest

Form = Callable[[Sequence[str]], Manifest]


def _named(*path: str) -> Form:
    """Values with a list of `{name: ...}` at a path."""
    return lambda secrets: _at(path, [{"name": name} for name in secrets])


def _plain(*path: str) -> Form:
    """Values with a list of names at a path."""
    return lambda secrets: _at(path, list(secrets))


def _at(path: Sequence[str], value: Any) -> Manifest:
    return {path[0]: value if len(path) == 1 else _at(path[1:], value)}


FORMS: Final[Mapping[str, Form]] = {
    "cert-manager": _named("global", "imagePullSecrets"),
    "cluster-autoscaler": _plain("image", "pullSecrets"),
    "cni": _plain("global", "imagePullSecrets"),
    "gateway": _named("imagePullSecrets"),
    "istiod": _plain("global", "imagePullSecrets"),
    "keda": _named("imagePullSecrets"),
    "kiali-server": _plain("deployment", "image_pull_secrets"),
    "kube-prometheus-stack": _named("global", "imagePullSecrets"),
    "vertical-pod-autoscaler": _named("imagePullSecrets"),
    "ztunnel": _plain("global", "imagePullSecrets"),
}
"""Chart -> its values. Source: `values.yaml` of each chart. Charts of CRDs have no pods."""


def with_chart_pull_secrets(chart: str, values: Manifest, secrets: Sequence[str]) -> Manifest:
    """Values with the pull secrets, unless the values set some."""
    if not secrets or chart not in FORMS:
        return values
    return _under(FORMS[chart](secrets), values)


def _under(base: Manifest, over: Manifest) -> Manifest:
    """`over` on `base`, recursively."""
    both = {key for key in base.keys() & over.keys() if isinstance(base[key], dict) and isinstance(over[key], dict)}
    return {**base, **over, **{key: _under(base[key], over[key]) for key in both}}
