"""A container as a local program: command, environment, volumes, secrets."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from meshed_mcp import contract
from meshed_mcp.local.errors import LocalRunError
from meshed_mcp.local.process.changes import SERVING_SECONDS
from meshed_mcp.local.process.container import PRE_STOP_DELAY_SECONDS, RunFolders, fresh_volumes, programs
from meshed_mcp.local.process.processes import Program
from meshed_mcp.local.translate.topology import Pod, Topology
from tests.unit.local import local_objects

LaidOut = Callable[[list[dict[str, Any]]], Topology]


@pytest.fixture
def folders(tmp_path: Path) -> RunFolders:
    """Folders of one run."""
    return RunFolders(tmp_path / "dev", tmp_path / "secrets")


def container(objects: list[dict[str, Any]]) -> dict[str, Any]:
    """The container of Deployment `back`."""
    found: dict[str, Any] = local_objects.find(objects, "Deployment", "back")["spec"]["template"]["spec"]["containers"][
        0
    ]
    return found


def back(laid: Topology) -> Pod:
    """The first replica of `back`."""
    return next(pod for pod in laid.pods if pod.name == "back-0")


def made(objects: list[dict[str, Any]], laid_out: LaidOut, folders: RunFolders) -> Program:
    """The program of the first replica of `back`."""
    return programs(back(laid_out(objects)), folders)[0]


def test_python_means_the_current_interpreter(
    objects: list[dict[str, Any]], laid_out: LaidOut, folders: RunFolders
) -> None:
    """Requirement LOC-1: this environment's packages replace the image's."""
    container(objects)["args"] = ["--fast"]
    assert made(objects, laid_out, folders).command == (sys.executable, "-m", "server", "--fast")


def test_another_command_runs_unchanged(objects: list[dict[str, Any]], laid_out: LaidOut, folders: RunFolders) -> None:
    """Kubernetes Container, `command`."""
    container(objects)["command"] = ["sh", "app"]
    assert made(objects, laid_out, folders).command == ("sh", "app")


def test_an_image_without_a_command_is_rejected_with_what_to_set(
    objects: list[dict[str, Any]], laid_out: LaidOut, folders: RunFolders
) -> None:
    """Requirement CFG-2: one line."""
    del container(objects)["command"]
    with pytest.raises(LocalRunError) as error:
        made(objects, laid_out, folders)
    assert error.value.messages == (
        (
            "Deployment mcp-system/back: image registry.example.com/server:1 cannot be run "
            "here; set command: [python, -m, your_module]"
        ),
    )


def test_a_process_calls_out_through_its_own_sidecar_only(
    objects: list[dict[str, Any]], laid_out: LaidOut, folders: RunFolders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requirement LOC-1: HTTP_PROXY is the sidecar, and this machine's exceptions do not apply."""
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("MESHED_MCP_LOG_LEVEL", "DEBUG")
    env = made(objects, laid_out, folders).env
    assert {env[name] for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy")} == {
        "http://127.16.1.2:15001"
    }
    assert {"NO_PROXY", "no_proxy", "MESHED_MCP_LOG_LEVEL"} & env.keys() == set()
    assert env["MESHED_MCP_BIND_ADDRESS"] == "127.16.1.2"


def test_variables_of_the_ca_bundle_are_left_out(
    objects: list[dict[str, Any]], laid_out: LaidOut, folders: RunFolders
) -> None:
    """Requirement LOC-1: the ConfigMap is in the cluster, and a missing file would end TLS clients at their start."""
    given = [{"name": "SSL_CERT_FILE", "value": contract.CA_BUNDLE_PATH}, {"name": "OWN", "value": "/own.pem"}]
    container(objects)["env"] = given
    env = made(objects, laid_out, folders).env
    assert "SSL_CERT_FILE" not in env
    assert env["OWN"] == "/own.pem"


def test_a_mounted_path_becomes_a_local_folder(
    objects: list[dict[str, Any]], laid_out: LaidOut, folders: RunFolders
) -> None:
    """Requirement LOC-1: an emptyDir is a folder that is empty at each start."""
    old = folders.volume("back-0", "data") / "old"
    old.parent.mkdir(parents=True)
    old.touch()
    pod = back(laid_out(objects))
    fresh_volumes(pod, folders)
    folder = Path(programs(pod, folders)[0].env["MESHED_MCP_DATA_DIR"])
    assert folder == folders.volume("back-0", "data")
    assert list(folder.iterdir()) == []


def test_fields_of_the_pod_are_resolved(objects: list[dict[str, Any]], laid_out: LaidOut, folders: RunFolders) -> None:
    """Kubernetes EnvVarSource, `fieldRef`."""
    assert made(objects, laid_out, folders).env["POD"] == "back-0"


def secret(objects: list[dict[str, Any]], **more: Any) -> None:
    """Give `back` a variable from a Secret."""
    reference = {"name": "llm", "key": "token", **more}
    container(objects)["env"] = [{"name": "LLM_TOKEN", "valueFrom": {"secretKeyRef": reference}}]


