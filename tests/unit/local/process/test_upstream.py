"""Servers of others as local programs: variables of the bridge, packages, ports, and what this machine lacks."""

import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.service import manifests as service
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs
from meshed_mcp.local.errors import LocalRunError
from meshed_mcp.local.process import upstream
from meshed_mcp.local.process.container import RunFolders, programs
from meshed_mcp.local.process.processes import Program
from meshed_mcp.local.process.stack_runner import install_missing
from meshed_mcp.local.translate.stack import Stack, read_stack
from meshed_mcp.local.translate.topology import Pod, topology

TIME = "pypi:mcp-server-time==2026.10.19"
EXTERNAL = {"image": "a:1", "runtime": "external", "command": ["sh"], "port": 3001}
STDIO = {"image": "a:1", "transport": "stdio", "command": ["sh", "-c"], "args": ["serve"]}


def objects(name: str, **settings: Any) -> list[Manifest]:
    """The objects of a service."""
    images = {"bridge_image": "registry.example.com/bridge:1"}
    return service.service_manifests(name, MeshedMCPServiceArgs.model_validate({**images, **settings}))


def first_pod(**settings: Any) -> Pod:
    """The first replica of a service."""
    return topology(read_stack(objects("mcp-a", **settings)), 16).pods[0]


def made(tmp_path: Path, **settings: Any) -> list[Program]:
    """The programs of the first replica of a service."""
    return programs(first_pod(**settings), RunFolders(tmp_path / "dev", tmp_path / "secrets"))


def lines(error: pytest.ExceptionInfo[LocalRunError]) -> list[str]:
    """The lines of an error."""
    return [message.line for message in error.value.messages]


def test_the_bridge_starts_the_command_that_the_launcher_starts_in_the_cluster(tmp_path: Path) -> None:
    """Requirement LRN-1: one process, with the server's variables and its sidecar as the proxy."""
    (program,) = made(tmp_path, **STDIO, env={"LEVEL": "info"})
    assert program.command == (sys.executable, "-m", "meshed_mcp.agents.bridge")
    assert json.loads(program.env[contract.ENV_UPSTREAM_COMMAND]) == ["sh", "-c", "serve"]
    assert contract.ENV_UPSTREAM_ADDRESS not in program.env
    assert program.env["LEVEL"] == "info"
    passed = program.env[contract.ENV_UPSTREAM_ENVIRONMENT].split(",")
    assert {"LEVEL", "HTTPS_PROXY", "https_proxy"} <= set(passed)
    assert contract.ENV_SERVICE not in passed


def test_the_bridge_starts_the_installed_package_with_its_arguments(tmp_path: Path) -> None:
    """Requirement LRN-4: the package is in the run's state folder."""
    (program,) = made(tmp_path, package=TIME, args=["--local-timezone", "UTC"], env={"LEVEL": "info"})
    server, *arguments = json.loads(program.env[contract.ENV_UPSTREAM_COMMAND])
    assert server == str(tmp_path / "dev" / "packages" / "pypi-mcp-server-time-2026.10.19" / "server")
    assert arguments == ["--local-timezone", "UTC"]
    assert "LEVEL" in program.env[contract.ENV_UPSTREAM_ENVIRONMENT].split(",")


def test_an_external_server_runs_by_its_command_on_loopback(tmp_path: Path) -> None:
    """Requirement LRN-2: its own port, which its sidecar forwards to; `python` is the one of the PATH."""
    pod = first_pod(**EXTERNAL)
    (program,) = programs(pod, RunFolders(tmp_path / "dev", tmp_path / "secrets"))
    assert program.command == ("sh",)
    assert (pod.server_address, pod.port) == ("127.0.0.1", 3001)


def test_a_server_behind_the_bridge_is_a_second_process(tmp_path: Path) -> None:
    """Requirement LRN-2: it has its own variables, and no variable of the bridge."""
    bridge, server = made(tmp_path, **EXTERNAL, bridge=True, env={"LEVEL": "info"})
    assert (bridge.name, server.name) == ("mcp-a-0", "mcp-a-0.upstream")
    assert bridge.env[contract.ENV_UPSTREAM_URL] == "http://127.0.0.1:3001/mcp"
    assert (server.command, server.env["LEVEL"]) == (("sh",), "info")
    assert {contract.ENV_UPSTREAM_URL, contract.ENV_SERVICE} & server.env.keys() == set()
    assert "LEVEL" not in bridge.env


@pytest.mark.parametrize("bridge", [False, True])
def test_a_server_on_one_port_has_one_replica_and_a_warning(bridge: bool) -> None:
    """Requirement LRN-2: two processes cannot share a port; nothing is left out in silence."""
    stack = read_stack(objects("mcp-a", **EXTERNAL, bridge=bridge, replicas=3))
    assert [each.spec.replicas for each in stack.deployments] == [1]
    assert stack.warnings[-1].code == "MM0840"
    assert "1 of 3 replicas runs here" in stack.warnings[-1]


def test_stdio_servers_keep_their_replicas() -> None:
    """Requirement LRN-1: each bridge starts its own processes."""
    stack = read_stack(objects("mcp-a", **STDIO, replicas=3))
    assert [each.spec.replicas for each in stack.deployments] == [3]
    assert [each.code for each in stack.warnings] == ["MM0796"]
    assert upstream.port_issues(stack) == []


