"""`check --live` against a real API server: a cluster as the stack needs it, each finding, and the documented role."""

import copy
import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from meshed_mcp.components.autoscaling.keda.values import KEDA
from meshed_mcp.components.core.charts import ISTIO_VERSION, RELEASE_TYPE
from meshed_mcp.infra.checks.required import required_objects
from meshed_mcp.infra.live import live_findings
from meshed_mcp.infra.live.cluster import Cluster
from meshed_mcp.infra.live.scaling import METRICS_SERVICE
from meshed_mcp.infra.recording import Recording
from tests.engines.api_client import Object
from tests.engines.api_server import ApiServer
from tests.engines.waiting import wait_for
from tests.stacks import ROOT, recording
from tests.unit.infra.live.fake_cluster import deployed, thing

STACK: Final = "prod"
ISTIO: Final = "istio-system"
MONITORING_API: Final = "monitoring.coreos.com/v1"
PROPAGATION_SECONDS: Final = 20
"""Longest time until the API server decides by a changed role."""

KINDS: Final[dict[str, tuple[str, Object]]] = {
    "StorageClass": ("storage.k8s.io/v1", {"provisioner": "example.com/none"}),
    "RuntimeClass": ("node.k8s.io/v1", {"handler": "none"}),
    "PriorityClass": ("scheduling.k8s.io/v1", {"value": 1}),
}
"""API version and fields of cluster-wide kinds that a stack may need."""


def documented_role() -> Object:
    """The role in the documentation."""
    page = (ROOT / "docs/how-to/check.md").read_text("utf-8")
    role: Object = yaml.safe_load(re.findall(r"<<'EOF'\n(.*?)EOF", page, re.DOTALL)[0])
    return role


def existing() -> Recording:
    """The stack for a cluster that has everything which its charts install."""
    found = recording(STACK)
    return found._replace(registrations=[item for item in found.registrations if item.type != RELEASE_TYPE])


def namespaces() -> list[Object]:
    """Namespaces of all objects."""
    named = {item["metadata"].get("namespace", "default") for item in existing().objects}
    return [thing("Namespace", name) for name in sorted(named | {ISTIO, "keda", "monitoring"})]


def mesh_config() -> dict[str, Any]:
    """MeshConfig as the stack expects it: that of its own release of istiod."""
    (istiod,) = [item for item in recording(STACK).releases if item["name"] == "istiod"]
    values: dict[str, Any] = istiod["values"]["meshConfig"]
    return copy.deepcopy(values)


def istio() -> list[Object]:
    """Istiod, its configuration, a webhook that matches nothing, the CNI plugin, and a gateway's pod."""
    labels = {"app": "istiod", "istio.io/rev": "default"}
    daemon = deployed("istio-cni-node", ISTIO, "cni:1", {"k8s-app": "istio-cni-node"})
    container = {"containers": [{"name": "istio-proxy", "image": "proxyv2:1"}]}
    found = [item["spec"]["selector"] for item in existing().objects if item["kind"] == "Gateway"]
    gateways = [selector for place, selector in enumerate(found) if selector not in found[:place]]
    return [
        deployed("istiod", ISTIO, f"docker.io/istio/pilot:{ISTIO_VERSION}", labels),
        thing("ConfigMap", "istio", ISTIO, data={"mesh": yaml.safe_dump(mesh_config())}),
        webhook("Fail"),
        {**daemon, "kind": "DaemonSet"},
        *(
            thing("Pod", f"gateway-{number}", "default", labels=selector, spec=container)
            for number, selector in enumerate(
                each for place, each in enumerate(gateways) if each not in gateways[:place]
            )
        ),
    ]


