"""Stacks for clusters that have Istio or monitoring already, or no mesh at all."""

import json
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshed_mcp.components.core.errors import ConfigIssue, ConfigurationError
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.cluster.istio_releases import istio_releases
from meshed_mcp.components.mesh.cluster.manifests import mesh_manifests
from meshed_mcp.components.mesh.service.manifests import service_manifests
from meshed_mcp.components.observability.manifests import observability_objects
from meshed_mcp.components.observability.releases import observability_releases
from meshed_mcp.infra.plan import Plan, planned
from tests.stacks import recording

SERVICE: Final = {"image": "registry.example/a:1", "callers": ["agents/planner"]}
PROMETHEUS: Final = {"install": "existing", "url": "http://prometheus-operated.monitoring.svc:9090"}
COLLECTOR: Final = {"install": "existing", "otlp_endpoint": "http://otel.observability.svc:4318"}
GATEWAY: Final = {"install": "existing", "namespace": "gateways", "service_account": "shared", "selector": {"app": "g"}}
OWN_ISTIO: Final = {"install": "existing", "revision": "prod", "root_namespace": "istio-control", "gateway": GATEWAY}


def plan(**keys: Any) -> Plan:
    """The plan of a stack with one service."""
    given_keys = {"services": {"mcp-a": SERVICE}, **keys}
    return planned({f"meshed-mcp:{key}": json.dumps(value) for key, value in given_keys.items()})


def lines(**keys: Any) -> list[str]:
    """Issues of a stack with one service, with their codes."""
    with pytest.raises(ConfigurationError) as raised:
        plan(**keys)
    return [issue.line for issue in raised.value.issues]


def mesh_objects(found: Plan) -> list[Manifest]:
    """Objects of the mesh and of all services."""
    services = [item for name, args in found.services.items() for item in service_manifests(name, args)]
    return [*mesh_manifests(found.mesh), *services]


def named(objects: list[Manifest], name: str) -> list[Manifest]:
    """The objects with a name."""
    return [item for item in objects if item["metadata"]["name"] == name]


@pytest.mark.parametrize("value", [None, False, "none", "null", "existing"])
@pytest.mark.parametrize(
    ("key", "way"),
    [
        ("observability", "set {prometheus: {install: existing, url: ...}, grafana: {install: existing}}"),
        ("mesh", "set {install: existing} for an Istio of the cluster, or none for a cluster without a mesh"),
        ("keda", "set {install: existing} for a KEDA of the cluster, or {install: none}"),
        ("vpa", "set {install: existing} for a VPA of the cluster, or {install: none}"),
    ],
)
def test_null_part_is_rejected_with_the_way_to_leave_it_out(key: str, value: Any, way: str) -> None:
    """Requirement CLU-5: a null neither installs a part nor says that the cluster has it."""
    if (key, value) == ("mesh", "none"):
        return
    (line,) = lines(**{key: value})
    assert line.startswith(f"MM0570: stack: meshed-mcp:{key}: ")
    assert way in line


@pytest.mark.parametrize("mesh", ["none", {"mode": "none"}])
def test_cluster_without_a_mesh_gets_no_object_of_istio(mesh: Any) -> None:
    """Requirement CLU-3: the API server of such a cluster has none of Istio's CRDs."""
    values = {"meshed-mcp:mesh": mesh if isinstance(mesh, str) else json.dumps(mesh)}
    found = planned({**values, "meshed-mcp:services": json.dumps({"mcp-a": SERVICE})})
    objects = [*mesh_objects(found), *observability_objects(found.observability)]
    assert [item["kind"] for item in objects if "istio.io" in item["apiVersion"]] == []
    assert istio_releases(found.mesh) == []
    assert not any("istio" in json.dumps(item["spec"]["template"]) for item in objects if item["kind"] == "Deployment")


def test_existing_istio_gets_no_object_outside_the_namespaces_of_the_stack() -> None:
    """Requirement CLU-2: the root namespace and the gateway's namespace belong to another team."""
    objects = mesh_objects(plan(mesh=OWN_ISTIO))
    assert {item["metadata"].get("namespace", item["metadata"]["name"]) for item in objects} == {"mcp-system"}
    assert istio_releases(plan(mesh=OWN_ISTIO).mesh) == []


