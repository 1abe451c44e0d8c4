"""`sessions: {store: redis}`: two replicas as processes and a real Redis; a client goes on where it was."""

import contextlib
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import httpx
import pytest
from redis import Redis

from meshed_mcp import contract
from meshed_mcp.agents import bridge
from tests.behaviors.replicas import Service, StartService, eventually
from tests.behaviors.session_client import SessionClient, call, message, text_of
from tests.redis_server import RedisServer

pytestmark = [pytest.mark.anyio, pytest.mark.engine("redis-server")]

SCRIPT = Path(__file__).parent / "sessions_service.py"
BRIDGE = Path(bridge.__file__).with_name("__main__.py")
UPSTREAM = Path(__file__).parents[1] / "unit" / "agents" / "bridge" / "upstream_server.py"
SECONDS = 30


@pytest.fixture
def replica(start_service: StartService, redis: RedisServer) -> Callable[..., Service]:
    """Start one replica."""

    def start(script: Path = SCRIPT, **variables: str) -> Service:
        return start_service(
            script,
            **{
                contract.ENV_LEGACY: contract.Legacy.STICKY,
                contract.ENV_SESSION_STORE: contract.SessionStore.REDIS,
                contract.ENV_REDIS_URL: redis.url,
                **variables,
            },
        )

    return start


@asynccontextmanager
async def session(service: Service, **capabilities: object) -> AsyncIterator[SessionClient]:
    """A session that the replica has opened."""
    async with httpx.AsyncClient(trust_env=False, timeout=SECONDS) as http:
        client = SessionClient(http, service.url)
        await client.open(**capabilities)
        yield client


async def test_a_session_survives_its_replica(replica: Callable[..., Service]) -> None:
    """Requirement STR-5: after a kill, the same id goes on at another replica, and stays there."""
    one, two = replica(), replica()
    async with session(one) as client:
        assert text_of(await client.result(call("where", 1))) == str(one.process.pid)
        one.process.kill()
        for number in range(2, 5):
            assert text_of(await client.result(call("where", number), two.url)) == str(two.process.pid)
        ping = await client.send(message("ping", 9), two.url)
        assert ping.headers[contract.SESSION_HEADER] == client.session
    assert two.sample('mcp_server_session_takeovers_total{outcome="resumed"}') == 1
    assert two.sample(contract.METRIC_ACTIVE_SESSIONS) == 1


async def test_a_session_behind_the_bridge_survives_its_replica(replica: Callable[..., Service]) -> None:
    """Requirement STR-5: the next bridge opens a new session with its upstream, and the client keeps its id."""
    upstream = json.dumps([sys.executable, str(UPSTREAM), "stdio"])
    one, two = (replica(script=BRIDGE, **{contract.ENV_UPSTREAM_COMMAND: upstream}) for _ in range(2))
    async with session(one) as client:
        assert text_of(await client.result(call("echo", 1, text="before"))) == "before"
        one.process.kill()
        assert text_of(await client.result(call("echo", 2, text="after"), two.url)) == "after"


async def test_a_session_that_two_replicas_serve_in_turn_goes_on(replica: Callable[..., Service]) -> None:
    """Requirement STR-5: the replica that is asked has the session; the other one's copy writes no more."""
    one, two = replica(), replica()
    async with session(one) as client:
        for number in range(1, 7):
            asked = (one, two)[number % 2]
            assert text_of(await client.result(call("where", number), asked.url)) == str(asked.process.pid)


async def test_a_deleted_session_ends_everywhere(replica: Callable[..., Service]) -> None:
    """MCP 2025-11-25, "Session Management": DELETE; no replica opens the session again."""
    one, two = replica(), replica()
    async with session(one) as client:
        assert text_of(await client.result(call("where", 1), two.url)) == str(two.process.pid)
        deleted = await client.http.delete(two.url, headers=client.named)
        assert deleted.status_code == 200
        assert [(await client.send(message("ping", 2), each.url)).status_code for each in (one, two)] == [404, 404]


async def test_an_unknown_session_is_not_found(replica: Callable[..., Service]) -> None:
    """MCP 2025-11-25, "Session Management": 404 as without a store."""
    one = replica()
    async with session(one) as client:
        client.session = "f" * 32
        assert (await client.send(message("ping", 2))).status_code == 404


