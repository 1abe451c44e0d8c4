"""Simulates the controllers whose status Pulumi's provider waits for.

A Deployment gets its ReplicaSet and becomes available, a StatefulSet becomes ready, a Service gets endpoints, and what
is deleted in the foreground goes. No pod ever runs. What the provider waits for is documented per kind:
https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/ ("await logic").
"""

import contextlib
import threading
from collections.abc import Collection, Iterator
from typing import Final

from tests.engines.api_client import ApiClient, Object

TICK_SECONDS: Final = 0.3
REVISION: Final = "deployment.kubernetes.io/revision"
POD_ADDRESS: Final = "10.77.0.1"
"""Address in Endpoints; it gets no traffic."""


def observed(item: Object) -> bool:
    """Whether the controller has observed this generation."""
    return bool(item["status"].get("observedGeneration") == item["metadata"]["generation"])


def replica_set(deployment: Object, revision: str) -> Object:
    """The ReplicaSet of a Deployment's current template."""
    metadata = deployment["metadata"]
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": metadata["name"], "uid": metadata["uid"]}
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{metadata['name']}-{revision}",
            "namespace": metadata["namespace"],
            "annotations": {REVISION: revision},
            "labels": deployment["spec"]["template"]["metadata"]["labels"],
            "ownerReferences": [{**owner, "controller": True}],
        },
        "spec": {key: deployment["spec"][key] for key in ("replicas", "selector", "template")},
    }


def roll_out(client: ApiClient, deployment: Object) -> None:
    """Set the status of a Deployment with all pods ready."""
    if observed(deployment):
        return
    revision = str(deployment["status"].get("observedGeneration", 0) + 1)
    replicas, path, owned = deployment["spec"]["replicas"], client.path(deployment), replica_set(deployment, revision)
    counts = {"replicas": replicas, "readyReplicas": replicas, "availableReplicas": replicas}
    client.apply(owned, "played-controllers")
    client.merge(f"{client.path(owned)}/status", {"status": {**counts, "observedGeneration": 1}})
    # A Deployment's generation counts changes of its annotations too: it is observed after this one.
    marked = client.merge(path, {"metadata": {"annotations": {REVISION: revision}}}) or deployment
    conditions = [
        {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"},
        {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable"},
    ]
    status = {"observedGeneration": marked["metadata"]["generation"], "updatedReplicas": replicas, **counts}
    client.merge(f"{path}/status", {"status": {**status, "conditions": conditions}})


def start_set(client: ApiClient, stateful_set: Object) -> None:
    """Set the status of a StatefulSet with all pods ready."""
    if observed(stateful_set):
        return
    counts = dict.fromkeys(
        ["replicas", "readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"],
        stateful_set["spec"]["replicas"],
    )
    revision = f"{stateful_set['metadata']['name']}-{stateful_set['metadata']['generation']}"
    status = {"observedGeneration": stateful_set["metadata"]["generation"], "currentRevision": revision}
    client.merge(f"{client.path(stateful_set)}/status", {"status": {**status, "updateRevision": revision, **counts}})


def connect(client: ApiClient, service: Object) -> None:
    """Create Endpoints: the provider reads v1 Endpoints, not EndpointSlices."""
    metadata = {key: service["metadata"][key] for key in ("name", "namespace")}
    endpoints = {"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata}
    if "selector" not in service["spec"] or client.get(endpoints):
        return
    ports = [{"name": port.get("name", ""), "port": port["port"]} for port in service["spec"]["ports"]]
    client.apply({**endpoints, "subsets": [{"addresses": [{"ip": POD_ADDRESS}], "ports": ports}]}, "played-controllers")


def collect(client: ApiClient, item: Object) -> None:
    """Remove finalizers of deleted objects: the garbage collector's, then the namespace controller's."""
    if "deletionTimestamp" not in item["metadata"]:
        return
    path = client.path(item)
    if "foregroundDeletion" in item["metadata"].get("finalizers", []):
        client.merge(path, {"metadata": {"finalizers": None}})
    elif item["kind"] == "Namespace":
        client.http.put(f"{path}/finalize", json={**item, "spec": {"finalizers": []}})


CONTROLLERS: Final = {
    ("apps/v1", "Deployment"): roll_out,
    ("apps/v1", "StatefulSet"): start_set,
    ("v1", "Service"): connect,
}


def play(client: ApiClient, kinds: Collection[tuple[str, str]]) -> None:
    """Reconcile every object of these kinds once."""
    for api_version, kind in kinds:
        for item in client.listed(api_version, kind):
            collect(client, item)
            if controller := CONTROLLERS.get((api_version, kind)):
                controller(client, item)


@contextlib.contextmanager
def played(client: ApiClient, kinds: Collection[tuple[str, str]]) -> Iterator[None]:
    """Reconcile in a thread during the block. `kinds`: (apiVersion, kind) of all objects to delete."""
    stop = threading.Event()
    everything = {*kinds, *CONTROLLERS, ("v1", "Namespace")}

    def rounds() -> None:
        while not stop.wait(TICK_SECONDS):
            play(client, everything)

    thread = threading.Thread(target=rounds, name="played controllers", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
