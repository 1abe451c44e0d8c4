"""Registrations of the stacks: types, parents, order and options."""

from collections.abc import Iterator

import pytest

from meshed_mcp.components.autoscaling import scalers
from meshed_mcp.components.autoscaling.forecast import rules
from meshed_mcp.components.autoscaling.keda import values as keda_values
from meshed_mcp.components.core.manifest import Manifest, identity
from meshed_mcp.components.core.register import type_token
from meshed_mcp.components.mesh.cluster import gateway, istio_releases
from meshed_mcp.components.mesh.cluster import manifests as cluster
from meshed_mcp.components.mesh.service import manifests as service
from meshed_mcp.infra.plan import Plan
from meshed_mcp.infra.plan import planned as plan_of
from meshed_mcp.infra.recording import Recording, Registration
from meshed_mcp.infra.recording.project import read_project
from tests.stacks import ROOT, STACKS, recording

pytestmark = pytest.mark.parametrize("stack", STACKS)

COMPONENTS = ("AutoscalingPolicy", "MeshedMCPService", "ObservabilityStack", "ServiceMesh")


def planned(stack: str) -> Plan:
    """The plan of a stack, from its files."""
    return plan_of(read_project(ROOT, stack).config)


def by_urn(recorded: Recording) -> dict[str, Registration]:
    """Registrations by URN."""
    return {item.urn: item for item in recorded.registrations}


def ancestors(recorded: Recording, item: Registration) -> Iterator[Registration]:
    """The components around a registration, innermost first."""
    known = by_urn(recorded)
    while item.parent in known:
        item = known[item.parent]
        yield item


def component(recorded: Recording, kind: str) -> Registration:
    """The one component of a kind."""
    (found,) = [item for item in recorded.registrations if item.type == f"meshed-mcp:index:{kind}"]
    return found


def made_before(recorded: Recording, item: Registration) -> set[str]:
    """URNs that exist before `item` is made: what it or a component around it depends on, in any number of steps."""
    known, found, waiting = by_urn(recorded), set[str](), [item, *ancestors(recorded, item)]
    while waiting:
        for urn in waiting.pop().depends_on:
            if urn in known and urn not in found:
                found.add(urn)
                waiting.append(known[urn])
    return found


def find(recorded: Recording, kind: str, name: str) -> Registration:
    """The registration of one Kubernetes object or release by kind and resource name."""
    (found,) = [item for item in recorded.registrations if item.type.endswith(f":{kind}") and item.name == name]
    return found


def test_every_resource_is_a_child_of_a_component(stack: str) -> None:
    """Requirement CMP-2: every resource is a child of its component; the program only composes components."""
    recorded = recording(stack)
    loose = [item.urn for item in recorded.registrations if item.custom and not list(ancestors(recorded, item))]
    assert loose == []


def test_every_component_registers_outputs(stack: str) -> None:
    """Pulumi, "Component resources": register_outputs tells the engine that a component is complete."""
    recorded = recording(stack)
    ours = [item.urn for item in recorded.registrations if item.type.startswith("meshed-mcp:")]
    assert {item.type.split(":")[-1] for item in map(by_urn(recorded).get, ours) if item} == set(COMPONENTS)
    assert [urn for urn in ours if not recorded.outputs.get(urn)] == []


def test_component_arguments_are_its_inputs(stack: str) -> None:
    """Pulumi policies see a component's inputs only when they are passed as its properties."""
    recorded = recording(stack)
    assert component(recorded, "ServiceMesh").inputs["istioVersion"] == planned(stack).mesh.istio_version


def expected_objects(done: Plan) -> list[Manifest]:
    """What the pure functions of mesh and autoscaling return for a plan."""
    services = [item for name, args in done.services.items() for item in service.service_manifests(name, args)]
    mesh = [*gateway.namespace_manifests(done.mesh), *cluster.manifests_after_charts(done.mesh)]
    rooms = (keda_values.namespaces, rules.forecast_rules, scalers.autoscaler_manifests)
    return [*mesh, *services, *(item for room in rooms for item in room(done.autoscaling))]


def test_registered_objects_equal_the_rendered_ones(stack: str) -> None:
    """Requirement CMP-1: registration adds and changes nothing."""
    registered = {identity(item): item for item in recording(stack).objects}
    for item in expected_objects(planned(stack)):
        assert registered[identity(item)] == item


def test_releases_are_registered_with_chart_version_and_values(stack: str) -> None:
    """Requirement CMP-12: charts are pinned records, and their values are the rendered ones."""
    releases = {item["name"]: item for item in recording(stack).releases}
    for spec in [
        *istio_releases.istio_releases(planned(stack).mesh),
        *keda_values.keda_releases(planned(stack).autoscaling),
    ]:
        found = releases[spec.name]
        assert (found["version"], found["values"]) == (spec.chart.version, spec.values)


def test_objects_carry_the_type_token_of_their_kind(stack: str) -> None:
    """Pulumi's Kubernetes provider selects the resource by `kubernetes:<group>/<version>:<Kind>`."""
    types = {item.type for item in recording(stack).registrations if item.custom}
    assert {type_token(item) for item in recording(stack).objects} <= types
    assert "kubernetes:networking.istio.io/v1:VirtualService" in types
    assert "kubernetes:core/v1:Service" in types


