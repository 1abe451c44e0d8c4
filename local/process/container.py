"""The container of a pod as a local program: command, environment, volumes, secrets."""

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from meshed_mcp import contract
from meshed_mcp.error_codes.code import Message
from meshed_mcp.error_codes.local import IMAGE_NOT_RUN, SECRET_MISSING
from meshed_mcp.local.errors import LocalRunError
from meshed_mcp.local.process.mounted_files import key_of_variable, link_keys, value_here
from meshed_mcp.local.process.processes import Program
from meshed_mcp.local.process.upstream import ensure_command, launched_command, upstream_variables
from meshed_mcp.local.translate.envoy.telemetry import Collector
from meshed_mcp.local.translate.objects.workload import Container, EnvVar, MountedKey, SecretKeyRef, ValueFrom
from meshed_mcp.local.translate.topology import OUTBOUND_PORT, Pod

PASSED_ON: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "VIRTUAL_ENV", "PYTHONPATH")
"""Variables of this machine that a process inherits; the Deployment sets all others."""

PYTHON: Final = ("python", "python3")
"""Commands that run this interpreter with its packages, in place of the image's."""

UPSTREAM: Final = ".upstream"
"""Suffix of the name of a server's process behind the bridge."""

PRE_STOP_DELAY_SECONDS: Final = "2"
"""Delay before a terminating replica rejects calls; local proxies read new endpoints from files at once."""


@dataclass(frozen=True)
class RunFolders:
    """Folders of a run: `state` of the stack, and `secrets` with a file <secret>/<key> per key for all stacks."""

    state: Path
    secrets: Path

    def log(self, pod: str) -> Path:
        """Log of a pod's process."""
        return self.state / "logs" / f"{pod}.log"

    def volume(self, pod: str, volume: str) -> Path:
        """Folder of an emptyDir."""
        return self.state / "data" / pod / volume


def programs(pod: Pod, folders: RunFolders, collector: Collector | None = None) -> list[Program]:
    """The programs of a pod, with its sidecar as the HTTP proxy. Raises LocalRunError with one line per issue.

    The first has the pod's name; a second is the HTTP server behind the bridge.
    """
    deployment = pod.deployment
    env = _environment(pod, deployment.container, folders) | _tracing(collector)
    if deployment.has_bridge:
        values = {} if deployment.launched is None else container_variables(pod, deployment.launched, folders)
        env |= upstream_variables(deployment, values, folders.state)
        if deployment.launched is not None:
            env.pop(contract.ENV_UPSTREAM_ADDRESS, None)
            ensure_command(deployment, launched_command(deployment)[0], env.get("PATH", os.defpath))
    found = [Program(pod.name, _command(pod, deployment.container, env), env, folders.log(pod.name).absolute())]
    server = deployment.loopback_server
    if server is not None and server is not deployment.container:
        name, own = f"{pod.name}{UPSTREAM}", _environment(pod, server, folders)
        found.append(Program(name, _command(pod, server, own), own, folders.log(name).absolute()))
    return found


def fresh_volumes(pod: Pod, folders: RunFolders) -> None:
    """Create folders for the volumes of a pod, empty but for the keys of Secrets."""
    for volume in pod.deployment.spec.template.spec.volumes:
        folder = folders.volume(pod.name, volume.name)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        link_keys(volume.keys, folder, folders.secrets)


def _command(pod: Pod, container: Container, env: Mapping[str, str]) -> tuple[str, ...]:
    if not container.command:
        deployment = pod.deployment
        raise LocalRunError(IMAGE_NOT_RUN.message(namespace=pod.namespace, name=deployment.name, image=container.image))
    name, *rest = container.command
    if container.has_runtime and name in PYTHON:
        name = sys.executable
    else:
        ensure_command(pod.deployment, name, env.get("PATH", os.defpath))
    return (name, *rest, *container.args)


