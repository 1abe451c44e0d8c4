"""Resources of ToolHive: images over stdio and HTTP, Secrets, the pod template, and what the mesh replaces."""

from typing import Any

import pytest

from tests.unit.infra.importing.importer import config_of, issues_of, lines_of, report_of, service_of

GITHUB = """
    apiVersion: toolhive.stacklok.dev/v1alpha1
    kind: MCPServer
    metadata: {name: github, namespace: toolhive-system}
    spec:
      image: ghcr.io/github/github-mcp-server:v0.20.0
      transport: stdio
      proxyPort: 8080
      args: [stdio]
      env: [{name: LOG_LEVEL, value: debug}, {name: API_TOKEN, value: hunter2}]
      secrets: [{name: github-token, key: token, targetEnvName: GITHUB_PERSONAL_ACCESS_TOKEN}]
      permissionProfile: {type: builtin, name: network}
      serviceAccount: github
      volumes: [{name: data, hostPath: /srv, mountPath: /srv}]
      resources: {limits: {cpu: 50m, memory: 64Mi}, requests: {cpu: 10m}}
      podTemplateSpec:
        metadata: {labels: {team: dev, app: x}, annotations: {example.com/owner: me}}
        spec:
          nodeSelector: {pool: mcp}
          tolerations: [{key: mcp, operator: Exists}]
          imagePullSecrets: [{name: regcred}]
          terminationGracePeriodSeconds: 20
          dnsConfig: {options: [{name: ndots, value: "2"}]}
          volumes: [{name: settings, configMap: {name: settings}}, {name: node, hostPath: {path: /}}]
          containers:
          - name: mcp
            command: [/server/github-mcp-server]
            volumeMounts: [{name: settings, mountPath: /etc/settings}]
            securityContext: {runAsUser: 1000, capabilities: {drop: [ALL]}}
            env: [{name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}]
"""

SERVICE = {
    "image": "ghcr.io/github/github-mcp-server:v0.20.0",
    "transport": "stdio",
    "command": ["/server/github-mcp-server"],
    "args": ["stdio"],
    "env": {"LOG_LEVEL": "debug"},
    "secret_env": {
        "API_TOKEN": {"secret": "github-credentials", "key": "API_TOKEN"},
        "GITHUB_PERSONAL_ACCESS_TOKEN": {"secret": "github-token", "key": "token"},
    },
    "resources": {"cpu": "10m", "cpu_limit": "50m", "memory": "64Mi", "memory_limit": "64Mi"},
    "service_account": {"name": "github"},
    "labels": {"team": "dev"},
    "annotations": {"example.com/owner": "me"},
    "node_selector": {"pool": "mcp"},
    "tolerations": [{"key": "mcp", "operator": "Exists"}],
    "image_pull_secrets": ["regcred"],
    "run_as_user": 1000,
    "volumes": [{"name": "settings", "configMap": {"name": "settings"}}],
    "volume_mounts": [{"name": "settings", "mountPath": "/etc/settings"}],
    "pod": {
        "dnsConfig": {"options": [{"name": "ndots", "value": "2"}]},
        "containers": [
            {"name": "upstream", "env": [{"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}]}
        ],
    },
}


def test_a_resource_with_a_pod_template_becomes_a_service() -> None:
    """ToolHive, "CRD specification", MCPServer: the container of the server is named `mcp`."""
    report = report_of(GITHUB)
    config = config_of(report)
    assert config["meshed-mcp:namespace"] == "toolhive-system"
    assert config["meshed-mcp:services"] == {"github": SERVICE}
    assert issues_of(report) == []


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        ("spec.proxyPort", "the mesh and the bridge replace"),
        ("spec.permissionProfile", "set egress_hosts"),
        ("spec.volumes[0]", "a pod does not see folders of its node"),
        ("spec.podTemplateSpec.metadata.labels.app", "the platform sets this label"),
        ("spec.podTemplateSpec.spec.terminationGracePeriodSeconds", "set drain"),
        ("spec.podTemplateSpec.spec", "a pod does not see folders of its node"),
    ],
)
def test_what_the_platform_replaces_is_listed(field: str, reason: str) -> None:
    """Requirement IMP-2: each field of the resource that is not carried over has a line."""
    assert [line for line in lines_of(GITHUB) if f": {field}: is not carried over" in line and reason in line]


def resource(kind: str = "MCPServer", **spec: Any) -> dict[str, Any]:
    """A resource of v1beta1."""
    return {"apiVersion": "toolhive.stacklok.dev/v1beta1", "kind": kind, "metadata": {"name": "fetch"}, "spec": spec}


@pytest.mark.parametrize(
    ("spec", "port"),
    [({"mcpPort": 9000}, 9000), ({"targetPort": 9001}, 9001), ({}, 8080)],
    ids=["mcp", "target", "none"],
)
def test_an_http_server_is_external_at_its_port(spec: dict[str, Any], port: int) -> None:
    """ToolHive, "CRD specification": `mcpPort`, formerly `targetPort`, is the port of the server."""
    found = service_of(resource(image="x/fetch:1", transport="streamable-http", **spec))
    assert found == {"image": "x/fetch:1", "runtime": "external", "port": port}


def test_a_remote_proxy_becomes_a_url() -> None:
    """ToolHive, "CRD specification", MCPRemoteProxy, `remoteUrl`."""
    found = service_of(resource("MCPRemoteProxy", remoteUrl="https://mcp.example.com/mcp", transport="streamable-http"))
    assert found == {"url": "https://mcp.example.com/mcp"}


def test_an_image_over_stdio_without_a_command_is_to_be_set() -> None:
    """Requirement IMP-4: the entry point of an image cannot be seen from outside."""
    assert "fetch.command" in report_of(resource(image="x/fetch:1")).must_set


def test_a_server_of_http_and_sse_is_left_out() -> None:
    """Requirement IMP-2: the transport of revision 2024-11-05 is named."""
    document = {"kind": "List", "items": [resource(image="x/f:1", transport="sse"), resource(image="x/f:1")]}
    assert any("items[0]: the server is left out: it serves HTTP+SSE" in line for line in lines_of(document))


def test_other_resources_of_the_file_are_listed_without_their_values() -> None:
    """Requirement IMP-3: a Secret beside the servers is named by its line only."""
    text = GITHUB + "\n    ---\n    apiVersion: v1\n    kind: Secret\n    stringData: {token: hunter2}\n"
    lines = lines_of(text)
    assert any("it is no MCPServer; apply it to the cluster yourself" in line for line in lines)
    assert not any("hunter2" in line for line in lines)


def test_resources_of_two_namespaces_are_listed() -> None:
    """Requirement IMP-2: a stack has one namespace."""
    first, second = resource(image="x/f:1"), resource(image="x/f:1")
    first["metadata"]["namespace"], second["metadata"]["namespace"] = "a", "b"
    assert any(
        "the resources are in the namespaces a, b" in line
        for line in lines_of({"kind": "List", "items": [first, second]})
    )
