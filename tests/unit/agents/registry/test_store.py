"""Leases, expiry and listing of the catalog, on both databases."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from meshed_mcp.agents.registry.model import NotRegisteredError, ServerEntry, server_entry
from meshed_mcp.agents.registry.store import ListQuery, Store

Clock = Any


def entry(name: str = "ns/rag", version: str = "1.0.0", description: str = "Search") -> ServerEntry:
    """An entry."""
    return server_entry(name, version, "http://rag:8000/mcp", description=description)


def names(store: Store, **query: Any) -> list[str]:
    """Names and versions that a list shows."""
    return [f"{found.entry.name} {found.entry.version}" for found in store.page(ListQuery(**query)).registrations]


def test_a_registered_server_is_found_unchanged(store: Store) -> None:
    """Official registry API v0.1: `latest` stands for the only version there is."""
    store.register(entry(), "pod-1", 30)
    assert store.find("ns/rag").entry == entry()
    assert store.find("ns/rag", "1.0.0").is_latest


def test_an_expired_entry_is_never_returned(store: Store, clock: Clock) -> None:
    """Requirement REG-2: a lookup returns only servers that held a lease, even before the sweep."""
    store.register(entry(), "pod-1", 30)
    clock.now += 29.9
    assert names(store) == ["ns/rag 1.0.0"]
    clock.now += 0.1
    assert names(store) == []
    assert store.versions("ns/rag") == ()
    assert store.size() == (0, 0)
    with pytest.raises(NotRegisteredError, match="ns/rag: no live server has this name"):
        store.find("ns/rag")


def test_the_sweep_removes_only_expired_entries(store: Store, clock: Clock) -> None:
    """Requirement REG-5: expired entries are removed, so the table does not grow with every rollout."""
    store.register(entry(version="1"), "pod-1", 10)
    store.register(entry(version="2"), "pod-2", 20)
    clock.now += 15
    assert store.remove_expired() == 1
    assert store.remove_expired() == 0
    clock.now -= 15  # were it only hidden, it would be back
    assert names(store) == ["ns/rag 2"]


def test_a_heartbeat_extends_the_lease(store: Store, clock: Clock) -> None:
    """Requirement REG-1: a server registers, then renews at a third of the lease."""
    store.register(entry(), "pod-1", 30)
    clock.now += 20
    assert store.renew("ns/rag", "1.0.0", "pod-1", 30).expires_at == clock.now + 30
    clock.now += 20
    assert names(store) == ["ns/rag 1.0.0"]


def test_a_heartbeat_after_expiry_requests_a_new_publication(store: Store, clock: Clock) -> None:
    """Requirement REG-1: an expired entry cannot be renewed; the registry no longer has its tools."""
    store.register(entry(), "pod-1", 30)
    clock.now += 30
    with pytest.raises(NotRegisteredError, match=r"ns/rag 1\.0\.0: not registered; publish it again"):
        store.renew("ns/rag", "1.0.0", "pod-1", 30)


def test_an_instance_without_a_lease_cannot_renew_another_instances_lease(store: Store) -> None:
    """Requirement REG-1: each replica holds its own lease."""
    store.register(entry(), "pod-1", 30)
    with pytest.raises(NotRegisteredError, match="the instance pod-2 holds no lease; publish it again"):
        store.renew("ns/rag", "1.0.0", "pod-2", 30)


def test_the_end_of_one_replica_keeps_the_others_registered(store: Store, clock: Clock) -> None:
    """Requirement REG-2: an entry lives as long as the longest lease of its instances."""
    store.register(entry(), "pod-1", 30)
    store.register(entry(), "pod-2", 10)
    assert store.find("ns/rag").expires_at == clock.now + 30
    store.release("ns/rag", "1.0.0", "pod-1")
    assert store.find("ns/rag").expires_at == clock.now + 10
    store.release("ns/rag", "1.0.0", "pod-2")
    assert names(store) == []


def test_release_and_removal_of_a_missing_entry_are_rejected(store: Store) -> None:
    """Official registry API v0.1: 404 for a version that is not there."""
    with pytest.raises(NotRegisteredError):
        store.release("ns/rag", "1.0.0", "pod-1")
    with pytest.raises(NotRegisteredError):
        store.remove("ns/rag", "1.0.0")


def test_removal_removes_all_leases(store: Store) -> None:
    """Official registry API v0.1, DELETE of a version."""
    store.register(entry(), "pod-1", 30)
    assert store.remove("ns/rag", "1.0.0").entry == entry()
    assert names(store) == []
    with pytest.raises(NotRegisteredError):
        store.renew("ns/rag", "1.0.0", "pod-1", 30)


def test_dates_show_first_publication_and_last_change(store: Store, clock: Clock) -> None:
    """Official registry API v0.1: `publishedAt` is the first time, `updatedAt` the last change of the document."""
    first = store.register(entry(), "pod-1", 100)
    clock.now += 1
    same = store.register(entry(), "pod-1", 100)
    assert (same.published_at, same.updated_at) == (first.published_at, first.updated_at)
    clock.now += 1
    changed = store.register(entry(description="Find"), "pod-1", 100)
    assert (changed.published_at, changed.updated_at) == (first.published_at, clock.now)
    clock.now += 200
    again = store.register(entry(), "pod-1", 100)
    assert again.published_at == clock.now


def test_latest_is_the_highest_version_not_the_last_published(store: Store) -> None:
    """Official registry: `isLatest` follows semantic versioning."""
    for version in ("0.10.0", "0.9.0"):
        store.register(entry(version=version), "pod-1", 30)
    assert store.find("ns/rag").entry.version == "0.10.0"
    assert names(store, version="latest") == ["ns/rag 0.10.0"]
    assert names(store, version="0.9.0") == ["ns/rag 0.9.0"]
    with pytest.raises(NotRegisteredError, match=r"version '7' is not live; live versions: 0\.10\.0, 0\.9\.0"):
        store.find("ns/rag", "7")


def test_pages_together_contain_every_entry_once(store: Store) -> None:
    """Official registry API v0.1: the cursor of a page addresses the next one."""
    for number in range(7):
        store.register(entry(name=f"ns/s{number // 2}", version=str(number)), "pod-1", 30)
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = store.page(ListQuery(limit=3, cursor=cursor))
        seen += [found.entry.version for found in page.registrations]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == [str(number) for number in range(7)]


def test_search_is_a_substring_match_without_wildcards(store: Store) -> None:
    """Official registry API v0.1: substring match; `%` and `_` are SQL's, not the caller's."""
    store.register(entry(name="ns/rag", description="Ranked search, 100 % local"), "pod-1", 30)
    store.register(entry(name="ns/llm", description="Summaries"), "pod-1", 30)
    assert names(store, search="RAG") == ["ns/rag 1.0.0"]
    assert names(store, search="summar") == ["ns/llm 1.0.0"]
    assert names(store, search="%") == ["ns/rag 1.0.0"]
    assert names(store, search="_") == []


def test_a_list_can_be_limited_to_recent_changes(store: Store, clock: Clock) -> None:
    """Official registry API v0.1: `updated_since`, for aggregators."""
    store.register(entry(name="ns/old"), "pod-1", 100)
    clock.now += 10
    store.register(entry(name="ns/new"), "pod-1", 100)
    assert names(store, updated_since=clock.now) == ["ns/new 1.0.0"]


def test_concurrent_writers_lose_no_lease(store: Store, clock: Clock) -> None:
    """Requirement REG-3: concurrent writers and the sweep are safe; the last lease of each counts."""
    together = threading.Barrier(4)

    def replica(instance: str) -> None:
        together.wait()
        for _ in range(10):
            store.register(entry(), instance, 30)
            store.renew("ns/rag", "1.0.0", instance, 60)

    def sweeper() -> None:
        together.wait()
        for _ in range(10):
            store.remove_expired()

    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(replica, f"pod-{number}") for number in range(3)]
        for writer in [*writers, pool.submit(sweeper)]:
            writer.result()
    for number in range(3):
        assert store.find("ns/rag").expires_at == clock.now + 60
        store.release("ns/rag", "1.0.0", f"pod-{number}")
    assert store.size() == (0, 0)
