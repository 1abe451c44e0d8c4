"""The container of a pod as a local program: command, environment, volumes, secrets."""

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from meshed_mcp import contract
from meshed_mcp.error_codes.code import Message
from meshed_mcp.error_codes.local import IMAGE_NOT_RUN, SECRET_MISSING
from meshed_mcp.local.errors import LocalRunError
from meshed_mcp.local.process.processes import Program
from meshed_mcp.local.translate.envoy.telemetry import Collector
from meshed_mcp.local.translate.objects.workload import EnvVar, SecretKeyRef
from meshed_mcp.local.translate.topology import OUTBOUND_PORT, Pod

PASSED_ON: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "VIRTUAL_ENV", "PYTHONPATH")
"""Variables of this machine that a process inherits; the Deployment sets all others."""

PYTHON: Final = ("python", "python3")
"""Commands that run this interpreter with its packages, in place of the image's."""

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


def program(pod: Pod, folders: RunFolders, collector: Collector | None = None) -> Program:
    """The program of a pod, with its sidecar as the HTTP proxy. Raises LocalRunError with one line per issue."""
    env = _environment(pod, folders) | _tracing(collector)
    return Program(pod.name, _command(pod), env, folders.log(pod.name).absolute())


def fresh_volumes(pod: Pod, folders: RunFolders) -> None:
    """Create empty folders for the volumes of a pod."""
    for volume in pod.deployment.spec.template.spec.volumes:
        folder = folders.volume(pod.name, volume.name)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)


def _command(pod: Pod) -> tuple[str, ...]:
    container = pod.deployment.container
    if not container.command:
        deployment = pod.deployment
        raise LocalRunError(IMAGE_NOT_RUN.message(namespace=pod.namespace, name=deployment.name, image=container.image))
    name, *rest = container.command
    return (sys.executable if name in PYTHON else name, *rest, *container.args)


def _environment(pod: Pod, folders: RunFolders) -> dict[str, str]:
    sidecar = f"http://{pod.address}:{OUTBOUND_PORT}"
    env = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    proxies = dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"), sidecar)
    issues = list[Message]()
    for variable in pod.deployment.container.env:
        try:
            value = _value(pod, variable, folders)
        except LocalRunError as error:
            issues.extend(error.messages)
            continue
        if value is not None and value != contract.CA_BUNDLE_PATH:  # this machine has its own certificates
            env[variable.name] = value
    if issues:
        raise LocalRunError(*issues)
    local = {
        contract.ENV_BIND_ADDRESS: pod.address,
        contract.ENV_PRE_STOP_DELAY_SECONDS: PRE_STOP_DELAY_SECONDS,
        "PYTHONUNBUFFERED": "1",
    }
    env.pop(contract.ENV_OTLP_ENDPOINT, None)  # the rendered collector is in the cluster
    return {**env, **proxies, **local}


def _tracing(collector: Collector | None) -> dict[str, str]:
    """The collector is outside the mesh, so spans bypass the sidecar."""
    if collector is None:
        return {}
    return {contract.ENV_OTLP_ENDPOINT: collector.url, "NO_PROXY": collector.host, "no_proxy": collector.host}


def _value(pod: Pod, variable: EnvVar, folders: RunFolders) -> str | None:
    source = variable.value_from
    if source is None:
        mounts = {mount.mount_path: mount.name for mount in pod.deployment.container.volume_mounts}
        volume = mounts.get(variable.value)
        return variable.value if volume is None else str(folders.volume(pod.name, volume).absolute())
    if source.field_ref is not None:
        fields = {
            "metadata.name": pod.name,
            "metadata.namespace": pod.namespace,
            "status.podIP": pod.address,
            "spec.serviceAccountName": pod.identity.service_account,
        }
        return fields[source.field_ref.field_path]
    return _secret(pod, variable.name, source.secret_key_ref, folders) if source.secret_key_ref else None


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
