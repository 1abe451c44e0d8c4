"""Resources of kmcp: packages, images over stdio and HTTP, and the options of their pods."""

from typing import Any

import pytest

from tests.unit.infra.importing.importer import issues_of, lines_of, report_of, service_of


def resource(deployment: Any, **spec: Any) -> dict[str, Any]:
    """An MCPServer of kmcp."""
    spec = {"deployment": deployment, **spec}
    return {"apiVersion": "kagent.dev/v1alpha1", "kind": "MCPServer", "metadata": {"name": "everything"}, "spec": spec}


def test_a_command_without_an_image_is_a_package() -> None:
    """kmcp, "MCPServer": `npx` and `uvx` need no image; `secretRefs` become variables."""
    deployment = {
        "cmd": "npx",
        "args": ["-y", "@s/everything@1.2.3"],
        "secretRefs": [{"name": "keys"}],
        "env": {"A": "1"},
    }
    assert service_of(resource(deployment, transportType="stdio", stdioTransport={})) == {
        "package": "npm:@s/everything@1.2.3",
        "env": {"A": "1"},
        "env_from": [{"secretRef": {"name": "keys"}}],
    }


def test_an_http_server_keeps_port_path_and_pod_options() -> None:
    """kmcp, "MCPServer": `httpTransport` has port and path of the server."""
    deployment = {
        "image": "x/web:1", "port": 3000, "cmd": "/app/server", "args": ["--http"], "replicas": 2,
        "serviceAccount": {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/web"}},
        "tolerations": [{"operator": "Exists"}], "securityContext": {"runAsUser": 1001},
        "podSecurityContext": {"fsGroup": 1000}, "volumes": [{"name": "work", "emptyDir": {}}],
        "volumeMounts": [{"name": "work", "mountPath": "/work"}], "imagePullPolicy": "Always",
        "sidecars": [{"name": "helper", "image": "x/helper:1"}],
    }  # fmt: skip
    report = report_of(resource(deployment, transportType="http", httpTransport={"targetPort": 3001, "path": "/mcp/"}))
    assert report.servers[0].settings == {
        "image": "x/web:1", "runtime": "external", "port": 3001, "path": "/mcp", "command": ["/app/server"],
        "args": ["--http"], "scaling": {"min_replicas": 2}, "run_as_user": 1001, "fs_group": 1000,
        "service_account": {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/web"}},
        "tolerations": [{"operator": "Exists"}], "volumes": [{"name": "work", "emptyDir": {}}],
        "volume_mounts": [{"name": "work", "mountPath": "/work"}], "image_pull_policy": "Always",
        "pod": {"containers": [{"name": "helper", "image": "x/helper:1"}]},
    }  # fmt: skip
    assert issues_of(report) == []


def test_a_secret_in_a_sidecar_is_replaced() -> None:
    """Requirement IMP-3: parts of pods that are copied as they are have no secrets."""
    sidecar = {"name": "helper", "image": "x/helper:1", "env": [{"name": "API_KEY", "value": "hunter2"}]}
    report = report_of(resource({"image": "x/web:1", "sidecars": [sidecar]}, transportType="http"))
    assert "hunter2" not in str(report.servers[0].settings)
    assert "everything.pod.containers[0].env[0].value" in report.must_set


@pytest.mark.parametrize(
    ("deployment", "text"),
    [
        ({"cmd": "python", "args": ["x.py"]}, "it runs a program of this machine"),
        (None, "it is not a mapping with spec"),
        ({"image": "x/web:1", "initContainer": {"image": "y"}}, "the mesh and the bridge replace"),
        ({"image": "x/web:1", "configMapRefs": [{"name": "y"}]}, "kmcp mounts each ConfigMap"),
    ],
)
def test_what_is_not_carried_over_is_listed(deployment: Any, text: str) -> None:
    """Requirement IMP-2: each line has the reason."""
    assert any(text in line for line in lines_of(resource(deployment, transportType="stdio")))
