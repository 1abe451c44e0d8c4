"""Objects that must exist before a deployment: of rendered objects and of charts."""

import copy
import json
from typing import Any

import pytest

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.infra.checks import check
from meshed_mcp.infra.checks.required import RequiredObject, required_lines, required_objects
from tests.stacks import recording
from tests.unit.infra.damages import damage


def lines(objects: list[Manifest], *releases: Manifest) -> list[str]:
    """Required objects as lines."""
    return list(required_lines(required_objects(objects, releases)))


def pod(kind: str = "Deployment", **spec: Any) -> Manifest:
    """A workload of one container with these fields of its pod."""
    template = {"spec": {"containers": [{"name": "server"}], **spec}}
    body = {"jobTemplate": {"spec": {"template": template}}} if kind == "CronJob" else {"template": template}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "a", "namespace": "tools"}, "spec": body}


def test_secrets_of_the_repositorys_stacks_are_named_with_their_keys_and_users() -> None:
    """Requirement CMP-15: the list of dev and prod, the gateway's certificate and Grafana's login included."""
    users = [f"Deployment mcp-system/{name}" for name in ("mcp-organization", "mcp-rag", "mcp-registry")]
    login = "Secret monitoring/grafana-admin (keys admin-password, admin-user): release kube-prometheus-stack"
    assert list(required_lines(check(recording("dev")).required)) == [login]
    assert list(required_lines(check(recording("prod")).required)) == [
        "Secret istio-ingress/mcp-gateway-tls (keys tls.crt, tls.key): Gateway istio-ingress/mcp",
        f"Secret mcp-system/mcp-database (key url): {', '.join(users)}",
        "Secret mcp-system/mcp-llm (key api-key): Deployment mcp-system/mcp-llm",
        login,
    ]


POD_USES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "account": ({"serviceAccountName": "made"}, ["ServiceAccount tools/made: Deployment tools/a"]),
    "default account": ({"serviceAccountName": "default"}, []),
    "classes": (
        {"runtimeClassName": "gvisor", "priorityClassName": "high"},
        ["PriorityClass high: Deployment tools/a", "RuntimeClass gvisor: Deployment tools/a"],
    ),
    "built-in class": ({"priorityClassName": "system-node-critical"}, []),
    "pull secret": ({"imagePullSecrets": [{"name": "pull"}]}, ["Secret tools/pull: Deployment tools/a"]),
    "claim": (
        {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]},
        ["PersistentVolumeClaim tools/data: Deployment tools/a"],
    ),
    "ephemeral claim": (
        {"volumes": [{"name": "v", "ephemeral": {"volumeClaimTemplate": {"spec": {"storageClassName": "fast"}}}}]},
        ["StorageClass fast: Deployment tools/a"],
    ),
    "files": (
        {
            "volumes": [
                {"name": "s", "secret": {"secretName": "certificate", "items": [{"key": "tls.crt", "path": "c"}]}},
                {"name": "c", "configMap": {"name": "settings"}},
                {"name": "o", "configMap": {"name": "perhaps", "optional": True}},
                {"name": "p", "projected": {"sources": [{"secret": {"name": "part"}}, {"configMap": {"name": "ca"}}]}},
            ]
        },
        [
            "ConfigMap tools/ca: Deployment tools/a",
            "ConfigMap tools/settings: Deployment tools/a",
            "Secret tools/certificate (key tls.crt): Deployment tools/a",
            "Secret tools/part: Deployment tools/a",
        ],
    ),
    "environment of every container": (
        {
            "initContainers": [{"name": "i", "envFrom": [{"configMapRef": {"name": "start"}}]}],
            "containers": [
                {
                    "name": "server",
                    "env": [
                        {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "a"}}},
                        {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "b", "optional": True}}},
                        {"name": "C", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                    ],
                    "envFrom": [{"secretRef": {"name": "all"}}],
                }
            ],
        },
        [
            "ConfigMap tools/settings (key a): Deployment tools/a",
            "ConfigMap tools/start: Deployment tools/a",
            "Secret tools/all: Deployment tools/a",
        ],
    ),
}


@pytest.mark.parametrize("case", POD_USES)
def test_references_of_a_pod_are_listed(case: str) -> None:
    """Kubernetes API, PodSpec: fields that name other objects; optional ones may be absent."""
    spec, wanted = POD_USES[case]
    assert lines([pod(**spec)]) == wanted


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet", "CronJob", "Job"])
def test_pods_of_every_kind_of_workload_are_read(kind: str) -> None:
    """Requirement CMP-15: a CronJob waits for its Secret as well."""
    assert lines([pod(kind, imagePullSecrets=[{"name": "pull"}])]) == [f"Secret tools/pull: {kind} tools/a"]


