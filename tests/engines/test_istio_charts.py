"""Istio's charts with our values, rendered by Istio and applied to a real API server."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from meshed_mcp.components.core.chart_pull_secrets import with_chart_pull_secrets
from meshed_mcp.components.mesh.cluster.args import ServiceMeshArgs
from meshed_mcp.components.mesh.cluster.gateway_args import Scale
from meshed_mcp.components.mesh.cluster.gateway_pods import GatewayPods, gateway_values
from meshed_mcp.components.mesh.cluster.istio_releases import istiod_values
from meshed_mcp.components.mesh.cluster.proxy_config import CONNECTION_STATS
from meshed_mcp.components.mesh.cluster.revisions import revision_tag_webhooks
from meshed_mcp.components.mesh.service.proxy_size import ProxySize, size_values
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.manifests import pod_monitors
from tests.engines import istio_charts
from tests.engines.api_client import Object
from tests.engines.api_server import ApiServer
from tests.stacks import EXISTING_MESH, JUDGED, WITHOUT_MESH, recording

PROD: Final = "prod"


@pytest.fixture(scope="module")
def program(find_engine: Callable[[str], Path]) -> Path:
    """The renderer."""
    return find_engine("istio-charts")


@cache
def objects(program: Path, stack: str, chart: str | None = None) -> list[Object]:
    """What the charts of a stack's mesh render, or one of them."""
    releases = istio_charts.of_istio(recording(stack).releases)
    return [
        item
        for each in releases
        if chart in {None, istio_charts.chart(each)}
        for item in istio_charts.rendered(program, each)
    ]


def of_kind(items: list[Object], kind: str) -> dict[str, Object]:
    """Objects of a kind, by name."""
    return {item["metadata"]["name"]: item for item in items if item["kind"] == kind}


@pytest.mark.parametrize("stack", [stack for stack in JUDGED if stack not in (*WITHOUT_MESH, *EXISTING_MESH)])
def test_every_object_of_the_charts_is_accepted_by_a_real_api_server(
    program: Path, api_server: ApiServer, stack: str
) -> None:
    """Server-side apply with strict field validation, as a dry run: otherwise the webhooks would break other tests.

    CRDs are left out: the server has them and validates by them. So is the kind of OpenShift's own network operator.
    """
    left_out = {"CustomResourceDefinition", "NetworkAttachmentDefinition"}
    items = [item for item in objects(program, stack) if item["kind"] not in left_out]
    for name in sorted({item["metadata"]["namespace"] for item in items if "namespace" in item["metadata"]}):
        assert api_server.client.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}) is None
    refusals = [refusal for item in items if (refusal := api_server.client.apply(item, dry_run=True))]
    assert items
    assert not refusals, "\n".join(map(str, refusals))


@pytest.mark.parametrize(("stack", "parts"), [("dev", set()), (PROD, {"istiod", "istio-ingress"})])
def test_parts_with_replicas_have_a_disruption_budget(program: Path, stack: str, parts: set[str]) -> None:
    """Istio charts: with their own default of one replica they render none."""
    assert set(of_kind(objects(program, stack), "PodDisruptionBudget")) == parts


def test_pods_are_spread_by_labels_that_they_have(program: Path) -> None:
    """Kubernetes, `topologySpreadConstraints`: a selector that matches no pod spreads nothing, silently."""
    deployments = of_kind(objects(program, "everything"), "Deployment")
    assert len(deployments) == 4
    for name, item in deployments.items():
        labels = item["spec"]["template"]["metadata"]["labels"]
        constraints = item["spec"]["template"]["spec"]["topologySpreadConstraints"]
        assert len(constraints) == 2, name
        assert all(each["labelSelector"]["matchLabels"].items() <= labels.items() for each in constraints), name