async def test_a_result_that_the_client_missed_is_sent_after_it_resumes(
    replica: Callable[..., Service], tmp_path: Path
) -> None:
    """Requirement STR-4: the connection breaks during the call; each event arrives once."""
    one = replica()
    async with session(one) as client:
        async with client.stream(call("steps", 1, name="go")) as events:
            await events.primed()
            first = await events.next()
            assert first is not None
            assert first["params"]["progress"] == 1
        (tmp_path / "go").touch()
        async with client.stream(after=events.last) as resumed:
            found = [await resumed.next() for _ in range(4)]
        assert [each and each.get("params", {}).get("progress") for each in found] == [2, 3, None, None]
        assert found[2] is not None
        assert text_of(found[2]) == "done"
        assert found[3] is None
        async with client.stream(after=resumed.last) as again:
            assert await again.next() is not None  # the result is the last event: nothing is left, which is an error


async def test_messages_of_the_session_survive_the_replica(replica: Callable[..., Service]) -> None:
    """Requirement STR-4: what was sent while no stream was open arrives after the client resumes at another replica."""
    one, two = replica(), replica()
    async with session(one) as client:
        async with client.stream() as events:
            assert text_of(await client.result(call("announce", 1, times=2))) == "sent"
            heard = [await events.next() for _ in range(2)]
        assert [each and each["params"]["uri"] for each in heard] == ["memo://0", "memo://1"]
        await client.result(call("announce", 2, times=3))
        one.process.kill()
        async with client.stream(after=events.last, url=two.url) as resumed:
            missed = [await resumed.next() for _ in range(3)]
            assert [each and each["params"]["uri"] for each in missed] == ["memo://0", "memo://1", "memo://2"]
            await client.result(call("announce", 3, times=1), two.url)
            live = await resumed.next()
            assert live is not None
            assert live["params"]["uri"] == "memo://0"


async def test_a_call_that_its_replica_took_along_ends_with_an_error(replica: Callable[..., Service]) -> None:
    """Requirement STR-5: the resumed stream ends with an error for the call, and says that it may have taken effect."""
    one, two = replica(), replica()
    async with session(one) as client:
        async with client.stream(call("steps", 7, name="never")) as events:
            await events.primed()
            one.process.kill()
            with contextlib.suppress(httpx.TransportError):
                while await events.next() is not None:
                    pass
        async with client.stream(after=events.last, url=two.url) as resumed:
            found = [await resumed.next() for _ in range(2)]
        assert found[0] is not None
        assert (found[0]["id"], found[0]["error"]["code"], found[1]) == (7, -32603, None)
        assert "may have taken effect" in found[0]["error"]["message"]


async def test_a_late_answer_to_a_lost_question_answers_no_other_one(replica: Callable[..., Service]) -> None:
    """Requirement STR-5: the new replica's first question has an id that the old one's cannot have."""
    one, two = replica(), replica()
    async with session(one, elicitation={"form": {}}) as client:
        async with client.stream(call("ask", 1, question="Delete the old files?")) as events:
            await events.primed()
            old = await events.next()
            assert old is not None
            one.process.kill()
        answer = {"action": "accept", "content": {"text": "yes"}}
        async with client.stream(call("ask", 2, question="Delete everything?"), url=two.url) as events:
            await events.primed()
            new = await events.next()
            assert new is not None
            assert new["id"] != old["id"]
            stale = {"jsonrpc": "2.0", "id": old["id"], "result": answer}
            assert (await client.send(stale, two.url)).status_code == 202
            fresh = {"jsonrpc": "2.0", "id": new["id"], "result": {"action": "decline"}}
            assert (await client.send(fresh, two.url)).status_code == 202
            result = await events.next()
            assert result is not None
            assert text_of(result) == "decline"


async def test_a_stopping_replica_hands_its_sessions_over(replica: Callable[..., Service], tmp_path: Path) -> None:
    """Requirement STR-5: its in-flight call finishes; other requests get 503 with the header for callers' proxies."""
    one, two = replica(), replica()
    async with session(one) as client:
        async with client.stream(call("steps", 1, name="go")) as events:
            await events.primed()
            one.process.terminate()
            await eventually(lambda: one.said("rejecting new requests"))
            moved = await client.send(message("ping", 2))
            assert (moved.status_code, moved.headers[contract.CONNECT_FAILURE_HEADER]) == (503, "true")
            assert text_of(await client.result(call("where", 3), two.url)) == str(two.process.pid)
            (tmp_path / "go").touch()
            found = [await events.next() for _ in range(4)]
        assert found[3] is not None
        assert text_of(found[3]) == "done"
    assert await one.exit_code(within_seconds=SECONDS) == 0