def test_existing_gateway_is_the_caller_of_exposed_services() -> None:
    """Requirement CLU-1: services accept the identity of the existing gateway's pods."""
    found = mesh_objects(plan(mesh=OWN_ISTIO, services={"mcp-a": {"image": "a:1", "expose": True}}))
    (policy,) = [
        item for item in found if item["kind"] == "AuthorizationPolicy" and item["metadata"]["name"] == "mcp-a"
    ]
    assert policy["spec"]["rules"][0]["from"] == [{"source": {"principals": ["cluster.local/ns/gateways/sa/shared"]}}]
    (gateway,) = [item for item in found if item["kind"] == "Gateway"]
    assert gateway["spec"]["selector"] == {"app": "g"}


def test_grafana_is_exposed_at_the_existing_gateway() -> None:
    """Requirement CLU-2: Grafana's Gateway selects the existing pods, from the namespace of monitoring."""
    urls = dict.fromkeys(("auth_url", "token_url", "userinfo_url"), "https://login.example.com/x")
    login = {**urls, "client_id": "grafana", "groups": {"mcp-admin": ["admins"]}}
    grafana = {"url": "https://grafana.example.com", "login": login, "expose": {"tls_secret": "cert"}}
    objects = observability_objects(plan(mesh=OWN_ISTIO, observability={"grafana": grafana}).observability)
    (gateway,) = [item for item in objects if item["kind"] == "Gateway"]
    assert gateway["spec"]["selector"] == {"app": "g"}
    assert {item["metadata"]["namespace"] for item in objects if "istio.io" in item["apiVersion"]} == {"monitoring"}
    (policy,) = [item for item in named(objects, "grafana") if item["kind"] == "NetworkPolicy"]
    assert "gateways" in json.dumps(policy)


def test_existing_gateway_object_replaces_that_of_the_stack() -> None:
    """Requirement CLU-1: routes name the existing Gateway, which has the hosts and certificates."""
    mesh = {**OWN_ISTIO, "gateway": {**GATEWAY, "name": "infra/shared"}}
    found = mesh_objects(plan(mesh=mesh, services={"mcp-a": {"image": "a:1", "expose": True}}))
    assert [item for item in found if item["kind"] == "Gateway"] == []
    (route,) = [item for item in found if item["metadata"]["name"] == "mcp-a-ingress"]
    assert route["spec"]["gateways"] == ["infra/shared"]


def test_pods_reach_istiod_in_its_namespace() -> None:
    """Requirement CLU-1: the egress policy of a pod leaves the way to the existing istiod open."""
    found = mesh_objects(plan(mesh=OWN_ISTIO))
    (policy,) = [item for item in found if item["metadata"]["name"] == "mcp-a-egress"]
    assert "istio-control" in json.dumps(policy)
    assert "istio-system" not in json.dumps(policy)


def test_own_gateway_in_an_existing_mesh_is_injected_by_its_revision() -> None:
    """Requirement CLU-1: the chart of the gateway alone is installed, for the existing control plane."""
    (release,) = istio_releases(plan(mesh={"install": "existing", "revision": "prod"}).mesh)
    assert (release.name, release.values["revision"]) == ("istio-ingress", "prod")


@pytest.mark.parametrize(
    ("mesh", "code", "field"),
    [
        ({"install": "existing", "hub": "registry.example/istio"}, "MM0554", "hub"),
        ({"install": "existing", "control_plane": {}}, "MM0554", None),
        ({"install": "existing", "tracing": {"service": "otel.apm.svc"}}, "MM0554", "tracing"),
        ({**OWN_ISTIO, "istio_version": "1.31.1"}, "MM0554", "istio_version"),
        ({"install": "existing", "values": {"istiod": {}}}, "MM0554", "values.istiod"),
        ({"install": "existing", "access_log": {"requests": "all"}}, "MM0555", "access_log"),
        ({"tracing_provider": "otel"}, "MM0553", "tracing_provider"),
        ({"gateway": {"install": "existing", "cpu": "1"}}, "MM0550", "gateway"),
        ({"gateway": {"namespace": "gateways"}}, "MM0551", "gateway"),
        ({"mode": "none", "trust_domain": "example.com"}, "MM0552", "trust_domain"),
    ],
)
def test_setting_of_the_mesh_without_effect_is_rejected(mesh: Any, code: str, field: str | None) -> None:
    """Requirement CFG-6: a setting of a part that is not there, or that another team owns, has no effect."""
    if field is None:
        assert all(not line.startswith("Traceback") for line in lines(mesh=mesh))
        return
    (line,) = lines(mesh=mesh)
    assert line.startswith(f"{code}: mesh: ")
    assert field in line


