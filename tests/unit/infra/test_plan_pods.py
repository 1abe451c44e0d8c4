"""Pods of a stack: each option that real clusters demand, on services and on every other workload, and its errors."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from meshed_mcp.components.core.errors import ConfigIssue, ConfigurationError
from meshed_mcp.infra.checks import check
from meshed_mcp.infra.checks.required import required_lines
from meshed_mcp.infra.plan import planned
from meshed_mcp.infra.program import deploy
from meshed_mcp.infra.recording import Recording, record_program
from tests.unit.infra.test_config import service_lines

SERVICE: dict[str, Any] = {"image": "registry.example/search:1", "callers": ["agents/planner"]}
FILES: dict[str, Any] = {
    "volumes": [{"name": "settings", "configMap": {"name": "settings"}}],
    "volume_mounts": [{"name": "settings", "mountPath": "/etc/settings"}],
}
READS = {"token": True, "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]}
SECRET = {"secret": "database", "key": "url"}


def recorded(**keys: Any) -> Recording:
    """A stack's registrations."""
    values = {f"meshed-mcp:{key}": json.dumps(value) for key, value in keys.items()}
    return record_program(deploy, "project", "test", values)


def service(**fields: Any) -> Recording:
    """Registrations of a stack with one service."""
    return recorded(services={"mcp-search": {**SERVICE, **fields}})


def one(recording: Recording, kind: str, name: str) -> Any:
    """One object."""
    (found,) = [item for item in recording.objects if item["kind"] == kind and item["metadata"]["name"] == name]
    return found


def pod(**fields: Any) -> Any:
    """Pod template of a service with these options."""
    return one(service(**fields), "Deployment", "mcp-search")["spec"]["template"]


def at(value: Any, path: str) -> Any:
    """The value at `spec.containers.0.image`."""
    for step in path.split("."):
        value = value[int(step)] if isinstance(value, list) else value[step]
    return value


GPU = {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}
FETCH = {"name": "fetch", "image": "registry.example/fetch:1"}
WITHOUT_PRIVILEGES = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}
WRITABLE = {"enabled": False, "reason": "compiles templates"}

INPUTS: dict[str, tuple[dict[str, Any], str, Any]] = {
    "volumes": (FILES, "spec.volumes.2", FILES["volumes"][0]),
    "volume_mounts": (FILES, "spec.containers.0.volumeMounts.2", FILES["volume_mounts"][0]),
    "image_pull_secrets": ({"image_pull_secrets": ["pull"]}, "spec.imagePullSecrets", [{"name": "pull"}]),
    "image_pull_policy": ({"image_pull_policy": "Always"}, "spec.containers.0.imagePullPolicy", "Always"),
    "labels": ({"labels": {"team": "search"}}, "metadata.labels.team", "search"),
    "annotations": ({"annotations": {"example.com/a": "b"}}, "metadata.annotations", None),
    "token": ({"service_account": {"token": True}}, "spec.automountServiceAccountToken", True),
    "existing account": ({"service_account": {"name": "reader"}}, "spec.serviceAccountName", "reader"),
    "node_selector": (
        {"node_selector": {"kubernetes.io/arch": "arm64"}},
        "spec.nodeSelector",
        {"kubernetes.io/arch": "arm64"},
    ),
    "tolerations": ({"tolerations": [GPU]}, "spec.tolerations", [GPU]),
    "GPU": (
        {"resources": {"nvidia.com/gpu": 1}},
        "spec.containers.0.resources.limits",
        {"memory": "512Mi", "nvidia.com/gpu": "1"},
    ),
    "extended resources": (
        {"resources": {"extended": {"nvidia.com/gpu": 2}}},
        "spec.containers.0.resources.requests",
        None,
    ),
    "init_containers": (
        {"init_containers": [FETCH]},
        "spec.initContainers",
        [{**FETCH, "securityContext": WITHOUT_PRIVILEGES}],
    ),
    "env_from": (
        {"env_from": [{"secretRef": {"name": "all"}}]},
        "spec.containers.0.envFrom",
        [{"secretRef": {"name": "all"}}],
    ),
    "affinity": ({"affinity": {"podAntiAffinity": {}}}, "spec.affinity", {"podAntiAffinity": {}}),
    "runtime_class": ({"runtime_class": "gvisor"}, "spec.runtimeClassName", "gvisor"),
    "host_users": ({"host_users": False}, "spec.hostUsers", False),
    "host_aliases": ({"host_aliases": [{"ip": "10.0.0.5", "hostnames": ["db"]}]}, "spec.hostAliases.0.ip", "10.0.0.5"),
    "run_as_user": ({"run_as_user": 1000}, "spec.containers.0.securityContext.runAsUser", 1000),
    "writable root": ({"read_only_root": WRITABLE}, "spec.containers.0.securityContext.readOnlyRootFilesystem", False),
    "reason": ({"read_only_root": WRITABLE}, "metadata.annotations", None),
    "args": ({"args": ["--verbose"], "command": ["serve"]}, "spec.containers.0.command", ["serve"]),
    "overlay": ({"pod": {"dnsPolicy": "Default"}}, "spec.dnsPolicy", "Default"),
}


