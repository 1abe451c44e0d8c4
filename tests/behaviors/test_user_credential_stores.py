"""Stores of user credentials: what is at rest, two replicas, rotation of keys, and tokens that expire."""

import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis
from sqlalchemy import create_engine, text

from meshed_mcp import contract
from tests.behaviors.replicas import StartService
from tests.behaviors.user_credentials import KEY, SCRIPT, text_of, world
from tests.mounted_files import MountedFiles
from tests.postgresql_server import PostgreSQLServer
from tests.redis_server import redis_server

PERSON = "margaret-hamilton"
NAME = "secret/vault/keys"
NEW_KEY = "n" * 64
TABLE = "SELECT value FROM user_credential_records"


@contextmanager
def redis_store(find_engine: Callable[[str], Path]) -> Iterator[tuple[dict[str, str], Callable[[], str]]]:
    """Variables of a service with a real Redis, and what is there."""
    server = redis_server(find_engine("redis-server"))
    server.start()
    try:
        with Redis.from_url(server.url, protocol=2) as client:
            yield (
                {contract.ENV_REDIS_URL: server.url},
                lambda: str([(key, client.get(key)) for key in client.scan_iter("*") if client.type(key) == b"string"]),
            )
    finally:
        server.stop()


@contextmanager
def postgresql_store(find_engine: Callable[[str], Path]) -> Iterator[tuple[dict[str, str], Callable[[], str]]]:
    """The same with a real PostgreSQL."""
    server = PostgreSQLServer(find_engine)
    server.start()
    try:
        url = server.new_database()

        def records() -> str:
            engine = create_engine(url)
            with engine.connect() as connection:
                found = str(connection.execute(text(TABLE)).scalars().all())
            engine.dispose()
            return found

        yield {contract.ENV_DATABASE_URL: url}, records
    finally:
        server.stop()
        server.remove()


@pytest.mark.parametrize("store", [redis_store, postgresql_store])
def test_replicas_share_encrypted_credentials_and_states_work_once(
    start_service: StartService, find_engine: Callable[[str], Path], store: Callable[..., object]
) -> None:
    """Requirement USR-6: another replica completes a link, and nothing at rest shows a token or a user."""
    with store(find_engine) as (variables, records), world(start_service) as around:  # type: ignore[attr-defined]
        public = {contract.ENV_PUBLIC_URLS: "http://localhost:1"}
        first, second = (around.start(**variables, **public) for _ in range(2))
        browser = around.browser(PERSON)

        def at(number: int, url: str) -> str:
            service = (first, second)[number]
            return url.replace("http://localhost:1/", f"http://localhost:{service.port}/")

        asked = around.call(first, PERSON, "key")
        link = asked["inputRequests"]["user-credential-search"]["params"]["url"]
        browser.http.follow_redirects = False
        login = browser.open(at(0, link)).headers["location"]
        back = browser.open(login).headers["location"]
        form = browser.open(at(1, back))
        assert form.status_code == 200
        assert browser.open(at(0, back)).status_code == 400, "replayed at the other replica"
        state = form.text.partition('name="state" value="')[2].partition('"')[0]
        submit = f"http://localhost:{first.port}/mcp/credentials/submit"
        assert browser.http.post(submit, data={"state": state, "value": "key-of-margaret"}).status_code == 200
        assert [text_of(around.call(each, PERSON, "key")) for each in (first, second)] == ["key-of-margaret"] * 2
        stored = records()
        assert "v1." in stored
        assert not [word for word in (PERSON, "key-of-margaret", "search", around.issuer.url) if word in stored]


def test_a_removed_key_makes_its_credentials_unreadable_and_a_kept_one_does_not(
    start_service: StartService, tmp_path: Path
) -> None:
    """Requirement USR-7: keys rotate as those of request state; the file is read again without a restart."""
    with world(start_service) as around:
        around.connect(around.start(), "ada", "key")
        (path,) = tmp_path.glob("*.db")
        for keys, found in ((f"{NEW_KEY}\n{KEY}", True), (NEW_KEY, False)):
            result = around.call(around.start(**{contract.ENV_CREDENTIAL_KEYS: keys}), "ada", "key")
            assert ("content" in result) is found
        (value,) = [row[0] for row in sqlite3.connect(path).execute(TABLE) if len(row[0]) > 200]
        assert "key-of-ada" not in value


def test_a_key_file_that_changes_is_read_again(start_service: StartService, tmp_path: Path) -> None:
    """Requirement USR-7: the same, in a running process with a mounted file."""
    with world(start_service) as around:
        files = MountedFiles(tmp_path / "mounted", {NAME: KEY})
        variables = around.variables()
        del variables[contract.ENV_CREDENTIAL_KEYS]
        named = {f"{contract.ENV_CREDENTIAL_KEYS}{contract.FILE_SUFFIX}": files.path(NAME)}
        service = start_service(SCRIPT, **variables, **named)
        around.connect(service, "ada", "key")
        files.replace({NAME: f"{NEW_KEY}\n{KEY}"})
        assert text_of(around.call(service, "ada", "key")) == "key-of-ada"
        files.replace({NAME: NEW_KEY})
        assert around.call(service, "ada", "key")["resultType"] == "input_required"


def test_an_expiring_token_is_refreshed_once_by_concurrent_calls_of_two_replicas(start_service: StartService) -> None:
    """RFC 9700, section 4.14.2: a refresh token works once, so two refreshes at a time would end the grant."""
    with world(start_service, lifetime_seconds=20) as around:
        service = around.start()
        around.connect(service, "ada")
        second = around.start()
        around.provider.people.lifetime_seconds = 3600
        before = len(around.provider.requests)
        with ThreadPoolExecutor(8) as threads:
            calls = [threads.submit(around.call, each, "ada") for each in (service, second) * 4]
            tokens = {text_of(each.result()) for each in calls}
        assert len(tokens) == 1
        assert len(around.provider.requests) - before == 1


def test_a_refused_refresh_token_asks_the_user_again_and_a_failing_provider_does_not(
    start_service: StartService,
) -> None:
    """RFC 6749, section 5.2: `invalid_grant` ends a credential; an error of the server is temporary."""
    with world(start_service, lifetime_seconds=20) as around:
        service = around.start()
        around.connect(service, "ada")
        around.provider.status = 503
        assert around.call(service, "ada")["error"]["message"].startswith("The account at Notes & Co cannot be used")
        assert service.said("MM1078")
        around.provider.status = 200
        around.provider.people.refresh.clear()
        assert around.call(service, "ada")["resultType"] == "input_required"


def test_a_store_that_is_down_is_an_error_and_no_request_for_a_credential(
    start_service: StartService, find_engine: Callable[[str], Path]
) -> None:
    """Requirement USR-6: a user is not asked again because Redis does not respond."""
    server = redis_server(find_engine("redis-server"))
    server.start()
    with world(start_service) as around:
        service = around.start(**{contract.ENV_REDIS_URL: server.url})
        around.connect(service, "ada", "key")
        server.stop()
        assert "cannot be used right now" in around.call(service, "ada", "key")["error"]["message"]