def test_password_of_an_existing_grafana_is_rejected() -> None:
    """Requirement CFG-6: the stack creates the Secret for its own Grafana."""
    values = {
        "meshed-mcp:services": json.dumps({"mcp-a": SERVICE}),
        "meshed-mcp:grafana_admin_password": "secret-word",
        "meshed-mcp:observability": json.dumps({"grafana": {"install": "existing"}}),
    }
    with pytest.raises(ConfigurationError) as raised:
        planned(values)
    (line,) = [issue.line for issue in raised.value.issues]
    assert line.startswith("MM0561: stack: meshed-mcp:grafana_admin_password: ")


def test_access_log_of_a_service_needs_a_provider_of_the_mesh() -> None:
    """Istio, Telemetry: a provider that the MeshConfig lacks writes no log."""
    service = {**SERVICE, "access_log": {"requests": "all"}}
    (line,) = lines(mesh={"install": "existing"}, services={"mcp-a": service})
    assert line.startswith("MM0555: service mcp-a: access_log: ")
    found = plan(mesh={"install": "existing", "access_log_provider": "envoy"}, services={"mcp-a": service})
    (telemetry,) = [item for item in named(mesh_objects(found), "mcp-a") if item["kind"] == "Telemetry"]
    assert telemetry["spec"]["accessLogging"] == [{"providers": [{"name": "envoy"}]}]


NEEDING_A_MESH: Final[dict[str, Any]] = {
    "expose": True,
    "access_log": {"requests": "all"},
    "external_authorization": "opa",
    "faults": {"slow": {"delay": {"seconds": 1, "percent": 10}}},
    "legacy": "sticky",
    "methods": ["POST"],
    "pools": {"slow": {"tools": ["crawl"]}},
    "proxy": "small",
    "rate_limits": {"per_caller": {"requests": 10}},
    "rollout": {"strategy": "canary", "image": "a:2", "weights": {"stable": 90, "canary": 10}},
    "tools": {"search": {"allow": ["agents/planner"]}},
    "traffic": {"balancing": {"hash_header": "x-user"}},
}
"""Field -> a value that needs a mesh; other issues of the value do not matter."""


@pytest.mark.parametrize("field", NEEDING_A_MESH)
def test_setting_that_needs_a_mesh_is_rejected_by_name(field: str) -> None:
    """Requirement CLU-3: what proxies do, nothing does in a cluster without a mesh."""
    service = {**SERVICE, field: NEEDING_A_MESH[field]}
    found = lines(mesh={"mode": "none"}, services={"mcp-a": service})
    assert any(f"service mcp-a: {field}" in line for line in found), found


@pytest.mark.parametrize(("key", "value"), [("domain", "mcp.example.com"), ("session_key", "k" * 32)])
def test_key_of_the_stack_that_needs_a_mesh_is_rejected(key: str, value: str) -> None:
    """Requirement CLU-3: without a gateway no service has a host, and without proxies no session has a replica."""
    keys = {"mesh": '"none"', "services": json.dumps({"mcp-a": SERVICE}), key: value}
    with pytest.raises(ConfigurationError) as raised:
        planned({f"meshed-mcp:{name}": text.strip('"') if name == "mesh" else text for name, text in keys.items()})
    assert [issue.code for issue in raised.value.issues] == ["MM0572"]


def test_tokens_and_scopes_work_without_a_mesh() -> None:
    """Requirement SEC-4: the runtime validates tokens itself."""
    auth = {"issuers": [{"issuer": "https://login.example.com", "jwks_url": "https://login.example.com/keys"}]}
    tools = {"search": {"scopes": ["search:read"]}}
    service = {**SERVICE, "auth": auth, "tools": tools, "egress_hosts": ["login.example.com"]}
    found = mesh_objects(plan(mesh={"mode": "none"}, services={"mcp-a": service}))
    (deployment,) = [item for item in found if item["kind"] == "Deployment"]
    names = {each["name"]: each.get("value") for each in deployment["spec"]["template"]["spec"]["containers"][0]["env"]}
    (row,) = json.loads(str(names["MESHED_MCP_AUTH_ISSUERS"]))
    assert row["issuer"] == "https://login.example.com"
    assert "search:read" in (names["MESHED_MCP_TOOL_POLICY"] or "")
    assert names["MESHED_MCP_TRUSTED_PROXIES"] == ""


