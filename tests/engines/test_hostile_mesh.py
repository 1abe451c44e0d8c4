"""The hostile requests of the lists through a gateway and a sidecar, real Envoys: the same answers."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import local_stack
import pytest
from processes import free_port

from meshed_mcp import contract
from meshed_mcp.components.mesh import cluster, service
from meshed_mcp.components.mesh.args import ServiceMeshArgs
from meshed_mcp.local.container import Places
from meshed_mcp.local.running import Running, running
from meshed_mcp.local.stack import read_stack
from tests.hostile import Hostile, Then
from tests.hostile_client import ACTIVE, ANSWER_SECONDS, Target, ask, total, until, value
from tests.hostile_http import HTTP
from tests.hostile_json import JSON
from tests.hostile_messages import MESSAGES
from tests.hostile_table import PAGE, page

WAITING_SERVICE: Final = Path(__file__).parent.parent / "behaviours" / "waiting_service.py"
PATIENCE_SECONDS: Final = 2
"""The gateway takes the preface of HTTP/2 for what it is, and waits for more."""

CASES: Final = tuple(case for case in (*HTTP, *JSON, *MESSAGES) if case.mesh)


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One exposed service with little patience."""
    mesh = ServiceMeshArgs.model_validate({"domain": local_stack.HOST, "namespaces": [local_stack.NAMESPACE]})
    front = local_stack.arguments(
        command=["python", str(WAITING_SERVICE)], expose=True, replicas=1, limits={"read_seconds": 1}
    )
    stack = read_stack([*cluster.manifests(mesh), *service.manifests("front", front)])
    folder = tmp_path_factory.mktemp("hostile")
    with running(stack, free_port(), Places(folder / "run", folder / "secrets"), lambda _: None) as up:
        yield up


@pytest.fixture(scope="module")
def target(up: Running) -> Target:
    """The gateway, and the metrics of the process behind it."""
    (pod,) = up.topology.pods
    metrics = f"http://{pod.address}:{contract.MANAGEMENT_PORT}{contract.METRICS_PATH}"
    return Target(("127.0.0.1", up.gateway_port), local_stack.HOST, f"/front{contract.MCP_PATH}", metrics)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_hostile_request_through_the_mesh_gets_the_same_answer(target: Target, case: Hostile) -> None:
    """The case's own `source`; product rule: proxies change neither the answer nor what is counted."""
    before = total(target.samples(), case.counter)
    answer = ask(case, target)
    assert (answer.status, answer.code) == (case.status, case.code), answer.body[:500]
    until(lambda: total(target.samples(), case.counter) > before)
    until(lambda: value(target.samples(), ACTIVE) == 0)


def test_the_page_says_what_every_hostile_request_gets(target: Target) -> None:
    """Issue 5: a table of what every hostile request got, 0 through."""
    cases = tuple(case for case in (*HTTP, *JSON, *MESSAGES) if case.then is Then.READ)
    answers = {}
    for case in cases:
        answer = ask(case, target, answer_seconds=ANSWER_SECONDS if case.mesh else PATIENCE_SECONDS)
        answers[case.name] = (answer.status, answer.code)
    text = page(answers, cases)
    if os.environ.get("WRITE_HOSTILE_TABLE"):
        PAGE.write_text(text, encoding="utf-8")
    assert ", 0 of them answered as if they were legal" in text
    assert PAGE.read_text(encoding="utf-8") == text


def test_what_only_a_proxy_sees_is_answered_there_and_the_process_lives_on(up: Running, target: Target) -> None:
    """Product rule: whatever is sent to the gateway, a legal call is answered after it."""
    before = target.samples()
    for case in (*HTTP, *JSON, *MESSAGES):
        if not case.mesh and case.status != 408:
            answered = ask(case, target, answer_seconds=PATIENCE_SECONDS).status
            assert answered is None or answered < 500, case
            assert answered != 200 or case.status == 200, case
    assert not up.services.ended()
    assert not up.proxies.ended()
    legal = next(case for case in CASES if case.name == "the name in base64")
    assert ask(legal, target).status == 200
    log = up.places.log("front-0")
    assert "Traceback" not in log.read_text()
    assert value(target.samples(), "process_open_fds") < value(before, "process_open_fds") + len(CASES)
