"""An existing Istio: versions, MeshConfig, providers, webhooks."""

from typing import Any

import pytest
import yaml

from meshed_mcp.components.core.charts import ISTIO_VERSION
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.infra.live.istio import istio_findings
from meshed_mcp.infra.recording import Recording
from tests.unit.infra.live.fake_cluster import FakeCluster, deployed, stack, thing

SECURITY = "security.istio.io/v1"
TELEMETRY = thing(
    "Telemetry", "mesh", "istio-system", "telemetry.istio.io/v1", spec={"tracing": [{"providers": [{"name": "otlp"}]}]}
)
SETTINGS = {"trustDomain": "cluster.local", "outbound": "REGISTRY_ONLY"}
GOOD_MESH = {
    "outboundTrafficPolicy": {"mode": "REGISTRY_ONLY"},
    "extensionProviders": [{"name": "otlp", "opentelemetry": {}}],
}


def control_plane(mesh: dict[str, Any], version: str = ISTIO_VERSION, revision: str = "default") -> list[Manifest]:
    """Istiod with its MeshConfig and webhook."""
    labels = {"app": "istiod", "istio.io/rev": revision}
    suffix = "" if revision == "default" else f"-{revision}"
    injector = {"app": "sidecar-injector", "istio.io/rev": revision}
    return [
        deployed(f"istiod{suffix}", "istio-system", f"docker.io/istio/pilot:{version}", labels),
        thing("ConfigMap", f"istio{suffix}", "istio-system", data={"mesh": yaml.safe_dump(mesh)}),
        thing(
            "MutatingWebhookConfiguration",
            f"istio-sidecar-injector{suffix}",
            api="admissionregistration.k8s.io/v1",
            labels=injector,
            webhooks=[{"name": "rev.namespace.sidecar-injector.istio.io", "failurePolicy": "Fail"}],
        ),
    ]


def existing(*more: Manifest) -> Recording:
    """A stack for an Istio that it does not install."""
    strict = thing("PeerAuthentication", "default", "istio-system", SECURITY, spec={"mtls": {"mode": "STRICT"}})
    return stack(TELEMETRY, strict, *more, mesh=SETTINGS)


def lines(cluster: FakeCluster, recording: Recording) -> list[str]:
    """Lines of the findings."""
    return [item.line for item in istio_findings(cluster, recording)]


@pytest.mark.parametrize("revision", ["default", "1-31"])
@pytest.mark.parametrize("version", [ISTIO_VERSION, f"{ISTIO_VERSION}-distroless", "1.32.0@sha256:ab"])
def test_a_mesh_as_the_stack_needs_it_is_ok(revision: str, version: str) -> None:
    """Requirement CHK-4: version, trust domain, root namespace, egress mode and providers agree."""
    (found,) = lines(FakeCluster(*control_plane(GOOD_MESH, version, revision)), existing())
    assert found == f"ok istiod istio-system/{revision} {version.partition('@')[0]}"


def test_an_istio_of_the_stack_is_not_looked_for() -> None:
    """Requirement CHK-4: before the first deployment the cluster has no istiod."""
    assert lines(FakeCluster(), stack(TELEMETRY, charts=["istiod"])) == []


def test_a_cluster_without_istiod_is_an_error() -> None:
    """Requirement CHK-4: without istiod no object of the mesh has an effect."""
    (found,) = lines(FakeCluster(), existing())
    assert found.startswith("error MM0159: the cluster has no istiod, and the stack does not install it")


def test_an_older_istio_is_an_error() -> None:
    """Requirement CMP-12: versions have a floor."""
    (found,) = lines(FakeCluster(*control_plane(GOOD_MESH, "1.27.3")), existing())
    assert found == (
        f"error MM0160: istiod istio-system/default has version 1.27.3, and the stack needs {ISTIO_VERSION} or newer; "
        "upgrade it"
    )


def test_an_unknown_version_is_named() -> None:
    """Requirement CHK-6: what cannot be known is a line of its own."""
    (found,) = lines(FakeCluster(*control_plane(GOOD_MESH, "nightly")), existing())
    assert found.startswith("note MM0169: the version of istiod istio-system/default cannot be known")


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"trustDomain": "example.org"}, "error MM0163: MeshConfig of istiod istio-system/default: trustDomain is exa"),
        ({"rootNamespace": "mesh"}, "error MM0163: MeshConfig of istiod istio-system/default: rootNamespace is mesh, "),
        (
            {"outboundTrafficPolicy": {"mode": "ALLOW_ANY"}},
            "warning MM0163: MeshConfig of istiod istio-system/default: o",
        ),
        (
            {"extensionProviders": []},
            "error MM0164: MeshConfig of istiod istio-system/default has no extension provider o",
        ),
    ],
)
def test_a_mesh_config_that_differs_is_named(change: dict[str, Any], line: str) -> None:
    """Requirement CHK-4: policies for another trust domain or root namespace would deny or not apply."""
    (found,) = [
        each for each in lines(FakeCluster(*control_plane(GOOD_MESH | change)), existing()) if "ok " not in each
    ]
    assert found.startswith(line)


def test_sidecars_that_set_the_egress_mode_make_that_of_the_mesh_irrelevant() -> None:
    """Istio, Sidecar, `outboundTrafficPolicy`: it overrides MeshConfig."""
    sidecar = thing(
        "Sidecar", "a", "n", "networking.istio.io/v1", spec={"outboundTrafficPolicy": {"mode": "REGISTRY_ONLY"}}
    )
    mesh = GOOD_MESH | {"outboundTrafficPolicy": {"mode": "ALLOW_ANY"}}
    assert len(lines(FakeCluster(*control_plane(mesh)), existing(sidecar))) == 1


def test_a_provider_of_an_authorization_policy_must_exist() -> None:
    """Istio, "External Authorization": a CUSTOM policy without its provider denies every request."""
    policy = thing("AuthorizationPolicy", "ask", "n", SECURITY, spec={"action": "CUSTOM", "provider": {"name": "opa"}})
    found = lines(FakeCluster(*control_plane(GOOD_MESH)), existing(policy))
    assert found[1].startswith(
        "error MM0164: MeshConfig of istiod istio-system/default has no extension provider opa, "
    )
    assert "AuthorizationPolicy n/ask uses it" in found[1]


def test_a_webhook_that_ignores_failures_is_a_warning() -> None:
    """Kubernetes, "Dynamic Admission Control": with Ignore a pod is admitted without the webhook."""
    objects = control_plane(GOOD_MESH)
    objects[2]["webhooks"][0]["failurePolicy"] = "Ignore"
    found = lines(FakeCluster(*objects), existing())
    assert found[1].startswith("warning MM0162: webhook istio-sidecar-injector ignores failures")