@pytest.mark.parametrize("case", INPUTS)
def test_options_of_real_clusters_reach_the_pod(case: str) -> None:
    """Requirement POD-1: private registries, GPU and tainted nodes, files, identities and policies are options."""
    fields, path, wanted = INPUTS[case]
    found = at(pod(**fields), path)
    texts = {"annotations": "'b'", "extended resources": "'nvidia.com/gpu': '2'", "reason": "compiles templates"}
    assert texts[case] in str(found) if wanted is None else found == wanted


@pytest.mark.parametrize("case", INPUTS)
def test_options_pass_the_check(case: str) -> None:
    """Requirement CFG-7: what `check` accepts can work: schemas, references and Pod Security."""
    assert [str(issue) for issue in check(service(**INPUTS[case][0])).issues] == []


VOLUMES: dict[str, dict[str, Any]] = {
    "ConfigMap": {"configMap": {"name": "settings"}},
    "Secret": {"secret": {"secretName": "certificate", "defaultMode": 0o440}},
    "PersistentVolumeClaim": {"persistentVolumeClaim": {"claimName": "store"}},
    "emptyDir": {"emptyDir": {"sizeLimit": "1Gi"}},
    "image": {"image": {"reference": "registry.example/model:1"}},
    "projected": {"projected": {"sources": [{"configMap": {"name": "a"}}, {"secret": {"name": "b"}}]}},
    "ephemeral": {"ephemeral": {"volumeClaimTemplate": {"spec": {"resources": {"requests": {"storage": "1Gi"}}}}}},
    "csi": {"csi": {"driver": "secrets-store.csi.k8s.io", "readOnly": True}},
}


@pytest.mark.parametrize("kind", VOLUMES)
def test_volumes_of_every_kind_are_mounted(kind: str) -> None:
    """Kubernetes, "Volumes": one source each."""
    volume = {"name": "extra", **VOLUMES[kind]}
    recording = service(volumes=[volume], volume_mounts=[{"name": "extra", "mountPath": "/extra"}])
    assert volume in one(recording, "Deployment", "mcp-search")["spec"]["template"]["spec"]["volumes"]
    assert check(recording).issues == []


def test_a_persistent_volume_belongs_to_the_group_of_the_pod() -> None:
    """Kubernetes, "Configure volume permission and ownership change policy for Pods"."""
    found = pod(fs_group=2000, volumes=[{"name": "s", **VOLUMES["PersistentVolumeClaim"]}],
                volume_mounts=[{"name": "s", "mountPath": "/var/store"}])["spec"]["securityContext"]  # fmt: skip
    assert found["fsGroup"] == 2000
    assert found["fsGroupChangePolicy"] == "OnRootMismatch"
    assert found["runAsNonRoot"]