def test_two_servers_on_one_port_are_rejected() -> None:
    """Requirement LRN-5: the second one would not start."""
    stack = read_stack([*objects("mcp-a", **EXTERNAL), *objects("mcp-b", **EXTERNAL, bridge=True)])
    (issue,) = upstream.port_issues(stack)
    assert issue.code == "MM0841"
    assert issue == (
        "Deployment mcp-system/mcp-b: port 3001 of this machine belongs to Deployment mcp-a; set another port"
    )


def test_a_port_of_another_program_is_rejected() -> None:
    """Requirement LRN-5: requests would reach the other program."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        pod = first_pod(**{**EXTERNAL, "port": port})
        (issue,) = upstream.taken_port_issues([pod, pod])
    assert issue.code == "MM0842"
    assert f"another program listens on port {port}" in issue
    assert upstream.taken_port_issues([pod]) == []


@pytest.mark.parametrize("settings", [EXTERNAL, {**EXTERNAL, "bridge": True}, STDIO])
def test_a_command_that_is_not_on_this_machine_is_rejected(tmp_path: Path, settings: dict[str, Any]) -> None:
    """Requirement LRN-5: no image is pulled."""
    with pytest.raises(LocalRunError) as error:
        made(tmp_path, **{**settings, "command": ["/no/such/server"]})
    (line,) = lines(error)
    assert line.startswith("MM0843: Deployment mcp-system/mcp-a: command '/no/such/server' is not on this machine")


def install(stack: Stack, tmp_path: Path) -> list[str]:
    """Install the packages of a stack; returns the reported lines."""
    reported = list[str]()
    folders = RunFolders(tmp_path / "dev", tmp_path / "secrets")
    install_missing(topology(stack, 16).pods, folders, reported.append)
    return reported


@pytest.fixture
def uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A uv on the PATH that writes an executable and its own variables, or fails with the code in a file."""
    folder, log = tmp_path / "bin", tmp_path / "uv.log"
    folder.mkdir()
    (folder / "uv").write_text(
        "#!/bin/sh\n"
        f'echo "$UV_DEFAULT_INDEX $HOME" >> {log}\n'
        f"if [ -e {tmp_path}/fails ]; then echo 'no such version'; exit 2; fi\n"
        'mkdir -p "$UV_TOOL_BIN_DIR"; touch "$UV_TOOL_BIN_DIR/mcp-server-time"\n'
    )
    (folder / "uv").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("HOME", "/home/ada")
    return log


def test_a_package_is_installed_once_with_the_settings_of_machine_and_stack(tmp_path: Path, uv: Path) -> None:
    """Requirement LRN-4: the home of this machine holds the installer's settings, `env` names a mirror."""
    env = {"UV_DEFAULT_INDEX": "https://pypi.mirror.example.com"}
    stack = read_stack(objects("mcp-time", package=TIME, env=env, egress_hosts=["pypi.mirror.example.com"]))
    expected = ["installing mcp-server-time 2026.10.19 from pypi", "mcp-server-time 2026.10.19 is installed"]
    assert install(stack, tmp_path) == expected
    assert install(stack, tmp_path) == []
    assert uv.read_text() == "https://pypi.mirror.example.com /home/ada\n"


def test_a_failed_installation_names_the_last_line_and_the_log(tmp_path: Path, uv: Path) -> None:
    """Requirement LRN-5: the next run tries again."""
    (tmp_path / "fails").touch()
    stack = read_stack(objects("mcp-time", package=TIME))
    with pytest.raises(LocalRunError) as error:
        install(stack, tmp_path)
    (line,) = lines(error)
    assert line.startswith(
        "MM0845: package pypi mcp-server-time 2026.10.19 cannot be installed: no such version (log: "
    )
    (tmp_path / "fails").unlink()
    assert len(install(stack, tmp_path)) == 2
    assert len(uv.read_text().splitlines()) == 2


def test_a_machine_without_npm_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requirement LRN-5: the installer is a program of this machine."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LocalRunError) as error:
        install(read_stack(objects("mcp-a", package="npm:@scope/server@1.2.3")), tmp_path)
    (line,) = lines(error)
    assert line == (
        "MM0844: Deployment mcp-system/mcp-a: npm is not on this machine to install @scope/server@1.2.3; "
        "install Node.js"
    )


def test_packages_of_one_name_have_a_folder_per_version_and_executable(tmp_path: Path) -> None:
    """Requirement LRN-4: a new version is installed beside the old one."""
    settings: list[dict[str, Any]] = [
        {"package": "npm:@scope/server@1.2.3"},
        {"package": "npm:@scope/server@1.2.4"},
        {"package": "npm:@scope/server@1.2.3", "command": ["other"]},
    ]
    installers = [first_pod(**each).deployment.installer for each in settings]
    folders = {upstream.package_folder(each, tmp_path).name for each in installers if each is not None}
    assert folders == {"npm-@scope+server-1.2.3", "npm-@scope+server-1.2.4", "npm-@scope+server-1.2.3-other"}