def test_mesh_is_installed_in_istios_order(stack: str) -> None:
    """Istio, "Install with Helm": Gateway API CRDs, base, istiod, gateway; then mesh policy."""
    recorded = recording(stack)
    chain = [find(recorded, "Release", name) for name in ("gateway-api-crds", "istio-base", "istiod", "istio-ingress")]
    policy = find(recorded, "PeerAuthentication", "istio-system/default")
    for earlier, later in zip(chain, [*chain[1:], policy], strict=True):
        assert earlier.urn in made_before(recorded, later), f"{later.name} does not wait for {earlier.name}"


def test_services_wait_for_the_crds_and_webhooks_they_need(stack: str) -> None:
    """pulumi-kubernetes issues 1712, 3247: an object before its CRD ends an update half-way."""
    recorded = recording(stack)
    for kind in ("VirtualService", "PodMonitor", "Deployment"):
        before = made_before(recorded, find(recorded, kind, "mcp-system/mcp-rag"))
        for release in ("istiod", "prometheus-operator-crds", "kube-prometheus-stack"):
            assert find(recorded, "Release", release).urn in before


def test_routes_wait_for_the_pods_of_every_version(stack: str) -> None:
    """Pulumi's Kubernetes provider, "await logic": a first canary step routes no call to pods that are not ready."""
    recorded = recording(stack)
    for name, args in planned(stack).services.items():
        items = service.service_manifests(name, args)
        pods = {f"mcp-system/{item['metadata']['name']}" for item in items if item["kind"] == "Deployment"}
        routes = [item for item in items if item["kind"] in {"VirtualService", "DestinationRule"}]
        assert pods
        assert routes
        for route in routes:
            before = made_before(recorded, find(recorded, route["kind"], f"mcp-system/{route['metadata']['name']}"))
            assert {find(recorded, "Deployment", pod).urn for pod in pods} <= before


def test_autoscalers_wait_for_keda_and_their_targets(stack: str) -> None:
    """KEDA rejects a ScaledObject whose target is absent; before KEDA its kind does not exist."""
    recorded = recording(stack)
    before = made_before(recorded, find(recorded, "ScaledObject", "mcp-system/mcp-controller"))
    assert find(recorded, "Release", "keda").urn in before
    assert find(recorded, "Deployment", "mcp-system/mcp-controller").urn in before


def test_prometheus_waits_for_its_crds_and_certificates(stack: str) -> None:
    """kube-prometheus-stack without hooks needs its CRDs and cert-manager first (docs/adr/0002)."""
    recorded = recording(stack)
    before = made_before(recorded, find(recorded, "Release", "kube-prometheus-stack"))
    assert find(recorded, "Release", "prometheus-operator-crds").urn in before
    assert find(recorded, "Release", "cert-manager").urn in before


def test_replicas_are_left_to_an_autoscaler_and_to_nothing_else(stack: str) -> None:
    """Pulumi, "ignoreChanges": an ignored count never changes again, and one that is not ignored resets an HPA's."""
    recorded = recording(stack)
    scalers = [item for item in recorded.objects if item["kind"] in {"ScaledObject", "HorizontalPodAutoscaler"}]
    owned = {f"{item['metadata']['namespace']}/{item['spec']['scaleTargetRef']['name']}" for item in scalers}
    workloads = [item for item in recorded.registrations if item.type.endswith((":Deployment", ":StatefulSet"))]
    ignored = {item.name for item in workloads if item.ignore_changes == ("spec.replicas",)}
    assert ignored == owned
    assert {item.ignore_changes for item in workloads if item.name not in owned} == {()}
    assert all("replicas" in item.inputs["spec"] for item in workloads)


def test_the_program_makes_nothing_but_components(stack: str) -> None:
    """Requirement CMP-2: importers of the components get everything that the program makes."""
    recorded = recording(stack)
    made = [item for item in recorded.registrations if item.parent not in by_urn(recorded)]
    assert {item.type.split(":")[-1] for item in made} == set(COMPONENTS)


def test_scrape_policies_and_monitors_are_made_by_components(stack: str) -> None:
    """Kubernetes, "Network Policies": in the namespaces of a mesh, metrics are for its Prometheus alone."""
    recorded = recording(stack)
    policy = find(recorded, "NetworkPolicy", "mcp-system/metrics")
    assert policy.parent == component(recorded, "ServiceMesh").urn
    monitor = find(recorded, "PodMonitor", "monitoring/mcp-rate-limit")
    assert monitor.parent == component(recorded, "ObservabilityStack").urn
    assert find(recorded, "Release", "prometheus-operator-crds").urn in made_before(recorded, monitor)


def test_every_object_has_an_explicit_name(stack: str) -> None:
    """Requirement CMP-6: Pulumi's random suffixes would break DNS names, selectors and references."""
    assert all(item["metadata"]["name"] for item in recording(stack).objects)


def test_stack_outputs_name_every_service(stack: str) -> None:
    """Requirement CMP-16: the stack's outputs say where its services are."""
    outputs = recording(stack).stack_outputs
    assert outputs["services"]["mcp-controller"] == "http://mcp-controller.mcp-system.svc.cluster.local:8000/mcp"
    assert outputs["prometheus_url"].startswith("http://")
