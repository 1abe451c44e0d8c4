"""The program with the real Pulumi engine and Kubernetes provider on a real API server.

Charts come from a folder (chart_folder.py), and fake_controllers.py simulates the controllers. tests/pulumi checks the
recorded resources without an engine; here the engine, the provider and the API server accept them.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from meshed_mcp.infra.recording import record
from tests.engines import api_server as engine
from tests.engines.api_client import ApiClient
from tests.engines.chart_folder import write_charts
from tests.engines.fake_controllers import played
from tests.engines.pulumi_cli import PROGRAMS, Pulumi

PROJECT: Final = Path(__file__).parent.parent.parent
STACK: Final = "dev"

pytestmark = [pytest.mark.engine(*PROGRAMS), pytest.mark.timeout(1800)]


@pytest.fixture
def empty_cluster(find_engine: Callable[[str], Path], tmp_path: Path) -> Iterator[engine.ApiServer]:
    """An API server with nothing in it: the stack brings its own CRDs."""
    with engine.started(find_engine, tmp_path / "cluster") as server:
        yield server


@pytest.fixture
def pulumi(empty_cluster: engine.ApiServer, crd_dir: Path, tmp_path: Path) -> Pulumi:
    """The dev stack, its charts from a folder."""
    (tmp_path / "pulumi").mkdir()
    stack = Pulumi(PROJECT, tmp_path / "pulumi", STACK, empty_cluster.kubeconfig)
    releases = [(item["chart"], item["version"]) for item in record(PROJECT, STACK).releases]
    charts = write_charts(tmp_path / "charts", releases, crd_dir)
    stack.run("config", "set", "meshed-mcp:chart_mirror", str(charts))
    return stack


def present(client: ApiClient, objects: list[dict[str, Any]]) -> list[str]:
    """Which of the objects the server has, by kind and name."""
    found = [item for item in objects if served(client, item) and client.get(item)]
    return sorted(f"{item['kind']} {item['metadata']['name']}" for item in found)


def served(client: ApiClient, item: dict[str, Any]) -> bool:
    """Whether the server knows the kind: it does not before its CRD came."""
    try:
        client.resource(item["apiVersion"], item["kind"])
    except LookupError:
        return False
    return True


def test_the_dev_stack_comes_up_stays_unchanged_and_goes_down(pulumi: Pulumi, empty_cluster: engine.ApiServer) -> None:
    """Requirement CMP-6: `pulumi preview`, `up`, a second preview without a change, then `destroy`."""
    client, objects = empty_cluster.client, record(PROJECT, STACK).objects
    kinds = {(item["apiVersion"], item["kind"]) for item in objects} | {("v1", "ConfigMap"), ("v1", "Secret")}
    everything = sorted(f"{item['kind']} {item['metadata']['name']}" for item in objects)
    pulumi.run("preview")
    assert present(client, objects) == []
    with played(client, kinds):
        pulumi.run("up", "--yes", "--skip-preview")
        assert present(client, objects) == everything
        pulumi.run("preview", "--expect-no-changes")
        pulumi.run("destroy", "--yes", "--skip-preview")
    assert present(client, objects) == []


def test_a_wrong_stack_fails_the_preview_with_one_line_per_error_and_creates_nothing(
    pulumi: Pulumi, empty_cluster: engine.ApiServer
) -> None:
    """Requirement CFG-1: object, field, what is wrong, what to set; nothing is registered."""
    path = pulumi.folder / f"Pulumi.{STACK}.yaml"
    stack = yaml.safe_load(path.read_text())
    services = stack["config"]["meshed-mcp:services"]
    services["mcp-rag"]["scaling"] = {"max_replica": 3}
    services["mcp-llm"]["replica"] = 2
    path.write_text(yaml.safe_dump(stack))
    printed = pulumi.run("preview", ok=False)
    assert "the stack's configuration has 2 issue(s)" in printed
    assert "service mcp-rag: scaling.max_replica: unknown field; did you mean max_replicas?" in printed
    assert "service mcp-llm: replica: unknown field" in printed
    assert "Traceback" not in printed
    pulumi.run("up", "--yes", "--skip-preview", ok=False)
    assert present(empty_cluster.client, record(PROJECT, STACK).objects) == []
