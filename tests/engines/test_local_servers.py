"""The servers of examples/any-server through the local mesh: real programs, Envoys, and the official client."""

import contextlib
import json
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import TextContent

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.service import manifests as service
from meshed_mcp.infra.recording import record
from meshed_mcp.local.clients import http_client, status
from meshed_mcp.local.process.changes import roll_out, scale
from meshed_mcp.local.process.container import RunFolders
from meshed_mcp.local.process.proxies import get_text
from meshed_mcp.local.process.stack_runner import Running, running
from meshed_mcp.local.process.upstream import package_folder
from meshed_mcp.local.translate.endpoints import as_caller, callers, through_mesh
from meshed_mcp.local.translate.objects.workload import Service
from meshed_mcp.local.translate.stack import read_stack
from meshed_mcp.local.translate.topology import ADMIN_PORT
from meshed_mcp.local.verification import verify_rejections
from tests.engines import local_stack
from tests.engines.processes import free_port
from tests.stacks import ROOT

pytestmark = [pytest.mark.anyio, pytest.mark.filterwarnings("ignore::mcp.MCPDeprecationWarning")]

EXAMPLE: Final = ROOT / "examples" / "any-server"
MODES: Final = ("auto", "legacy")
FORBIDDEN: Final = 403
PORTS: Final = {"3001", "9100"}
"""Ports in the stack files; tests use free ones."""

OTHER: Final = local_stack.arguments(replicas=1)
"""A service that may call nothing."""

FindEngine = Callable[[str], Path]


def objects_of(stack: str, folder: Path, **changes: str) -> list[Manifest]:
    """The objects of a stack of the example with free ports, and of a service that may call nothing."""
    copied = shutil.copytree(EXAMPLE, folder / "example", ignore=shutil.ignore_patterns(".local"))
    file = copied / f"Pulumi.{stack}.yaml"
    text = file.read_text("utf-8")
    for old, new in {**{port: str(free_port()) for port in PORTS}, **changes}.items():
        text = text.replace(old, new)
    text = re.sub(r"( +)port: (\d+)\n", r"\g<0>\1env: {PORT: '\2'}\n", text)  # what the server of npm listens on
    file.write_text(text.replace("server.py", str(copied / "server.py")), "utf-8")
    return [*record(copied, stack).objects, *service.service_manifests("other", OTHER)]


@contextlib.contextmanager
def started(
    objects: list[Manifest], folder: Path, engine: Path | None = None, *, changes: bool = False
) -> Iterator[Running]:
    """Run the objects; `engine` is the executable of a package, as if a run before had installed it."""
    stack, state = read_stack(objects), folder / "state"
    for deployment in stack.deployments:
        if engine is not None and deployment.installer is not None:
            place = package_folder(deployment.installer, state)
            place.mkdir(parents=True)
            (place / contract.PACKAGE_SERVER).symlink_to(engine)
    with running(stack, free_port(), RunFolders(state, folder / "secrets"), lambda _: None, changes=changes) as up:
        yield up


def server_of(up: Running) -> Service:
    """The service of the example."""
    return next(each for each in up.topology.stack.services if each.name != "other")


@contextlib.asynccontextmanager
async def connected(up: Running, mode: str) -> AsyncIterator[Client]:
    """The official client, through the gateway and the sidecar of the server."""
    endpoint = through_mesh(up, server_of(up))
    assert endpoint is not None
    async with (
        http_client(endpoint) as http,
        Client(streamable_http_client(endpoint.url, http_client=http), mode=mode) as client,
    ):
        yield client


async def text_of(up: Running, mode: str, tool: str, **arguments: Any) -> str:
    """List the tools, call one, and return its text."""
    async with connected(up, mode) as client:
        assert tool in {each.name for each in (await client.list_tools()).tools}
        result = await client.call_tool(tool, arguments)
    assert not result.is_error, result
    return "".join(each.text for each in result.content if isinstance(each, TextContent))


async def rejects_unauthorized_callers(up: Running) -> None:
    """The sidecar rejects a caller that is in no list, and every plaintext connection."""
    server = server_of(up)
    (other,) = [pod for pod in callers(up.topology, server, allowed=False) if pod.name.startswith("other")]
    assert await status(as_caller(up.topology, server, other), "POST") == FORBIDDEN
    assert (await verify_rejections(up.topology)).callers > 0


