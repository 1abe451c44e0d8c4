"""Containers of pods with the bridge."""

import json
from typing import Any

import pytest

from meshed_mcp import contract
from meshed_mcp.components.mesh.service.bridge_container import BRIDGE_COMMAND, INSTALLER_COMMAND
from meshed_mcp.components.mesh.service.volumes import PACKAGE_PATH
from tests.unit.components.mesh.service.kinds import (
    BRIDGE,
    BRIDGED,
    NPM,
    PYPI,
    REMOTE,
    STDIO,
    container,
    plain,
    pod,
    rendered,
    secrets,
)

SECRET = {"secret": "files", "key": "token"}


@pytest.mark.parametrize("settings", [BRIDGED, STDIO, NPM, PYPI, REMOTE])
def test_the_bridge_is_a_server_with_the_runtime(settings: dict[str, Any]) -> None:
    """Requirement SRV-5: probes, limits, drain and metrics are those of the runtime."""
    found = container("server", **settings, path="/api", limits={"concurrent_calls": 7})
    assert found["command"] == BRIDGE_COMMAND
    assert found["image"] == BRIDGE
    assert found["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http-metrics"}
    variables = plain(found)
    assert variables[contract.ENV_PATH] == "/api"
    assert variables[contract.ENV_CONCURRENT_CALLS] == "7"
    upstream = [contract.ENV_UPSTREAM_URL, contract.ENV_UPSTREAM_COMMAND, contract.ENV_UPSTREAM_ADDRESS]
    assert len([name for name in upstream if name in variables]) == 1


@pytest.mark.parametrize("settings", [BRIDGED, STDIO])
def test_the_server_behind_the_bridge_outlives_it(settings: dict[str, Any]) -> None:
    """Requirement SRV-5: native sidecars start before and stop after the containers of a pod."""
    found = container("upstream", **settings)
    assert found["restartPolicy"] == "Always"
    assert found in pod(**settings)["initContainers"]
    assert "ports" not in found
    assert found.keys().isdisjoint({"startupProbe", "livenessProbe", "readinessProbe"})


def test_variables_and_folders_of_the_server_stay_apart_from_those_of_the_bridge() -> None:
    """Requirement SEC-6: the server gets its own credentials, and neither reads the files of the other."""
    settings = {**BRIDGED, "env": {"A": "b"}, "secret_env": {"TOKEN": SECRET}}
    upstream, bridge = container("upstream", **settings), container("server", **settings)
    assert (plain(upstream), secrets(upstream)) == ({"A": "b"}, {"TOKEN": ("files", "token")})
    assert "A" not in plain(bridge)
    assert secrets(bridge) == {}
    mounts = [{mount["name"] for mount in each["volumeMounts"]} for each in (upstream, bridge)]
    assert mounts == [{"upstream-data", "upstream-tmp"}, {"data", "tmp"}]


def test_the_bridge_reaches_an_http_server_on_loopback() -> None:
    """Requirement SRV-5: the server need not listen on the address of the pod."""
    settings = {**BRIDGED, "path": "/api/mcp", "command": ["node"], "args": ["index.js"]}
    assert plain(container("server", **settings))[contract.ENV_UPSTREAM_URL] == "http://127.0.0.1:3001/api/mcp"
    upstream = container("upstream", **settings)
    assert (upstream["command"], upstream["args"]) == (["node"], ["index.js"])


def test_callers_reach_only_the_port_of_the_endpoint() -> None:
    """Istio API, AuthorizationPolicy `ports`: a server that listens on the pod's address would bypass the bridge."""
    for settings, port in ((BRIDGED, "8000"), ({**BRIDGED, "bridge": None}, "3001")):
        policy = rendered(**settings, callers=["mcp-a"]).one("AuthorizationPolicy")
        operations = [to["operation"] for rule in policy["spec"]["rules"] for to in rule["to"]]
        assert [operation["ports"] for operation in operations] == [[port]]


def test_a_stdio_image_is_started_by_the_launcher() -> None:
    """Requirement SRV-5: a static binary from the bridge's image, so any image works, also one without a shell."""
    launcher, upstream = container("launcher", **STDIO), container("upstream", **STDIO)
    (folder,) = launcher["volumeMounts"]
    assert launcher["command"] == [contract.LAUNCHER_IMAGE_PATH, "install", f"{folder['mountPath']}/stdio-launcher"]
    listen = ["--listen", "127.0.0.1:9470", "--"]
    assert upstream["command"] == [f"{folder['mountPath']}/stdio-launcher", *listen, "/server", "stdio"]
    assert {**folder, "readOnly": True} in upstream["volumeMounts"]
    assert plain(container("server", **STDIO))[contract.ENV_UPSTREAM_ADDRESS] == "127.0.0.1:9470"
    names = [each["name"] for each in pod(**STDIO)["initContainers"]]
    assert names.index("launcher") < names.index("upstream")


