"""Strategic merge of an overlay into a PodSpec. Source: Kubernetes, "Strategic Merge Patch"."""

from collections.abc import Mapping, Sequence
from typing import Any

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.pod import schema


def merged(base: Manifest, patch: Mapping[str, Any], of: schema.Schema) -> Manifest:
    """`patch` over `base`, objects of the schema `of`: null removes a field, lists with a merge key merge by item."""
    result = dict(base)
    for field, value in patch.items():
        inner = schema.field_schema(of, field)
        if value is None:
            result.pop(field, None)
        elif isinstance(value, dict) and isinstance(base.get(field), dict):
            result[field] = merged(base[field], value, inner)
        elif schema.MERGE_KEY in inner and isinstance(base.get(field), list):
            result[field] = merged_list(base[field], value, inner)
        else:
            result[field] = without_nulls(value)
    return result


def merged_list(base: Sequence[Manifest], patch: Sequence[Manifest], of: schema.Schema) -> list[Manifest]:
    """Items of `base` with those of `patch` that have the same key merged into them; the others follow."""
    key, item = of[schema.MERGE_KEY], of["items"]
    changes = {each[key]: each for each in patch}
    kept = [merged(each, changes.pop(each[key], {}), item) for each in base]
    return [*kept, *(without_nulls(each) for each in patch if each[key] in changes)]


def without_nulls(value: Any) -> Any:
    """A new value without its null fields, which a patch would remove."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


def with_overlay(pod: Manifest, patch: Mapping[str, Any]) -> Manifest:
    """A PodSpec with the overlay; unchanged without one."""
    return merged(pod, patch, schema.definition("PodSpec")) if patch else pod
