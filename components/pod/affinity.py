"""Affinity of a pod: that of the platform (spot nodes) and that of the stack together."""

from collections.abc import Mapping
from typing import Any, Final

from meshed_mcp.components.core.manifest import Manifest

REQUIRED: Final = "requiredDuringSchedulingIgnoredDuringExecution"
NODE_AFFINITY: Final = "nodeAffinity"


def combined_affinity(own: Mapping[str, Any], given: Mapping[str, Any]) -> Manifest:
    """Both affinities: preferences add up, requirements must all hold."""
    found: Manifest = {**own, **given}
    for part in own.keys() & given.keys():
        found[part] = _combined_part(part, own[part], given[part])
    return found


def _combined_part(part: str, own: Mapping[str, Any], given: Mapping[str, Any]) -> Manifest:
    found: Manifest = {**own, **given}
    for field in own.keys() & given.keys():
        terms = part == NODE_AFFINITY and field == REQUIRED
        found[field] = _combined_terms(own[field], given[field]) if terms else [*own[field], *given[field]]
    return found


def _combined_terms(own: Mapping[str, Any], given: Mapping[str, Any]) -> Manifest:
    """Every pair of terms, because one term of a list suffices. Source: Kubernetes API, NodeSelector."""
    pairs = [(left, right) for left in own["nodeSelectorTerms"] for right in given["nodeSelectorTerms"]]
    return {"nodeSelectorTerms": [_combined_term(left, right) for left, right in pairs]}


def _combined_term(left: Mapping[str, Any], right: Mapping[str, Any]) -> Manifest:
    return {field: [*left.get(field, ()), *right.get(field, ())] for field in {**left, **right}}
