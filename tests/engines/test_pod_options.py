"""Pods with every option, and overlays, applied to a real API server with strict field validation."""

import json
from typing import Any

import pytest

from meshed_mcp.components.pod.account_args import ServiceAccountSettings
from meshed_mcp.components.pod.manifests import service_account
from meshed_mcp.infra.program import deploy
from meshed_mcp.infra.recording import record_program
from tests.engines.api_client import Object
from tests.engines.api_server import ApiServer
from tests.schemas import published

EVERY_OPTION: dict[str, Any] = {
    "labels": {"team": "search"},
    "annotations": {"example.com/owner": "search"},
    "image_pull_secrets": ["registry"],
    "image_pull_policy": "Always",
    "egress_hosts": ["sts.eu-central-1.amazonaws.com"],
    "service_account": {
        "annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/search"},
        "token": True,
        "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}],
        "cluster_rules": [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["list"]}],
    },
    "volumes": [
        {"name": "settings", "configMap": {"name": "settings"}},
        {"name": "certificate", "secret": {"secretName": "certificate"}},
        {"name": "store", "persistentVolumeClaim": {"claimName": "store"}},
        {"name": "cache", "emptyDir": {"sizeLimit": "1Gi"}},
        {"name": "model", "image": {"reference": "registry.example.com/model:1"}},
        {"name": "all", "projected": {"sources": [{"configMap": {"name": "a"}}, {"secret": {"name": "b"}}]}},
    ],
    "volume_mounts": [
        {"name": name, "mountPath": f"/opt/{name}"}
        for name in ("settings", "certificate", "store", "cache", "model", "all")
    ],
    "env_from": [{"configMapRef": {"name": "settings"}}, {"secretRef": {"name": "all", "optional": True}}],
    "fs_group": 2000,
    "node_selector": {"kubernetes.io/arch": "amd64"},
    "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
    "affinity": {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [{"matchExpressions": [{"key": "gpu", "operator": "Exists"}]}]
            }
        }
    },
    "resources": {"nvidia.com/gpu": 1},
    "runtime_class": "gvisor",
    "host_users": False,
    "init_containers": [
        {
            "name": "fetch",
            "image": "registry.example.com/fetch:1",
            "volumeMounts": [{"name": "cache", "mountPath": "/cache"}],
        }
    ],
    "host_aliases": [{"ip": "10.0.0.5", "hostnames": ["db.corp.example.com"]}],
    "run_as_user": 1000,
    "read_only_root": {"enabled": False, "reason": "compiles templates at start"},
}
OVERLAY: dict[str, Any] = {
    "pod": {
        "dnsPolicy": "None",
        "dnsConfig": {"nameservers": ["10.0.0.10"], "options": [{"name": "ndots", "value": "2"}]},
        "priorityClassName": "batch",
        "schedulerName": "bin-packing",
        "shareProcessNamespace": True,
        "topologySpreadConstraints": None,
        "securityContext": {"supplementalGroups": [3000], "fsGroupChangePolicy": "Always"},
        "volumes": [{"name": "sockets", "emptyDir": {"medium": "Memory"}}],
        "containers": [
            {
                "name": "server",
                "env": [{"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}],
                "ports": [{"name": "debug", "containerPort": 9229}],
                "livenessProbe": {"timeoutSeconds": 10},
                "lifecycle": {"preStop": {"sleep": {"seconds": 3}}},
            },
            {
                "name": "sync",
                "image": "registry.example.com/sync:1",
                "volumeMounts": [{"name": "sockets", "mountPath": "/run/sync"}],
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "capabilities": {"drop": ["ALL"]},
                    "runAsNonRoot": True,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
            },
        ],
    }
}


def objects(**fields: Any) -> list[Object]:
    """Built-in objects of a service with these options, its namespace first."""
    service = {"image": "registry.example.com/search:1", "callers": ["agents/planner"], **fields}
    values = {"meshed-mcp:services": json.dumps({"mcp-search": service}), "meshed-mcp:namespace": "pod-options"}
    found = record_program(deploy, "project", "test", values).objects
    own = [
        item for item in found if item["metadata"].get("namespace") == "pod-options" or "cluster" in str(item["kind"])
    ]
    kinds = {
        "ServiceAccount",
        "Role",
        "RoleBinding",
        "ClusterRole",
        "ClusterRoleBinding",
        "Deployment",
        "NetworkPolicy",
    }
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "pod-options"}}
    runtime = {
        "apiVersion": "node.k8s.io/v1",
        "kind": "RuntimeClass",
        "metadata": {"name": "gvisor"},
        "handler": "runsc",
    }
    priority = {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": "batch"},
        "value": 1,
    }
    cluster = [
        item for item in found if item["kind"].startswith("ClusterRole") and "mcp-search" in item["metadata"]["name"]
    ]
    return [namespace, runtime, priority, *cluster, *(item for item in own if item["kind"] in kinds)]