def test_existing_prometheus_selects_every_monitor_and_rule() -> None:
    """Requirement CLU-1: prometheus-operator, `podMonitorSelector` and `ruleSelector` of kube-prometheus-stack."""
    labels = {"release": "kube-prometheus-stack"}
    monitoring = {"monitor_labels": labels, "prometheus": PROMETHEUS, "grafana": {"install": "existing"}}
    found = plan(observability=monitoring)
    objects = [*mesh_objects(found), *observability_objects(found.observability)]
    selected = [item for item in objects if item["kind"] in {"PodMonitor", "ServiceMonitor", "PrometheusRule"}]
    assert len(selected) > 5
    assert all(labels.items() <= item["metadata"]["labels"].items() for item in selected)
    assert found.autoscaling.monitor_labels == labels
    assert found.autoscaling.prometheus_url == PROMETHEUS["url"]


def test_program_registers_every_monitor_and_rule_with_the_labels() -> None:
    """Requirement CMP-1: what the program registers, rules of the autoscaler included."""
    items = [item for item in recording("existing").objects if item["apiVersion"] == "monitoring.coreos.com/v1"]
    assert {item["metadata"]["name"] for item in items} >= {"mcp-scaling", "mcp-alerts", "mcp-search", "istiod"}
    assert all(item["metadata"]["labels"].get("release") == "kube-prometheus-stack" for item in items)


def test_rules_have_labels_of_their_own() -> None:
    """Requirement CLU-1: a Prometheus may select rules by other labels than monitors."""
    monitoring = {"monitor_labels": {"a": "m"}, "rule_labels": {"b": "r"}, "prometheus": PROMETHEUS}
    for item in observability_objects(plan(observability=monitoring).observability):
        if item["kind"] == "PrometheusRule":
            assert item["metadata"]["labels"]["b"] == "r"
            assert "a" not in item["metadata"]["labels"]


@pytest.mark.parametrize(("kind", "field"), [("pod_monitor", "monitor_labels"), ("rule", "rule_labels")])
def test_selector_that_excludes_our_objects_is_rejected(kind: str, field: str) -> None:
    """Requirement CFG-7: a Prometheus that selects none of them scrapes no server and evaluates no rule."""
    selectors = {kind: {"release": "kube-prometheus-stack"}}
    (line,) = lines(observability={"prometheus": {**PROMETHEUS, "selectors": selectors}})
    assert line == (
        f"MM0566: observability: prometheus.selectors.{kind}: selects only objects with the labels release: "
        f"kube-prometheus-stack, which those of the stack lack; set {field} to these labels"
    )


@pytest.mark.parametrize(
    ("settings", "releases"),
    [
        ({"prometheus": PROMETHEUS, "grafana": {"install": "existing"}}, []),
        ({"prometheus": PROMETHEUS}, ["kube-prometheus-stack"]),
        ({"grafana": {"install": "existing"}}, ["cert-manager", "prometheus-operator-crds", "kube-prometheus-stack"]),
        ({"jaeger": COLLECTOR}, ["cert-manager", "prometheus-operator-crds", "kube-prometheus-stack"]),
    ],
)
def test_only_parts_that_the_cluster_lacks_are_installed(settings: Any, releases: list[str]) -> None:
    """Requirement CLU-1: an existing part is not installed, and neither is what only it needs."""
    found = plan(observability=settings).observability
    assert [spec.name for spec in observability_releases(found)] == releases


def test_grafana_alone_reads_the_existing_prometheus() -> None:
    """kube-prometheus-stack, `grafana.sidecar.datasources.url`: else the data source is the chart's."""
    (release,) = observability_releases(plan(observability={"prometheus": PROMETHEUS}).observability)
    assert release.values["prometheus"] == release.values["alertmanager"] == {"enabled": False}
    assert release.values["grafana"]["sidecar"]["datasources"]["url"] == PROMETHEUS["url"]


def test_namespace_without_pods_of_the_stack_is_not_created() -> None:
    """Requirement CMP-7: `pulumi destroy` would delete a namespace that another team owns."""
    settings = {"prometheus": PROMETHEUS, "grafana": {"install": "existing"}, "jaeger": COLLECTOR}
    kinds = [item["kind"] for item in observability_objects(plan(observability=settings).observability)]
    assert "Namespace" not in kinds
    assert "StatefulSet" not in kinds


