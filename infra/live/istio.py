"""An Istio that the cluster has already: versions, MeshConfig and extension providers."""

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import yaml

from meshed_mcp.components.core.charts import ISTIO_VERSION
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.error_codes import live as codes
from meshed_mcp.infra.live.cluster import Reader
from meshed_mcp.infra.live.findings import Finding, error, note, ok, warning
from meshed_mcp.infra.live.objects import installs
from meshed_mcp.infra.recording import Recording

DEPLOYMENTS: Final = "/apis/apps/v1/deployments"
WEBHOOKS: Final = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
"""Paths of the API. Source: Kubernetes API reference."""

MESH_TYPE: Final = "meshed-mcp:index:ServiceMesh"
"""Type of the component whose inputs are the stack's settings of the mesh."""

BUILT_IN_PROVIDERS: Final = frozenset({"envoy", "prometheus", "stackdriver"})
"""Providers of every mesh. Source: Istio, MeshConfig, `extensionProviders` and `defaultProviders`."""


class Istiod(NamedTuple):
    """One control plane."""

    namespace: str
    revision: str
    version: str
    mesh: dict[str, Any]

    @property
    def title(self) -> str:
        """`istio-system/1-31`."""
        return f"{self.namespace}/{self.revision}"


def uses_existing_istio(recording: Recording) -> bool:
    """Whether objects of the stack are for an Istio that it does not install."""
    used = any(item["apiVersion"].partition("/")[0].endswith(".istio.io") for item in recording.objects)
    return used and not installs(recording, "istiod")


def istiods(cluster: Reader) -> list[Istiod]:
    """The control planes of the cluster."""
    return [istiod(cluster, item) for item in cluster.items(DEPLOYMENTS, "app=istiod")]


def istiod(cluster: Reader, deployment: Manifest) -> Istiod:
    """A control plane with its MeshConfig. Source: chart `istiod`, ConfigMap `istio` or `istio-<revision>`."""
    meta = deployment["metadata"]
    revision = meta.get("labels", {}).get("istio.io/rev", "default")
    name = "istio" if revision == "default" else f"istio-{revision}"
    config = cluster.get(f"/api/v1/namespaces/{meta['namespace']}/configmaps/{name}") or {}
    mesh = yaml.safe_load((config.get("data") or {}).get("mesh", "")) or {}
    return Istiod(meta["namespace"], revision, component_version(deployment), mesh)


def component_version(deployment: Manifest) -> str:
    """Version of a Deployment: tag of its first image, or its label; empty if neither is a version."""
    image = deployment["spec"]["template"]["spec"]["containers"][0]["image"].partition("@")[0]
    tag = image.rpartition(":")[2]
    label = deployment["metadata"].get("labels", {}).get("app.kubernetes.io/version", "")
    return next((found for found in (tag, label) if numbers(found)), "")


def numbers(version: str) -> tuple[int, int] | None:
    """`1.31.1` -> (1, 31); None if it is no version."""
    found = re.match(r"v?(\d+)\.(\d+)", version)
    return (int(found[1]), int(found[2])) if found else None


def version_finding(component: str, version: str, floor: str) -> Finding:
    """A version against a floor; its patch release does not count."""
    found, least = numbers(version), numbers(floor)
    if found is None or least is None:
        way = f"an image tag or the label app.kubernetes.io/version; it must be {floor} or newer"
        return note(codes.NOT_KNOWN.message(what=f"the version of {component}", way=way))
    if found < least:
        return error(codes.COMPONENT_TOO_OLD.message(component=component, version=version, floor=floor))
    return ok(f"{component} {version}")


