"""A pod's container `server` as a program of this machine: command, environment, folders, secrets.

Pod in, Program out; the only effects are the fresh folders that stand for emptyDir volumes.
"""

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
from meshed_mcp.local.observe.collector import Collector
from meshed_mcp.local.process.processes import Program
from meshed_mcp.local.translate.objects.workload import EnvVar, SecretKeyRef
from meshed_mcp.local.translate.topology import OUTBOUND_PORT, Pod

PASSED_ON: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "VIRTUAL_ENV", "PYTHONPATH")
"""What a process keeps of this machine's environment; everything else comes from the Deployment."""

PYTHON: Final = ("python", "python3")
"""Command names that mean this interpreter, whose packages stand for the image's."""

PRE_STOP_DELAY_SECONDS: Final = "2"
"""How long a replica that is to end goes on taking calls; proxies of this machine learn of it from files, at once."""


@dataclass(frozen=True)
class Places:
    """Folders of one run: `state` belongs to the stack, `secrets` is <secret>/<key> files shared by all stacks."""

    state: Path
    secrets: Path

    def log(self, pod: str) -> Path:
        """Log of a pod's process."""
        return self.state / "logs" / f"{pod}.log"

    def volume(self, pod: str, volume: str) -> Path:
        """The folder that stands for an emptyDir of a pod."""
        return self.state / "data" / pod / volume


def program(pod: Pod, places: Places, collector: Collector | None = None) -> Program:
    """The program of a pod; it calls out through its own sidecar only, but for its spans.

    Raises LocalRunError, a line per fault.
    """
    return Program(
        name=pod.name,
        command=_command(pod),
        env=_environment(pod, places) | _spans(collector),
        log=places.log(pod.name).absolute(),
    )


def fresh_volumes(pod: Pod, places: Places) -> None:
    """Empty folders for the pod's volumes, as after a pod's start."""
    for volume in pod.deployment.spec.template.spec.volumes:
        folder = places.volume(pod.name, volume.name)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)


def _command(pod: Pod) -> tuple[str, ...]:
    container = pod.deployment.container
    if not container.command:
        raise LocalRunError(
            IMAGE_NOT_RUN.message(namespace=pod.namespace, name=pod.deployment.name, image=container.image)
        )
    name, *rest = container.command
    return (sys.executable if name in PYTHON else name, *rest, *container.args)


def _environment(pod: Pod, places: Places) -> dict[str, str]:
    sidecar = f"http://{pod.address}:{OUTBOUND_PORT}"
    env = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    proxies = dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"), sidecar)
    found = list[Message]()
    for variable in pod.deployment.container.env:
        try:
            value = _value(pod, variable, places)
        except LocalRunError as error:
            found.extend(error.messages)
            continue
        if value is not None:
            env[variable.name] = value
    if found:
        raise LocalRunError(*found)
    here = {
        contract.ENV_BIND_ADDRESS: pod.address,
        contract.ENV_PRE_STOP_DELAY_SECONDS: PRE_STOP_DELAY_SECONDS,
        "PYTHONUNBUFFERED": "1",
    }
    env.pop(contract.ENV_OTLP_ENDPOINT, None)  # the rendered collector is a part of the cluster
    return {**env, **proxies, **here}


def _spans(collector: Collector | None) -> dict[str, str]:
    """Spans go to this machine's collector past the sidecar, whose mesh does not know it."""
    if collector is None:
        return {}
    return {contract.ENV_OTLP_ENDPOINT: collector.url, "NO_PROXY": collector.host, "no_proxy": collector.host}


def _value(pod: Pod, variable: EnvVar, places: Places) -> str | None:
    source = variable.value_from
    if source is None:
        return _mounted(pod, places).get(variable.value, variable.value)
    if source.field_ref is not None:
        return _field(pod)[source.field_ref.field_path]
    return _secret(pod, variable.name, source.secret_key_ref, places) if source.secret_key_ref else None


def _mounted(pod: Pod, places: Places) -> Mapping[str, str]:
    """Path in the container -> folder on this machine."""
    mounts = pod.deployment.container.volume_mounts
    return {mount.mount_path: str(places.volume(pod.name, mount.name).absolute()) for mount in mounts}


def _field(pod: Pod) -> Mapping[str, str]:
    return {
        "metadata.name": pod.name,
        "metadata.namespace": pod.namespace,
        "status.podIP": pod.address,
        "spec.serviceAccountName": pod.identity.service_account,
    }


def _secret(pod: Pod, variable: str, reference: SecretKeyRef, places: Places) -> str | None:
    """The variable of this machine's environment, else the file; None for an optional one that is in neither."""
    if variable in os.environ:
        return os.environ[variable]
    file = places.secrets / reference.name / reference.key
    if file.is_file():
        return file.read_text(encoding="utf-8").rstrip("\n")
    if reference.optional:
        return None
    raise LocalRunError(
        SECRET_MISSING.message(
            namespace=pod.namespace,
            name=pod.deployment.name,
            key=reference.key,
            secret=reference.name,
            variable=variable,
            file=file,
        )
    )