IDENTITIES = {
    "eks.amazonaws.com/role-arn": ("arn:aws:iam::111122223333:role/search", ["sts.eu-central-1.amazonaws.com"]),
    "iam.gke.io/gcp-service-account": ("search@project.iam.gserviceaccount.com", []),
    "azure.workload.identity/client-id": (
        "00000000-0000-0000-0000-000000000000",
        ["login.microsoftonline.com"],
    ),
}
"""Annotation -> its value, and the hosts that exchange the token."""


@pytest.mark.parametrize("key", IDENTITIES)
def test_service_accounts_are_annotated_for_workload_identity(key: str) -> None:
    """EKS IRSA, GKE Workload Identity, Azure Workload ID: annotations of the ServiceAccount."""
    value, hosts = IDENTITIES[key]
    recording = service(service_account={"annotations": {key: value}}, egress_hosts=hosts)
    assert one(recording, "ServiceAccount", "mcp-search")["metadata"]["annotations"] == {key: value}


ERRORS: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("pod_errors.yaml").read_text("utf-8"))
"""Wrong options and the line that reports each."""


@pytest.mark.parametrize("case", ERRORS)
def test_contradictory_pod_options_are_one_line(case: str) -> None:
    """Requirement POD-6: object, field, what is wrong, what to set instead."""
    assert service_lines(**ERRORS[case]["fields"]) == [f"service mcp-a: {ERRORS[case]['line']}"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 70_000) | st.text("abcdef-/*.", max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["name", "containers", "server", "volumes", "mountPath", "configMap", "env", "ports", "containerPort", "value",
         "securityContext", "livenessProbe", "httpGet", "port", "token", "rules", "verbs", "enabled", "reason", "key"]
    ), inner, max_size=3),
    max_leaves=12,
)  # fmt: skip
OPTIONS = [
    *("pod", "volumes", "volume_mounts", "service_account", "labels", "annotations", "image_pull_secrets", "env_from"),
    *("node_selector", "tolerations", "affinity", "resources", "init_containers", "host_aliases", "read_only_root"),
]


@pytest.mark.property
@given(st.dictionaries(st.sampled_from(OPTIONS), JSON, min_size=1, max_size=3))
def test_any_pod_option_is_accepted_or_rejected_line_by_line(fields: dict[str, Any]) -> None:
    """Requirement CFG-4: no configuration ends in a traceback, and what is accepted renders."""
    values = {"meshed-mcp:services": json.dumps({"mcp-search": {**SERVICE, **fields}})}
    issues = issues_of(values)
    assert all(issue.code.startswith("MM0") for issue in issues)
    assert issues or check(service(**fields)).objects


@pytest.mark.property
@given(st.dictionaries(st.sampled_from(["labels", "annotations", "image_pull_secrets"]), JSON, min_size=1))
def test_any_default_of_the_stack_is_accepted_or_rejected_line_by_line(keys: dict[str, Any]) -> None:
    """Requirement CFG-4: no configuration ends in a traceback."""
    values = {f"meshed-mcp:{key}": json.dumps(value) for key, value in {"services": {"a": SERVICE}, **keys}.items()}
    assert all(issue.code.startswith("MM0") for issue in issues_of(values))


def issues_of(values: dict[str, str]) -> tuple[ConfigIssue, ...]:
    """Issues of a stack."""
    try:
        planned(values)
    except ConfigurationError as error:
        return error.issues
    return ()


def test_the_gateways_service_is_annotated() -> None:
    """Kubernetes, "Service", type LoadBalancer: clouds read annotations."""
    annotations = {"service.beta.kubernetes.io/aws-load-balancer-type": "external"}
    recording = recorded(
        services={"mcp-search": SERVICE},
        mesh={
            "gateway": {
                "min_replicas": 1,
                "max_replicas": 2,
                "cpu": "100m",
                "memory": "128Mi",
                "annotations": annotations,
            }
        },
    )
    (release,) = [item for item in recording.releases if item["name"] == "istio-ingress"]
    assert release["values"]["service"] == {"annotations": annotations}


CALLERS = {
    "mcp-search": {**SERVICE, "callers": ["mcp-planner"], "tools": {"find": {"allow": ["mcp-planner"]}}},
    "mcp-planner": {**SERVICE, "service_account": {"name": "planner"}},
}