def istio_findings(cluster: Reader, recording: Recording) -> Iterator[Finding]:
    """Control planes, their versions and MeshConfigs, and webhooks; nothing for an Istio of the stack."""
    if not uses_existing_istio(recording):
        return
    found = istiods(cluster)
    if not found:
        yield error(codes.COMPONENT_MISSING.message(component="istiod"))
    for control_plane in found:
        yield version_finding(f"istiod {control_plane.title}", control_plane.version, ISTIO_VERSION)
        yield from mesh_config_findings(control_plane, recording)
        yield from provider_findings(control_plane, recording)
    for item in cluster.items(WEBHOOKS, "app=sidecar-injector"):
        if any(webhook.get("failurePolicy") == "Ignore" for webhook in item.get("webhooks", ())):
            yield warning(codes.WEBHOOK_IGNORES_FAILURES.message(webhook=item["metadata"]["name"]))


def mesh_settings(recording: Recording) -> Manifest:
    """Settings of the mesh as the stack has them: inputs of its component; empty for a program without it."""
    return next((item.inputs for item in recording.registrations if item.type == MESH_TYPE), {})


def mesh_config_findings(found: Istiod, recording: Recording) -> Iterator[Finding]:
    """Trust domain, root namespace and egress mode of the mesh against the stack's."""
    settings = mesh_settings(recording)
    outbound = (found.mesh.get("outboundTrafficPolicy") or {}).get("mode", "ALLOW_ANY")
    compared = [
        ("trustDomain", found.mesh.get("trustDomain", "cluster.local"), settings.get("trustDomain"), error),
        ("rootNamespace", found.mesh.get("rootNamespace", found.namespace), root_namespace(recording), error),
        ("outboundTrafficPolicy.mode", outbound, expected_outbound(recording), warning),
    ]
    for field, actual, expected, finding in compared:
        if expected is not None and actual != expected:
            message = codes.MESH_CONFIG_DIFFERS.message(
                istiod=found.title, field=field, found=actual, expected=expected
            )
            yield finding(message)


def root_namespace(recording: Recording) -> str | None:
    """Namespace of the stack's mesh-wide objects; None if it has none."""
    named = mesh_settings(recording).get("rootNamespace")
    wide = [
        item for item in recording.objects if item["kind"] == "PeerAuthentication" and not item["spec"].get("selector")
    ]
    namespaces = sorted({str(item["metadata"]["namespace"]) for item in wide})
    return str(named) if named else namespaces[0] if len(namespaces) == 1 else None


def expected_outbound(recording: Recording) -> str | None:
    """Egress mode that the stack relies on; None if its Sidecars set it themselves."""
    sidecars = [item for item in recording.objects if item["kind"] == "Sidecar"]
    if sidecars and all("outboundTrafficPolicy" in item["spec"] for item in sidecars):
        return None
    wanted = mesh_settings(recording).get("outbound")
    return "REGISTRY_ONLY" if wanted == "REGISTRY_ONLY" else None


def provider_findings(found: Istiod, recording: Recording) -> Iterator[Finding]:
    """Extension providers that Telemetry and AuthorizationPolicies name."""
    defined = {item["name"] for item in found.mesh.get("extensionProviders") or ()} | BUILT_IN_PROVIDERS
    users: dict[str, list[str]] = {}
    for item in recording.objects:
        for provider in named_providers(item):
            meta = item["metadata"]
            users.setdefault(provider, []).append(f"{item['kind']} {meta['namespace']}/{meta['name']}")
    for provider in sorted(set(users) - defined):
        named = ", ".join(sorted(set(users[provider])))
        yield error(codes.PROVIDER_MISSING.message(istiod=found.title, provider=provider, users=named))


def named_providers(item: Manifest) -> Iterator[str]:
    """Extension providers that an object names."""
    spec = item.get("spec") or {}
    if item["kind"] == "Telemetry":
        for part in ("tracing", "accessLogging", "metrics"):
            yield from (provider["name"] for entry in spec.get(part, ()) for provider in entry.get("providers", ()))
    if item["kind"] == "AuthorizationPolicy" and "provider" in spec:
        yield spec["provider"]["name"]
