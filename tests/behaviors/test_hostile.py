"""Every adversarial request against a real process: expected response, counter, and no leftovers."""

import json
from dataclasses import replace
from itertools import repeat
from typing import Final

import pytest

from meshed_mcp import contract
from meshed_mcp.agents.telemetry.logs import MESSAGE_CHARACTERS
from tests.behaviors.replicas import Service, StartService
from tests.hostile.client import ACTIVE, Target, counter_total, sample_value, send, wait_until
from tests.hostile.http_requests import HTTP
from tests.hostile.json_bodies import JSON
from tests.hostile.messages import MESSAGES
from tests.hostile.requests import HostileRequest
from tests.hostile.tokens import TOKENS, TOOL_SCOPE
from tests.hostile.urls import URLS
from tests.local_issuer import AUDIENCE, SECOND_ISSUER, Issuer, environment, row

CASES: Final = (*HTTP, *URLS, *JSON, *MESSAGES)
READ_SECONDS: Final = 1
ROUNDS: Final = 3
LINE_CHARACTERS: Final = 2 * MESSAGE_CHARACTERS
"""A message and the keys around it."""

MEMORY_FACTOR: Final = 1.5
"""Bodies of 5 MiB pass through; a leak of one body a round would be seen above this."""


@pytest.fixture(scope="module")
def service(start_shared: StartService) -> Service:
    """One process for all, with little patience."""
    return start_shared(**{contract.ENV_READ_SECONDS: str(READ_SECONDS)})


@pytest.fixture
def target(service: Service) -> Target:
    """The process itself."""
    return target_of(service)


@pytest.fixture(scope="module")
def guarded(start_shared: StartService, issuer: Issuer) -> Service:
    """One process for all, which wants tokens."""
    return start_shared(
        **environment(row(jwks_url=issuer.url), row(issuer=SECOND_ISSUER, jwks=issuer.second_jwks())),
        **{
            contract.ENV_AUTH_SCOPES: "docs.read",
            contract.ENV_TOOL_POLICY: json.dumps({"wait": {"scopes": [TOOL_SCOPE]}}),
        },
    )


def target_of(service: Service, issuer: Issuer | None = None) -> Target:
    """Where a process is."""
    metrics = f"http://127.0.0.1:{service.management_port}{contract.METRICS_PATH}"
    address = ("127.0.0.1", service.port)
    return Target(address, f"127.0.0.1:{service.port}", contract.MCP_PATH, metrics, issuer, AUDIENCE)


def test_every_case_has_a_unique_name() -> None:
    """Requirement PRJ-1: a failing case is found by its name."""
    assert len({case.name for case in (*CASES, *TOKENS)}) == len(CASES) + len(TOKENS)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_hostile_request_gets_the_expected_response_and_is_counted(
    service: Service, target: Target, case: HostileRequest
) -> None:
    """The case's own `source`; requirement SEC-11: a counter, at most one bounded log line, no traceback."""
    answers_and_counts(service, target, case)


@pytest.mark.parametrize("case", TOKENS, ids=str)
def test_a_hostile_token_gets_the_expected_response_and_is_counted(
    guarded: Service, issuer: Issuer, case: HostileRequest
) -> None:
    """The case's own `source`; requirement SEC-11: as above, and no part of a token is logged."""
    answers_and_counts(guarded, target_of(guarded, issuer), case)
    assert "eyJ" not in guarded.log.read_text()


def answers_and_counts(service: Service, target: Target, case: HostileRequest) -> None:
    """Fail unless the process sends the expected response, counts it, and logs at most one line."""
    before, lines_before = counter_total(target.samples(), case.counter), len(service.lines())
    response = send(case, target)
    assert (response.status, response.code) == (case.status, case.code), response.body[:500]
    wait_until(lambda: case.counter is None or counter_total(target.samples(), case.counter) > before)
    wait_until(lambda: sample_value(target.samples(), ACTIVE) == 0)
    lines = service.lines()[lines_before:]
    assert len(lines) <= case.log_lines, lines
    assert case.traceback or not [line for line in lines if "exception" in line]
    assert all(len(json.dumps(line)) <= LINE_CHARACTERS for line in lines)


def test_all_hostile_requests_leave_the_process_unchanged(service: Service, target: Target) -> None:
    """Requirement SEC-11: no traceback, open file, in-flight call or memory is left; a legal call succeeds."""
    leaves_no_trace(service, target, [case for case in CASES if case.status != 408 and not case.traceback])
    legal = next(case for case in CASES if case.name == "the name in base64")
    assert send(legal, target).status == 200


def test_hostile_tokens_leave_the_process_unchanged(guarded: Service, issuer: Issuer) -> None:
    """Requirement SEC-11: as above; and a valid token is still accepted."""
    target = target_of(guarded, issuer)
    leaves_no_trace(guarded, target, list(TOKENS))
    good = next(case for case in TOKENS if case.name == "a token without the service's scope")
    assert send(replace(good, token=lambda issuer, resource: issuer.token(aud=resource)), target).status == 200


def leaves_no_trace(service: Service, target: Target, quick: list[HostileRequest]) -> None:
    """Send all several times, and fail if anything of them stays."""
    lines_before = len(service.lines())
    for case in quick:
        send(case, target)
    wait_until(lambda: sample_value(target.samples(), ACTIVE) == 0)
    before = target.samples()
    for case in [case for round_of_cases in repeat(quick, ROUNDS) for case in round_of_cases]:
        send(case, target)
    wait_until(lambda: sample_value(target.samples(), ACTIVE) == 0)
    wait_until(lambda: sample_value(target.samples(), "process_open_fds") <= sample_value(before, "process_open_fds"))
    memory = "process_resident_memory_bytes"
    assert sample_value(target.samples(), memory) < MEMORY_FACTOR * sample_value(before, memory)
    assert sample_value(target.samples(), contract.METRIC_QUEUE_DEPTH) == 0
    assert not [line for line in service.lines()[lines_before:] if "exception" in line]
    assert service.process.poll() is None