def test_policies_name_the_account_of_a_caller() -> None:
    """Requirement POD-7: callers are authorized by the identity that their pods really have."""
    recording = recorded(services=CALLERS)
    text = json.dumps(one(recording, "AuthorizationPolicy", "mcp-search"))
    assert "cluster.local/ns/mcp-system/sa/planner" in text
    assert "sa/mcp-planner" not in text
    assert "sa/planner" in json.dumps(one(recording, "Deployment", "mcp-search")["spec"]["template"]["spec"])
    report = check(recording)
    assert report.issues == []
    assert "ServiceAccount mcp-system/planner: Deployment mcp-system/mcp-planner" in required_lines(report.required)
    assert not [item for item in recording.objects if item["kind"] == "ServiceAccount" and "planner" in str(item)]


def test_two_services_with_one_account_are_rejected() -> None:
    """Requirement POD-7: one identity for two services would give each the rights of the other."""
    services = {"mcp-a": {**SERVICE, "service_account": {"name": "mcp-b"}}, "mcp-b": SERVICE}
    with pytest.raises(ConfigurationError) as raised:
        planned({"meshed-mcp:services": json.dumps(services)})
    line = "ServiceAccount 'mcp-b' is the identity of mcp-b too; use one for each service"
    assert [str(issue) for issue in raised.value.issues] == [f"service mcp-a: service_account.name: {line}"]


def test_a_service_with_a_token_reaches_the_api_server() -> None:
    """Requirement POD-5: Role, binding, sidecar and network policy follow from the token."""
    recording = service(service_account=READS)
    assert one(recording, "Role", "mcp-search")["rules"] == READS["rules"]
    (subject,) = one(recording, "RoleBinding", "mcp-search")["subjects"]
    assert subject == {"kind": "ServiceAccount", "name": "mcp-search", "namespace": "mcp-system"}
    hosts = one(recording, "Sidecar", "mcp-search")["spec"]["egress"][0]["hosts"]
    assert "default/kubernetes.default.svc.cluster.local" in hosts
    egress = one(recording, "NetworkPolicy", "mcp-search-egress")["spec"]["egress"]
    ports = [{each["port"] for each in rule["ports"]} for rule in egress if "ports" in rule]
    assert {443, 6443, 8443, 16443} in ports
    assert '"default"' not in json.dumps(egress)
    assert check(recording).issues == []


def test_a_service_without_a_token_reaches_no_api_server() -> None:
    """Requirement SEC-6: pods get neither a token nor the way to the API server unless they ask for it."""
    recording = service()
    assert not one(recording, "Deployment", "mcp-search")["spec"]["template"]["spec"]["automountServiceAccountToken"]
    assert "kubernetes.default" not in json.dumps(one(recording, "Sidecar", "mcp-search"))
    assert "6443" not in json.dumps(one(recording, "NetworkPolicy", "mcp-search-egress"))


def test_rules_in_all_namespaces_become_a_cluster_role() -> None:
    """Kubernetes, "Using RBAC Authorization": cluster-wide kinds need a ClusterRole."""
    rules = [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["list"]}]
    recording = service(
        service_account={"token": True, "cluster_rules": rules}, cluster_dependencies=["default/kubernetes"]
    )
    assert one(recording, "ClusterRole", "mcp-system-mcp-search")["rules"] == rules
    assert one(recording, "ClusterRoleBinding", "mcp-system-mcp-search")["roleRef"]["name"] == "mcp-system-mcp-search"
    assert check(recording).issues == []


def test_an_init_container_with_privileges_is_found_by_check() -> None:
    """Kubernetes, "Pod Security Standards", Restricted: init containers included."""
    wide = {**FETCH, "securityContext": {"allowPrivilegeEscalation": True}}
    path = "spec.template.spec.initContainers[0].securityContext.allowPrivilegeEscalation"
    (issue,) = check(service(init_containers=[wide])).issues
    assert str(issue) == f"Deployment mcp-system/mcp-search: {path}: is True; set False"
