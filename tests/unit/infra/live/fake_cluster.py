"""A cluster of given objects, with the kinds and the paths that the checks read."""

from collections.abc import Iterable
from typing import Any

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.infra.live.cluster import ForbiddenError
from meshed_mcp.infra.recording import Recording, Registration

PLURALS = {
    "Prometheus": "prometheuses",
    "RuntimeClass": "runtimeclasses",
    "StorageClass": "storageclasses",
    "PriorityClass": "priorityclasses",
}


class FakeCluster:
    """Answers reads from a list of objects; `served` are kinds by API version, `forbidden` are beginnings of paths."""

    def __init__(
        self,
        *objects: Manifest,
        version: str = "1.36",
        served: dict[str, list[str]] | None = None,
        forbidden: Iterable[str] = (),
    ) -> None:
        self.objects = list(objects)
        self.version = version
        self.served = served or {}
        self.forbidden = tuple(forbidden)

    def get(self, path: str) -> Manifest | None:
        """An object, the version or the kinds of an API version."""
        self.authorize(path)
        if path == "/version":
            major, minor = self.version.split(".")
            return {"major": major, "minor": minor}
        if path.removeprefix("/apis/").removeprefix("/api/") in self.served:
            kinds = self.served[path.removeprefix("/apis/").removeprefix("/api/")]
            return {"resources": [{"kind": kind} for kind in kinds]}
        return next((item for item in self.objects if object_path(item) == path), None)

    def items(self, path: str, labels: str = "", limit: int = 0) -> list[Manifest]:
        """Objects of one kind with the labels."""
        self.authorize(path)
        wanted = dict(label.split("=") for label in labels.split(",") if label)
        found = [
            item
            for item in self.objects
            if list_path(item) == path and wanted.items() <= (item["metadata"].get("labels") or {}).items()
        ]
        return found[: limit or None]

    def authorize(self, path: str) -> None:
        """Raise ForbiddenError for a path that may not be read."""
        if path.startswith(self.forbidden):
            raise ForbiddenError(path)


def list_path(item: Manifest) -> str:
    """Path of all objects of the kind, in all namespaces."""
    group = item["apiVersion"]
    return f"/{'apis' if '/' in group else 'api'}/{group}/{PLURALS.get(item['kind'], item['kind'].lower() + 's')}"


def object_path(item: Manifest) -> str:
    """Path of one object."""
    base, _, plural = list_path(item).rpartition("/")
    namespace = item["metadata"].get("namespace")
    return f"{base}/{f'namespaces/{namespace}/' if namespace else ''}{plural}/{item['metadata']['name']}"


def thing(kind: str, name: str, namespace: str = "", api: str = "v1", **fields: Any) -> Manifest:
    """An object; `labels` are its labels."""
    labels = fields.pop("labels", {})
    metadata = {"name": name, "labels": labels, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **fields}


def deployed(name: str, namespace: str, image: str, labels: dict[str, str]) -> Manifest:
    """A Deployment with one container."""
    pod = {"containers": [{"name": "main", "image": image}]}
    spec = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}}
    return thing("Deployment", name, namespace, "apps/v1", labels=labels, spec=spec)


def stack(*objects: Manifest, charts: Iterable[str] = (), mesh: Manifest | None = None) -> Recording:
    """A recording of these objects, Helm charts and settings of the mesh."""
    items = [
        *((f"kubernetes:{item['apiVersion']}:{item['kind']}", item, True) for item in objects),
        *(
            ("kubernetes:helm.sh/v3:Release", {"chart": f"oci://example/{chart}", "namespace": chart}, True)
            for chart in charts
        ),
        *((("meshed-mcp:index:ServiceMesh", mesh, False),) if mesh else ()),
    ]
    return Recording([registered(*item) for item in items], {}, {})


def registered(kind: str, inputs: Manifest, custom: bool) -> Registration:
    """A registration with these inputs."""
    return Registration(
        "", kind, "", "", inputs, (), custom, remote=False, protect=False, ignore_changes=(), provider="", version=""
    )