def test_dashboards_have_the_labels_and_folder_of_an_existing_grafana() -> None:
    """Requirement CLU-1: Grafana's sidecar finds ConfigMaps by label and takes the folder from an annotation."""
    grafana = {
        "install": "existing",
        "dashboard_labels": {"dash": "yes"},
        "folder": "Tools",
        "folder_annotation": "dir",
    }
    for item in observability_objects(plan(observability={"grafana": grafana}).observability):
        if item["kind"] == "ConfigMap" and item["metadata"]["name"].startswith("dashboard-"):
            assert item["metadata"]["labels"]["dash"] == "yes"
            assert item["metadata"]["annotations"] == {"dir": "Tools"}
            assert "grafana_dashboard" not in item["metadata"]["labels"]


def rule_names(found: Plan) -> set[str]:
    """Names of all alerts and recorded series."""
    rules = [item for item in observability_objects(found.observability) if item["kind"] == "PrometheusRule"]
    groups = [group for item in rules for group in item["spec"]["groups"]]
    return {rule.get("alert") or rule["record"] for group in groups for rule in group["rules"]}


def test_alerts_on_existing_parts_are_absent() -> None:
    """Requirement CLU-7: an alert on a target that nothing scrapes would fire for ever, or never."""
    settings = {"prometheus": PROMETHEUS, "grafana": {"install": "existing"}, "jaeger": COLLECTOR}
    names = rule_names(plan(observability=settings))
    assert not {"GrafanaDown", "JaegerStorageErrors", "PrometheusRemoteWriteBehind", "MCPPVCWillFill"} & names
    assert {"MCPServerDown", "MeshControlPlaneDown"} <= names
    assert {"GrafanaDown", "JaegerStorageErrors"} <= rule_names(plan())


def test_cluster_without_a_mesh_has_no_rule_and_panel_of_the_mesh() -> None:
    """Requirement CLU-7: series of proxies and istiod do not exist there."""
    found = plan(mesh={"mode": "none"})
    assert not {name for name in rule_names(found) if name.startswith(("Mesh", "workload:istio"))}
    boards = [item for item in observability_objects(found.observability) if item["kind"] == "ConfigMap"]
    texts = [text for item in boards for text in item["data"].values()]
    assert len(texts) > 5
    assert not any("istio_" in text for text in texts)


def test_servers_and_proxies_send_spans_to_the_existing_collector() -> None:
    """OTLP specification: servers use HTTP, proxies gRPC on its default port."""
    found = plan(observability={"jaeger": COLLECTOR})
    assert found.services["mcp-a"].otlp_endpoint == COLLECTOR["otlp_endpoint"]
    assert found.mesh.tracing is not None
    assert found.mesh.tracing.service == "otel.observability.svc"


INSTALLS: Final = st.sampled_from(["component", "existing", "none", "release", None, 1])
PARTS: Final = st.fixed_dictionaries(
    {},
    optional={
        "mesh": st.fixed_dictionaries(
            {},
            optional={
                "install": INSTALLS,
                "mode": st.sampled_from(["sidecar", "ambient", "none", "mesh"]),
                "hub": st.just("registry.example/istio"),
                "revision": st.sampled_from(["prod", "Prod", ""]),
                "gateway": st.fixed_dictionaries(
                    {}, optional={"install": INSTALLS, "name": st.text(max_size=5), "cpu": st.just("1")}
                ),
            },
        ),
        "observability": st.fixed_dictionaries(
            {},
            optional={
                "prometheus": st.fixed_dictionaries({}, optional={"install": INSTALLS, "url": st.text(max_size=9)}),
                "grafana": st.fixed_dictionaries({}, optional={"install": INSTALLS, "folder": st.text(max_size=3)}),
                "jaeger": st.fixed_dictionaries({}, optional={"install": INSTALLS, "otlp_endpoint": st.text()}),
                "monitor_labels": st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=2),
            },
        ),
        "keda": st.fixed_dictionaries({}, optional={"install": INSTALLS}),
    },
)
"""Stack keys on what the cluster has, valid and not."""


@given(keys=PARTS)
def test_parts_of_the_cluster_are_planned_or_rejected_in_one_line_each(keys: dict[str, Any]) -> None:
    """Requirement CFG-4: no configuration ends in a traceback; each error is one line with a code."""
    issues, found = outcome(keys)
    assert all("\n" not in issue.line and issue.code.startswith("MM") for issue in issues)
    if found is not None:
        assert mesh_objects(found)
        assert observability_objects(found.observability)


def outcome(keys: dict[str, Any]) -> tuple[tuple[ConfigIssue, ...], Plan | None]:
    """The issues of a stack, or its plan."""
    try:
        return (), plan(**keys)
    except ConfigurationError as error:
        return error.issues, None