def version_in(stack: str) -> str:
    """Version of the package in a stack file."""
    found = re.search(r"(?:@|==)([0-9][0-9.]*)\"", (EXAMPLE / f"Pulumi.{stack}.yaml").read_text("utf-8"))
    assert found is not None
    return found[1]


@pytest.mark.parametrize(("stack", "package"), [("time", "mcp-server-time"), ("git", "mcp-server-git")])
def test_the_examples_use_the_tested_versions_of_pypi(stack: str, package: str) -> None:
    """Requirement PRJ-7: the engine that stands for the installed package is of its version."""
    assert f"{package}=={version_in(stack)}" in (ROOT / "engines" / "servers" / "requirements.txt").read_text("utf-8")


def test_the_example_uses_the_tested_version_of_npm() -> None:
    """Requirement PRJ-7: as the test above."""
    pins = json.loads((ROOT / "engines" / "servers" / "package.json").read_text("utf-8"))["dependencies"]
    assert pins["@modelcontextprotocol/server-everything"] == version_in("everything")


async def test_a_package_of_pypi_runs_behind_the_mesh(find_engine: FindEngine, tmp_path: Path) -> None:
    """Requirement LRN-1: `mcp-server-time`, for clients of both eras."""
    with started(objects_of("time", tmp_path), tmp_path, find_engine("mcp-server-time")) as up:
        for mode in MODES:
            found = json.loads(await text_of(up, mode, "get_current_time", timezone="Europe/Lisbon"))
            assert found["timezone"] == "Europe/Lisbon"
        await rejects_unauthorized_callers(up)


async def test_a_package_that_uses_a_program_runs_behind_the_mesh(find_engine: FindEngine, tmp_path: Path) -> None:
    """Requirement LRN-1: `mcp-server-git`, which finds git on the PATH."""
    repository = git_repository(tmp_path / "repository")
    with started(objects_of("git", tmp_path), tmp_path, find_engine("mcp-server-git")) as up:
        for mode in MODES:
            assert "trunk" in await text_of(up, mode, "git_status", repo_path=str(repository))
        await rejects_unauthorized_callers(up)


async def test_a_package_of_npm_runs_behind_the_mesh(find_engine: FindEngine, tmp_path: Path) -> None:
    """Requirement LRN-1: `@modelcontextprotocol/server-everything`, stdio with sessions."""
    with started(objects_of("everything", tmp_path), tmp_path, find_engine("mcp-server-everything")) as up:
        for mode in MODES:
            assert "hello" in await text_of(up, mode, "echo", message="hello")
        await rejects_unauthorized_callers(up)


