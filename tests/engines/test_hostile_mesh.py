"""Adversarial requests through a real gateway and a real sidecar."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from meshed_mcp import contract
from meshed_mcp.components.mesh.cluster import manifests as cluster
from meshed_mcp.components.mesh.service import manifests as service
from meshed_mcp.components.mesh.service.args import ServiceMeshArgs
from meshed_mcp.local.process.container import RunFolders
from meshed_mcp.local.process.stack_runner import Running, running
from meshed_mcp.local.translate.stack import read_stack
from tests.engines import local_stack
from tests.engines.processes import free_port
from tests.hostile.client import (
    ACTIVE,
    NO_RESPONSE_SECONDS,
    RESPONSE_TIMEOUT_SECONDS,
    Target,
    counter_total,
    sample_value,
    send,
    wait_until,
)
from tests.hostile.http_requests import HTTP
from tests.hostile.json_bodies import JSON
from tests.hostile.messages import MESSAGES
from tests.hostile.requests import AfterSending, HostileRequest
from tests.hostile.table import PAGE, page
from tests.hostile.tokens import TOKENS, TOOL_SCOPE
from tests.hostile.urls import URLS
from tests.local_issuer import ISSUER, SECOND_ISSUER, Issuer

WAITING_SERVICE: Final = Path(__file__).parent.parent / "behaviors" / "waiting_service.py"
UNKNOWN_CODING: Final = 501
"""Source: RFC 9112, section 6.1: what a server ought to say to a transfer coding that it does not know."""

ALL: Final = (*HTTP, *URLS, *JSON, *MESSAGES, *TOKENS)
CASES: Final = tuple(case for case in ALL if case.mesh)


@pytest.fixture(scope="module")
def up(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Two exposed services with little patience: `front` is open to everybody, `vault` wants tokens."""
    mesh = ServiceMeshArgs.model_validate({"domain": local_stack.HOST, "namespaces": [local_stack.NAMESPACE]})
    common = {
        "command": ["python", str(WAITING_SERVICE)],
        "expose": True,
        "replicas": 1,
        "limits": {"read_seconds": 1},
        "cors": {"origins": list(contract.LOOPBACK_ORIGINS)},
    }
    issuers = [
        {"issuer": ISSUER, "jwks": json.loads(issuer.jwks())},
        {"issuer": SECOND_ISSUER, "jwks": issuer.second_jwks()},
    ]
    auth = {"issuers": issuers, "scopes": ["docs.read"]}
    tools = {"wait": {"allow": ["ingress"], "scopes": [TOOL_SCOPE]}}
    front = local_stack.arguments(**common)
    vault = local_stack.arguments(**common, auth=auth, tools=tools)
    objects = [*service.service_manifests("front", front), *service.service_manifests("vault", vault)]
    stack = read_stack([*cluster.mesh_manifests(mesh), *objects])
    folder = tmp_path_factory.mktemp("hostile")
    with running(stack, free_port(), RunFolders(folder / "run", folder / "secrets"), lambda _: None) as up:
        yield up


Targets = Callable[[HostileRequest], Target]


@pytest.fixture(scope="module")
def target_of(up: Running, issuer: Issuer) -> Targets:
    """The gateway, and the metrics of the process behind it, by the kind of case."""
    address = ("127.0.0.1", up.gateway_port)

    def target_of_service(name: str) -> Target:
        pod = next(pod for pod in up.topology.pods if pod.name == f"{name}-0")
        metrics = f"http://{pod.address}:{contract.MANAGEMENT_PORT}{contract.METRICS_PATH}"
        path = f"/{name}{contract.MCP_PATH}"
        return Target(address, local_stack.HOST, path, metrics, issuer, f"https://{local_stack.HOST}{path}")

    front, vault = target_of_service("front"), target_of_service("vault")
    return lambda case: vault if case in TOKENS else front


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_hostile_request_through_the_mesh_gets_the_same_response(target_of: Targets, case: HostileRequest) -> None:
    """The case's own `source`; requirement SEC-11: proxies change neither the response nor what is counted."""
    target = target_of(case)
    before = counter_total(target.samples(), case.counter)
    answer = send(case, target)
    assert (answer.status, answer.code) == (case.status, case.code), answer.body[:500]
    wait_until(lambda: counter_total(target.samples(), case.counter) > before)
    wait_until(lambda: sample_value(target.samples(), ACTIVE) == 0)


def test_the_page_lists_the_response_to_every_hostile_request(target_of: Targets) -> None:
    """Requirement SEC-11: the page has the response to each hostile request, and none gets through."""
    cases = tuple(case for case in ALL if case.then is AfterSending.READ_RESPONSE)
    answers = {}
    for case in cases:
        seconds = RESPONSE_TIMEOUT_SECONDS if case.mesh else NO_RESPONSE_SECONDS
        answer = send(case, target_of(case), timeout_seconds=seconds)
        answers[case.name] = (answer.status, answer.code)
    text = page(answers, cases)
    if os.environ.get("WRITE_HOSTILE_TABLE"):
        PAGE.write_text(text, encoding="utf-8")
    assert ", 0 of them accepted although they are invalid" in text
    assert PAGE.read_text(encoding="utf-8") == text


def test_requests_that_only_a_proxy_sees_are_rejected_and_the_process_survives(up: Running, target_of: Targets) -> None:
    """Requirement SEC-11: a legal call succeeds after any request to the gateway."""
    legal = next(case for case in CASES if case.name == "the name in base64")
    target = target_of(legal)
    before = target.samples()
    for case in ALL:
        if not case.mesh and case.status != 408:
            answered = send(case, target_of(case), timeout_seconds=NO_RESPONSE_SECONDS).status
            assert answered is None or answered < 500 or answered == UNKNOWN_CODING, case
            assert answered != 200 or case.status == 200, case
    assert not up.services.ended()
    assert not up.proxies.ended()
    assert send(legal, target).status == 200
    log = up.folders.log("front-0")
    assert "Traceback" not in log.read_text()
    assert sample_value(target.samples(), "process_open_fds") < sample_value(before, "process_open_fds") + len(CASES)