@pytest.mark.parametrize(
    ("stdio", "variables"),
    [
        (None, {contract.ENV_UPSTREAM_PROCESS: "per_session", contract.ENV_UPSTREAM_MAX_PROCESSES: "20"}),
        ({"max": 5}, {contract.ENV_UPSTREAM_PROCESS: "per_session", contract.ENV_UPSTREAM_MAX_PROCESSES: "5"}),
        ({"process": "shared"}, {contract.ENV_UPSTREAM_PROCESS: "shared"}),
    ],
)
@pytest.mark.parametrize("settings", [STDIO, NPM])
def test_processes_are_bounded(settings: dict[str, Any], stdio: Any, variables: dict[str, str]) -> None:
    """Requirement SRV-8: a replica never starts more processes than it has memory for."""
    found = plain(container("server", **settings, stdio=stdio))
    assert {name: value for name, value in found.items() if "PROCESS" in name} == variables


@pytest.mark.parametrize(
    ("settings", "package"),
    [(NPM, ["npm", "@scope/server", "1.2.3"]), (PYPI, ["pypi", "mcp-server-time", "2026.10.19"])],
)
def test_a_package_is_installed_once_per_pod(settings: dict[str, Any], package: list[str]) -> None:
    """Requirement SRV-6: no process of a session downloads anything."""
    variables = {"env": {"npm_config_registry": "https://npm.example.com"}, "secret_env": {"NPM_TOKEN": SECRET}}
    installer = container("installer", **settings, **variables, command=["other"], args=["--utc"])
    assert installer["command"] == [*INSTALLER_COMMAND, "--folder", PACKAGE_PATH, "--executable", "other"]
    assert installer["args"] == package
    assert plain(installer)["npm_config_registry"] == "https://npm.example.com"
    assert secrets(installer) == {"NPM_TOKEN": ("files", "token")}
    found = container("server", **settings, **variables, args=["--utc"])
    assert json.loads(plain(found)[contract.ENV_UPSTREAM_COMMAND]) == [f"{PACKAGE_PATH}/server", "--utc"]
    assert plain(found)[contract.ENV_UPSTREAM_ENVIRONMENT] == "npm_config_registry,NPM_TOKEN"
    assert plain(found)["HOME"] == contract.DATA_PATH
    assert {"name": "package", "mountPath": PACKAGE_PATH, "readOnly": True} in found["volumeMounts"]


@pytest.mark.parametrize("settings", [NPM, PYPI])
def test_process_of_a_package_inherits_proxy_and_certificates(settings: dict[str, Any]) -> None:
    """Requirement NET-19: the bridge passes on the variables of the corporate network by name."""
    found = container("server", **settings, ca_bundle={"config_map": "ca"}, egress_proxy={"host": "proxy.example.com"})
    passed = plain(found)[contract.ENV_UPSTREAM_ENVIRONMENT].split(",")
    assert {"HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"} <= set(passed)
    assert set(passed) <= {each["name"] for each in found["env"]}


def test_credentials_for_a_remote_server_come_from_secrets() -> None:
    """Requirements SRV-7 and ROT-1: the bridge reads them from mounted files that the Deployment only names."""
    headers = {"X-Api-Key": {"secret": "crm", "key": "key"}, "X-Org": SECRET}
    found = container("server", **REMOTE, outbound_auth={"bearer": SECRET, "headers": headers})
    named = json.loads(plain(found)[contract.ENV_UPSTREAM_HEADERS])
    assert plain(found)[contract.ENV_UPSTREAM_URL] == REMOTE["url"]
    assert named.keys() == headers.keys()
    paths = {name: value.removeprefix("/etc/meshed-mcp/files/secret/") for name, value in plain(found).items()}
    assert paths[f"{contract.ENV_UPSTREAM_TOKEN}_FILE"] == "files/token"
    assert [paths[f"{name}_FILE"] for name in named.values()] == ["crm/key", "files/token"]
    assert not secrets(found)


def test_the_bridge_has_a_size_of_its_own_beside_a_server() -> None:
    """Requirement SRV-8: where the server has no container of its own, its size is that of the bridge's."""
    sizes = {
        "resources": {"cpu": "2", "memory": "1Gi", "memory_limit": "2Gi"},
        "bridge_resources": {"cpu": "50m", "memory": "64Mi", "memory_limit": "256Mi"},
    }
    requests = {
        (kind["image"], name): container(name, **kind, **sizes)["resources"]["requests"]["cpu"]
        for kind, name in ((BRIDGED, "upstream"), (BRIDGED, "server"), (NPM, "server"))
    }
    assert list(requests.values()) == ["2", "50m", "2"]
