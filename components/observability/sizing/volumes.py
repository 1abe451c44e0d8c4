"""Claims of the stack's volumes: one form for operators' templates and our own StatefulSets."""

from meshed_mcp.components.core.manifest import Manifest


def volume_claim(storage_gib: int, storage_class: str | None) -> Manifest:
    """A claim for one writer; the cluster's default class if `storage_class` is None."""
    chosen = {} if storage_class is None else {"storageClassName": storage_class}
    size = {"requests": {"storage": f"{storage_gib}Gi"}}
    return {"spec": {**chosen, "accessModes": ["ReadWriteOnce"], "resources": size}}