@pytest.fixture
def engines_on_path(find_engine: FindEngine, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put the folder of an engine on the PATH."""

    def put(name: str) -> None:
        folder = find_engine(name).parent
        monkeypatch.setenv("PATH", str(folder), prepend=":")

    return put


@pytest.mark.parametrize(
    ("stack", "engine", "tool", "arguments", "expected"),
    [
        ("http", "mcp-server-everything", "echo", {"message": "hello"}, "hello"),
        ("fastmcp", "fastmcp", "add", {"a": 2, "b": 3}, "5"),
    ],
)
async def test_an_external_http_server_runs_behind_the_mesh(  # noqa: PLR0913, PLR0917 - one per column
    engines_on_path: Callable[[str], None],
    tmp_path: Path,
    stack: str,
    engine: str,
    tool: str,
    arguments: dict[str, Any],
    expected: str,
) -> None:
    """Requirement LRN-2: the server listens on its own port of this machine, once."""
    engines_on_path(engine)
    with started(objects_of(stack, tmp_path), tmp_path) as up:
        for mode in MODES:
            assert expected in await text_of(up, mode, tool, **arguments)
        await rejects_unauthorized_callers(up)
        assert len(up.topology.behind(server_of(up))) == 1


async def test_a_static_program_runs_behind_the_mesh(engines_on_path: Callable[[str], None], tmp_path: Path) -> None:
    """Requirement LRN-1: the bridge starts the command that a launcher starts in the cluster."""
    engines_on_path("go-sdk-everything")
    with started(objects_of("go", tmp_path), tmp_path) as up:
        for mode in MODES:
            assert "Ada" in await text_of(up, mode, "greet", name="Ada")
        await rejects_unauthorized_callers(up)


async def test_a_bridged_http_server_runs_behind_the_mesh_with_its_tool_policy(
    engines_on_path: Callable[[str], None], tmp_path: Path
) -> None:
    """Requirement LRN-2: the server and the bridge are two processes, and the bridge enforces `tools`."""
    engines_on_path("mcp-server-everything")
    with started(objects_of("bridged", tmp_path), tmp_path) as up:
        assert sorted(up.services.pids) == ["mcp-everything-0", "mcp-everything-0.upstream", "other-0"]
        for mode in MODES:
            assert "hello" in await text_of(up, mode, "echo", message="hello")
            async with connected(up, mode) as client:
                assert "get-env" not in {each.name for each in (await client.list_tools()).tools}
                with pytest.raises(MCPError, match=r"may not call this tool|Server returned an error response"):
                    await client.call_tool("get-env", {})
        await rejects_unauthorized_callers(up)


async def test_a_server_on_one_port_is_replaced_and_never_doubled(
    engines_on_path: Callable[[str], None], tmp_path: Path
) -> None:
    """Requirement LRN-2: the old server ends before the new one starts, with the bridge in front as well."""
    engines_on_path("mcp-server-everything")
    objects = objects_of("bridged", tmp_path)
    with started(objects, tmp_path, changes=True) as up:
        before = dict(up.services.pids)
        scale(up, "mcp-everything", 3)
        assert up.services.pids == before
        text = json.dumps(objects).replace('"name": "PORT"', '"name": "NEW", "value": "1"}, {"name": "PORT"')
        roll_out(up, read_stack(json.loads(text)))
        assert sorted(up.services.pids) == ["mcp-everything-1", "mcp-everything-1.upstream", "other-0"]
        assert "hello" in await text_of(up, "auto", "echo", message="hello")


async def test_a_stack_of_an_existing_cluster_runs_locally(tmp_path: Path) -> None:
    """Requirement LOC-1: revisions, another gateway, hosts of services and annotations of proxies keep nothing out."""
    objects = [*record(ROOT / "examples" / "stacks", "existing").objects, *service.service_manifests("other", OTHER)]
    for item in objects:
        if item["kind"] == "Deployment":
            container = item["spec"]["template"]["spec"]["containers"][0]
            container["command"] = local_stack.COMMAND
            container["env"].append({"name": "VERSION", "value": "existing"})
    with started(objects, tmp_path) as up:
        for mode in MODES:
            assert await text_of(up, mode, "who") == "existing"
        assert (await verify_rejections(up.topology)).callers > 0


async def test_a_remote_server_is_reached_through_the_sidecar(
    find_engine: FindEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requirement LRN-3: the bridge reaches the host of `url`, with its token, through the egress rules of its sidecar.

    A stack names no host of this machine, so the recorded objects get one that Envoy finds without DNS.
    """
    monkeypatch.setenv(contract.ENV_UPSTREAM_TOKEN, "token-of-a-test")
    port = free_port()
    remote, near = f"http://mcp.vendor.example.com:{port}/mcp", "vendor.localhost"
    development = "meshed-mcp:environment: development\n  meshed-mcp:bridge"
    settings = {"https://mcp.vendor.example.com/mcp": remote, "meshed-mcp:bridge": development}
    text = json.dumps(objects_of("remote", tmp_path, **settings)).replace("mcp.vendor.example.com", near)
    with remote_server(find_engine, port, tmp_path / "remote.log"), started(json.loads(text), tmp_path) as up:
        for mode in MODES:
            assert await text_of(up, mode, "add", a=2, b=3) == "5"
            assert await text_of(up, mode, "authorization") == "Bearer token-of-a-test"
        await rejects_unauthorized_callers(up)
        pods = up.topology.behind(server_of(up))
        clusters = [get_text(f"http://{pod.address}:{ADMIN_PORT}/clusters") or "" for pod in pods]
        assert re.search(rf"outbound\|{port}\|\|{near}::\S+::rq_total::[1-9]", "\n".join(clusters))


@contextlib.contextmanager
def remote_server(find_engine: FindEngine, port: int, log: Path) -> Iterator[None]:
    """A FastMCP server outside the mesh."""
    python = find_engine("fastmcp").resolve().with_name("python")
    command = [str(python), str(Path(local_stack.__file__).with_name("fastmcp_server.py")), str(port)]
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            yield
        finally:
            process.kill()


def git_repository(folder: Path) -> Path:
    """A repository with an empty branch `trunk`."""
    git = shutil.which("git")
    assert git is not None
    subprocess.run([git, "init", "--quiet", "--initial-branch", "trunk", str(folder)], check=True)
    return folder