def webhook(policy: str) -> Object:
    """The injector for the revision `default`, for namespaces that do not exist."""
    nowhere = {"matchLabels": {"no-such-label": "true"}}
    entry = {
        "name": "namespace.sidecar-injector.istio.io",
        "admissionReviewVersions": ["v1"],
        "clientConfig": {"url": "https://127.0.0.1:1/inject"},
        "failurePolicy": policy,
        "namespaceSelector": nowhere,
        "objectSelector": nowhere,
        "sideEffects": "None",
    }
    labels = {"app": "sidecar-injector", "istio.io/rev": "default"}
    api = "admissionregistration.k8s.io/v1"
    return thing("MutatingWebhookConfiguration", "check-live-injector", api=api, labels=labels, webhooks=[entry])


def prometheus(**spec: Any) -> Object:
    """A Prometheus that selects all monitors and rules, but for `spec`."""
    fields = ("podMonitor", "serviceMonitor", "rule", "probe", "scrapeConfig")
    open_to_all: Object = {f"{field}{part}": {} for field in fields for part in ("Selector", "NamespaceSelector")}
    return thing("Prometheus", "check-live", "monitoring", MONITORING_API, spec=open_to_all | spec)


def keda(version: str = KEDA.version) -> Object:
    """KEDA's operator."""
    labels = {"app.kubernetes.io/name": "keda-operator"}
    return deployed("keda-operator", "keda", f"ghcr.io/kedacore/keda:{version}", labels)


def external_metrics(service: str = METRICS_SERVICE) -> Object:
    """The registration of a server of external metrics that does not run."""
    spec = {
        "group": "external.metrics.k8s.io", "version": "v1beta1", "groupPriorityMinimum": 100, "versionPriority": 100,
        "insecureSkipTLSVerify": True, "service": {"name": service, "namespace": "keda", "port": 443},
    }  # fmt: skip
    return thing("APIService", "v1beta1.external.metrics.k8s.io", api="apiregistration.k8s.io/v1", spec=spec)


def needed() -> list[Object]:
    """Every object that must exist, with its keys."""
    found = []
    for item in required_objects(existing().objects, []):
        api, fields = KINDS.get(item.kind, ("v1", {}))
        if item.kind in {"Secret", "ConfigMap"}:
            fields = {"data": {key: "eA==" for key in item.keys if key}}
        found.append(thing(item.kind, item.name, item.namespace, api, **fields))
    return found


@pytest.fixture(scope="module")
def cluster(api_server: ApiServer) -> Iterator[ApiServer]:
    """A cluster that has all that the stack needs."""
    objects = [*needed(), *istio(), prometheus(), keda(), external_metrics()]
    for item in (*namespaces(), *objects):
        assert api_server.client.apply(item) is None
    yield api_server
    for item in objects:
        api_server.client.delete(item)


