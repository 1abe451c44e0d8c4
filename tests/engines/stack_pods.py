"""Pods of a stack: one per Deployment, and the pods and Services of the gateways.

Rendered objects in, Kubernetes objects with addresses that no traffic goes to out.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from meshed_mcp.components.core.manifest import Manifest

TLS_MODE: Final = {"security.istio.io/tlsMode": "istio"}
"""Label of injected pods. Source: Istio, sidecar injection template."""

GATEWAY_PORTS: Final = {"http2": (80, 80), "https": (443, 443)}
"""Source: Istio chart `gateway`, default `service.ports`."""


def pods(rendered: Iterable[Manifest], gateways: Iterable[Manifest] = ()) -> dict[str, Manifest]:
    """One pod per injected Deployment by name, and `gateways`, with addresses."""
    found = [
        pod(item["metadata"]["name"], item["metadata"]["namespace"], item["spec"]["template"])
        for item in rendered
        if item["kind"] == "Deployment" and is_injected(item)
    ]
    found += gateways
    for number, each in enumerate(found, start=10):
        address = f"10.244.0.{number}"
        ready = {"type": "Ready", "status": "True"}
        each["status"] = {
            "phase": "Running", "podIP": address, "podIPs": [{"ip": address}], "conditions": [ready],
        }  # fmt: skip
    return {each["metadata"]["name"]: each for each in found}


def is_injected(deployment: Manifest) -> bool:
    """Whether a Deployment's pods are injected."""
    return bool(deployment["spec"]["template"]["metadata"]["labels"].get("sidecar.istio.io/inject") == "true")


def pod(name: str, namespace: str, template: Mapping[str, Any]) -> Manifest:
    """A pod of a template, with a sidecar."""
    metadata = dict(template["metadata"]) | {"name": name, "namespace": namespace}
    metadata["labels"] = metadata["labels"] | TLS_MODE
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {**template["spec"], "nodeName": "node-1"}}


def gateway_pod(name: str, account: str, namespace: str, labels: dict[str, str]) -> Manifest:
    """A gateway pod of the chart after injection."""
    containers = [{"name": "istio-proxy", "image": "registry.example.com/proxy:1"}]
    template = {"metadata": {"labels": labels}, "spec": {"serviceAccountName": account, "containers": containers}}
    return pod(name, namespace, template)


def service(name: str, namespace: str, selector: dict[str, str], ports: dict[str, tuple[int, int]]) -> Manifest:
    """A Service in front of pods."""
    entries = [{"name": label, "port": port, "targetPort": target} for label, (port, target) in ports.items()]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"selector": dict(selector), "ports": entries},
    }


def authorizers(mesh_config: Mapping[str, Any]) -> list[Manifest]:
    """Services of the external authorizers, and their namespaces."""
    asked = [
        each["envoyExtAuthzGrpc"] for each in mesh_config.get("extensionProviders", []) if "envoyExtAuthzGrpc" in each
    ]
    made: list[Manifest] = []
    for each in asked:
        name, namespace, *_ = each["service"].split(".")
        made.append({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        made.append(service(name, namespace, {"app": name}, {"grpc": (each["port"], each["port"])}))
    return made


SHARED_LABELS: Final = {"app": "shared-gateway"}
"""Labels of the gateway of a cluster with its own Istio, as in examples/stacks/Pulumi.existing.yaml."""


def shared_gateway() -> tuple[dict[str, Manifest], list[Manifest]]:
    """Pod and Service of such a gateway, in a namespace of its own."""
    pod_of_gateway = gateway_pod("shared-gateway", "shared-gateway", "gateways", dict(SHARED_LABELS))
    return {"shared-gateway": pod_of_gateway}, [service("shared-gateway", "gateways", SHARED_LABELS, GATEWAY_PORTS)]


def chart_gateways(releases: Iterable[Mapping[str, Any]]) -> tuple[dict[str, Manifest], list[Manifest]]:
    """Pods by release, and the Services, of all releases of Istio's chart `gateway`."""
    found = [each for each in releases if each["chart"].rpartition("/")[2] == "gateway"]
    labels = {each["name"]: {"istio": each["name"].removeprefix("istio-")} for each in found}
    made = {
        each["name"]: gateway_pod(each["name"], each["name"], each["namespace"], labels[each["name"]]) for each in found
    }
    services = [service(each["name"], each["namespace"], labels[each["name"]], GATEWAY_PORTS) for each in found]
    return made, services
