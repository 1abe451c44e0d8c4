"""Servers of others as local programs: an HTTP server in front of which the bridge runs, stdio commands, packages.

No image is pulled: the commands must exist on this machine. The bridge starts the command of a stdio server itself, in
place of the launcher of its container.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from meshed_mcp import contract
from meshed_mcp.error_codes.code import Message
from meshed_mcp.error_codes.local import (
    COMMAND_MISSING,
    INSTALLER_MISSING,
    PACKAGE_NOT_INSTALLED,
    SERVER_PORT_SHARED,
    SERVER_PORT_TAKEN,
)
from meshed_mcp.local.errors import LocalRunError
from meshed_mcp.local.process.processes import last_line
from meshed_mcp.local.translate.objects.workload import Container, Deployment
from meshed_mcp.local.translate.stack import Stack
from meshed_mcp.local.translate.topology import LOOPBACK, Pod

INSTALL_SECONDS: Final = 300.0
"""Timeout of the installation of a package and its dependencies."""

PROXY_VARIABLES: Final = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy")
"""Variables by which a process uses its sidecar; in a cluster the sidecar captures its connections."""

PACKAGES: Final = "packages"
"""Folder of a run with a folder per package and version."""


def upstream_variables(deployment: Deployment, values: Mapping[str, str], state: Path) -> dict[str, str]:
    """Variables of a bridge whose server runs on this machine; `values` are those of the server's own container."""
    env = {variable.name: variable.value for variable in deployment.container.env}
    if deployment.launched is not None:
        return {
            **values,
            contract.ENV_UPSTREAM_COMMAND: json.dumps(launched_command(deployment)),
            contract.ENV_UPSTREAM_ENVIRONMENT: ",".join([*values, *PROXY_VARIABLES]),
        }
    if deployment.installer is None:
        return {}
    _, *arguments = json.loads(env[contract.ENV_UPSTREAM_COMMAND])
    program = str((package_folder(deployment.installer, state) / contract.PACKAGE_SERVER).absolute())
    passed = [each for each in env.get(contract.ENV_UPSTREAM_ENVIRONMENT, "").split(",") if each]
    return {
        contract.ENV_UPSTREAM_COMMAND: json.dumps([program, *arguments]),
        contract.ENV_UPSTREAM_ENVIRONMENT: ",".join([*passed, *PROXY_VARIABLES]),
    }


def launched_command(deployment: Deployment) -> tuple[str, ...]:
    """Command of a stdio server that a launcher starts in the cluster; empty without one."""
    launched = deployment.launched
    return () if launched is None else launched.command[launched.command.index("--") + 1 :]


def ensure_command(deployment: Deployment, command: str, path: str) -> None:
    """Raise LocalRunError for a command that is not on this machine."""
    if shutil.which(command, path=path) is None:
        namespace, name = deployment.namespace, deployment.name
        raise LocalRunError(COMMAND_MISSING.message(namespace=namespace, name=name, command=command))


def package_folder(installer: Container, state: Path) -> Path:
    """Folder of one version of a package on this machine, for all runs of a stack."""
    registry, name, version = installer.args
    chosen = installer.command[installer.command.index("--folder") + 2 :]
    parts = (registry, name.replace("/", "+"), version, *chosen[1:])
    return state / PACKAGES / "-".join(parts)


def install_packages(
    deployments: Iterable[Deployment],
    state: Path,
    variables: Callable[[Deployment], Mapping[str, str]],
    report: Callable[[str], None],
) -> None:
    """Install each package once, by the machine's own npm, uv or pip. Raises LocalRunError."""
    for deployment in deployments:
        installer = deployment.installer
        if installer is None:
            continue
        folder = package_folder(installer, state)
        if (folder / contract.PACKAGE_SERVER).exists():
            continue
        registry, name, version = installer.args
        if registry == "npm" and shutil.which("npm") is None:
            where, owner, package = deployment.namespace, deployment.name, f"{name}@{version}"
            raise LocalRunError(INSTALLER_MISSING.message(namespace=where, name=owner, package=package))
        report(f"installing {name} {version} from {registry}")
        _install(installer, folder, variables(deployment))
        report(f"{name} {version} is installed")


def _install(installer: Container, folder: Path, variables: Mapping[str, str]) -> None:
    chosen = installer.command[installer.command.index("--folder") + 2 :]
    module = installer.command[2]
    command = [sys.executable, "-m", module, "--folder", str(folder.absolute()), *chosen, *installer.args]
    # The machine's own settings of npm, uv and pip hold; those of the stack name a mirror.
    environment = {**os.environ, **{key: value for key, value in variables.items() if key != "HOME"}}
    folder.mkdir(parents=True, exist_ok=True)
    log = folder.with_name(f"{folder.name}.log")
    try:
        with log.open("wb") as output:
            done = subprocess.run(  # noqa: S603 - the arguments are the stack's
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                timeout=INSTALL_SECONDS,
                check=False,
            )
    except subprocess.TimeoutExpired:
        reason = f"it took longer than {INSTALL_SECONDS:g} s"
    else:
        if done.returncode == 0:
            return
        reason = last_line(log)
    package = " ".join(installer.args)
    raise LocalRunError(PACKAGE_NOT_INSTALLED.message(package=package, last=reason, log=log)) from None


def server_port(deployment: Deployment) -> int | None:
    """Loopback port of an HTTP server of others; None without one."""
    server = deployment.loopback_server
    if server is None:
        return None
    if server is deployment.container:
        return server.ports[0].container_port
    env = {variable.name: variable.value for variable in deployment.container.env}
    return urlsplit(env[contract.ENV_UPSTREAM_URL]).port


def port_issues(stack: Stack) -> list[Message]:
    """Deployments with one loopback port."""
    issues, owners = list[Message](), dict[int, Deployment]()
    for deployment in stack.deployments:
        port = server_port(deployment)
        if port is None or not deployment.spec.replicas:
            continue
        first = owners.setdefault(port, deployment)
        if first is not deployment:
            issues.append(
                SERVER_PORT_SHARED.message(
                    namespace=deployment.namespace, name=deployment.name, first=first.name, port=port
                )
            )
    return issues


def taken_port_issues(pods: Iterable[Pod]) -> list[Message]:
    """Servers of others whose port another program has."""
    deployments = {pod.deployment.name: pod.deployment for pod in pods}
    ports = [(each, port) for each in deployments.values() if (port := server_port(each)) is not None]
    return [
        SERVER_PORT_TAKEN.message(namespace=each.namespace, name=each.name, port=port)
        for each, port in ports
        if listens(port)
    ]


def listens(port: int, address: str = LOOPBACK) -> bool:
    """Whether a program accepts connections on a port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((address, port)) == 0
