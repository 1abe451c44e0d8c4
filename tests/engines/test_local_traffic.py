"""Routes and traffic policies with real Envoys: versions, mirrors, load balancing, timeouts.

`back` is a stack of its own in each test; `front` calls it through its sidecar. Source of what is expected: Istio API,
VirtualService and DestinationRule.
"""

import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import httpx2

from bench import stacks
from bench.steady import MODERN, Rates, executions, message, version
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.local.process.changes import kill, replicas_of, roll_out
from meshed_mcp.local.process.container import RunFolders
from meshed_mcp.local.process.stack_runner import Running, running
from meshed_mcp.local.translate.stack import read_stack
from meshed_mcp.local.translate.topology import OUTBOUND_PORT
from tests.engines import local_stack
from tests.engines.processes import free_port
from tests.engines.waiting import wait_for

QUICK: Final = Rates(modern=0, legacy=0, sessions=0, work_milliseconds=0)
HEADERS: Final = {"accept": "application/json, text/event-stream", "mcp-method": "tools/call", "mcp-name": "count"}
URL: Final = "http://back:8000/mcp"
FEW: Final = 30


def rendered(counts: Path, **more: Any) -> list[Manifest]:
    """`back` with these settings; each version answers with its name."""
    back = stacks.server("back", "counted", callers=["front"], env={"VERSION": "stable", "COUNTS": str(counts)}, **more)
    for item in back:
        name = item["metadata"]["name"]
        if item["kind"] == "Deployment" and name != "back":
            local_stack.set_version(item, name.removeprefix("back-"))
    front = stacks.server("front", "service", replicas=1)
    return [*stacks.mesh(), *front, *back]


@contextlib.contextmanager
def started(tmp_path: Path, places: Sequence[str] = ("",), **more: Any) -> Iterator[tuple[Running, Path]]:
    """The stack, running, and where executions are noted."""
    counts = tmp_path / "counts"
    counts.mkdir()
    stack = read_stack(rendered(counts, **more))
    where = RunFolders(tmp_path / "run", tmp_path / "secrets")
    with running(stack, free_port(), where, lambda _: None, localities=tuple(places)) as up:
        yield up, counts


@contextlib.contextmanager
def as_front(up: Running) -> Iterator[httpx2.Client]:
    """A client that calls as `front` does."""
    (front,) = replicas_of(up, "front")
    with httpx2.Client(
        proxy=f"http://{front.address}:{OUTBOUND_PORT}", headers=HEADERS, trust_env=False, timeout=60
    ) as client:
        yield client


def ask(
    client: httpx2.Client, token: str, milliseconds: int = 0, headers: dict[str, str] | None = None
) -> tuple[str, str]:
    """Version and replica that answer one call, or the status and the text of what came instead."""
    rates = Rates(0, 0, 0, milliseconds)
    answer = client.post(URL, json=message(token, rates, MODERN), headers=version(MODERN) | (headers or {}))
    if answer.status_code != httpx2.codes.OK:
        return str(answer.status_code), answer.text
    text = answer.json()["result"]["content"][0]["text"]
    return text.split()[1], text.split()[2]


def versions(client: httpx2.Client, **headers: str) -> Counter[str]:
    """Who answers some calls."""
    return Counter(ask(client, f"{number}", headers=headers)[0] for number in range(FEW))


def test_blue_green_by_header_then_switched_over_and_back(tmp_path: Path) -> None:
    """Istio HTTPMatchRequest, `headers` exact; the default route is last. Two versions of a service."""
    rollout = {"strategy": "blue_green", "image": "registry.example.com/bench:2", "active": "blue"}
    with started(tmp_path, replicas=1, rollout=rollout) as (up, counts), as_front(up) as client:
        assert versions(client) == {"stable": FEW}
        assert versions(client, **{"x-deployment-stage": "green"}) == {"green": FEW}
        assert versions(client, **{"x-deployment-stage": "red"}) == {"stable": FEW}
        roll_out(up, read_stack(rendered(counts, replicas=1, rollout=rollout | {"active": "green"})))
        assert versions(client) == {"green": FEW}
        assert versions(client, **{"x-deployment-stage": "blue"}) == {"stable": FEW}
        roll_out(up, read_stack(rendered(counts, replicas=1, rollout=rollout)))
        assert versions(client) == {"stable": FEW}


def test_a_b_routing_by_a_regex_over_the_whole_header(tmp_path: Path) -> None:
    """Istio StringMatch, `regex`: RE2, full match."""
    rollout = {
        "strategy": "ab",
        "image": "registry.example.com/bench:2",
        "header": "user-agent",
        "regex": ".*Mobile.*",
    }
    with started(tmp_path, replicas=1, rollout=rollout) as (up, _), as_front(up) as client:
        assert versions(client, **{"user-agent": "Phone Mobile 1.0"}) == {"variant": FEW}
        assert versions(client, **{"user-agent": "Desk 1.0"}) == {"stable": FEW}