def test_a_secret_is_an_environment_variable_or_a_local_file(
    objects: list[dict[str, Any]], laid_out: LaidOut, folders: RunFolders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requirement LOC-1: the environment overrides .local/secrets/<secret>/<key>."""
    secret(objects)
    file = folders.secrets / "llm" / "token"
    file.parent.mkdir(parents=True)
    file.write_text("from the file\n")
    assert made(objects, laid_out, folders).env["LLM_TOKEN"] == "from the file"  # noqa: S105 - a test's value
    monkeypatch.setenv("LLM_TOKEN", "from outside")
    assert made(objects, laid_out, folders).env["LLM_TOKEN"] == "from outside"  # noqa: S105 - a test's value


def test_an_optional_secret_may_be_missing(
    objects: list[dict[str, Any]], laid_out: LaidOut, folders: RunFolders
) -> None:
    """Kubernetes SecretKeySelector, `optional`."""
    secret(objects, optional=True)
    assert "LLM_TOKEN" not in made(objects, laid_out, folders).env


def test_a_missing_required_secret_is_rejected_with_its_path(
    objects: list[dict[str, Any]], laid_out: LaidOut, folders: RunFolders
) -> None:
    """Requirement CFG-2: one line."""
    secret(objects)
    with pytest.raises(LocalRunError) as error:
        made(objects, laid_out, folders)
    assert error.value.messages == (
        (
            "Deployment mcp-system/back: key 'token' of Secret 'llm' is missing here; set the variable LLM_TOKEN, or "
            f"put it into {folders.secrets}/llm/token"
        ),
    )


def mounted(objects: list[dict[str, Any]]) -> None:
    """Give `back` a variable with the path of a mounted key."""
    spec = local_objects.find(objects, "Deployment", "back")["spec"]["template"]["spec"]
    source = {"secret": {"name": "redis", "items": [{"key": "url", "path": "secret/redis/url"}]}}
    spec["volumes"] = [*spec.get("volumes", []), {"name": "files", "projected": {"sources": [source]}}]
    container(objects)["volumeMounts"] = [{"name": "files", "mountPath": "/etc/files"}]
    container(objects)["env"] = [{"name": "REDIS_URL_FILE", "value": "/etc/files/secret/redis/url"}]


def test_a_mounted_key_is_a_link_to_the_local_file(
    objects: list[dict[str, Any]], laid_out: LaidOut, folders: RunFolders
) -> None:
    """Requirements LOC-1 and ROT-1: a secret that changes in .local/secrets/<secret>/<key> rotates here too."""
    mounted(objects)
    file = folders.secrets / "redis" / "url"
    file.parent.mkdir(parents=True)
    file.write_text("redis://one")
    pod = back(laid_out(objects))
    fresh_volumes(pod, folders)
    path = Path(programs(pod, folders)[0].env["REDIS_URL_FILE"])
    assert path.read_text() == "redis://one"
    file.write_text("redis://two")
    assert path.read_text() == "redis://two"


def test_a_variable_of_this_machine_replaces_a_mounted_key(
    objects: list[dict[str, Any]], laid_out: LaidOut, folders: RunFolders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requirement LOC-1: the environment overrides .local/secrets/<secret>/<key>."""
    mounted(objects)
    monkeypatch.setenv("REDIS_URL", "redis://outside")
    env = made(objects, laid_out, folders).env
    assert env["REDIS_URL"] == "redis://outside"
    assert "REDIS_URL_FILE" not in env


def test_a_missing_mounted_key_is_rejected_with_its_path(
    objects: list[dict[str, Any]], laid_out: LaidOut, folders: RunFolders
) -> None:
    """Requirement CFG-2: one line."""
    mounted(objects)
    with pytest.raises(LocalRunError) as error:
        made(objects, laid_out, folders)
    (message,) = error.value.messages
    assert message.endswith(f"set the variable REDIS_URL, or put it into {folders.secrets}/redis/url")


def test_a_pod_with_one_port_is_rejected(objects: list[dict[str, Any]], laid_out: LaidOut) -> None:
    """Requirement RUN-7: calls and readiness have a port each."""
    del container(objects)["ports"][0]
    with pytest.raises(LocalRunError, match="container server has 0 ports beside the one of its readiness"):
        laid_out(objects)


def test_a_draining_replica_stays_up_until_its_sessions_are_rerouted() -> None:
    """Kubernetes, EndpointSlice condition `serving`: otherwise sessions reach a replica that has exited."""
    assert float(PRE_STOP_DELAY_SECONDS) >= SERVING_SECONDS + 1


def test_calls_have_the_deadline_of_the_cluster(
    objects: list[dict[str, Any]], laid_out: LaidOut, folders: RunFolders
) -> None:
    """Requirement MSG-2: the shorter pre-stop delay of a local run lengthens no call."""
    variables = {contract.ENV_PRE_STOP_DELAY_SECONDS: "5", contract.ENV_GRACE_SECONDS: "30"}
    container(objects)["env"] = [{"name": name, "value": value} for name, value in variables.items()]
    env = made(objects, laid_out, folders).env
    assert env[contract.ENV_PRE_STOP_DELAY_SECONDS] == PRE_STOP_DELAY_SECONDS
    assert float(env[contract.ENV_CALL_SECONDS]) == contract.longest_call_seconds(5, 30)