def _environment(pod: Pod, container: Container, folders: RunFolders) -> dict[str, str]:
    sidecar = f"http://{pod.address}:{OUTBOUND_PORT}"
    env = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    proxies = dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"), sidecar)
    env |= container_variables(pod, container, folders)
    local = {
        contract.ENV_BIND_ADDRESS: pod.address,
        contract.ENV_PRE_STOP_DELAY_SECONDS: PRE_STOP_DELAY_SECONDS,
        "PYTHONUNBUFFERED": "1",
    }
    if container.has_runtime:
        local |= _call_deadline(env)
    env.pop(contract.ENV_OTLP_ENDPOINT, None)  # the rendered collector is in the cluster
    return {**env, **proxies, **local}


def _call_deadline(env: Mapping[str, str]) -> dict[str, str]:
    """The deadline that calls have in the cluster: the shorter pre-stop delay of this machine would lengthen it."""
    if contract.ENV_CALL_SECONDS in env or contract.ENV_GRACE_SECONDS not in env:
        return {}
    delay, grace = float(env[contract.ENV_PRE_STOP_DELAY_SECONDS]), float(env[contract.ENV_GRACE_SECONDS])
    return {contract.ENV_CALL_SECONDS: f"{contract.longest_call_seconds(delay, grace):g}"}


def container_variables(pod: Pod, container: Container, folders: RunFolders) -> dict[str, str]:
    """The variables of a container in a pod. Raises LocalRunError with one line per missing Secret."""
    env, issues = dict[str, str](), list[Message]()
    for variable in container.env:
        try:
            name, value = _value(pod, container, variable, folders)
        except LocalRunError as error:
            issues.extend(error.messages)
            continue
        if value is not None and value != contract.CA_BUNDLE_PATH:  # this machine has its own certificates
            env[name] = value
    if issues:
        raise LocalRunError(*issues)
    return env


def _tracing(collector: Collector | None) -> dict[str, str]:
    """The collector is outside the mesh, so spans bypass the sidecar."""
    if collector is None:
        return {}
    return {contract.ENV_OTLP_ENDPOINT: collector.url, "NO_PROXY": collector.host, "no_proxy": collector.host}


def _value(pod: Pod, container: Container, variable: EnvVar, folders: RunFolders) -> tuple[str, str | None]:
    """Name and value; the name is another one where a variable of this machine replaces a mounted file."""
    if variable.value_from is not None:
        return variable.name, _referenced(pod, variable.name, variable.value_from, folders)
    if mounted := key_of_variable(pod.deployment.spec.template.spec, container, variable.value):
        return _mounted(pod, variable, *mounted, folders)
    mounts = {mount.mount_path: mount.name for mount in container.volume_mounts}
    volume = mounts.get(variable.value)
    return variable.name, variable.value if volume is None else str(folders.volume(pod.name, volume).absolute())


def _mounted(pod: Pod, variable: EnvVar, volume: str, key: MountedKey, folders: RunFolders) -> tuple[str, str | None]:
    if (here := value_here(variable.name, os.environ)) is not None:
        return here
    plain = variable.name.removesuffix(contract.FILE_SUFFIX)
    reference = SecretKeyRef(name=key.name, key=key.key, optional=key.optional)
    is_missing = _secret(pod, plain, reference, folders) is None
    path = (folders.volume(pod.name, volume) / key.path).absolute()
    return variable.name, None if is_missing else str(path)


def _referenced(pod: Pod, variable: str, source: ValueFrom, folders: RunFolders) -> str | None:
    if source.field_ref is not None:
        fields = {
            "metadata.name": pod.name,
            "metadata.namespace": pod.namespace,
            "status.podIP": pod.address,
            "spec.serviceAccountName": pod.identity.service_account,
        }
        return fields[source.field_ref.field_path]
    return _secret(pod, variable, source.secret_key_ref, folders) if source.secret_key_ref else None


def _secret(pod: Pod, variable: str, reference: SecretKeyRef, folders: RunFolders) -> str | None:
    """The variable of this machine, else the file; None for an optional key without either."""
    if variable in os.environ:
        return os.environ[variable]
    file = folders.secrets / reference.name / reference.key
    if file.is_file():
        return file.read_text(encoding="utf-8").rstrip("\n")
    if reference.optional:
        return None
    owner, secret, key = pod.deployment.name, reference.name, reference.key
    raise LocalRunError(
        SECRET_MISSING.message(
            namespace=pod.namespace, name=owner, key=key, secret=secret, variable=variable, file=file
        )
    )