@pytest.fixture
def findings(cluster: ApiServer, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """Lines of a check of the cluster with its kubeconfig."""
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
    return lambda: lines(Cluster("test"))


def lines(cluster: Cluster, stack: Recording | None = None) -> list[str]:
    """Lines of the findings in a cluster."""
    return [item.line for item in live_findings(cluster, stack or existing())]


SILENT: Final = "error MM0167: external metrics are not available ("
"""KEDA's server does not run in these tests, which the API server itself finds."""


def test_a_cluster_as_the_stack_needs_it_has_no_other_error(findings: Callable[[], list[str]]) -> None:
    """Requirement CHK-3: versions, kinds, objects, mesh, gateway, monitors and KEDA are found."""
    found = findings()
    assert [line for line in found if not line.startswith(("ok ", "note MM0169", SILENT))] == []
    said = "\n".join(found)
    for part in ("Kubernetes 1.", "all ", "istiod istio-system/default", "namespace "):
        assert f"\nok {part}" in f"\n{said}"
    for part in ("Gateway ", "a Prometheus selects all", f"KEDA {KEDA.version}"):
        assert f"\nok {part}" in said


def changed_mesh(**change: Any) -> Object:
    """The ConfigMap of MeshConfig with a change."""
    return thing("ConfigMap", "istio", ISTIO, data={"mesh": yaml.safe_dump(mesh_config() | change)})


def old_istiod() -> Object:
    """An istiod below the floor."""
    return deployed("istiod", ISTIO, "docker.io/istio/pilot:1.27.1", {"app": "istiod", "istio.io/rev": "default"})


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (old_istiod, "error MM0160: istiod istio-system/default has version 1.27.1"),
        (
            lambda: changed_mesh(trustDomain="example.org"),
            "error MM0163: MeshConfig of istiod istio-system/default: trust",
        ),
        (lambda: changed_mesh(rootNamespace="other"), "error MM0163: MeshConfig of istiod istio-system/default: rootN"),
        (
            lambda: changed_mesh(extensionProviders=[]),
            "error MM0164: MeshConfig of istiod istio-system/default has no ext",
        ),
        (lambda: webhook("Ignore"), "warning MM0162: webhook check-live-injector ignores failures"),
        (lambda: prometheus(podMonitorSelector={"matchLabels": {"release": "x"}}), "error MM0166: "),
        (lambda: keda("2.10.0"), "error MM0160: KEDA has version 2.10.0"),
        (lambda: external_metrics("other"), "error MM0167: external metrics are served by keda/other"),
    ],
)
def test_a_changed_object_is_one_finding(
    cluster: ApiServer, findings: Callable[[], list[str]], change: Callable[[], Object], line: str
) -> None:
    """Requirement CHK-4, CHK-5: each finding comes from what the API server returns."""
    item = change()
    before = cluster.client.get(item)
    assert before is not None
    assert cluster.client.apply(item) is None
    try:
        found = findings()
    finally:
        for kept in (*istio(), prometheus(), keda(), external_metrics()):
            assert cluster.client.apply(kept) is None
    assert [each for each in found if each.startswith(line)], "\n".join(found)


@pytest.mark.parametrize(
    ("title", "line"),
    [
        (("Deployment", "istiod"), "error MM0159: the cluster has no istiod"),
        (("DaemonSet", "istio-cni-node"), "error MM0168: namespace "),
        (("MutatingWebhookConfiguration", "check-live-injector"), "error MM0161: namespace "),
        (("Pod", "gateway-0"), "error MM0165: no pod has the labels "),
        (("Prometheus", "check-live"), "error MM0159: the cluster has no Prometheus"),
        (("Deployment", "keda-operator"), "error MM0159: the cluster has no KEDA"),
        (
            ("APIService", "v1beta1.external.metrics.k8s.io"),
            "error MM0167: external metrics are served by no APIService",
        ),
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else "",
)
def test_a_missing_component_is_one_finding(
    cluster: ApiServer, findings: Callable[[], list[str]], title: tuple[str, str], line: str
) -> None:
    """Requirement CHK-4, CHK-5: what the cluster should have already, and does not."""
    objects = [*istio(), prometheus(), keda(), external_metrics()]
    (item,) = [each for each in objects if (each["kind"], each["metadata"]["name"]) == title]
    cluster.client.delete(item)
    try:
        found = findings()
    finally:
        assert cluster.client.apply(item) is None
    assert [each for each in found if each.startswith(line)], "\n".join(found)


def test_a_missing_key_and_a_missing_object_are_findings(cluster: ApiServer, findings: Callable[[], list[str]]) -> None:
    """Requirement CHK-3: a workload would wait for each of them."""
    secret = next(item for item in needed() if item["kind"] == "Secret" and item["data"])
    name = f"{secret['metadata']['namespace']}/{secret['metadata']['name']}"
    cluster.client.delete(secret)
    try:
        missing = findings()
        assert cluster.client.apply({**secret, "data": {"other": "eA=="}}) is None
        without_key = findings()
    finally:
        cluster.client.delete(secret)
        assert cluster.client.apply(secret) is None
    assert [each for each in missing if each.startswith(f"error MM0157: Secret {name} does not exist, and ")]
    assert [each for each in without_key if each.startswith(f"error MM0157: Secret {name} has no key ")]


def test_a_kind_that_no_api_server_serves_is_a_finding(findings: Callable[[], list[str]]) -> None:
    """Requirement CHK-3: discovery of the API server decides."""
    assert findings()
    unknown = (
        existing()
        .registrations[0]
        ._replace(
            type="kubernetes:example.com/v1:Thing", custom=True, inputs=thing("Thing", "a", "default", "example.com/v1")
        )
    )
    found = lines(Cluster("test"), existing()._replace(registrations=[*existing().registrations, unknown]))
    assert "error MM0158: the cluster does not serve Thing in example.com/v1, and 1 objects are of this kind;" in str(
        found
    )


@pytest.fixture
def reader(cluster: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """The check with a service account that has the documented role."""
    rbac = "rbac.authorization.k8s.io/v1"
    account = thing("ServiceAccount", "check-live", "default")
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "meshed-mcp-check"}
    subject = {"kind": "ServiceAccount", "name": "check-live", "namespace": "default"}
    binding = thing("ClusterRoleBinding", "check-live", api=rbac, roleRef=reference, subjects=[subject])
    for item in (account, documented_role(), binding):
        assert cluster.client.apply(item) is None
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}}
    made = cluster.client.http.post("/api/v1/namespaces/default/serviceaccounts/check-live/token", json=asked)
    config = yaml.safe_load(cluster.kubeconfig.read_text("utf-8"))
    config["users"][0]["user"] = {"token": made.json()["status"]["token"]}
    path = tmp_path / "kubeconfig.yaml"
    path.write_text(json.dumps(config), encoding="utf-8")
    monkeypatch.setenv("KUBECONFIG", str(path))
    yield Cluster()
    for item in (binding, documented_role(), account):
        cluster.client.delete(item)