CASES: dict[str, dict[str, Any]] = {"options": EVERY_OPTION, "overlay": OVERLAY, "both": {**EVERY_OPTION, **OVERLAY}}


@pytest.mark.parametrize("case", CASES)
def test_pods_with_every_option_are_accepted_by_a_real_api_server(api_server: ApiServer, case: str) -> None:
    """Server-side apply with strict field validation (Kubernetes API concepts), and nothing that it would prune."""
    items = objects(**CASES[case])
    refusals = [refusal for item in items if (refusal := api_server.client.apply(item))]
    assert not refusals, "\n".join(map(str, refusals))
    deployments = [item for item in items if item["kind"] == "Deployment" and item["metadata"]["name"] == "mcp-search"]
    for item in deployments:
        kept = api_server.client.get(item) or {}
        assert covers(kept["spec"]["template"], item["spec"]["template"])
    pod = deployments[0]["spec"]["template"]
    assert api_server.client.apply(pod_of(case, pod)) is None


def pod_of(name: str, template: Object) -> Object:
    """A pod of a template: only at its creation the server validates references between its fields."""
    meta = {"name": name, "namespace": "pod-options", "labels": template["metadata"]["labels"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": template["spec"]}


def covers(kept: Any, wanted: Any) -> bool:
    """Whether the server kept every field of `wanted`; it adds defaults."""
    if isinstance(wanted, dict):
        return isinstance(kept, dict) and all(key in kept and covers(kept[key], item) for key, item in wanted.items())
    if isinstance(wanted, list):
        return len(kept) == len(wanted) and all(map(covers, kept, wanted))
    return bool(kept == wanted)


def test_an_overlay_equals_a_strategic_merge_patch_of_the_api_server(api_server: ApiServer) -> None:
    """Kubernetes, "Strategic Merge Patch": the server's own implementation gives the same pod."""
    plain = [item for item in objects() if item["kind"] != "NetworkPolicy"]
    assert not [refusal for item in plain if (refusal := api_server.client.apply(item))]
    (base,) = [item for item in plain if item["kind"] == "Deployment"]
    path = api_server.client.path(base)
    patched = api_server.client.http.patch(
        path,
        json={"spec": {"template": {"spec": OVERLAY["pod"]}}},
        params={"dryRun": "All", "fieldValidation": "Strict"},
        headers={"Content-Type": "application/strategic-merge-patch+json"},
    ).raise_for_status()
    server_pod = patched.json()["spec"]["template"]["spec"]
    (ours,) = [item for item in objects(**OVERLAY) if item["kind"] == "Deployment"]
    wanted = by_name(ours["spec"]["template"]["spec"])
    assert covers(by_name(server_pod), wanted)
    assert by_name(server_pod)["containers"].keys() == wanted["containers"].keys()
    assert "topologySpreadConstraints" not in server_pod


def by_name(pod: Object) -> Any:
    """A PodSpec whose merged lists are mappings: the server puts new items in front."""
    keys = {
        "containers": "name",
        "volumes": "name",
        "env": "name",
        "ports": "containerPort",
        "volumeMounts": "mountPath",
    }

    def changed(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                key: {str(each[keys[key]]): changed(each) for each in item} if key in keys and item else changed(item)
                for key, item in value.items()
            }
        return [changed(item) for item in value] if isinstance(value, list) else value

    return changed(pod)


def test_the_packaged_schema_of_pods_is_the_api_servers(api_server: ApiServer) -> None:
    """Kubernetes, "The Kubernetes API": an API server publishes OpenAPI v3, merge keys included."""
    assert published.pod_text(api_server.client.http) == published.POD_FILE.read_text(encoding="utf-8")


def test_a_wildcard_rule_would_be_accepted_by_the_api_server(api_server: ApiServer) -> None:
    """Control: Kubernetes accepts wildcards, so their rejection is ours (requirement POD-5)."""
    rules = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]
    settings = ServiceAccountSettings().model_copy(update={"rules": rules})
    role = next(item for item in service_account("wide", "default", settings) if item["kind"] == "Role")
    assert api_server.client.apply(role) is None
    api_server.client.delete(role)