async def test_only_the_owner_takes_a_session_along(replica: Callable[..., Service]) -> None:
    """Requirement STR-3: another mesh identity gets 404 at every replica, and the owner's session stays."""
    trusting = {contract.ENV_TRUSTED_PROXIES: contract.ANY_PROXY}
    one, two = replica(**trusting), replica(**trusting)
    peer = "x-forwarded-client-cert"
    async with httpx.AsyncClient(trust_env=False, timeout=SECONDS) as http:
        owner = SessionClient(http, one.url, headers={peer: "URI=spiffe://cluster.local/ns/a/sa/owner"})
        await owner.open()
        thief = SessionClient(http, two.url, owner.session, {peer: "URI=spiffe://cluster.local/ns/a/sa/thief"})
        for url in (one.url, two.url):
            assert (await thief.send(message("ping", 1), url)).status_code == 404
            assert (await http.delete(url, headers=thief.named)).status_code == 404
        assert (await owner.send(message("ping", 2), two.url)).status_code == 200


async def test_event_ids_of_another_session_and_invented_ones_replay_nothing(
    replica: Callable[..., Service],
) -> None:
    """Requirement STR-6: an id holds a MAC that only its session makes."""
    one = replica()
    async with session(one) as client, session(one) as other:
        async with client.stream() as events:
            await client.result(call("announce", 1, times=2))
            await events.next()
        number, stream, mac = events.last.split(".")
        invented = [f"{int(number) - 1}.{stream}.{mac}", f"{number}.{stream}", "1", "-1", f"{number}..{mac}", "a.b.c"]
        for after in [events.last, *invented]:
            async with other.stream(after=after) as resumed:
                assert await resumed.next() is None
        for after in invented:
            async with client.stream(after=after) as resumed:
                assert await resumed.next() is None


async def test_stored_events_are_bounded_and_expire(replica: Callable[..., Service], redis: RedisServer) -> None:
    """Requirement STR-6: number, bytes and expiry of one session's events in Redis; ids are not in its keys."""
    one = replica(**{contract.ENV_SESSION_IDLE_SECONDS: "600"})
    with Redis.from_url(redis.url) as store:
        async with session(one) as client:
            await client.result(call("announce", 1, times=600))
            for number in range(2, 6):
                await client.result(call("large", number, size=400_000))
            await client.result(call("large", 6, size=2_000_000))
            keys = list(store.scan_iter("*:session:*"))
            assert len(keys) == 2
            assert not any(client.session.encode() in key for key in keys)
            (events,) = [key for key in keys if key.endswith(b":events")]
            entries = store.xrange(events)
            assert len(entries) <= 256
            assert sum(len(fields[b"d"]) for _, fields in entries) <= 1024 * 1024
            assert all(0 < store.pttl(key) <= 600_000 for key in keys)
            (last,) = [fields for _, fields in entries[-1:]]
            assert b"too old or too large to keep" in last[b"d"]


async def test_without_redis_sessions_go_on_in_memory(replica: Callable[..., Service], redis: RedisServer) -> None:
    """Requirement STR-7: open sessions, new ones and their streams; afterwards Redis has them again."""
    one, two = replica(), replica()
    async with session(one) as client:
        redis.stop()
        assert text_of(await client.result(call("where", 1))) == str(one.process.pid)
        async with client.stream() as events:
            await client.result(call("announce", 2, times=2))
            await events.next()
        async with client.stream(after=events.last) as resumed:
            found = await resumed.next()
            assert found is not None
            assert found["params"]["uri"] == "memo://1"
        async with session(one) as new:
            assert text_of(await new.result(call("where", 1))) == str(one.process.pid)
            await eventually(lambda: one.sample(contract.METRIC_SESSION_STORE_CONNECTED) == 0)
            redis.start()
            with anyio.fail_after(SECONDS):
                while one.sample(contract.METRIC_SESSION_STORE_CONNECTED) == 0:
                    await new.send(message("ping", 2))
                    await client.send(message("ping", 2))
            for each in (client, new):
                await each.send(message("ping", 3))
                assert text_of(await each.result(call("where", 4), two.url)) == str(two.process.pid)
    assert one.ready()
    assert one.said("sessions are only in the memory of this replica")


async def test_a_redis_that_does_not_answer_delays_requests_only_briefly(
    replica: Callable[..., Service], redis: RedisServer
) -> None:
    """Requirement STR-7: a frozen Redis costs one time-out, after which requests do not wait for it."""
    one = replica()
    async with session(one) as client:
        redis.freeze()
        try:
            with anyio.fail_after(SECONDS):
                for number in range(1, 20):
                    assert (await client.send(message("ping", number))).status_code == 200
        finally:
            redis.thaw()