def test_the_documented_role_is_enough(reader: Cluster, findings: Callable[[], list[str]]) -> None:
    """Requirement CHK-7: with `get` and `list` on the listed kinds the findings are those of an administrator."""
    assert all(set(rule["verbs"]) <= {"get", "list"} for rule in documented_role()["rules"])
    wait_for(lambda: lines(reader) == findings(), "the same findings", PROPAGATION_SECONDS)


@pytest.mark.parametrize("number", range(len(documented_role()["rules"])))
def test_each_rule_of_the_documented_role_is_needed(cluster: ApiServer, reader: Cluster, number: int) -> None:
    """Requirement CHK-6: a read that is forbidden is an error; least privilege has no rule to spare."""
    role, stack = documented_role(), with_every_kind()
    wait_for(lambda: not forbidden(reader, stack), "the whole role", PROPAGATION_SECONDS)
    for resource in role["rules"][number]["resources"]:
        less = copy.deepcopy(role)
        less["rules"][number]["resources"].remove(resource)
        less["rules"] = [rule for rule in less["rules"] if rule["resources"]]
        assert cluster.client.apply(less) is None
        wait_for(partial(forbidden, reader, stack, f"/{resource}"), f"no {resource}", PROPAGATION_SECONDS)


def forbidden(reader: Cluster, stack: Recording, part: str = "") -> bool:
    """Whether a read is forbidden whose path has this part."""
    return any("MM0155" in line and part in line for line in lines(reader, stack))


def with_every_kind() -> Recording:
    """The stack with a pod that uses each kind of object that must exist."""
    pod = {
        "serviceAccountName": "a", "runtimeClassName": "a", "priorityClassName": "a",
        "containers": [{"name": "a", "image": "a"}],
        "volumes": [
            {"name": "a", "configMap": {"name": "a"}},
            {"name": "b", "persistentVolumeClaim": {"claimName": "b"}},
        ],
    }  # fmt: skip
    claim = {"spec": {"storageClassName": "a"}, "metadata": {"name": "c"}}
    item = deployed("every-kind", "elsewhere", "a", {"app": "a"})
    item["spec"]["template"]["spec"] = pod
    item["spec"]["volumeClaimTemplates"] = [claim]
    extra = (
        existing()
        .registrations[0]
        ._replace(type="kubernetes:apps/v1:StatefulSet", custom=True, inputs={**item, "kind": "StatefulSet"})
    )
    return existing()._replace(registrations=[*existing().registrations, extra])