def test_the_control_plane_has_production_settings(program: Path) -> None:
    """Istio chart `istiod`: replicas, priority, JSON logs, native sidecars and a network policy, none by default."""
    items = objects(program, PROD, "istiod")
    pod = of_kind(items, "Deployment")["istiod"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    environment = {each["name"]: each.get("value") for each in container["env"]}
    assert of_kind(items, "HorizontalPodAutoscaler")["istiod"]["spec"]["minReplicas"] == 3
    assert pod["priorityClassName"] == "system-cluster-critical"
    assert "--log_as_json" in container["args"]
    assert environment["ENABLE_NATIVE_SIDECARS"] == "true"
    assert of_kind(items, "NetworkPolicy")


def test_the_control_plane_matches_its_pod_monitor(program: Path) -> None:
    """Prometheus operator, PodMonitor: pods are selected by labels, the port by its name; the policy allows it."""
    (monitor,) = [each for each in pod_monitors(ObservabilityStackArgs()) if each["metadata"]["name"] == "istiod"]
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    items = objects(program, "everything", "istiod")
    deployments = of_kind(items, "Deployment")
    assert set(deployments) == {"istiod-1-31-1", "istiod-1-32-0"}
    for name, item in deployments.items():
        pod = item["spec"]["template"]
        (container,) = pod["spec"]["containers"]
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        assert monitor["spec"]["selector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
        assert pod["metadata"]["labels"]["istio.io/rev"] == name.removeprefix("istiod-")
        rules = of_kind(items, "NetworkPolicy")[name]["spec"]["ingress"]
        open_to_all = {port["port"] for rule in rules if "from" not in rule for port in rule["ports"]}
        assert ports[endpoint["port"]] in open_to_all


def test_admission_fails_closed_from_the_start(program: Path) -> None:
    """Istio release note webhook-failurepolicy-upgrade: rendered as `Fail`, istiod has nothing to change later."""
    hooks = of_kind(objects(program, PROD), "ValidatingWebhookConfiguration")
    assert len(hooks) == 2
    assert {hook["failurePolicy"] for item in hooks.values() for hook in item["webhooks"]} == {"Fail"}


def test_the_validating_webhook_uses_the_revision_that_injects(program: Path) -> None:
    """Istio chart `base`, `defaultRevision`: its validator calls the Service of that revision, which exists."""
    (hook,) = of_kind(objects(program, "everything", "base"), "ValidatingWebhookConfiguration").values()
    asked = {each["clientConfig"]["service"]["name"] for each in hook["webhooks"]}
    assert asked == {"istiod-1-31-1"} <= set(of_kind(objects(program, "everything", "istiod"), "Service"))


def test_a_revision_tag_equals_the_charts(program: Path) -> None:
    """Istio chart `istiod`, `revisionTags`: the product renders an equal object of its own."""
    mesh = ServiceMeshArgs.model_validate(
        {"domain": "mcp.example.com", "revision": "1-31-1", "revision_tags": {"stable": "1-31-1"}}
    )
    values = istiod_values(mesh, "1-31-1") | {"revisionTags": ["stable"]}
    release = {"chart": "istiod", "name": "istiod-1-31-1", "namespace": "istio-system", "values": values}
    theirs = of_kind(istio_charts.rendered(program, release), "MutatingWebhookConfiguration")
    (ours,) = revision_tag_webhooks(mesh)
    their_labels = theirs[ours["metadata"]["name"]]["metadata"]["labels"]
    assert ours["webhooks"] == theirs[ours["metadata"]["name"]]["webhooks"]
    for label in ("istio.io/tag", "istio.io/rev", "app"):
        assert ours["metadata"]["labels"][label] == their_labels[label]


def test_a_gateway_between_networks_serves_their_ports(program: Path) -> None:
    """Istio chart `gateway`, `networkGateway`: 15443 for calls, the others for a remote control plane."""
    mesh = ServiceMeshArgs(domain="mcp.example.com")
    size = Scale(min_replicas=2, max_replicas=3, cpu="100m", memory="128Mi")
    pods = GatewayPods({"istio": "eastwestgateway"}, size, external=True, network="network1")
    values: dict[str, Any] = gateway_values(pods, mesh)
    release = {"chart": "gateway", "name": "istio-eastwestgateway", "namespace": "istio-ingress", "values": values}
    service = of_kind(istio_charts.rendered(program, release), "Service")["istio-eastwestgateway"]
    assert {port["port"] for port in service["spec"]["ports"]} == {15021, 15443, 15012, 15017}
    assert service["metadata"]["labels"]["topology.istio.io/network"] == "network1"
    assert service["spec"]["selector"]["istio"] == "eastwestgateway"


def test_the_mesh_configuration_reaches_every_control_plane_and_every_sidecar(program: Path) -> None:
    """Istio chart `istiod`: `meshConfig` is what istiod reads, `global.proxy` what injection reads."""
    maps = of_kind(objects(program, "everything", "istiod"), "ConfigMap")
    for revision in ("1-31-1", "1-32-0"):
        mesh = yaml.safe_load(maps[f"istio-{revision}"]["data"]["mesh"])
        assert mesh["defaultConfig"]["proxyMetadata"]["ISTIO_META_DNS_CAPTURE"] == "true"
        assert mesh["defaultConfig"]["proxyStatsMatcher"]["inclusionRegexps"] == list(CONNECTION_STATS)
        assert mesh["outboundTrafficPolicy"]["mode"] == "REGISTRY_ONLY"
        injected = json.loads(maps[f"istio-sidecar-injector-{revision}"]["data"]["values"])
        assert injected["global"]["proxy"]["resources"] == size_values(ProxySize.LARGE)


def test_istiod_of_a_corporate_network_fetches_keys_with_proxy_and_certificates(program: Path) -> None:
    """Istio chart `istiod`: values `env`, `envVarFrom`, `volumes`, `volumeMounts` reach the container."""
    pod = of_kind(objects(program, "corporate", "istiod"), "Deployment")["istiod"]["spec"]["template"]["spec"]
    assert "priorityClassName" not in pod
    env = {item["name"]: item for item in pod["containers"][0]["env"]}
    assert env["HTTPS_PROXY"]["valueFrom"] == {"secretKeyRef": {"name": "egress-proxy", "key": "url"}}
    assert env["KUBERNETES_SERVICE_HOST"]["value"] == "kubernetes.default.svc"
    mount = next(each for each in pod["containers"][0]["volumeMounts"] if each["mountPath"] == "/cacerts")
    volume = next(each for each in pod["volumes"] if each["name"] == mount["name"])
    assert volume["configMap"]["items"] == [{"key": "ca.crt", "path": "extra.pem"}]


def test_node_agents_of_openshift_use_its_network_operator(program: Path) -> None:
    """Istio charts, profile `platform-openshift`: Multus runs the CNI plugin, from a namespace that admits it."""
    found = objects(program, "openshift", "cni")
    assert of_kind(found, "NetworkAttachmentDefinition")
    agent = of_kind(found, "DaemonSet")["istio-cni-node"]
    assert agent["metadata"]["namespace"] == "kube-system"
    quotas = of_kind(objects(program, "corporate", "cni"), "ResourceQuota")
    assert quotas, "GKE admits the agent's priority class by a quota"


@pytest.mark.parametrize("stack", ["prod", "ambient"])
def test_pods_of_the_charts_pull_with_the_secrets_of_the_stack(program: Path, stack: str) -> None:
    """Requirement POD-3: the pod or its ServiceAccount names the secret (Kubernetes, "Images")."""
    for release in istio_charts.of_istio(recording(stack).releases):
        name = istio_charts.chart(release)
        values = with_chart_pull_secrets(name, release["values"], ["registry"])
        items = istio_charts.rendered(program, {**release, "values": values})
        accounts = of_kind(items, "ServiceAccount")
        for pods in [item["spec"]["template"]["spec"] for item in items if item["kind"] in {"Deployment", "DaemonSet"}]:
            account = accounts.get(pods.get("serviceAccountName", ""), {})
            found = pods.get("imagePullSecrets") or account.get("imagePullSecrets")
            assert found == [{"name": "registry"}], name