def test_objects_that_the_stack_creates_or_issues_are_left_out() -> None:
    """Requirement CMP-15: only what the stack does not create."""
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "made", "namespace": "tools"}}
    meta = {"name": "c", "namespace": "tools"}
    issued = {
        "apiVersion": "cert-manager.io/v1",
        "kind": "Certificate",
        "metadata": meta,
        "spec": {"secretName": "tls"},
    }
    pods = pod(imagePullSecrets=[{"name": "made"}], volumes=[{"name": "v", "secret": {"secretName": "tls"}}])
    assert lines([secret, issued, pods]) == []


@pytest.mark.parametrize(
    ("kind", "name", "spec"),
    [
        ("ExternalSecret", "made", {}),
        ("ExternalSecret", "other", {"target": {"name": "made"}}),
        ("SecretProviderClass", "other", {"secretObjects": [{"secretName": "made"}]}),
    ],
)
def test_secrets_of_controllers_are_not_required(kind: str, name: str, spec: dict[str, Any]) -> None:
    """External Secrets, `target.name` defaults to the object's name; Secrets Store CSI driver, `secretObjects`."""
    item = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "tools"}, "spec": spec}
    assert lines([item, pod(imagePullSecrets=[{"name": "made"}])]) == []


def test_misspelled_references_of_rendered_objects_appear_in_the_list() -> None:
    """Requirement CMP-15: a name that the stack does not create is named with its user."""
    objects = copy.deepcopy(recording("dev").objects)
    damage("Deployment", "mcp-rag", "spec.template.spec.serviceAccountName", "mcp-ra")(objects)
    assert "ServiceAccount mcp-system/mcp-ra: Deployment mcp-system/mcp-rag" in lines(objects)


def test_references_in_chart_values_are_listed() -> None:
    """Requirement CMP-15: Secrets, classes, claims and accounts in values of charts."""
    values = {
        "alertmanager": {"config": {"receivers": [{"url_file": "/etc/alertmanager/secrets/pager/url"}]}},
        "prometheus": {"prometheusSpec": {"remoteWrite": [{"credentials": {"name": "metrics", "key": "token"}}]}},
        "grafana": {
            "admin": {"existingSecret": "grafana-admin", "userKey": "admin-user", "passwordKey": "admin-password"},
            "envValueFrom": {"SECRET": {"secretKeyRef": {"name": "grafana-oidc", "key": "client-secret"}}},
            "persistence": {"storageClassName": "fast", "existingClaim": "grafana"},
            "extraVolumes": [{"name": "ca", "configMap": {"name": "corporate-ca"}}],
        },
        "global": {"imagePullSecrets": [{"name": "pull"}], "priorityClassName": ""},
        "login_token": {"signing_key": "secret:kiali-signing:key"},
        "serviceAccount": {"create": False, "name": "given"},
    }
    made = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "grafana-admin", "namespace": "monitoring"}}
    found = required_objects([made], [{"name": "stack", "namespace": "monitoring", "values": values}])
    assert found == [
        RequiredObject(kind, namespace, name, keys, ("release stack",))
        for kind, namespace, name, keys in (
            ("ConfigMap", "monitoring", "corporate-ca", ()),
            ("PersistentVolumeClaim", "monitoring", "grafana", ()),
            ("Secret", "monitoring", "grafana-oidc", ("client-secret",)),
            ("Secret", "monitoring", "kiali-signing", ("key",)),
            ("Secret", "monitoring", "metrics", ("token",)),
            ("Secret", "monitoring", "pager", ("url",)),
            ("Secret", "monitoring", "pull", ()),
            ("ServiceAccount", "monitoring", "given", ()),
            ("StorageClass", "", "fast", ()),
        )
    ]
    assert json.loads(json.dumps(found[0]._asdict()))["used_by"] == ["release stack"]


def test_the_client_secret_of_kialis_login_is_listed() -> None:
    """Kiali, "OpenID Connect strategy": the client secret is in the Secret of the instance."""
    values = {"auth": {"strategy": "openid"}, "deployment": {"instance_name": "kiali"}}
    assert lines([], {"name": "kiali", "namespace": "monitoring", "values": values}) == [
        "Secret monitoring/kiali (key oidc-secret): release kiali"
    ]