def test_a_mirror_gets_calls_of_the_named_tool_and_its_responses_are_dropped(tmp_path: Path) -> None:
    """Istio HTTPRoute, `mirrors`: fire and forget. Both versions note their executions."""
    rollout = {
        "strategy": "canary",
        "image": "registry.example.com/bench:2",
        "weights": {"stable": 100, "canary": 0},
        "mirror": {"tools": ["count"], "percent": 100},
    }
    tools = {"count": {"read_only": True}}
    with started(tmp_path, replicas=1, rollout=rollout, tools=tools) as (up, counts), as_front(up) as client:
        assert versions(client) == {"stable": FEW}
        wait_for(lambda: set(executions(counts).values()) == {2}, "a copy of each call")
        assert len(executions(counts)) == FEW


def test_one_organization_stays_on_one_replica(tmp_path: Path) -> None:
    """Istio ConsistentHashLB, `httpHeaderName`: as long as the replicas are the same."""
    traffic = {"balancing": {"policy": "consistent_hash", "hash_header": "x-organization-id"}}
    with started(tmp_path, replicas=3, traffic=traffic) as (up, _), as_front(up) as client:
        seen = {
            organization: {
                ask(client, f"{number}", headers={"x-organization-id": organization})[1] for number in range(5)
            }
            for organization in map(str, range(12))
        }
        assert {len(replicas) for replicas in seen.values()} == {1}
        assert len(set.union(*seen.values())) > 1


def test_round_robin_alternates_between_replicas(tmp_path: Path) -> None:
    """Istio LoadBalancerSettings, `simple: ROUND_ROBIN`."""
    with (
        started(tmp_path, replicas=3, traffic={"balancing": {"policy": "round_robin"}}) as (up, _),
        as_front(up) as client,
    ):
        assert sorted(Counter(ask(client, f"{number}")[1] for number in range(30)).values()) == [10, 10, 10]


def test_calls_stay_in_their_region_until_its_replicas_are_down(tmp_path: Path) -> None:
    """Istio LocalityLoadBalancerSetting, `failover`, with outlier detection; two regions on one machine."""
    traffic = {"locality": {"failover": {"europe": "america"}}}
    with started(tmp_path, ("europe/a", "america/a"), replicas=2, traffic=traffic) as (up, _), as_front(up) as client:
        near, far = replicas_of(up, "back")
        assert {ask(client, f"{number}")[1] for number in range(FEW)} == {near.address}
        kill(up, near)
        wait_for(lambda: ask(client, "again")[1] == far.address, "an answer from the other region")


def test_calls_are_distributed_between_localities_by_share(tmp_path: Path) -> None:
    """Istio LocalityLoadBalancerSetting, `distribute`. 200 calls at 80 %: outside 66 to 94 % in one of 10**6 runs."""
    traffic = {"locality": {"distribute": {"europe/a": {"europe/a": 80, "europe/b": 20}}}}
    with started(tmp_path, ("europe/a", "europe/b"), replicas=2, traffic=traffic) as (up, _), as_front(up) as client:
        near, _ = replicas_of(up, "back")
        found = Counter(ask(client, f"{number}")[1] for number in range(200))
        assert 132 <= found[near.address] <= 188


def test_a_slow_call_is_cancelled_where_its_tool_has_a_timeout(tmp_path: Path) -> None:
    """Istio HTTPRoute, `timeout`; only a tool that may be retried gets one, others are bounded by the server."""
    tools = {"count": {"read_only": True, "timeout_seconds": 1}}
    with started(tmp_path, replicas=1, tools=tools) as (up, _), as_front(up) as client:
        assert ask(client, "quick")[0] == "stable"
        assert ask(client, "slow", milliseconds=30_000)[0] == "504"


def test_a_call_over_the_connection_pool_gets_503_at_once(tmp_path: Path) -> None:
    """Istio ConnectionPoolSettings: 16 streams and one queued; another one gets 503, and nothing is executed."""
    traffic = {"connections": {"streams": 16, "pending_requests": 1}}
    with started(tmp_path, replicas=1, traffic=traffic) as (up, counts):
        found: list[str] = []

        def call(number: int) -> None:
            with as_front(up) as client:
                found.append(ask(client, f"full{number}", milliseconds=8000)[0])

        with ThreadPoolExecutor(24) as pool:
            list(pool.map(call, range(24)))
        answers = Counter(found)
        assert answers.keys() == {"503", "stable"}
        assert answers["503"] >= 7
        assert len(executions(counts)) == answers["stable"]
